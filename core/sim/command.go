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
	t := w.programs[ev.Program]
	if t == nil || w.expect.specs[ev.Program] == nil || w.expect.stop != "" || ev.Verb == machine.SignalProgram {
		return
	}
	t.loadedSince = true
	t.held = ev.Verb == machine.StopProgram
	if t.held {
		t.restartAt, t.again = 0, false
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
		if t := w.tally(e.config.Programs[i].Name); e.status == 0 && t.failed != 0 {
			e.status = t.failed
		}
	}
}

// busy says that something runs, or will, or that somebody may start something again.
func (w *World) busy() bool {
	return slices.ContainsFunc(w.order, func(t *tally) bool {
		return len(t.live) > 0 || w.expect.specs[t.name] != nil && (t.restartAt != 0 || t.held)
	})
}
