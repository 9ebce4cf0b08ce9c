package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/plugins/host"
)

// call is what a plugin is asked by hand.
type call struct {
	subject
	event   policy.Event
	reason  string
	def     string
	state   string
	timeout time.Duration
}

func pluginCallCommand() *cobra.Command {
	var q call
	c := &cobra.Command{
		Use:   "call PATH",
		Short: "Ask a plugin what follows an exit that there was not",
		Long: `Ask a plugin what follows an exit that there was not, and print its verdict: the action, after what delay, with what exit code, and
why. A line that begins with "state" is what it wants to have again; give it back with --state.`,
		Example: "  mwlua plugin call ./mwlua-plugin-budget --config '{\"max_restarts\":5}' --program web --code 1 --total-restarts 5",
		RunE: func(c *cobra.Command, args []string) error {
			if text := q.wrong(); text != "" {
				return errors.New(text)
			}
			return q.with(c, args, func(ctx context.Context, run *host.Run, declared program.Plugin) error {
				return q.ask(ctx, c, run, declared)
			})
		},
	}
	q.flags(c)
	f := c.Flags()
	f.StringVar(&q.event.Program, "program", "web", "the program that ended")
	f.IntVar(&q.event.Code, "code", 1, "its exit code")
	f.IntVar(&q.event.Signal, "signal", 0, "the number of the signal that killed it; 0 means none")
	f.StringVar(&q.reason, "reason", string(policy.Exited), "how it ended")
	f.Uint64Var(&q.event.Seq, "seq", 1, "which instance of the program it was")
	f.DurationVar(&q.event.Ran, "uptime", time.Second, "how long it ran")
	f.IntVar(&q.event.Failures, "failures", 1, "how many times in a row it failed")
	f.Uint64Var(&q.event.TotalRestarts, "total-restarts", 0, "how many times it was restarted in all")
	f.BoolVar(&q.event.OOM, "oom", false, "the kernel killed it for want of memory")
	f.StringVar(&q.def, "default", string(policy.Restart), "what the declared policy says")
	f.StringVar(&q.state, "state", "", "what the plugin's last verdict about the program left")
	f.DurationVar(&q.timeout, "timeout", 2*time.Second, "for the verdict")
	return c
}

// wrong says what is wrong with the flags; "" means nothing.
func (q *call) wrong() string {
	v := policy.Verdict{Do: policy.Do(q.def)}
	switch {
	case v.Check() != "":
		return "--default: " + v.Check()
	case q.timeout <= 0 || q.timeout > policy.MaxDeadline:
		return fmt.Sprintf("--timeout: must be more than 0s and at most %v", policy.MaxDeadline)
	case q.event.Ran < 0:
		return "--uptime: cannot be negative"
	}
	return ""
}

func (q *call) ask(ctx context.Context, c *cobra.Command, run *host.Run, declared program.Plugin) error {
	hostname, _ := os.Hostname() // "" is one that is not known
	if err := run.Configure(ctx, declared.Config, nil, host.Asker{Version: version, Hostname: hostname}); err != nil {
		return fmt.Errorf("cannot ask it: %w", err)
	}
	q.event.Reason, q.event.Default = policy.Reason(q.reason), policy.Verdict{Do: policy.Do(q.def)}
	q.event.ID, q.event.Kind = "by-hand/1", kindService
	q.event.Instance = fmt.Sprintf("%s#%d", q.event.Program, q.event.Seq)
	q.event.Time = time.Duration(time.Now().UnixNano())
	ctx, cancel := context.WithTimeoutCause(ctx, q.timeout, fmt.Errorf("no verdict within %v", q.timeout))
	defer cancel()
	v, state, err := run.OnExit(ctx, q.event, []byte(q.state))
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("no verdict: %w", err)
	}
	fmt.Fprintln(c.OutOrStdout(), verdictText(v))
	if len(state) > 0 {
		fmt.Fprintf(c.OutOrStdout(), "state %s\n", printable(string(state)))
	}
	return nil
}

// verdictText is a verdict as in `restart after 5s: attempt 3`.
func verdictText(v policy.Verdict) string {
	text := string(v.Do)
	if v.Delay > 0 {
		text += fmt.Sprintf(" after %v", v.Delay)
	}
	if v.ExitCode != 0 {
		text += fmt.Sprintf(" with exit code %d", v.ExitCode)
	}
	if v.Reset {
		text += ", and failures are counted anew"
	}
	if v.Reason != "" {
		text += ": " + printable(v.Reason)
	}
	return text
}

// printable is text as it is, unless a terminal would obey it.
func printable(text string) string {
	if strings.ContainsFunc(text, func(c rune) bool { return c == utf8.RuneError || !unicode.IsPrint(c) }) {
		return strconv.Quote(text)
	}
	return text
}
