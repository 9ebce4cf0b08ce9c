package sim

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// expectations are the world's own books, kept from what it saw, against which the machine is held.
type expectations struct {
	askers  uint64        // by how many the answer to a reload was waited for
	waiting []uint64      // which of them still wait
	doing   machine.Doing // what the service manager was told last

	seed       uint64
	steps      int
	wakes      int // at this instant
	booted     bool
	generation uint64
	config     program.Config        // in force
	pending    program.Config        // the one that was loaded last
	specs      map[key]*program.Spec // of it
	before     map[key]*program.Spec // of the one before
	asked      string                // who asked for a reload that has not begun; "" means nobody
	stop       machine.Verb
	signal     int
	stopAt     machine.Instant // when the first stop was asked for that is no soft one
	commands   []uint64        // who wait for what they asked of a program
	stopStep   int             // the step of the last stop request that counted
	status     int             // what mwlua is to leave with
	gone       *process        // whose end is being heard
	first      bool            // the event is the first answer to the newest load
	byHand     bool            // the event is a signal that somebody sends
	verdict    *policy.Verdict // what a function or a plugin says with this event
	replaced   bool            // the instance that ends was to be stopped for the next one
	successor  bool            // of the instance that ends: another one is there, or about to be started
	fits       bool            // the event is the answer to the load or the trial that is waited for
}

// patience is how long the machine waits for the trial and the load of a reload, if nothing else is declared.
const patience = 10 * time.Second

// patience is how long it waits now; the first load has longer.
func (w *World) patience() time.Duration {
	if w.expect.generation == 0 {
		return 3 * time.Minute
	}
	return cmp.Or(w.expect.config.ReloadTimeout, patience)
}

// fail keeps the first broken expectation. The world stands still after it.
func (w *World) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("internal error: after %v, step %d: %s", w.Elapsed(), w.expect.steps, fmt.Sprintf(format, args...))
	}
}

// check fails unless ok.
func (w *World) check(ok bool, format string, args ...any) {
	if !ok {
		w.fail(format, args...)
	}
}

// expectEvent notes what an event is going to mean, before the machine sees it.
func (w *World) expectEvent(ev machine.Event) {
	e := &w.expect
	e.gone, e.fits, e.first, e.byHand, e.successor = nil, false, false, false, false
	e.replaced, e.verdict = false, nil
	switch ev := ev.(type) {
	case machine.Booted:
		e.booted = true
	case machine.Request:
		e.byHand = ev.Verb == machine.SignalProgram
		w.expectRequest(ev)
	case machine.Exited:
		w.expectEndOf(ev.ID)
		if e.gone = w.process(ev.ID); e.gone != nil {
			e.gone.end, e.gone.endedAt, e.gone.reason = ev, w.now, w.reasonOf(e.gone, ev.Signal)
		}
	case machine.Decided:
		w.hearDecided(ev)
	case machine.Emptied:
		e.gone = w.process(ev.ID)
		w.expectEndOf(ev.ID)
	case machine.SpawnFailed:
		e.gone = w.process(ev.ID)
		w.expectEndOf(ev.ID)
	case machine.Loaded:
		e.first = ev.N == w.load.n && !w.load.answered
		e.fits = e.first && e.stop == "" && w.now < w.load.since+machine.Instant(w.patience())
	case machine.TrialPassed:
		e.fits = ev.N == w.trial.n && w.trial.there && !w.trial.answered && e.stop == "" && w.now < w.trial.since+machine.Instant(w.patience())
	}
}

func (w *World) expectRequest(ev machine.Request) {
	e := &w.expect
	switch {
	case ev.Program != "":
		w.expectCommand(ev)
	case ev.Verb != machine.ReloadAll:
		if e.stop != machine.StopAll || ev.Verb == machine.StopAll {
			e.stop, e.signal, e.stopStep = ev.Verb, ev.Signal, e.steps+1
			if ev.Verb == machine.StopAll && e.stopAt == 0 {
				e.stopAt = w.now
			}
		}
	case e.booted && e.stop == "":
		e.asked = ev.By
	}
}

// expectLoaded follows the machine into a new configuration, before the actions of that step are looked at.
func (w *World) expectLoaded(ev machine.Event) {
	e := &w.expect
	s := w.m.State()
	loaded, ok := ev.(machine.Loaded)
	switch {
	case e.fits && ok:
		w.check(s.Generation == e.generation+1 || s.Reload.Step == machine.Asking, "the configuration was loaded and not taken")
	case e.fits:
		w.check(s.Reload.Step == machine.Settling || s.Reload.Step == machine.Handing, "the trial passed and was not heard")
	}
	if took := s.Generation > e.generation || s.Reload.Step == machine.Asking; ok && took && e.first {
		e.pending = loaded.Config // it may come late, if the Wake does
	}
	if s.Generation == e.generation {
		return
	}
	_, itself := ev.(machine.ReloadedItself)
	w.check((ok && e.first || itself) && s.Generation == e.generation+1, "generation %d after %d without a load", s.Generation, e.generation)
	w.check(len(w.asking.ids) == 0 || ok, "the configuration was taken before %v answered", w.asking.ids)
	e.generation, e.config, e.before, e.status = s.Generation, e.pending.Expanded(), e.specs, 0
	e.specs = make(map[key]*program.Spec, len(e.config.Programs))
	for i := range e.config.Programs {
		spec := &e.config.Programs[i]
		e.specs[keyOf(spec)] = spec
		t := w.tally(keyOf(spec))
		t.loadedSince, t.rolled = true, false
		if spec.Kind != program.Cron {
			t.tickBy = 0
		}
		for _, p := range t.live {
			p.terms.add(spec)
		}
	}
	for _, t := range w.order {
		if e.specs[t.key] == nil {
			t.ticked, t.tickBy, t.asked, t.failed, t.done = 0, 0, 0, 0, false
			t.restartAt, t.removed, t.loadedSince, t.held, t.again = 0, true, true, false, false
		}
	}
}

// after is at + d, or the end of time.
func after(at machine.Instant, d time.Duration) machine.Instant {
	if sum := at + machine.Instant(d); sum >= at {
		return sum
	}
	return math.MaxInt64
}
