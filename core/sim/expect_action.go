package sim

import (
	"slices"

	"github.com/mwlua/mwlua/core/machine"
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
	for _, p := range t.live {
		w.check(p.running, "%v is spawned before the spawn of %v is answered", a.ID, p.id)
		w.check(p.told || p.dead, "%v is spawned beside %v, which was not told to go", a.ID, p.id)
		w.check(p.id.Seq < a.ID.Seq, "%v is spawned and #%d is there already", a.ID, p.id.Seq)
	}
	spec := e.specs[a.ID.Program]
	w.check(spec != nil && slices.Equal(spec.Command, a.Spec.Command) && slices.Equal(e.config.Env, a.Env),
		"%v is spawned otherwise than declared", a.ID)
	w.check(w.now >= t.restartAt || t.loadedSince, "%v is spawned before its time", a.ID)
}

// expectSignal checks that a signal goes to a process that is there, and SIGKILL only to one that had its time. It returns
// false if there is no such process.
func (w *World) expectSignal(p *process, a machine.Signal) bool {
	if p == nil || !p.running {
		w.fail("signal %d to %v, which does not run", a.Signal, a.ID)
		return false
	}
	w.check(p.pid == a.PID, "signal to %v with pid %d, it has %d", a.ID, a.PID, p.pid)
	w.check(!p.killed, "signal %d to %v, which was killed", a.Signal, a.ID)
	if a.Group {
		limit := w.expect.config.Settings.ShutdownTimeout
		late := w.expect.stop == machine.StopAll && limit != 0 && w.now >= after(w.expect.stopAt, limit)
		w.check(a.Signal == KILL && p.told && (late || p.terms.stop != 0 && w.now >= after(p.toldAt, p.terms.stop)),
			"%v is killed before its time", a.ID)
		p.killed = true
		w.tally(a.ID.Program).kills++
	}
	if !p.told {
		p.told, p.toldAt = true, w.now
	}
	p.toldStep = w.expect.steps
	if w.expect.stop == "" && !p.left && !w.expect.byHand {
		p.nudge = a.Signal
	}
	if p.asked {
		p.nudge = 0
	}
	if (w.expect.stop == machine.StopAll || p.asked && !w.expect.byHand) && p.killBy == 0 && !p.terms.forEver {
		p.killBy = after(w.now, p.terms.longest)
	}
	return true
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
