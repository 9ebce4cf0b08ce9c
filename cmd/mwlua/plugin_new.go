package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/plugins/scaffold"
)

func pluginNewCommand() *cobra.Command {
	var language, dir string
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Write the files of a new plugin",
		Long: `Write the files of a new plugin into the directory NAME, which must not be there yet, and say what to do next. It does something
already, and passes its check.`,
		Example: "  mwlua plugin new budget\n  mwlua plugin new budget --lang python",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("which plugin: write its name")
			}
			if dir == "" {
				dir = args[0]
			}
			next, err := scaffold.New(dir, args[0], language)
			if err != nil {
				return failed{err}
			}
			for _, step := range next {
				fmt.Fprintln(c.OutOrStdout(), step)
			}
			return nil
		},
	}
	c.Flags().StringVar(&language, "lang", "go", "its language: "+strings.Join(scaffold.Languages(), ", "))
	c.Flags().StringVar(&dir, "dir", "", "where to, instead of NAME")
	return c
}
