package sim

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// waitsFor are the programs that a declaration waits for.
func waitsFor(s *program.Spec) []string { return slices.Concat(s.After, s.Needs) }

// arrived says that nobody need wait for a program, as far as this world knows.
func (w *World) arrived(name string) bool {
	found := false
	for _, t := range w.order {
		spec := w.expect.specs[t.key]
		if t.name != name || spec == nil {
			continue
		}
		found = true
		if spec.Kind == program.OneShot && !(t.done && w.slot(t.key).Phase == machine.Done) || spec.Kind == program.Service && !t.serves() {
			return false
		}
	}
	return found
}

// serves says that there is a process that is ready and was not told to go.
func (t *tally) serves() bool {
	return slices.ContainsFunc(t.live, func(p *process) bool {
		return p.running && p.ready && !p.remains && !p.left && !p.stopping() && !p.killed
	})
}

// expectOrder checks that what a program waits for is there when it is spawned.
func (w *World) expectOrder(a machine.Spawn, spec *program.Spec) {
	for _, name := range waitsFor(spec) {
		w.check(w.arrived(name), "%v is spawned before %q is ready", a.ID, name)
	}
}

// mayBeside says that a process may go on untold while the next one of its program is spawned.
func (w *World) mayBeside(p *process, spec *program.Spec) bool {
	switch {
	case spec == nil || p.remains:
		return false
	default:
		return p.beside || p.replaced == program.StartFirst
	}
}

// waitsToStop says that a process is told to stop only when others have gone, which are declared to be started after it.
func (w *World) waitsToStop(p *process) bool {
	if p.left {
		return false
	}
	for _, t := range w.order {
		spec := w.expect.specs[t.key]
		if spec != nil && len(t.live) > 0 && slices.Contains(waitsFor(spec), p.id.Program) {
			return true
		}
	}
	return false
}

// expectStopOrder checks that a stop is told to nobody whom others need that are still there.
func (w *World) expectStopOrder(p *process, a machine.Signal) {
	if w.expect.byHand {
		return
	}
	if w.expect.stop == machine.StopAll && !p.stopTold && p.givenUp == "" && !p.asked && !p.needed && !p.ticked && p.replaced == "" && !a.Group {
		w.check(!w.waitsToStop(p), "%v is told to stop before those that are started after it have gone", p.id)
	}
	p.stopTold = w.expect.stop != ""
}

// expectNeeds: who needs a program whose last instance has ended is told to stop.
func (w *World) expectNeeds() {
	gone := w.expect.gone
	if w.expect.stop != "" || gone == nil || w.present(gone.id.Program) {
		return
	}
	for _, t := range w.order {
		spec := w.expect.specs[t.key]
		if spec == nil {
			continue
		}
		for _, name := range spec.Needs {
			if name != gone.id.Program {
				continue
			}
			for _, p := range t.live {
				w.check(p.told || p.left || !p.running || p.remains || p.asked || p.needed || w.wantsToStop(p), "%v goes on, and nothing of %q is there, which it needs", p.id, name)
			}
		}
	}
}

// present says that a program has an instance which is no former one, or is none that others need to run.
func (w *World) present(name string) bool {
	return slices.ContainsFunc(w.order, func(t *tally) bool {
		spec := w.expect.specs[t.key]
		if t.name != name || spec == nil {
			return false
		}
		return spec.Kind != program.Service || slices.ContainsFunc(t.live, func(p *process) bool { return !p.left && !p.remains })
	})
}

// expectPhases: what the machine says that a program does fits what this world knows.
func (w *World) expectPhases(s machine.State) {
	for i := range s.Config.Programs {
		p, spec := &s.Programs[i], &s.Config.Programs[i]
		switch p.Phase {
		case machine.Blocked:
			there := !slices.ContainsFunc(waitsFor(spec), func(name string) bool { return !w.arrived(name) })
			w.check(!there || s.Stop.Verb != "" || w.pendingStop(s, spec), "%q is blocked by nothing", p.Name)
		case machine.Running:
			in := instanceOf(p, p.Current)
			real := w.process(machine.ID{Program: p.Name, Slot: p.Slot, Seq: p.Current})
			ok := in.Step != machine.Started || real != nil && real.ready || in.Cause != "" || s.Stop.Verb != "" || spec.Ready.By == program.ReadyAtOnce
			w.check(ok, "%v is ready, and did not say so", in)
		}
	}
}

// pendingStop says that one of those that spec waits for is ready and about to stop.
func (w *World) pendingStop(s machine.State, spec *program.Spec) bool {
	return slices.ContainsFunc(s.Programs, func(p machine.Program) bool {
		in := instanceOf(&p, p.Current)
		return slices.Contains(waitsFor(spec), p.Name) && in != nil && in.Cause != ""
	})
}

