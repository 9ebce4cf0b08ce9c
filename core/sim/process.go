package sim

import (
	"slices"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// key names an instance of a program, whatever its runs.
type key struct {
	name string
	slot int
}

func keyOf(s *program.Spec) key { return key{s.Name, s.Slot} }

func keyOfID(id machine.ID) key { return key{id.Program, id.Slot} }

func (k key) String() string { return machine.ID{Program: k.name, Slot: k.slot}.String() }

// tally is what the world knows of one instance of a program.
type tally struct {
	key
	live   []*process // oldest first; a process leaves when the machine was told of its end
	spawns int        // how many there were
	kills  int        // instances that got SIGKILL
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
	done        bool              // a one-shot that has succeeded
	rolled      bool              // the load under way could not replace it, or had to leave it
	deciding    *process          // whose end a question is about
	asked       uint64            // the number of the last question about an end
	ticked      uint64            // of the last NextTick
	tickBy      machine.Instant   // when the tick that was promised has to have been heard; 0 means that none was
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
	// Of its life, see life.go:
	spec     *program.Spec   // that it was spawned with
	ready    bool            // it has said so, or need not
	ranAt    machine.Instant // when the machine knew that it runs
	extended bool            // it has asked for more time
	remains  bool            // it has ended, and others live on
	empty    *delivery       // their end, as things are
	probed   uint64          // the number of the last probe
	givenUp  policy.Reason   // why the machine stops it; "" means that it does not
	needed   bool            // it is stopped because of one that it needs
	beside   bool            // a run of a cron that goes on beside the next
	ticked   bool            // it is stopped for the next run of its cron
	replaced program.Overlap // how a reload is to replace it; "" means that none is, or that this is done

	end      machine.Exited  // as the machine was told
	reason   policy.Reason   // how it ended
	endedAt  machine.Instant // when
	stopTold bool            // mwlua's stop was told to it
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
func (w *World) tally(k key) *tally {
	t := w.programs[k]
	if t == nil {
		t = &tally{key: k}
		w.programs[k] = t
		w.order = append(w.order, t)
	}
	return t
}

// process returns an instance that the machine has to reckon with, nil if there is none.
func (w *World) process(id machine.ID) *process {
	t := w.programs[keyOfID(id)]
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
	t := w.tally(keyOfID(a.ID))
	w.expectSpawn(t, a)
	w.pid++
	spec := w.expect.specs[t.key]
	if spec == nil { // which expectSpawn has said
		spec = new(program.Spec)
	}
	p := &process{
		id: a.ID, pid: w.pid, command: a.Spec.Command, behaviour: w.behaviours[t.name], since: w.now,
		generation: w.expect.generation, spec: spec,
	}
	p.terms.add(spec)
	t.live = append(t.live, p)
	t.spawns++
	t.started = w.now
	t.generation, t.restartAt, t.again, t.failed, t.done = p.generation, 0, false, 0, false
	answer := w.behaviours[t.name].Spawn
	at := w.later(answer.After)
	if answer.Fails != "" {
		w.queue.add(&delivery{at: at, ev: machine.SpawnFailed{ID: a.ID, Step: "exec", Text: answer.Fails}})
		return
	}
	w.queue.add(&delivery{at: at, ev: machine.Spawned{ID: a.ID, PID: p.pid}})
	if w.behaviours[t.name].Runs > 0 {
		w.dies(p, at+machine.Instant(w.behaviours[t.name].Runs), w.behaviours[t.name].Ends, true)
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
	if t := w.programs[keyOfID(id)]; t != nil {
		t.live = slices.DeleteFunc(t.live, func(p *process) bool { return p.id == id && p.running == running })
	}
}
