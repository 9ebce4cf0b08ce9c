package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/journal"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/supervisor"
	"github.com/mwlua/mwlua/lua"
)

// replay is one run of the command.
type replay struct {
	sources
	form      form
	out, talk io.Writer
}

func replayCommand(status *int) *cobra.Command {
	r := &replay{form: form{allowed: []string{jsonForm}}}
	c := &cobra.Command{
		Use:   "replay JOURNAL [FILE.lua...] [-haproxy FILE]...",
		Short: "Run recorded events again, under another configuration if one is given",
		Long: `Run what mwlua run -journal JOURNAL has recorded again: nothing is started, and time passes at once. Without a configuration the
verdicts on all exits must come out as they did. With one, its policies and functions say what follows each exit, and the first
verdict that differs is printed.

The exit status is 0 when the verdicts are the same, 1 when one differs or the journal cannot be read, and 6 when the configuration
cannot be used.`,
		Example: "  mwlua replay /var/log/mwlua.journal\n  mwlua replay /var/log/mwlua.journal new.lua\n  mwlua replay /var/log/mwlua.journal -haproxy haproxy.cfg",
		RunE: func(c *cobra.Command, args []string) (err error) {
			supervisor.ReleaseSignals()
			r.out, r.talk = c.OutOrStdout(), c.ErrOrStderr()
			if err := r.readArgs(c, args); err != nil {
				return err
			}
			*status, err = r.run(args[0])
			return err
		},
	}
	f := c.Flags()
	f.StringArrayVarP(&r.haproxy, "haproxy", "f", nil, "an haproxy.cfg, or a directory of *.cfg: `PATH`; may be repeated")
	f.StringVar(&r.release, "haproxy-version", "", "conditions are answered for this `RELEASE` of HAProxy")
	f.StringArrayVar(&r.exits.plugins, "plugin", nil, "a plugin for -exit-policy, which is not started: `NAME=PATH`[,sha256=HEX][,config=FILE]; may be repeated")
	f.StringArrayVar(&r.exits.asked, "exit-policy", nil, "this plugin decides what follows an exit of the program: `PROGRAM=NAME`; may be repeated")
	f.VarP(&r.form, "output", "o", "`FORM` of what is printed: json (default: for people)")
	return c
}

// readArgs says what is wrong with the command line. The first word is the journal.
func (r *replay) readArgs(c *cobra.Command, args []string) error {
	dash := c.ArgsLenAtDash()
	if dash < 0 {
		dash = len(args)
	}
	switch {
	case dash == 0:
		return errors.New("replay what: name the FILE of mwlua run -journal FILE")
	case len(args)+len(r.haproxy) > 1:
		return r.readFiles(c, args[1:dash], args[dash:])
	case r.exits.given():
		return errors.New("-plugin and -exit-policy: there is no haproxy.cfg: name one with -haproxy FILE")
	}
	return nil
}

// run replays a journal.
func (r *replay) run(path string) (int, error) {
	in, err := journal.Open(path)
	if err != nil {
		return 0, failed{err}
	}
	defer in.Close()
	conf, close, err := r.conf()
	if err != nil {
		for _, line := range errorLines(err) {
			fmt.Fprintf(r.talk, "mwlua: error: %s\n", line)
		}
		return exitInvalid, nil
	}
	defer close()
	result, err := journal.Replay(in, conf)
	if errors.Is(err, journal.ErrEmpty) {
		err = fmt.Errorf("%s: %w: it has something once mwlua run -journal %s is up", path, err, path)
	}
	if err != nil {
		return 0, failed{err}
	}
	r.print(result)
	if result.Difference != nil {
		return exitFailed, nil
	}
	return exitDone, nil
}

// conf loads the configuration that is given, as a master would: its functions are called. close ends them.
func (r *replay) conf() (c journal.Conf, close func(), err error) {
	if len(r.lua)+len(r.haproxy) == 0 {
		return c, func() {}, nil
	}
	r.checks = true
	r.code = &code{say: func(level, text string) { fmt.Fprintf(r.talk, "mwlua: %s: %s\n", level, text) }}
	config, problems := r.load(supervisor.RunAlone, true)
	handlers := r.code.loaded
	if failed := problems.Errors(); len(failed) > 0 {
		return c, nil, failed
	}
	for _, w := range problems.Warnings() {
		fmt.Fprintf(r.talk, "mwlua: warning: %v\n", w)
	}
	if failed := program.Problems(config.Validate()).Errors(); len(failed) > 0 {
		return c, nil, failed
	}
	close = func() {
		if handlers != nil {
			handlers.Close()
		}
	}
	return journal.Conf{Config: &config, Decide: decideBy(handlers)}, close, nil
}

// decideBy has handlers decide.
func decideBy(handlers *lua.Handlers) func(program.Decider, policy.Event, time.Duration) (policy.Verdict, []byte, error) {
	return func(by program.Decider, ev policy.Event, limit time.Duration) (policy.Verdict, []byte, error) {
		if handlers == nil {
			return policy.Verdict{}, nil, errNoHandlers
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		return handlers.Decide(ctx, by.Name, ev)
	}
}

// errorLines are the problems of a configuration.
func errorLines(err error) (lines []string) {
	var problems program.Problems
	if !errors.As(err, &problems) {
		return []string{err.Error()}
	}
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	return lines
}
