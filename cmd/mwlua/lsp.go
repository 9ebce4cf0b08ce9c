package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/lua"
	"github.com/mwlua/mwlua/lua/luatest"
)

// The files that an editor's Lua server reads.
const (
	definitionsFile = ".mwlua/mwlua.lua"
	testsFile       = ".mwlua/test.lua"
	luarcFile       = ".luarc.json"
	luarc           = `{
  "runtime.version": "Lua 5.1",
  "workspace.library": [".mwlua"],
  "workspace.checkThirdParty": false
}
`
)

// lspCommand makes an editor know the language of configurations.
func lspCommand(status *int) *cobra.Command {
	return &cobra.Command{
		Use:   "lsp-setup [DIRECTORY]",
		Short: "Teach the editors of a directory the keys of a configuration",
		Long: `Write the definitions of all functions and keys beside a configuration (` + definitionsFile + `), those of tests (` + testsFile + `), and
a ` + luarcFile + ` that leads the Lua language server to them. A ` + luarcFile + ` that is there is left alone.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			if err := setUpEditor(dir); err != nil {
				return failed{err}
			}
			*status = exitDone
			return nil
		},
	}
}

func setUpEditor(dir string) error {
	definitions, luarcPath := filepath.Join(dir, definitionsFile), filepath.Join(dir, luarcFile)
	err := os.MkdirAll(filepath.Dir(definitions), 0o755)
	if err == nil {
		err = os.WriteFile(definitions, []byte(lua.Definitions()), 0o644)
	}
	tests := filepath.Join(dir, testsFile)
	if err == nil {
		err = os.WriteFile(tests, []byte(luatest.Definitions()), 0o644)
	}
	if err != nil {
		return fmt.Errorf("cannot write the definitions: %w", err)
	}
	fmt.Println("written:", definitions)
	fmt.Println("written:", tests)
	file, err := os.OpenFile(luarcPath, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		fmt.Printf("%s is there already: add \".mwlua\" to its workspace.library\n", luarcPath)
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", luarcPath, cause(err))
	}
	defer file.Close()
	if _, err := file.WriteString(luarc); err != nil {
		return fmt.Errorf("cannot write %s: %w", luarcPath, cause(err))
	}
	fmt.Println("written:", luarcPath)
	return nil
}