func instanceOf(p *machine.Program, seq uint64) *machine.Instance {
	for i := range p.Instances {
		if p.Instances[i].Seq == seq {
			return &p.Instances[i]
		}
	}
	return nil
}

// expectLifeOnTime: nobody has more time than was declared, unless it has asked for it.
func (w *World) expectLifeOnTime(t *tally, p *process, overdue func(machine.Instant) bool) {
	spec := w.expect.specs[t.key]
	if spec == nil || !p.running || p.told || p.asked || p.left || p.remains || w.expect.stop != "" || w.wantsToStop(p) {
		return
	}
	unready := !p.ready && spec.Ready.Timeout > 0 && spec.Ready.By != program.ReadyAtOnce
	w.check(!unready || p.extended || !overdue(after(p.ranAt, spec.Ready.Timeout)), "%v is not ready, and may be so for ever", p.id)
	w.check(spec.Timeout == 0 || !overdue(after(p.ranAt, spec.Timeout)), "%v runs beyond its timeout", p.id)
	w.check(t.tickBy == 0 || !overdue(t.tickBy), "a tick of %q is lost", t.name)
}

// wantsToStop says that an instance is to stop as soon as others have gone.
func (w *World) wantsToStop(p *process) bool {
	s := w.m.State()
	for i := range s.Programs {
		if q := &s.Programs[i]; q.Name == p.id.Program && q.Slot == p.id.Slot {
			in := instanceOf(q, p.id.Seq)
			return in != nil && in.Cause != ""
		}
	}
	return false
}

// stopping says that the machine stops a process for another reason than mwlua's own stop.
func (p *process) stopping() bool {
	return p.asked || p.givenUp != "" || p.needed || p.ticked || p.replaced == program.StopFirst
}

// expectProbe: it runs, nobody has told it to go, and something is declared to ask.
func (w *World) expectProbe(a machine.Probe) {
	p, spec := w.process(a.ID), w.expect.specs[keyOfID(a.ID)]
	if p == nil || spec == nil {
		w.fail("%v is probed and is not there", a.ID)
		return
	}
	w.check(p.running && p.pid == a.PID && !p.remains && !p.left && w.expect.stop == "", "%v is probed while it cannot answer", a.ID)
	w.check(spec.Ready.By == program.ReadyProbe || spec.Health != nil, "%v is probed, against its declaration", a.ID)
	w.check(a.N > p.probed, "probe %d of %v after %d", a.N, a.ID, p.probed)
	p.probed = a.N
}

// expectRunStop is expectSignal for a stop command.
func (w *World) expectRunStop(p *process, a machine.RunStop) {
	if p == nil || !p.running || p.remains {
		w.fail("a stop command for %v, which does not run", a.ID)
		return
	}
	w.check(p.pid == a.PID && !p.killed, "a stop command for %v with pid %d", a.ID, a.PID)
	w.expectStopOrder(p, machine.Signal{ID: a.ID, PID: a.PID})
	w.toldToStop(p)
}

// follow is a process that another one stands in for.
func (w *World) follow(a machine.Follow) {
	p := w.process(a.ID)
	w.check(p != nil && p.running && p.pid == a.Old, "%v is followed from pid %d", a.ID, a.Old)
	if p != nil {
		p.pid = a.PID
	}
}

func (w *World) expectNextTick(a machine.NextTick) {
	t := w.tally(key{name: a.Program})
	w.check(a.N > t.ticked, "tick %d of %q after %d", a.N, a.Program, t.ticked)
	w.check(a.Spec.Kind == program.Cron, "%q is no cron", a.Program)
	t.ticked, t.tickBy = a.N, 0
	t.restartAt, t.failed = 0, 0
	t.loadedSince = true // a run begins its count of failures anew
}

// hearTick notes when a tick has to be heard.
func (w *World) hearTick(ev machine.Tick) {
	t := w.programs[key{name: ev.Program}]
	if t == nil || ev.N != t.ticked || ev.Text != "" {
		return
	}
	if spec := w.expect.specs[t.key]; spec != nil && w.m.State().Stop.Verb == "" && !t.held && spec.Kind == program.Cron && w.onClock(t) {
		t.tickBy = after(max(ev.At, w.now), spec.Jitter)
	}
}

// onClock says that the machine has a cron on the clock.
func (w *World) onClock(t *tally) bool {
	p := w.program(t.name)
	return p != nil && p.Phase != machine.Down && p.Phase != machine.Failed && !p.Held
}

