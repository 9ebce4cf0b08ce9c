package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/journal"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/supervisor"
)

func runCommand(status *int) *cobra.Command {
	var s sources
	c := &cobra.Command{
		Use:   "run FILE.lua... [-haproxy FILE]... [-- FILE...]",
		Short: "Start the programs of a configuration and supervise them",
		Long: `Start the programs of a configuration and supervise them, in the foreground or, with -D, in the background.

SIGUSR2 and SIGHUP reload the configuration, SIGTERM and SIGINT stop every program and leave, SIGUSR1 asks every program
to finish (SIGUSR1) and leaves when all have.`,
		Example: "  mwlua run /etc/mwlua/mwlua.lua\n  mwlua run -haproxy /etc/haproxy/haproxy.cfg\n  mwlua run -W -D -f /etc/haproxy/haproxy.cfg -p /run/mwlua.pid -log-file /var/log/mwlua.log",
		RunE: s.command(status, func(c *cobra.Command) (int, error) {
			if s.checks {
				return s.check()
			}
			return s.supervise(c)
		}),
	}
	s.flags(c)
	return c
}

func checkCommand(status *int) *cobra.Command {
	var s sources
	c := &cobra.Command{
		Use:     "check FILE.lua... [-haproxy FILE]... [-- FILE...]",
		Short:   "Say what is wrong with a configuration, and start nothing",
		Long:    "Say what is wrong with a configuration, and start nothing. Takes the flags of run.",
		Example: "  mwlua check -haproxy /etc/haproxy/haproxy.cfg",
		RunE:    s.command(status, func(*cobra.Command) (int, error) { return s.check() }),
	}
	s.flags(c)
	return c
}

// command is what run and check do before they differ. Everything relative comes after enter.
func (s *sources) command(status *int, do func(*cobra.Command) (int, error)) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		if s.version {
			fmt.Printf("mwlua version %s\n", version)
			return nil
		}
		if err := s.read(c, args); err != nil {
			return err
		}
		if s.silent(false) && s.image == firstImage {
			if err := toNull(1, 2); err != nil {
				return failed{err}
			}
		}
		if err := s.placeJournal(c); err != nil {
			return err
		}
		if err := s.enter(); err != nil {
			return err
		}
		collectLate()
		err := s.listen()
		if err == nil {
			*status, err = do(c)
		}
		return err
	}
}

// supervise is the life of a master, or of the launcher of one.
func (s *sources) supervise(c *cobra.Command) (int, error) {
	if s.detaches() && s.image == firstImage {
		markImage(c, daemonImage)
		return s.launch()
	}
	markImage(c, nextImage)
	var unopened error
	if s.image != daemonImage { // its launcher has done it
		unopened = s.openLog()
	}
	if unopened != nil && s.image == firstImage {
		return 0, failed{unopened}
	}
	if err := s.checkJournal(); err != nil {
		return 0, s.toLauncher(err)
	}
	if err := s.employ(os.Getpid()); err != nil {
		return 0, s.toLauncher(err)
	}
	if s.worker != nil {
		defer s.worker.clean()
	}
	out := &output{own: os.Stderr}
	o := s.masterOptions(out)
	if unopened != nil {
		o.Log.Warn("%v; what was standard output and error stays it", unopened)
	}
	status, err := supervisor.Run(o)
	if err != nil {
		o.Log.Flush() // then out is ours
		fmt.Fprintf(out, "mwlua: error: %v\n", err)
	}
	return status, nil
}

// toLauncher returns err, and tells the launcher of a daemon, where there is one: this is before the log does.
func (s *sources) toLauncher(err error) error {
	if s.image == daemonImage {
		fmt.Fprintf(os.NewFile(launcherFD, "launcher"), "mwlua: error: %v\n", err)
	}
	return err
}

// loader is what a supervisor calls for every load.
type loader func(run supervisor.Runner, use bool) (program.Config, program.Problems)

func (s *sources) options(log *supervisor.Log, load loader) supervisor.Options {
	o := supervisor.Options{
		Load: load, Log: log, Args: os.Args[1:], TrialArgs: []string{"trial"}, Version: version,
		MasterCLI: s.masterCLI, HAProxyVersion: func() string { return s.release },
	}
	if s.worker != nil {
		o.HAProxy = s.worker.haproxy()
		o.HAProxyVersion = func() string { return cmp.Or(s.release, s.worker.release()) }
	}
	return o
}

