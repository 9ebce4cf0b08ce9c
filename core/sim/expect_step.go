package sim

import (
	"slices"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// expectStep checks what must hold after every step.
func (w *World) expectStep(ev machine.Event) {
	if w.err != nil || w.Bare || w.Unchecked {
		return
	}
	if err := w.m.Check(); err != nil {
		w.fail("%v", err)
		return
	}
	s, e := w.m.State(), &w.expect
	w.check(e.asked == "" || e.stop != "" || w.quit || s.Reload.Step != machine.Idle, "the reload that %q asked for is lost", e.asked)
	if s.Reload.Step == machine.Idle {
		w.expectNobodyWaits()
	}
	w.check(s.Stop.Verb == e.stop || w.quit, "stop is %q, the machine says %q", e.stop, s.Stop.Verb)
	idle := s.Generation > 0 && s.Reload.Step == machine.Idle && s.Stop.Verb == "" && len(w.order) > 0
	w.check(!idle || s.Config.Settings.ExitWhen != program.ExitWhenDone || w.busy() || w.quit, "all is done and mwlua stays")
	w.expectTold(ev)
	w.expectSame(s)
	w.expectNeeds()
	w.expectPhases(s)
}

// expectTold: a stop is told to every process, at once or as soon as its spawn is answered; and it ends when none is left.
func (w *World) expectTold(ev machine.Event) {
	e := &w.expect
	if e.stop == "" {
		return
	}
	spawned, _ := ev.(machine.Spawned)
	left := 0
	for _, t := range w.order {
		left += len(t.live)
		for _, p := range t.live {
			due := e.stopStep == e.steps || p.id == spawned.ID && !p.told || !p.told
			waits := e.stop == machine.StopAll && !p.stopTold && w.waitsToStop(p)
			w.check(!due || !p.running || p.killed || p.remains || waits || p.toldStep == e.steps, "%v was not told of the stop", p.id)
		}
	}
	w.check(w.quit || left > 0, "no process is left and mwlua does not leave")
}

// expectSame: the machine knows exactly the processes that there are.
func (w *World) expectSame(s machine.State) {
	known, there := 0, 0
	for i := range s.Programs {
		p := &s.Programs[i]
		t := w.programs[key{p.Name, p.Slot}]
		if t == nil || len(t.live) != len(p.Instances) {
			w.fail("the machine knows %d instances of %q", len(p.Instances), p.Name)
			return
		}
		known += len(t.live)
		for j := range p.Instances {
			in, real := &p.Instances[j], t.live[j]
			ok := in.Seq == real.id.Seq && real.running == (in.Step != machine.Spawning) && (!real.running || in.PID == real.pid)
			w.check(ok, "%v is not what the machine knows of it: %+v", real.id, in)
		}
	}
	for _, t := range w.order {
		there += len(t.live)
	}
	w.check(known == there, "there are %d processes, the machine knows %d", there, known)
}

// expectOnTime: when time has passed, nothing is overdue.
func (w *World) expectOnTime() {
	if w.handing || w.Bare || w.Unchecked {
		return
	}
	step := w.m.State().Reload.Step
	held := step == machine.Settling || step == machine.Handing || step == machine.Loading || step == machine.Asking
	overdue := func(at machine.Instant) bool { return at != 0 && after(at, w.WakeLate) < w.now }
	w.check(!w.trial.there || w.trial.answered || !overdue(after(w.trial.since, w.patience())), "the trial may run for ever")
	w.check(step != machine.Loading || w.load.answered || !overdue(after(w.load.since, w.patience())), "the load may run for ever")
	w.check(step != machine.Asking || !overdue(after(w.asking.since, w.asking.limit)), "%v may reload themselves for ever", w.asking.ids)
	w.check(step != machine.Asking || len(w.asking.ids) > 0, "nobody is asked any more, and the load waits")
	for _, t := range w.order {
		w.check(held || w.expect.stop != "" || !overdue(t.restartAt) || w.blocked(t), "the restart of %q is lost", t.name)
		for _, p := range t.live {
			w.check(p.killed || p.remains || !overdue(p.killBy), "%v was to be killed", p.id)
			w.expectLifeOnTime(t, p, overdue)
			w.check(p.killed || p.tooLate || p.stopping() || p.remains || w.expect.stop == machine.StopAll || !overdue(p.leaveBy), "%v stays beyond its former_timeout", p.id)
		}
	}
}

// blocked says that a program waits for others, as the machine says.
func (w *World) blocked(t *tally) bool {
	p := w.slot(t.key)
	return p != nil && p.Phase == machine.Blocked
}

// expectSettled: what runs is what the configuration in force declares, for programs that every load replaces.
func (w *World) expectSettled() {
	if w.quit || !w.settled() {
		return
	}
	s := w.m.State()
	for i := range s.Config.Programs {
		spec, p := &s.Config.Programs[i], &s.Programs[i]
		if t := w.tally(key{p.Name, p.Slot}); t.held || t.again {
			continue
		}
		if p.Phase != machine.Running || p.Stale || spec.OnReload != program.Replace || spec.NoStartOnReload {
			continue
		}
		real := w.process(machine.ID{Program: p.Name, Slot: p.Slot, Seq: p.Current})
		w.check(real != nil && slices.Equal(real.command, w.expect.specs[key{p.Name, p.Slot}].Command), "%q runs as an earlier configuration had it", p.Name)
	}
}