// hearGivenUp notes why the machine stops an instance.
func (w *World) hearGivenUp(n machine.Note) {
	p := w.process(n.ID)
	if p == nil {
		w.fail("%v is stopped, says the machine, and is not there", n.ID)
		return
	}
	switch {
	case p.needed: // nothing else counts any more
	case strings.Contains(n.Text, "which it needs"):
		p.needed = true
	case strings.HasPrefix(n.Text, "it was not ready"):
		p.givenUp = policy.NotReady
	case strings.HasPrefix(n.Text, "its health"):
		p.givenUp = policy.Health
	case strings.HasPrefix(n.Text, "it took"):
		p.givenUp = policy.Timeout
	default:
		p.givenUp = policy.Watchdog
	}
}

// hearReady: it has said so, or need not any more.
func (w *World) hearReady(n machine.Note) {
	p, spec := w.process(n.ID), w.expect.specs[keyOfID(n.ID)]
	if p == nil || spec == nil {
		w.fail("%v is ready, says the machine, and is not there", n.ID)
		return
	}
	w.check(p.ready || spec.Ready.By == program.ReadyAtOnce, "%v is ready, and did not say so", n.ID)
	p.ready = true
}

// hearStays notes that a load leaves an instance as it is, and lets the one go that was to follow it.
func (w *World) hearStays(n machine.Note) {
	t := w.tally(keyOfID(n.ID))
	t.rolled = true
	for _, p := range t.live {
		p.replaced = ""
		if p.id.Seq > n.ID.Seq && !p.left {
			p.left = true
		}
	}
}

// hearTickNote notes what becomes of the run that goes on when the next is due.
func (w *World) hearTickNote(n machine.Note) {
	p := w.process(n.ID)
	switch {
	case p == nil:
	case strings.HasSuffix(n.Text, "starts beside it"):
		p.left, p.beside = true, true
	case strings.HasSuffix(n.Text, "stopped for the next run"):
		p.ticked = true
	}
}

// unjudged says that no policy is asked about the end of an instance.
func (w *World) unjudged(p *process) bool {
	return p.asked || p.needed || p.ticked || p.replaced == program.StopFirst && w.expect.replaced || w.expect.successor
}

// reasonOf is how an instance ends that ends now.
func (w *World) reasonOf(p *process, signal int) policy.Reason {
	nudged := p.nudge != 0 && signal == p.nudge && !p.left && w.expect.stop == "" && !p.stopping()
	switch {
	case p.givenUp != "" && !p.asked && !p.ticked && !w.expect.replaced && w.expect.stop == "":
		return p.givenUp
	case nudged:
		return policy.ReloadSignal
	default:
		return policy.Exited
	}
}

// verdictOf is what the declared policy says to an end.
func (w *World) verdictOf(spec *program.Spec, exit policy.Exit) policy.Verdict {
	v := spec.Exit.Decide(exit, w.expect.seed)
	if exit.Reason == policy.Health && spec.Health != nil && spec.Health.OnFail == program.StopUnhealthy {
		v = policy.Verdict{Do: policy.Fail, Reason: "it was unhealthy, and on_fail is stop"}
	}
	return w.finalOf(spec, exit, v)
}

// finalOf is a verdict with what the kind and the importance of its program make of it.
func (w *World) finalOf(spec *program.Spec, exit policy.Exit, v policy.Verdict) policy.Verdict {
	switch {
	case spec.Kind == program.Service:
	case v.Do == policy.Stop:
		v.Reason = "it is done"
	case v.Do == policy.Fail && spec.Exit.When == policy.Never:
		v.Reason = "it is not tried again"
	}
	if v.Do == policy.Fail && spec.Critical && w.expect.config.Settings.ExitWhen != program.ExitNever {
		v.Do, v.ExitCode, v.Reason = policy.Shutdown, max(exit.Status(), 1), "it is critical, and has failed: "+v.Reason
	}
	return v
}

// started says that a load may end as far as a program is concerned that it was to start.
func (w *World) mayWait(t *tally, spec *program.Spec) bool {
	p := cmp.Or(w.slot(t.key), &machine.Program{})
	return t.rolled || w.m.State().Stop.Done || p.Phase == machine.Blocked || spec.Kind != program.Service || spec.Overlap != program.AtOnce
}

// comes says that the instance of a program that a load was to start is spawned in this very step.
func (w *World) comes(t *tally) bool {
	p := w.slot(t.key)
	if p == nil {
		return false
	}
	in := instanceOf(p, p.Current)
	return in != nil && in.Generation == w.expect.generation
}

// slot returns the machine's record of one instance of a program; nil if it has none.
func (w *World) slot(k key) *machine.Program {
	s := w.m.State()
	for i := range s.Programs {
		if s.Programs[i].Name == k.name && s.Programs[i].Slot == k.slot {
			return &s.Programs[i]
		}
	}
	return nil
}
