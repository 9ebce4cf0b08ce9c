package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/supervisor"
)

func planCommand(status *int) *cobra.Command {
	r := new(remote)
	var haproxy []string
	c := &cobra.Command{
		Use:   "plan [FILE.lua...] [-haproxy FILE]...",
		Short: "Say what a reload, or a start with files, would do",
		Long: `Say what a reload of the running mwlua would do, each change with its reason. Nothing is changed. If the configuration cannot
be used, the exit status is 6. With files, say what a start with them would do; then no mwlua need run.`,
		Example: "  mwlua plan\n  mwlua plan -o json\n  mwlua plan mwlua.lua",
		RunE: r.command(status, func(ctx context.Context, args []string) error {
			if len(args)+len(haproxy) > 0 {
				return r.planStart(args, haproxy)
			}
			return r.plan(ctx)
		}),
	}
	c.Flags().StringArrayVar(&haproxy, "haproxy", nil, "an haproxy.cfg, or a directory of *.cfg: `PATH`; may be repeated")
	r.flags(c)
	r.formFlag(c, wideForm, jsonForm, jsonlForm, nameForm)
	return c
}

// planStart is what a mwlua that knows nothing yet would do with these files.
func (r *remote) planStart(luaFiles, haproxy []string) error {
	s := sources{lua: luaFiles, haproxy: haproxy, checks: true}
	config, problems := s.load(supervisor.RunAlone, false)
	if failed := problems.Errors(); len(failed) > 0 {
		return &told{s.invalid(), failed.Error(), "nothing was changed; correct that"}
	}
	p := control.NewPlan(machine.New(0).Plan(config), problems)
	r.warn(p.Problems)
	r.printChanges(p, p.Changes)
	return nil
}

func (r *remote) plan(ctx context.Context) error {
	p, err := r.Plan(ctx)
	var f *control.Failure
	switch {
	case errors.As(err, &f) && f.Why == control.WhyInvalid:
		r.warn(f.Problems)
		return err
	case err != nil:
		return r.late(err, "the plan")
	}
	r.warn(p.Problems)
	r.printChanges(p, p.Changes)
	return nil
}

// warn says what is wrong with a configuration that can be used.
func (r *remote) warn(problems []control.Problem) {
	for _, p := range problems {
		if p.Warning {
			fmt.Fprintf(r.talk, "mwlua: warning: %v\n", p)
		}
	}
}

func reloadCommand(status *int) *cobra.Command {
	r := new(remote)
	hard := false
	c := &cobra.Command{
		Use:   "reload",
		Short: "Have mwlua read its configuration again, and replace what changed",
		Long: `Have the running mwlua read its configuration again and carry out what "mwlua plan" says, and wait until that is done. If the
configuration cannot be used, nothing changes, and the exit status is 6.`,
		Example: "  mwlua reload",
		RunE:    r.command(status, func(ctx context.Context, args []string) error { return r.reload(ctx, args, hard) }),
	}
	r.flags(c)
	r.waitFlag(c)
	r.formFlag(c, wideForm, jsonForm, jsonlForm, nameForm)
	c.Flags().BoolVar(&hard, "hard", false, "what is replaced or removed gets SIGTERM instead of its reload signal")
	return c
}

func (r *remote) reload(ctx context.Context, args []string, hard bool) error {
	if len(args) > 0 {
		return usage{fmt.Errorf("unexpected argument %q: a reload is of all programs; mwlua restart %s starts that one again", args[0],
			shellWord(args[0]))}
	}
	if r.noWait {
		if _, err := r.BeginReload(ctx, hard); err != nil {
			return r.late(err, "an answer")
		}
		r.self("reloading")
		return nil
	}
	stop := r.whileWaiting(ctx, func(s control.Status) []string {
		if s.Supervisor.Reloading == "" {
			return nil
		}
		return []string{fmt.Sprintf("the reload (%s)", strings.Join(append([]string{s.Supervisor.Reloading}, beingStarted(s)...), ", "))}
	})
	result, err := r.Reload(ctx, hard)
	stop()
	if err != nil {
		return r.late(r.invalid(err), "the reload")
	}
	if result.Text != "" {
		fmt.Fprintf(r.talk, "mwlua: %s\n", strings.ReplaceAll(result.Text, "\n", "\nmwlua: "))
	}
	r.printChanges(result, result.Changes)
	return nil
}

// beingStarted describes some of those that a reload may wait for.
func beingStarted(s control.Status) []string {
	var texts []string
	for _, p := range s.Programs {
		starts := p.Phase == string(machine.Blocked) || p.Next != nil || p.Instance != nil && !p.Ready
		if s.Supervisor.Reloading == string(machine.Starting) && starts {
			texts = append(texts, laggard(s, p)...)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return []string{few(texts)}
}

// invalid finds out whether the configuration is why a reload failed.
func (r *remote) invalid(err error) error {
	var f, plan *control.Failure
	if !errors.As(err, &f) || f.Why != machine.WhyFailed {
		return err
	}
	_, planned := short(context.Background(), r, r.Plan)
	if errors.As(planned, &plan) && plan.Why == control.WhyInvalid {
		return &told{exitInvalid, f.Text, f.Hint}
	}
	return err
}

// late says what took too long, if that is what err is.
func (r *remote) late(err error, what string) error {
	if errors.Is(err, context.DeadlineExceeded) {
		_, hint := r.judge(err)
		return &told{exitTimeout, fmt.Sprintf("timed out after %v, waiting for %s", r.timeout, what), hint}
	}
	return err
}

// printChanges prints what a load does, or has done; whole is it in JSON. Programs that stay as they are wait for -o wide.
func (r *remote) printChanges(whole any, changes []control.Change) {
	if printJSON(r, whole, changes) {
		return
	}
	t := table{header: []string{"CHANGE", "NAME", "SIGNAL", "REASON"}}
	kept, names := map[string]bool{}, map[string]bool{}
	for _, c := range changes {
		if c.Do == string(machine.KeepIt) && c.Signal == "" && !c.Itself {
			kept[c.Name] = true
			if r.form.chosen != wideForm {
				continue
			}
		}
		if r.form.chosen == nameForm {
			if !names[c.Name] {
				fmt.Fprintln(r.out, readable(c.Name))
			}
			names[c.Name] = true
			continue
		}
		t.add(cell{c.Do, changeColour(c.Do)}, cell{text: machine.ID{Program: readable(c.Name), Slot: c.Slot}.SlotName()}, cell{text: c.Signal}, cell{c.Reason, faint})
	}
	if len(t.rows) > 0 {
		t.print(r.out)
	}
	if r.form.chosen == "" {
		fmt.Fprintf(r.talk, "mwlua: %s\n", summary(len(t.rows), len(kept)))
	}
}

func changeColour(do string) colour {
	switch machine.ChangeKind(do) {
	case machine.StartIt:
		return green
	case machine.ReplaceIt:
		return yellow
	case machine.RemoveIt:
		return red
	}
	return faint
}

func summary(changed, kept int) string {
	if changed == 0 {
		return fmt.Sprintf("no changes, %s kept", count(kept, "program"))
	}
	return fmt.Sprintf("%s, %s kept", count(changed, "change"), count(kept, "program"))
}

// count is n of what a word names.
func count(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}
