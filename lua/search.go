package lua

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mwlua/mwlua/core/program"
)

// search looks for commands as a spawn will, in order to warn early.
type search struct{ known map[string]string }

func newSearch() *search { return &search{known: make(map[string]string)} }

// missing says why the command of spec cannot be run, and "" if nothing speaks against it.
func (s *search) missing(config program.Config, spec program.Spec) string {
	name := spec.Command[0]
	if spec.Chroot != "" { // another world, which may be put there later
		return ""
	}
	if strings.Contains(name, "${") || !strings.HasPrefix(name, "/") && strings.Contains(name, "/") && strings.Contains(spec.Dir, "${") {
		return ""
	}
	if strings.Contains(name, "/") {
		return s.remember(name, spec.Dir, func() string {
			path := name
			if spec.Dir != "" {
				path = beside(spec.Dir, name)
			}
			if obstacle := runnable(path); obstacle != "" {
				return fmt.Sprintf("the command %s %s: install it, or correct the path", quote(name), obstacle)
			}
			return ""
		})
	}
	path := pathOf(config, spec)
	return s.remember(name, path, func() string {
		for _, dir := range strings.Split(path, ":") {
			if runnable(filepath.Join(dir, name)) == "" {
				return ""
			}
		}
		return fmt.Sprintf("the command %s is not found in PATH, %s: install it, or write its whole path", quote(name), quote(path))
	})
}

func (s *search) remember(name, where string, look func() string) string {
	key := name + "\x00" + where
	text, ok := s.known[key]
	if !ok {
		text = look()
		s.known[key] = text
	}
	return text
}

// pathOf is the PATH that spec is spawned with. Without one the C library has a default.
func pathOf(config program.Config, spec program.Spec) string {
	for _, list := range [][]string{spec.Env, config.Env} {
		for _, kv := range list {
			if path, ok := strings.CutPrefix(kv, "PATH="); ok {
				return path
			}
		}
		if spec.WholeEnv {
			break
		}
	}
	return "/bin:/usr/bin"
}

// runnable says what is wrong with a file as a program. Whether the program's own user may run it is not asked.
func runnable(path string) string {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Sprintf("cannot be run, %v", cause(err))
	case info.IsDir():
		return "is a directory"
	case info.Mode()&0o111 == 0:
		return "is not executable"
	}
	return ""
}
