package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/machine"
)

func statusCommand(status *int) *cobra.Command {
	r := new(remote)
	c := &cobra.Command{
		Use:   "status [NAME...]",
		Short: "Say what the programs of a running mwlua do",
		Long: `Say what the programs of a running mwlua do: all of them, or those named. A NAME may be a pattern, as 'web*', or all.

The exit status is 3 if one that was named is not running.`,
		Example: "  mwlua status\n  mwlua status 'web*' -o json",
		RunE:    r.command(status, r.status),
	}
	r.flags(c)
	r.formFlag(c, wideForm, jsonForm, jsonlForm, nameForm)
	c.Flags().BoolVar(&r.absTime, "abs-time", false, "print times instead of durations")
	return c
}

func (r *remote) status(ctx context.Context, words []string) error {
	s, err := r.look(ctx)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		r.remark(s.Supervisor)
	} else if s.Programs, err = targets(s, words); err != nil {
		return err
	}
	r.printStatus(s)
	var down several
	for _, p := range s.Programs {
		if len(words) > 0 && p.Phase != string(machine.Running) {
			down = append(down, &told{code: exitNotRunning, text: fmt.Sprintf("%s is not running", readable(p.Name))})
		}
	}
	if len(down) > 0 {
		return down
	}
	return nil
}

// remark says what is special about mwlua itself.
func (r *remote) remark(s control.Supervisor) {
	switch {
	case s.Stopping != "":
		fmt.Fprintf(r.talk, "mwlua: mwlua (pid %d) is stopping\n", s.PID)
	case s.Reloading != "":
		fmt.Fprintf(r.talk, "mwlua: mwlua (pid %d) is reloading (%s)\n", s.PID, s.Reloading)
	case s.FailedLoads > 0:
		fmt.Fprintf(r.talk, "mwlua: %s failed since the configuration in force was loaded\n", count(s.FailedLoads, "reload"))
	}
}

func (r *remote) printStatus(s control.Status) {
	if printJSON(r, s, s.Programs) {
		return
	}
	if r.form.chosen == nameForm {
		for _, p := range s.Programs {
			fmt.Fprintln(r.out, readable(p.Name))
		}
		return
	}
	since := "UPTIME"
	if r.absTime {
		since = "SINCE"
	}
	t := table{header: []string{"NAME", "STATE", "PID", since, "STARTS"}}
	if r.form.chosen == wideForm {
		t.header = append(t.header, "INSTANCE", "RESTARTS", "FAILURES", "LOAD", "FORMER")
	}
	t.header = append(t.header, "DETAIL")
	for _, p := range s.Programs {
		t.rows = append(t.rows, r.row(p))
	}
	t.print(r.out)
}

func (r *remote) row(p control.Program) []cell {
	word, paint := stateOf(p)
	pid, since, instance, load := "", "", "", ""
	if p.Instance != nil {
		if p.PID != 0 {
			pid = strconv.Itoa(p.PID)
		}
		since, instance, load = r.since(p.Since, p.Uptime), readable(p.ID), strconv.FormatUint(p.Generation, 10)
	}
	row := []cell{{text: readable(p.Name)}, {word, paint}, {text: pid}, {text: since}, {text: strconv.FormatUint(p.Starts, 10)}}
	if r.form.chosen == wideForm {
		row = append(row, cell{text: instance}, cell{text: strconv.Itoa(p.Restarts)}, cell{text: strconv.Itoa(p.Failures)},
			cell{text: load}, cell{text: strconv.Itoa(len(p.Former))})
	}
	return append(row, cell{r.detail(p), faint})
}

// stateOf is what a program does, in a word.
func stateOf(p control.Program) (string, colour) {
	switch {
	case p.Phase == string(machine.Failed):
		return p.Phase, red
	case p.Phase == string(machine.Waiting):
		return p.Phase, yellow
	case p.Held && p.Instance == nil:
		return "stopped", faint
	case p.Instance != nil && p.Step == string(machine.Spawning):
		return "starting", yellow
	case p.Instance != nil && p.Step != string(machine.Started):
		return p.Step, yellow
	case p.Phase == string(machine.Running):
		return p.Phase, green
	}
	return p.Phase, faint
}

// detail is what else there is to know of a program.
func (r *remote) detail(p control.Program) string {
	var parts []string
	if p.NextIn != nil {
		parts = append(parts, "starts "+r.in(*p.NextStart, *p.NextIn))
	}
	if e := p.LastExit; e != nil && p.Instance == nil {
		parts = append(parts, ending(e)+" "+r.ago(e.At, e.Ago))
	}
	if p.Failures > 1 {
		parts = append(parts, fmt.Sprintf("%d failures in a row", p.Failures))
	}
	if p.Instance != nil && p.DeadlineIn != nil {
		parts = append(parts, harder(*p.Instance)+" "+r.in(*p.Deadline, *p.DeadlineIn))
	}
	switch n := len(p.Former); {
	case n == 1:
		parts = append(parts, fmt.Sprintf("%s (pid %d) is %s", readable(p.Former[0].ID), p.Former[0].PID, p.Former[0].Step))
	case n > 1:
		parts = append(parts, fmt.Sprintf("%d former instances", n))
	}
	return strings.Join(parts, ", ")
}

// harder is what happens to an instance at its deadline.
func harder(in control.Instance) string {
	if in.Step == string(machine.Stopping) {
		return "killed"
	}
	return "stopped"
}

func ending(e *control.Exit) string {
	switch {
	case e.Signal != "":
		return "ended by " + e.Signal
	case e.Code != nil:
		return fmt.Sprintf("ended with %d", *e.Code)
	}
	return "ended"
}

func (r *remote) since(at time.Time, seconds float64) string {
	if r.absTime {
		return at.Format(time.RFC3339)
	}
	return duration(seconds)
}

func (r *remote) ago(at time.Time, seconds float64) string {
	if r.absTime {
		return "at " + at.Format(time.RFC3339)
	}
	return duration(seconds) + " ago"
}

func (r *remote) in(at time.Time, seconds float64) string {
	if r.absTime {
		return "at " + at.Format(time.RFC3339)
	}
	return "in " + duration(seconds)
}

// duration is a time in its two largest units.
func duration(seconds float64) string {
	n := int64(max(seconds, 0))
	switch {
	case n < 60:
		return fmt.Sprintf("%ds", n)
	case n < 3600:
		return fmt.Sprintf("%dm%ds", n/60, n%60)
	case n < 86400:
		return fmt.Sprintf("%dh%dm", n/3600, n%3600/60)
	}
	return fmt.Sprintf("%dd%dh", n/86400, n%86400/3600)
}
