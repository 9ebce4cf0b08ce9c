package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/supervisor"
	"github.com/mwlua/mwlua/lua"
)

func convertCommand(status *int) *cobra.Command {
	var s sources
	c := &cobra.Command{
		Use:   "convert -haproxy FILE... [-- FILE...]",
		Short: "Print the Lua configuration that does what an haproxy.cfg does",
		Long: `Print the Lua configuration that does what an haproxy.cfg does, and start nothing.

It is printed as a whole or not at all: what Lua cannot say is an error. What the file takes from the environment, and the
answers of its conditions, are those of now. Takes the flags of run; those about the command line, such as -S and -D, are to be
given to run again.`,
		Example: "  mwlua convert -haproxy /etc/haproxy/haproxy.cfg >/etc/mwlua/mwlua.lua",
		RunE: func(c *cobra.Command, args []string) error {
			silent := s.silent(false)
			s.quiet = false // standard output is what it is all about
			return s.command(status, func(*cobra.Command) (int, error) { return s.convert(silent) })(c, args)
		},
	}
	s.flags(c)
	return c
}

func (s *sources) convert(silent bool) (int, error) {
	switch {
	case len(s.haproxy) == 0:
		return 0, errors.New("no haproxy.cfg: name one with -haproxy FILE or -f FILE")
	case s.withHAProxy != "":
		return 0, errors.New("-with-haproxy: only the programs are converted: leave it out, and name HAProxy's release with -haproxy-version")
	}
	supervisor.ReleaseSignals()
	s.checks, s.masterCLI = true, nil // run is given -S again
	config, problems := s.load(supervisor.RunAlone, false)
	text := ""
	if len(problems.Errors()) == 0 {
		written, unsaid := lua.Write(config, lua.Options{Env: inheritable(os.Environ())})
		text, problems = written, append(problems, unsaid...)
	}
	if !silent {
		tell(problems)
	}
	if len(problems.Errors()) > 0 {
		return s.invalid(), nil
	}
	if _, err := fmt.Print(text); err != nil {
		return 0, failed{fmt.Errorf("cannot write the configuration: %v", cause(err))}
	}
	return exitDone, nil
}

// inheritable is env without the master CLI of who started us, of which nothing is to be said.
func inheritable(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool { return strings.HasPrefix(kv, "HAPROXY_MASTER_CLI=") })
}
