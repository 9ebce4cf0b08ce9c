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

The exit status is 3 if one that was named is not running. A one-shot that has succeeded and a cron that waits for its time are as they
should be.`,
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
		r.remark(s)
	} else if s.Programs, err = targets(s, words); err != nil {
		return err
	}
	r.printStatus(s)
	var down several
	for _, p := range s.Programs {
		if len(words) > 0 && !well(p) {
			down = append(down, &told{code: exitNotRunning, text: fmt.Sprintf("%s is not running", slotName(p))})
		}
	}
	if len(down) > 0 {
		return down
	}
	return nil
}

// well reports whether p does what it is to do.
func well(p control.Program) bool {
	switch machine.Phase(p.Phase) {
	case machine.Running, machine.Done, machine.Scheduled:
		return true
	}
	return false
}

// remark says what is special about mwlua itself, and to people how many programs serve.
func (r *remote) remark(status control.Status) {
	switch s := status.Supervisor; {
	case s.Stopping != "":
		fmt.Fprintf(r.talk, "mwlua: mwlua (pid %d) is stopping\n", s.PID)
	case s.Reloading != "":
		fmt.Fprintf(r.talk, "mwlua: mwlua (pid %d) is reloading (%s)\n", s.PID, s.Reloading)
	case s.FailedLoads > 0:
		fmt.Fprintf(r.talk, "mwlua: %s failed since the configuration in force was loaded\n", count(s.FailedLoads, "reload"))
	}
	for _, p := range status.Plugins {
		if text := r.pluginTrouble(p); text != "" {
			fmt.Fprintf(r.talk, "mwlua: plugin %s %s\n", readable(p.Name), text)
		}
	}
	if text := tally(status.Programs); text != "" && isTerminal(r.out) && (r.form.chosen == "" || r.form.chosen == wideForm) {
		fmt.Fprintf(r.talk, "mwlua: %s\n", text)
	}
}

// pluginTrouble says why a plugin is not asked; "" if it is.
func (r *remote) pluginTrouble(p control.Plugin) string {
	text := map[string]string{
		"starting": "is starting", "paused": "has failed too often, and is not asked for a while", "waiting": "is not running",
	}[p.State]
	if text != "" && p.Error != "" {
		text += ": " + inLine(p.Error)
	}
	if p.State == "waiting" && p.Next != nil {
		text += "; it is started " + r.in(*p.Next, time.Until(*p.Next).Seconds())
	}
	return text
}

// tally counts what is to keep running, an instance at a time, and what is not well: "3 of 4 ready, 1 failed". It is "" if there is
// nothing to count.
func tally(programs []control.Program) string {
	wanted, ready, failed, ill := 0, 0, 0, 0
	for _, p := range programs {
		switch {
		case p.Phase == string(machine.Failed):
			failed++
		case p.Instance != nil && p.Health != nil && p.Health.Ill:
			ill++
		}
		if p.Kind == kindService && p.Phase != string(machine.Down) {
			wanted++
			if p.Ready {
				ready++
			}
		}
	}
	var texts []string
	if wanted > 0 {
		texts = append(texts, fmt.Sprintf("%d of %d ready", ready, wanted))
	}
	if failed > 0 {
		texts = append(texts, fmt.Sprintf("%d failed", failed))
	}
	if ill > 0 {
		texts = append(texts, fmt.Sprintf("%d unhealthy", ill))
	}
	return strings.Join(texts, ", ")
}

// kindService is the control.Program.Kind of what is to keep running.
const kindService = "program"

func (r *remote) printStatus(s control.Status) {
	if printJSON(r, s, s.Programs) {
		return
	}
	if r.form.chosen == nameForm {
		for _, p := range eachOnce(s.Programs) {
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
		t.header = append(t.header, "INSTANCE", "RESTARTS", "FAILURES", "LOAD", "FORMER", "KIND", "READY", "HEALTH")
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
	row := []cell{{text: slotName(p)}, {word, paint}, {text: pid}, {text: since}, {text: strconv.FormatUint(p.Starts, 10)}}
	if r.form.chosen == wideForm {
		row = append(row, cell{text: instance}, cell{text: strconv.Itoa(p.Restarts)}, cell{text: strconv.Itoa(p.Failures)},
			cell{text: load}, cell{text: strconv.Itoa(len(p.Former))}, cell{text: p.Kind}, cell{text: yesNo(p.Ready)}, cell{text: health(p)})
	}
	return append(row, cell{r.detail(p), faint})
}

// stateOf is what a program does, in a word.
func stateOf(p control.Program) (string, colour) {
	word := p.Word()
	switch word {
	case string(machine.Failed), "unhealthy":
		return word, red
	case string(machine.Running), string(machine.Done):
		return word, green
	case string(machine.Down), string(machine.Scheduled), string(machine.Removed), string(machine.Deciding), "stopped":
		return word, faint
	}
	return word, yellow
}

// slotName is p as the log names it: web, or web[2].
func slotName(p control.Program) string {
	return machine.ID{Program: readable(p.Name), Slot: p.Slot}.SlotName()
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
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
