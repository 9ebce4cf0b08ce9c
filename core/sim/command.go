package sim

import (
	"slices"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// Command asks something of one program: machine.StartProgram, StopProgram, RestartProgram or SignalProgram, and the signal for the
// last. Somebody waits for the answer, which must come, once: when it is done, when it cannot be, or when mwlua stops.
func (w *World) Command(verb machine.Verb, program string, signal int) {
	w.expect.askers++
	w.happen(machine.Request{Verb: verb, By: "somebody", Program: program, Signal: signal, From: w.expect.askers})
}

// expectCommand notes what a command means for the program.
func (w *World) expectCommand(ev machine.Request) {
	if w.expect.stop != "" || ev.Verb == machine.SignalProgram {
		return
	}
	for _, t := range w.order {
		t.loadedSince = t.loadedSince || ev.Verb != machine.StopProgram // what it needs is started with it
		if t.name == ev.Program && w.expect.specs[t.key] != nil {
			w.expectCommandOf(t, ev)
		}
	}
}

// expectNeedsStarted notes that what a program needs is started with it, if it does not run.
func (w *World) expectNeedsStarted(t *tally) {
	for _, u := range w.order {
		if p := w.slot(u.key); p != nil && w.expect.specs[u.key] != nil && slices.Contains(w.expect.specs[t.key].Needs, u.name) {
			if u.held || p.Phase == machine.Down || p.Phase == machine.Failed {
				u.held, u.started = false, 0
				if p.Current == 0 {
					w.expectNeedsStarted(u)
				}
			}
		}
	}
}

func (w *World) expectCommandOf(t *tally, ev machine.Request) {
	t.loadedSince = true
	t.held = ev.Verb == machine.StopProgram
	if p := w.slot(t.key); !t.held && p != nil && p.Current == 0 {
		t.started = 0 // a start by hand asks for no interval
		w.expectNeedsStarted(t)
	}
	if t.held {
		t.restartAt, t.tickBy, t.again = 0, 0, false
	}
	for _, p := range t.live {
		current := !p.left
		if ev.Verb != machine.StartProgram && (t.held || current) {
			p.asked = true
		}
		t.again = !t.held && (t.again || current && p.asked)
	}
}

// expectDone: mwlua leaves by itself when nothing runs and nothing will, and no sooner.
func (w *World) expectDone() {
	e := &w.expect
	w.check(e.config.Settings.ExitWhen == program.ExitWhenDone && !w.busy(), "mwlua leaves, and not all is done")
	for i := range e.config.Programs {
		if t := w.tally(keyOf(&e.config.Programs[i])); e.status == 0 && t.failed != 0 {
			e.status = t.failed
		}
	}
}

// busy says that something runs, or will, or that somebody may start something again.
func (w *World) busy() bool {
	return slices.ContainsFunc(w.order, func(t *tally) bool {
		return len(t.live) > 0 || w.expect.specs[t.key] != nil && (t.restartAt != 0 || t.held)
	}) || slices.ContainsFunc(w.m.State().Programs, func(p machine.Program) bool { return p.TickAt != 0 || p.StartAt != 0 || p.Deciding != nil })
}
