package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/compat/haproxycfg"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/supervisor"
)

// sources is where a configuration comes from.
type sources struct {
	haproxy   []string // haproxy.cfg files, in order
	logFormat string
}

func (s *sources) flags(c *cobra.Command) {
	c.Flags().StringArrayVar(&s.haproxy, "haproxy", nil, "an haproxy.cfg, or a directory of *.cfg; may be repeated")
	c.Flags().StringVar(&s.logFormat, "log-format", "haproxy", "form of log lines: haproxy or text")
}

// check says what is wrong with the command line.
func (s *sources) check() error {
	if len(s.haproxy) == 0 {
		return errors.New("no configuration: name one with -haproxy FILE")
	}
	if s.logFormat != string(supervisor.HAProxyFormat) && s.logFormat != string(supervisor.TextFormat) {
		return fmt.Errorf("--log-format: unknown format %q (haproxy or text)", s.logFormat)
	}
	return nil
}

func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q: every file needs a -haproxy before it", args[0])
	}
	return nil
}

// load reads the configuration. The environment is the one that we were started with, at every load (T-20).
func (s *sources) load(supervisor.Runner) (program.Config, program.Problems) {
	return haproxycfg.Load(haproxycfg.Options{Files: s.haproxy, Env: os.Environ()})
}

func (s *sources) options() supervisor.Options {
	return supervisor.Options{
		Load:      s.load,
		Log:       supervisor.NewLog(os.Stderr, supervisor.Format(s.logFormat)),
		Args:      os.Args[1:],
		TrialArgs: []string{"trial"},
		Version:   version,
	}
}

func runCommand(status *int) *cobra.Command {
	var s sources
	c := &cobra.Command{
		Use:   "run -haproxy FILE...",
		Short: "Start the programs of a configuration and supervise them",
		Long: `Start the programs of a configuration and supervise them, in the foreground.

SIGUSR2 and SIGHUP reload the configuration, SIGTERM and SIGINT stop every program and leave, SIGUSR1 asks every program
to finish (SIGUSR1) and leaves when all have.`,
		Example: "  mwlua run -haproxy /etc/haproxy/haproxy.cfg",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) (err error) {
			if err := s.check(); err != nil {
				return err
			}
			*status, err = supervise(s.options())
			return err
		},
	}
	s.flags(c)
	return c
}

func supervise(o supervisor.Options) (int, error) {
	status, err := supervisor.Run(o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "mwlua: error: %v\n", err)
	}
	return status, nil
}

// trialCommand is what a reload runs first; its arguments are those of the command that reloads.
func trialCommand(status *int) *cobra.Command {
	return &cobra.Command{
		Use:                "trial COMMAND...",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			var s sources
			root := &cobra.Command{Use: "mwlua", SilenceErrors: true, SilenceUsage: true, RunE: func(*cobra.Command, []string) error {
				return errors.New("trial is for mwlua's own use, at a reload")
			}}
			run := &cobra.Command{Use: "run", Args: noArguments, RunE: func(*cobra.Command, []string) error {
				if err := s.check(); err != nil {
					return err
				}
				*status = supervisor.Trial(s.options())
				return nil
			}}
			s.flags(run)
			root.AddCommand(run)
			root.SetArgs(args)
			return root.Execute()
		},
	}
}

func checkCommand(status *int) *cobra.Command {
	var s sources
	c := &cobra.Command{
		Use:     "check -haproxy FILE...",
		Short:   "Say what is wrong with a configuration, and start nothing",
		Example: "  mwlua check -haproxy /etc/haproxy/haproxy.cfg",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			if err := s.check(); err != nil {
				return err
			}
			supervisor.ReleaseSignals()
			*status = check(func() (program.Config, program.Problems) { return s.load(nil) })
			return nil
		},
	}
	s.flags(c)
	return c
}

func check(load func() (program.Config, program.Problems)) int {
	config, problems := load()
	for _, p := range problems {
		severity := "error"
		if p.Warning {
			severity = "warning"
		}
		fmt.Fprintf(os.Stderr, "mwlua: %s: %v\n", severity, p)
	}
	if len(problems.Errors()) > 0 {
		return exitFailed
	}
	fmt.Printf("the configuration is valid: %d programs\n", len(config.Programs))
	return exitDone
}
