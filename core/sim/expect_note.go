package sim

import (
	"slices"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// expectNote checks what the machine says against what happened.
func (w *World) expectNote(n machine.Note) {
	e := &w.expect
	switch n.Kind {
	case machine.NoteStopping:
		if n.Text == allDone {
			w.expectDone()
		}
		if e.stop == "" {
			e.stop, e.signal = machine.StopAll, TERM
			e.stopAt = w.now
		}
		e.stopStep = e.steps
	case machine.NoteExited, machine.NoteSpawnFailed:
		w.expectEnd(n)
	case machine.NoteChange:
		w.expectChange(n)
	case machine.NoteLeftTooLate:
		w.expectLeftTooLate(n)
	case machine.NoteReady:
		w.hearReady(n)
	case machine.NoteBlocked:
		t := w.tally(keyOfID(n.ID))
		t.restartAt, t.failed = 0, 0
	case machine.NoteGivenUp:
		w.hearGivenUp(n)
	case machine.NoteStays:
		w.hearStays(n)
	case machine.NoteTick:
		w.hearTickNote(n)
	case machine.NoteLoaded:
		w.expectStarted()
	}
}

// expectEnd checks the verdict on an exit, and remembers what it promises.
func (w *World) expectEnd(n machine.Note) {
	e := &w.expect
	p, t := e.gone, w.tally(keyOfID(n.ID))
	asked := t.deciding
	if asked != nil && asked.id == n.ID {
		p, t.deciding = asked, nil
	} else {
		asked = nil
	}
	if p == nil || p.id != n.ID {
		w.fail("%v ended, says the machine, and nobody told it", n.ID)
		return
	}
	if n.Kind == machine.NoteExited {
		ok := n.Exit.Code == p.end.Code && n.Exit.Signal == p.end.Signal && n.Exit.Ran == time.Duration(p.endedAt-p.since)
		w.check(ok && (n.Exit.Reason == p.reason || p.left), "%v ended otherwise than the machine says: %+v", n.ID, n.Exit)
	}
	if n.Former && (p.replaced == program.StartFirst || p.stopping()) { // it was on its way when the next one became ready
		p.left = true
	}
	w.check(n.Former == p.left, "%v: former is %v, and it was told to leave is %v", n.ID, n.Former, p.left)
	switch {
	case n.Former:
		w.check(n.Verdict == policy.Verdict{}, "a verdict on the end of %v, a former one", n.ID)
	case e.stop != "":
		w.check(n.Verdict == policy.Verdict{}, "a verdict on the end of %v while mwlua stops", n.ID)
		if e.signal == INT && e.status == 0 && n.Exit.Status() == 128+INT {
			e.status = 128 + INT
		}
	case w.unjudged(p):
		w.check(n.Verdict == policy.Verdict{}, "a verdict on the end of %v, which somebody asked for", n.ID)
	case asked != nil && n.Verdict == policy.Verdict{}: // somebody has asked for something else meanwhile
		t.restartAt = 0
	default:
		w.expectVerdict(n, asked != nil)
	}
}

// allDone is what the machine says when it leaves by itself.
const allDone = "all programs have ended, and exit_when is all-done"

func (w *World) expectVerdict(n machine.Note, counted bool) {
	t, spec := w.tally(keyOfID(n.ID)), w.expect.specs[keyOfID(n.ID)]
	rule := spec.Exit
	v := w.verdictOf(spec, n.Exit)
	if n.By != "" && w.expect.verdict != nil {
		v = w.finalOf(spec, n.Exit, *w.expect.verdict)
	}
	w.check((n.By != "") == (w.expect.verdict != nil && w.expect.verdict.Do != policy.Default), "%q has decided on the end of %v", n.By, n.ID)
	t.done = spec.Kind == program.OneShot && (v.Do == policy.Stop || v.Do == policy.Fail && spec.IgnoreFailure)
	if v.Do == policy.Fail && !t.done && spec.Kind != program.Cron {
		t.failed = max(n.Exit.Status(), 1)
	}
	w.check(v == n.Verdict, "the policy of %v says %+v to %+v, the machine %+v", n.ID, v, n.Exit, n.Verdict)
	w.check(v.Delay >= 0 && v.Delay <= 48*time.Hour, "%v is to restart in %v", n.ID, v.Delay)
	t.loadedSince = t.loadedSince || spec.Kind == program.Cron // each run begins its count anew
	if !counted {
		w.expectCounts(t, rule, n.Exit)
	}
	if v.Reset {
		t.failures = min(t.failures, 1)
	}
	if w.expect.status == 0 {
		w.expect.status = v.ExitCode
	}
	if v.Do == policy.Restart && spec.Kind != program.Cron {
		t.restartAt = max(after(w.now, v.Delay), after(t.started, rule.MinInterval))
	}
	if v.Do == policy.Restart && rule.Limit > 0 && n.Exit.Restarts >= rule.Limit {
		t.restarts = nil
	} else if v.Do == policy.Restart && rule.Limit > 0 {
		t.restarts = append(t.restarts, w.now)
		t.restarts = t.restarts[max(0, len(t.restarts)-rule.Limit):]
	}
}

// expectCounts checks what the machine tells the policy about the past. A load since the last exit may have wiped it out.
func (w *World) expectCounts(t *tally, rule policy.Policy, exit policy.Exit) {
	failures := 0
	if rule.Failed(exit) {
		failures = t.failures + 1
	}
	w.check(exit.Failures == failures || t.loadedSince && exit.Failures == 1,
		"%s#%d failed %d times in a row, the machine says %d", t.name, exit.Seq, failures, exit.Failures)
	if rule.Window > 0 {
		t.restarts = slices.DeleteFunc(t.restarts, func(at machine.Instant) bool { return at <= w.now-machine.Instant(rule.Window) })
	}
	if t.loadedSince && exit.Restarts == 0 {
		t.restarts = nil
	}
	w.check(exit.Restarts == len(t.restarts), "%s#%d: %d restarts, the machine says %d", t.name, exit.Seq, len(t.restarts), exit.Restarts)
	t.failures, t.loadedSince = exit.Failures, false
}

// expectChange notes that a reload tells an instance to leave, and until when it may stay.
func (w *World) expectChange(n machine.Note) {
	p := w.process(n.ID)
	if n.PID == 0 || p == nil {
		return
	}
	if spec := w.expect.specs[keyOfID(n.ID)]; n.Signal == 0 && spec != nil && spec.Overlap != program.AtOnce {
		p.replaced = spec.Overlap
		return
	}
	p.left = true
	if d := w.expect.before[keyOfID(n.ID)].FormerTimeout; d != 0 {
		p.leaveBy = after(w.now, d)
	}
}

func (w *World) expectLeftTooLate(n machine.Note) {
	p := w.process(n.ID)
	if p == nil {
		w.fail("%v left too late, says the machine, and is not there", n.ID)
		return
	}
	if n.Text == string(machine.ByFormerTimeout) {
		w.check(p.terms.former != 0 && w.now >= after(p.toldAt, p.terms.former), "%v is stopped before its former_timeout", n.ID)
	}
	p.tooLate = true
	if p.killBy == 0 {
		p.killBy = n.Until
	}
}

// expectStarted checks that a load did what it was to do, when the machine says that it ends.
func (w *World) expectStarted() {
	e := &w.expect
	for i := range e.config.Programs {
		spec := &e.config.Programs[i]
		t := w.tally(keyOf(spec))
		replace := spec.OnReload == program.Replace && !spec.NoStartOnReload && !spec.NoAutostart && !t.held && !t.again && !w.mayWait(t, spec)
		idle := spec.NoAutostart || t.held || t.again || w.mayWait(t, spec)
		w.check(idle || !replace && e.generation > 1 || t.generation == e.generation || w.comes(t), "%q was not started by the load", t.name)
		staying := 0
		for _, p := range t.live {
			w.check(!replace || p.generation == e.generation || p.told || p.beside, "%v was not told to go by the load", p.id)
			if p.left && !p.tooLate && !p.beside && !p.stopping() && !p.remains {
				staying++
			}
		}
		w.check(spec.MaxFormer == 0 || staying <= spec.MaxFormer, "%d former instances of %q", staying, t.name)
	}
	for _, t := range w.order {
		untold := slices.ContainsFunc(t.live, func(p *process) bool { return !p.told && !p.remains })
		w.check(e.specs[t.key] != nil || !untold, "%q was removed and its instance not told", t.name)
	}
}
