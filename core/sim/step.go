package sim

import (
	"github.com/mwlua/mwlua/core/machine"
)

// happen is an event from outside, now.
func (w *World) happen(ev machine.Event) {
	if w.going() {
		w.tell(ev)
		w.run(w.now, maxSteps)
	}
}

// going says that the world goes on: mwlua has not left, and no expectation was broken.
func (w *World) going() bool { return !w.quit && w.err == nil }

// run lets time pass until then, or until so many steps were made: then it returns false.
func (w *World) run(until machine.Instant, steps int) bool {
	for end := w.expect.steps + steps; w.going(); {
		at, ok := w.next()
		if !ok || at > until {
			break
		}
		if w.expect.steps >= end {
			return false
		}
		w.pass(at)
		w.one()
	}
	if w.going() {
		w.pass(until)
		w.expectOnTime()
	}
	return w.err == nil
}

// next returns when something happens next.
func (w *World) next() (machine.Instant, bool) {
	d := w.queue.first()
	wake, ok := w.wake()
	switch {
	case d != nil && (!ok || d.at <= wake):
		return d.at, true
	default:
		return wake, ok
	}
}

// wake returns when Wake is delivered. Between two images nobody listens.
func (w *World) wake() (machine.Instant, bool) {
	at, ok := w.m.Deadline()
	if !ok || w.handing || w.quit {
		return 0, false
	}
	return max(at+machine.Instant(w.WakeLate), w.now), true
}

func (w *World) pass(at machine.Instant) {
	if at > w.now {
		w.now, w.expect.wakes = at, 0
	}
}

// one delivers the first thing that is due now.
func (w *World) one() {
	d := w.queue.first()
	if d == nil || d.at > w.now {
		w.expectWake()
		w.step(machine.Wake{})
		return
	}
	w.queue.take()
	if d.proc != nil {
		d.proc.dead = true
		d.ev = machine.Exited{ID: d.proc.id, Code: d.end.Code, Signal: d.end.Signal, OOM: d.end.OOM, Left: w.survivors(d.proc)}
	}
	if _, up := d.ev.(machine.Booted); up {
		w.up()
		return
	}
	w.tell(d.ev)
}

// tell gives an event to the machine, or keeps it until there is one.
func (w *World) tell(ev machine.Event) {
	if w.handing {
		w.held = append(w.held, ev)
		return
	}
	w.step(ev)
}

// step lets the machine take one event into account and carries out what it answers.
func (w *World) step(ev machine.Event) {
	if !w.going() {
		return
	}
	w.carryOver()
	w.expectEvent(ev)
	w.hear(ev)
	actions := w.stepMachine(ev)
	w.expect.steps++
	if !w.Bare {
		w.trace.add(w.now, ev, actions)
	}
	w.expectLoaded(ev)
	for i, a := range actions {
		w.perform(a, i == len(actions)-1)
	}
	w.expectStep(ev)
}

// hear keeps the books of what the machine has been told.
func (w *World) hear(ev machine.Event) {
	switch ev := ev.(type) {
	case machine.Request:
		switch {
		case ev.From != 0 && ev.Verb == machine.ReloadAll:
			w.expect.waiting = append(w.expect.waiting, ev.From)
		case ev.From != 0 && ev.Program != "":
			w.expect.commands = append(w.expect.commands, ev.From)
		}
	case machine.Spawned:
		if p := w.process(ev.ID); p != nil && !p.running {
			w.begin(p)
		}
	case machine.SpawnFailed:
		w.bury(ev.ID, false)
	case machine.Exited:
		if p := w.process(ev.ID); p != nil && p.running && len(ev.Left) > 0 {
			p.remains = true
		} else {
			w.bury(ev.ID, true)
		}
		w.answered(w.asking.n, ev.ID)
	case machine.Emptied:
		if p := w.process(ev.ID); p != nil && p.remains {
			w.bury(ev.ID, true)
		}
	case machine.Ready:
		if p := w.process(ev.ID); p != nil {
			p.ready = true
		}
	case machine.Probed:
		if p := w.process(ev.ID); p != nil && ev.OK && p.probed == ev.N {
			p.ready = true
		}
	case machine.Notified:
		w.hearSaid(ev)
	case machine.Tick:
		w.hearTick(ev)
	case machine.ReloadedItself:
		w.answered(ev.N, ev.ID)
	case machine.ReloadRefused:
		w.answered(ev.N, ev.ID)
	case machine.TrialPassed:
		w.trial.passed = w.trial.passed || w.expect.fits
		w.trial.answered = w.trial.answered || ev.N == w.trial.n
	case machine.TrialFailed:
		if ev.N == w.trial.n && !w.trial.answered {
			w.trial.answered = true
		}
	case machine.Loaded:
		w.load.answered = w.load.answered || ev.N == w.load.n
	case machine.LoadFailed:
		w.load.answered = w.load.answered || ev.N == w.load.n
	}
}
