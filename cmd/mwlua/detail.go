package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/machine"
)

// detail is what else there is to know of a program.
func (r *remote) detail(p control.Program) string {
	parts := r.coming(p)
	if e := p.LastExit; e != nil && p.Instance == nil {
		parts = append(parts, ending(e)+" "+r.ago(e.At, e.Ago))
	}
	if p.Failures > 1 {
		parts = append(parts, fmt.Sprintf("%d failures in a row", p.Failures))
	}
	if p.Instance != nil {
		parts = append(parts, r.doing(p.Instance)...)
	}
	return strings.Join(append(parts, beside(p)...), ", ")
}

// coming is what a program waits for.
func (r *remote) coming(p control.Program) []string {
	var parts []string
	if len(p.WaitsFor) > 0 {
		var names []string
		for _, name := range p.WaitsFor {
			names = append(names, readable(name))
		}
		parts = append(parts, "waits for "+few(names))
	}
	if p.NextIn != nil {
		parts = append(parts, "starts "+r.in(*p.NextStart, *p.NextIn))
	}
	if p.TickIn != nil {
		parts = append(parts, "due "+r.in(*p.NextTick, *p.TickIn))
	}
	if p.Queued {
		parts = append(parts, "one more run follows")
	}
	return parts
}

// doing is what there is to know of the current instance.
func (r *remote) doing(in *control.Instance) []string {
	parts := trouble(in)
	if in.DeadlineIn != nil {
		parts = append(parts, harder(in)+" "+r.in(*in.Deadline, *in.DeadlineIn))
	}
	if in.Says != "" {
		parts = append(parts, "says that it is "+in.Says)
	}
	wide := r.form.chosen == wideForm
	if wide && in.WatchdogIn != nil {
		parts = append(parts, "watchdog "+r.in(*in.Watchdog, *in.WatchdogIn))
	}
	if text := inLine(in.StatusText); wide && text != "" {
		parts = append(parts, fmt.Sprintf("says %q", text))
	} else if text != "" {
		parts = append(parts, fmt.Sprintf("says %q", clip(text)))
	}
	return parts
}

// beside is what there is to know of the instances that are not current.
func beside(p control.Program) []string {
	var parts []string
	if p.Next != nil {
		parts = append(parts, fmt.Sprintf("%s is to follow it (%s)", readable(p.Next.ID), strings.Join(footing(p.Next), ", ")))
	}
	if p.Rolling {
		parts = append(parts, "is replaced in its turn")
	}
	if p.Stale {
		parts = append(parts, "could not be replaced")
	}
	switch n := len(p.Former); {
	case n == 1:
		parts = append(parts, fmt.Sprintf("%s (pid %d) is %s", readable(p.Former[0].ID), p.Former[0].PID, p.Former[0].Step))
	case n > 1:
		parts = append(parts, fmt.Sprintf("%d former instances", n))
	}
	return parts
}

// trouble is what is wrong with an instance.
func trouble(in *control.Instance) []string {
	var parts []string
	if len(in.Survivors) > 0 {
		var left []string
		for _, s := range in.Survivors {
			left = append(left, fmt.Sprintf("%s (%d)", inLine(s.Name), s.PID))
		}
		parts = append(parts, "left: "+few(left))
	}
	h := in.Health
	if h == nil || h.Failures == 0 && !h.Ill {
		return parts
	}
	because := ""
	if h.Text != "" {
		because = ": " + clip(inLine(h.Text))
	}
	if in.Step == string(machine.Unready) {
		return append(parts, "not ready"+because)
	}
	return append(parts, fmt.Sprintf("%s failed%s", count(h.Failures, "check"), because))
}

// health is what probes say of the current instance of p, in a word or two.
func health(p control.Program) string {
	switch {
	case p.Instance == nil || p.Health == nil:
		return ""
	case p.Health.Ill:
		return "ill"
	case p.Health.Failures > 0:
		return fmt.Sprintf("%d failed", p.Health.Failures)
	}
	return "ok"
}

// harder is what happens to an instance at its deadline.
func harder(in *control.Instance) string {
	switch machine.Step(in.Step) {
	case machine.Stopping, machine.Emptying:
		return "killed"
	case machine.Unready: // if it is not ready by then
		return "given up"
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

// inLine is a text that somebody else has chosen, in one line and without what a terminal would obey.
func inLine(text string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, text)
}

// clip leaves out what does not fit in a cell of a table.
func clip(text string) string {
	const most = 40
	if c := []rune(text); len(c) > most {
		return string(c[:most-1]) + "…"
	}
	return text
}
