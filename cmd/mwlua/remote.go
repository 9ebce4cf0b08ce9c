package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/supervisor"
)

// remote is one command that speaks to a running mwlua by its control socket.
type remote struct {
	socket  string
	timeout time.Duration
	noWait  bool
	form    form
	absTime bool

	out, talk io.Writer
	control.Client
}

// answerTimeout is how long mwlua may take for what needs no program. A reload does not hold it up, but for an instant.
const answerTimeout = 30 * time.Second

// remoteCommands are the commands that speak to a running mwlua.
func remoteCommands(status *int) []*cobra.Command {
	commands := []*cobra.Command{
		statusCommand(status), reloadCommand(status), planCommand(status), shutdownCommand(status), signalCommand(status),
	}
	for _, v := range []verb{
		{machine.StartProgram, "start", "starting", "started", "Start programs that do not run",
			"It is done when the program is ready, or, of a one-shot, when it has succeeded. A program that runs already is left alone. What was\n" +
				"stopped by hand is started by reloads again from then on."},
		{machine.StopProgram, "stop", "stopping", "stopped", "Stop programs",
			"It is done when nothing is left of the program, which then stays down, over reloads too, until it is started."},
		{machine.RestartProgram, "restart", "restarting", "restarted", "Stop programs, and start each when it has ended",
			"It is done when the program is ready again, or, of a one-shot, when it has succeeded."},
	} {
		commands = append(commands, v.command(status))
	}
	return append(commands, synonyms(status)...)
}

// flags are those that all of these commands have.
func (r *remote) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&r.socket, "socket", "s", "",
		"the control socket of the mwlua that is meant: `PATH` (default $MWLUA_SOCKET, or control.sock in the runtime directory)")
	f.DurationVar(&r.timeout, "timeout", 0, "give up after this `TIME`, as in 30s (default: no limit to waiting for programs)")
}

func (r *remote) waitFlag(c *cobra.Command) {
	c.Flags().BoolVar(&r.noWait, "no-wait", false, "return as soon as it has begun")
}

func (r *remote) formFlag(c *cobra.Command, forms ...string) {
	r.form.allowed = forms
	c.Flags().VarP(&r.form, "output", "o", "`FORM` of what is printed: "+strings.Join(forms, ", ")+" (default: for people)")
}

// command is what all of these commands do around what they do.
func (r *remote) command(status *int, do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		supervisor.ReleaseSignals()
		r.out, r.talk = c.OutOrStdout(), c.ErrOrStderr()
		if r.timeout < 0 {
			return errors.New("--timeout cannot be negative")
		}
		ctx, cancel := c.Context(), func() {}
		if ctx == nil {
			ctx = context.Background()
		}
		if r.timeout > 0 {
			ctx, cancel = context.WithTimeout(ctx, r.timeout)
		}
		defer cancel()
		path, err := r.find()
		if err == nil {
			r.Client = control.Client{Path: path}
			err = do(ctx, args)
		}
		if errors.As(err, new(usage)) {
			return err
		}
		*status = r.complain(err)
		return nil
	}
}

// usage is an error in the command line.
type usage struct{ error }

// find returns the path of the socket.
func (r *remote) find() (string, error) {
	for _, given := range []string{r.socket, os.Getenv("MWLUA_SOCKET")} {
		if given != "" {
			return given, nil
		}
	}
	dir, err := runtimeDir()
	if err != nil {
		return "", &told{exitUnreachable, fmt.Sprintf("cannot find mwlua's socket: %v", err), "name it by -s PATH or MWLUA_SOCKET"}
	}
	return filepath.Join(dir, "control.sock"), nil
}

// told is an error with its exit status and, where there is something to do, a hint.
type told struct {
	code       int
	text, hint string
}

func (t *told) Error() string { return t.text }

// several are errors of which each is said. The status is that of the first.
type several []error

func (s several) Error() string { return errors.Join(s...).Error() }

// complain says what is wrong, each hint once, and returns the status to exit with.
func (r *remote) complain(err error) int {
	if err == nil {
		return exitDone
	}
	all, ok := err.(several)
	if !ok {
		all = several{err}
	}
	var hints []string
	status := exitDone
	for _, err := range all {
		code, hint := r.judge(err)
		if status == exitDone {
			status = code
		}
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintf(r.talk, "mwlua: error: %s\n", strings.TrimSuffix(line, "\n"))
		}
		if hint != "" && !slices.Contains(hints, hint) {
			hints = append(hints, hint)
		}
	}
	for _, hint := range hints {
		fmt.Fprintf(r.talk, "mwlua: hint: %s\n", hint)
	}
	return status
}

// judge returns the status that err is worth, and what to do about it.
func (r *remote) judge(err error) (code int, hint string) {
	var t *told
	var u *control.Unreachable
	var f *control.Failure
	switch {
	case errors.As(err, &t):
		return t.code, t.hint
	case errors.As(err, &u):
		return exitUnreachable, u.Hint()
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout, "mwlua goes on with what was asked for: mwlua status shows how far it is"
	case !errors.As(err, &f):
		return exitFailed, ""
	}
	codes := map[machine.Why]int{
		machine.WhyNotRunning: exitNotRunning, machine.WhyUnknown: exitUnknown, control.WhyInvalid: exitInvalid,
		control.WhyStrange: exitUnreachable,
	}
	if code, ok := codes[f.Why]; ok {
		return code, f.Hint
	}
	return exitFailed, f.Hint
}

// look is the status of the moment, which does not take long.
func (r *remote) look(ctx context.Context) (control.Status, error) {
	return short(ctx, r, r.Status)
}

// short bounds what needs no program. Who is that slow is not there.
func short[T any](ctx context.Context, r *remote, do func(context.Context) (T, error)) (T, error) {
	quick, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	v, err := do(quick)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = &told{exitUnreachable, fmt.Sprintf("mwlua at %q does not answer within %v", r.Path, answerTimeout),
			"see whether it is stopped (SIGCONT), or the machine too busy"}
	}
	return v, err
}
