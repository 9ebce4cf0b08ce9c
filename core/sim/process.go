package sim

import (
	"slices"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// tally is what the world knows of one program.
type tally struct {
	name      string
	behaviour Behaviour
	live      []*process // oldest first; a process leaves when the machine was told of its end
	spawns    int        // how many there were
	kills     int        // instances that got SIGKILL
	// What the machine is held to, see expect.go:
	seq         uint64            // of the last spawn
	generation  uint64            // of the last spawn
	started     machine.Instant   // when the last spawn was
	restartAt   machine.Instant   // when the next is promised; 0 means that it is not
	failures    int               // in a row
	restarts    []machine.Instant // the last ones under a policy with a limit
	loadedSince bool              // a load came after the last exit: it may start earlier, and its failures may be forgotten
	held        bool              // it was stopped by hand
	again       bool              // its instance was stopped by hand to be replaced
	failed      int               // the status with which it has failed for good; 0 means that it has not
	removed     bool              // it was not declared for a while, and its numbers may begin again
}

// process is one instance, from its Spawn until the machine was told of its end.
type process struct {
	id         machine.ID
	pid        int
	command    []string
	behaviour  Behaviour
	generation uint64
	since      machine.Instant
	running    bool      // Spawned was delivered
	dead       bool      // it ended, which the machine may not know yet
	death      *delivery // its end, as things are
	told       bool      // it got a signal
	toldAt     machine.Instant
	toldStep   int // the step that sent the last one
	nudge      int // the signal by which a reload told it that it is kept; 0 means none
	killed     bool
	asked      bool            // somebody asked that it ends
	left       bool            // a reload told it to leave
	leaveBy    machine.Instant // when its former_timeout ends; 0 means never
	tooLate    bool            // the machine said that it stayed too long
	killBy     machine.Instant // when its stop timeout ends at the latest; 0 means never, or not begun
	terms      terms
}

// terms are the longest and the shortest patience of the declarations under which a process has lived.
type terms struct {
	stop, former time.Duration // the shortest; 0 means for ever
	forEver      bool          // one of them never kills
	longest      time.Duration
}

func (t *terms) add(s *program.Spec) {
	shorter := func(a, b time.Duration) time.Duration {
		if a == 0 || b != 0 && b < a {
			return b
		}
		return a
	}
	t.stop, t.former = shorter(t.stop, s.StopTimeout), shorter(t.former, s.FormerTimeout)
	t.forEver = t.forEver || s.StopTimeout == 0
	t.longest = max(t.longest, s.StopTimeout)
}

// tally returns that of a program, which it makes if need be.
func (w *World) tally(name string) *tally {
	t := w.programs[name]
	if t == nil {
		t = &tally{name: name}
		w.programs[name] = t
		w.order = append(w.order, t)
	}
	return t
}

// process returns an instance that the machine has to reckon with, nil if there is none.
func (w *World) process(id machine.ID) *process {
	t := w.programs[id.Program]
	if t == nil {
		return nil
	}
	for _, p := range t.live {
		if p.id == id {
			return p
		}
	}
	return nil
}

// spawn makes a process. It runs from the moment at which the spawn is answered.
func (w *World) spawn(a machine.Spawn) {
	t := w.tally(a.ID.Program)
	w.expectSpawn(t, a)
	w.pid++
	p := &process{
		id: a.ID, pid: w.pid, command: a.Spec.Command, behaviour: t.behaviour, since: w.now,
		generation: w.expect.generation,
	}
	p.terms.add(&a.Spec)
	t.live = append(t.live, p)
	t.spawns++
	t.started = w.now
	t.generation, t.restartAt, t.again, t.failed = p.generation, 0, false, 0
	answer := t.behaviour.Spawn
	at := w.later(answer.After)
	if answer.Fails != "" {
		w.queue.add(&delivery{at: at, ev: machine.SpawnFailed{ID: a.ID, Step: "exec", Text: answer.Fails}})
		return
	}
	w.queue.add(&delivery{at: at, ev: machine.Spawned{ID: a.ID, PID: p.pid}})
	if t.behaviour.Runs > 0 {
		w.dies(p, at+machine.Instant(t.behaviour.Runs), t.behaviour.Ends, true)
	}
}

// dies puts the end of a process at that time, unless it ends before. own says that nobody asked it to.
func (w *World) dies(p *process, at machine.Instant, end Ending, own bool) {
	if p.death != nil {
		if p.death.at <= at {
			return
		}
		w.queue.cancel(p.death)
	}
	p.death = &delivery{at: at, proc: p, end: end, own: own}
	w.queue.add(p.death)
}

// signal does to a process what the signal does.
func (w *World) signal(a machine.Signal) {
	p := w.process(a.ID)
	if !w.expectSignal(p, a) || p.dead {
		return
	}
	if a.Signal == KILL {
		w.dies(p, w.later(p.behaviour.Dies), Ending{Signal: KILL}, false)
		return
	}
	switch r := p.behaviour.reaction(a.Signal); r.Does {
	case Die:
		w.dies(p, w.later(p.behaviour.Dies), Ending{Signal: a.Signal}, false)
	case Exit:
		w.dies(p, w.later(r.After), Ending{Code: r.Code}, false)
	case Refuse:
		failed := machine.SignalFailed{ID: a.ID, Signal: a.Signal, Text: "operation not permitted"}
		w.queue.add(&delivery{at: w.later(0), ev: failed})
	case Ignore:
	}
}

// bury forgets a process, because the machine hears of its end: of one that ran, or of one that never did.
func (w *World) bury(id machine.ID, running bool) {
	if t := w.programs[id.Program]; t != nil {
		t.live = slices.DeleteFunc(t.live, func(p *process) bool { return p.id == id && p.running == running })
	}
}
