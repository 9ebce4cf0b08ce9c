package sim

import (
	"slices"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

func (w *World) expectLast(a machine.Action, last bool) {
	w.check(last, "%s is not the last action of its step", machine.Text(a))
}

// expectSpawn checks that a spawn is allowed, due, wanted, and the only one.
func (w *World) expectSpawn(t *tally, a machine.Spawn) {
	e := &w.expect
	w.check(e.stop == "", "%v is spawned after a stop began", a.ID)
	w.check(!w.handing, "%v is spawned by an image that is gone", a.ID)
	w.check(!w.trial.passed, "%v is spawned when a hand-over is to come", a.ID)
	w.check(a.ID.Seq == t.seq+1 || a.ID.Seq == 1 && t.removed, "%v is spawned after #%d", a.ID, t.seq)
	t.seq, t.removed = a.ID.Seq, false
	spec := e.specs[t.key]
	for _, p := range t.live {
		w.check(p.running, "%v is spawned before the spawn of %v is answered", a.ID, p.id)
		w.check(p.told || p.dead && !p.remains || w.mayBeside(p, spec), "%v is spawned beside %v, which was not told to go", a.ID, p.id)
		w.check(!p.remains || p.left, "%v is spawned beside what is left of %v", a.ID, p.id)
		w.check(p.id.Seq < a.ID.Seq, "%v is spawned and #%d is there already", a.ID, p.id.Seq)
	}
	w.check(spec != nil && slices.Equal(spec.Command, a.Spec.Command) && slices.Equal(e.config.Env, a.Env),
		"%v is spawned otherwise than declared", a.ID)
	w.check(w.now >= t.restartAt || t.loadedSince, "%v is spawned before its time", a.ID)
	if spec != nil {
		w.expectOrder(a, spec)
	}
}

// expectSignal checks that a signal goes to a process that is there, and SIGKILL only to one that had its time. It returns
// false if there is no such process.
func (w *World) expectSignal(p *process, a machine.Signal) bool {
	if p == nil || !p.running {
		w.fail("signal %d to %v, which does not run", a.Signal, a.ID)
		return false
	}
	w.check(p.pid == a.PID, "signal to %v with pid %d, it has %d", a.ID, a.PID, p.pid)
	w.check(!p.killed && !p.remains, "signal %d to %v, which was killed or has ended", a.Signal, a.ID)
	w.expectStopOrder(p, a)
	w.expectReplaced(p)
	if a.Group {
		limit := w.expect.config.Settings.ShutdownTimeout
		late := w.expect.stop == machine.StopAll && limit != 0 && w.now >= after(w.expect.stopAt, limit)
		w.check(a.Signal == KILL && (late || p.told && p.terms.stop != 0 && w.now >= after(p.toldAt, p.terms.stop)),
			"%v is killed before its time", a.ID)
		p.killed = true
		w.tally(keyOfID(a.ID)).kills++
	}
	w.toldToStop(p)
	if w.expect.stop == "" && !p.left && !w.expect.byHand {
		p.nudge = a.Signal
	}
	if p.asked || p.givenUp != "" || p.needed || p.ticked || p.replaced != "" {
		p.nudge = 0
	}
	return true
}

// toldToStop notes that a process was told something, and since when it may be killed.
func (w *World) toldToStop(p *process) {
	if !p.told {
		p.told, p.toldAt = true, w.now
	}
	p.toldStep = w.expect.steps
	if stops := w.expect.stop == machine.StopAll || p.stopping() && !p.left; stops && !w.expect.byHand && p.killBy == 0 && !p.terms.forEver {
		p.killBy = after(w.now, p.terms.longest)
	}
}

// expectReplaced: one that a reload replaces when the next is ready is told to leave when that is so, and not before.
func (w *World) expectReplaced(p *process) {
	if p.replaced != program.StartFirst || w.expect.stop != "" || w.expect.byHand || p.asked || p.needed || p.givenUp != "" {
		return
	}
	t := w.tally(keyOfID(p.id))
	ready := slices.ContainsFunc(t.live, func(q *process) bool { return q.id.Seq > p.id.Seq && q.ready && !q.dead })
	w.check(ready, "%v is told to leave, and none that follows it is ready", p.id)
	p.left, p.replaced = true, ""
	if spec := w.expect.specs[t.key]; spec != nil && spec.FormerTimeout != 0 {
		p.leaveBy = after(w.now, spec.FormerTimeout)
	}
}

// expectEndOf notes what the machine has planned for the time after an instance that ends.
func (w *World) expectEndOf(id machine.ID) {
	p := w.slot(keyOfID(id))
	if p == nil {
		return
	}
	w.expect.successor = p.Next != 0 || p.Phase == machine.Running && p.StartAt != 0
	w.expect.replaced = p.Again
}

func (w *World) expectTrial(a machine.Trial) {
	w.check(w.expect.stop == "", "a trial while mwlua stops")
	w.check(!w.trial.there, "a trial while the process of an earlier one is there")
	w.check(a.N > w.trial.n, "trial %d after %d", a.N, w.trial.n)
	w.expect.asked = ""
}

func (w *World) expectEndTrial(a machine.EndTrial) {
	w.check(w.trial.there && a.N == w.trial.n, "trial %d is ended and is not there", a.N)
	w.check(w.trial.answered || w.expect.stop != "" || w.now >= after(w.trial.since, w.patience()), "trial %d is ended before its time", a.N)
}

// expectHandover: the state names every process, the guard is there.
func (w *World) expectHandover() {
	w.check(w.expect.stop == "", "a hand-over while mwlua stops")
	w.check(w.trial.there, "a hand-over without a guard")
	for _, t := range w.order {
		for _, p := range t.live {
			w.check(p.running, "a hand-over before the spawn of %v is answered", p.id)
		}
	}
}

// expectQuit: nothing is left behind, and the status is the one that was to be.
func (w *World) expectQuit(a machine.Quit) {
	e := &w.expect
	for _, t := range w.order {
		for _, p := range t.live {
			w.fail("mwlua leaves and %v is there", p.id)
		}
	}
	w.check(!w.trial.there, "mwlua leaves and the process of a trial is there")
	w.expectNobodyWaits()
	w.check(len(e.commands) == 0, "mwlua leaves and %d wait for what they asked", len(e.commands))
	if e.generation == 0 && e.stop == "" {
		w.check(a.Status == 1, "mwlua leaves with status %d after the first load failed", a.Status)
		return
	}
	w.check(e.stop != "", "mwlua leaves and nobody asked it to")
	w.check(a.Status == e.status, "mwlua leaves with status %d instead of %d", a.Status, e.status)
}

// expectWake counts the wakes at one instant: each one spawns, or ends what is due, or the loop around it would spin.
func (w *World) expectWake() {
	w.expect.wakes++
	w.check(w.expect.wakes <= 16+len(w.order), "the deadline stays in the past: a loop around this would spin")
}