func (s *sources) masterOptions(out *output) supervisor.Options {
	self := []int{os.Getpid()}
	if s.image == daemonImage {
		syscall.CloseOnExec(launcherFD)
		out.launcher = os.NewFile(launcherFD, "launcher")
		self = append(self, os.Getppid())
	}
	log := supervisor.NewLog(out, s.format())
	s.code = &code{options: s.luaOptions, say: log.Say}
	o := s.options(log, func(run supervisor.Runner, use bool) (program.Config, program.Problems) {
		config, problems := s.loadAlone(run, use, self...)
		if s.image != nextImage {
			problems = firstTrial(s.code).try(config, problems)
		}
		if use && len(problems.Errors()) == 0 {
			s.tune(log, config.Settings)
			if err := s.settle(out, config.Quiet); err != nil {
				problems = append(problems, program.Problem{Text: fmt.Sprintf("cannot use %s: %v", os.DevNull, err)})
			}
		}
		return config, problems
	})
	o.Code = s.code
	o.Journal = journal.File{Path: s.journal, Size: int64(s.journalSize)}
	o.Ready = func() {
		log.Flush() // the launcher is told all of the load
		out.ready()
	}
	return o
}

// format is the form of log lines before the configuration says something about it.
func (s *sources) format() supervisor.Format {
	switch {
	case s.logFormat != "":
		return supervisor.Format(s.logFormat)
	case len(s.haproxy) > 0:
		return supervisor.HAProxyFormat
	}
	return supervisor.TextFormat
}

// tune has the log follow the configuration. The command line wins.
func (s *sources) tune(log *supervisor.Log, settings program.Settings) {
	if s.logFormat == "" && settings.LogFormat != "" {
		log.SetFormat(supervisor.Format(settings.LogFormat))
	}
	log.SetLevel(settings.LogLevel)
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
			run := &cobra.Command{Use: "run", RunE: func(c *cobra.Command, args []string) error {
				collectLate()
				if err := s.read(c, args); err != nil {
					return err
				}
				if err := s.listen(); err != nil {
					return err
				}
				if err := s.employ(os.Getppid()); err != nil {
					return err
				}
				*status = supervisor.Trial(s.trialOptions())
				return nil
			}}
			s.flags(run)
			root.AddCommand(run)
			root.SetArgs(args)
			return root.Execute()
		},
	}
}

// trialOptions are those of a process that lives beside the master, which is its parent.
func (s *sources) trialOptions() supervisor.Options {
	log := supervisor.NewLog(os.Stderr, s.format())
	return s.options(log, func(run supervisor.Runner, use bool) (program.Config, program.Problems) {
		config, problems := s.loadAlone(run, use, os.Getppid())
		return config, reloadTrial(config).try(config, problems)
	})
}

// check has the exit status of `haproxy -c` (H-1.19), but for its 2 of valid files without a listener: a master of 2.6 has one
// of its own, so it never comes there.
func (s *sources) check() (int, error) {
	supervisor.ReleaseSignals()
	if err := s.employ(0); err != nil {
		return 0, err
	}
	if s.worker != nil {
		defer s.worker.clean()
		defer s.worker.cleanAtStop()()
	}
	s.checks = true
	config, problems := s.load(supervisor.RunAlone, false)
	problems = checkTrial().try(config, problems)
	if s.silent(config.Quiet) {
		if len(problems.Errors()) > 0 {
			return exitFailed, nil
		}
		return exitDone, nil
	}
	tell(problems)
	switch {
	case len(problems.Errors()) > 0:
		return s.invalid(), nil
	case s.verbose:
		fmt.Println("Configuration file is valid") // as HAProxy says it
	default:
		n := len(config.Programs)
		if s.worker != nil {
			n-- // HAProxy
		}
		fmt.Printf("the configuration is valid: %d programs\n", n)
	}
	return exitDone, nil
}

// invalid is the status for a configuration that cannot be used: HAProxy's for its files, and one of our own.
func (s *sources) invalid() int {
	if len(s.lua) > 0 {
		return exitInvalid
	}
	return exitFailed
}

// tell says what is wrong with a configuration.
func tell(problems program.Problems) {
	for _, p := range problems {
		severity := "error"
		if p.Warning {
			severity = "warning"
		}
		fmt.Fprintf(os.Stderr, "mwlua: %s: %v\n", severity, p)
	}
}
