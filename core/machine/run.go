package machine

import (
	"time"

	"github.com/mwlua/mwlua/core/policy"
)

// wait puts a program into phase Waiting: it is started at that time, by wake.
func (m *Machine) wait(slot int, at Instant) {
	p := &m.s.Programs[slot]
	p.Phase, p.StartAt = Waiting, at
	m.starts.add(entry{at: at, slot: slot})
}

// setDown ends what a program was doing, without an instance of it being touched.
func (m *Machine) setDown(p *Program, phase Phase) {
	p.Phase, p.StartAt = phase, 0
	m.answered(p)
}

// answered takes a program off the list of those that a load waits for.
func (m *Machine) answered(p *Program) {
	if p.Starting {
		p.Starting = false
		m.s.Reload.Left--
	}
}

// spawn makes a program's next instance. Every start comes through here: the first, a restart, a replacement.
func (m *Machine) spawn(now Instant, slot int) {
	p := &m.s.Programs[slot]
	p.Seq++
	p.Phase, p.StartAt, p.Current, p.LastStart = Running, 0, p.Seq, now
	p.Instances = append(p.Instances, Instance{Seq: p.Seq, Generation: m.s.Generation, Step: Spawning, Since: now})
	m.spawning++
	m.alive++
	m.do(Spawn{ID: p.id(p.Seq), Spec: m.s.Config.Programs[slot], Env: m.s.Config.Env})
}

func (m *Machine) spawned(now Instant, ev Spawned) {
	p, in := m.instance(ev.ID)
	if in == nil || in.Step != Spawning {
		return
	}
	in.PID, in.Step = ev.PID, Started
	m.spawning--
	m.do(Note{Kind: NoteSpawned, ID: ev.ID, PID: ev.PID})
	if m.awaits(p) {
		m.do(AwaitServing{ID: ev.ID, PID: ev.PID, Limit: m.limit(p)})
	} else {
		m.answered(p)
	}
	switch {
	case m.s.Stop.Verb != "":
		m.stopInstance(now, m.slots[p.Name], in)
	case in.Cause == ByRequest:
		m.stopByRequest(now, m.slots[p.Name], in)
	}
	m.satisfy(p)
	m.loadEnds(now)
}

func (m *Machine) spawnFailed(now Instant, ev SpawnFailed) {
	p, in := m.instance(ev.ID)
	if in == nil || in.Step != Spawning {
		return
	}
	m.spawning--
	gone := *in
	m.forget(p, ev.ID.Seq)
	exit := policy.Exit{Program: p.Name, Seq: ev.ID.Seq, Code: 1, Reason: policy.StartFailed}
	note := Note{Kind: NoteSpawnFailed, ID: ev.ID, Text: "cannot " + verbOf(ev.Step) + " " + ev.Text}
	m.disappoint(p, ev.ID.String()+" did not start: "+note.Text)
	m.ended(now, p, gone, exit, note)
	m.loadEnds(now)
}

// verbOf says what could not be done when a step of a spawn failed.
func verbOf(step string) string {
	switch step {
	case "stdin":
		return "open its standard input"
	case "stdout":
		return "open its standard output"
	case "stderr":
		return "open its standard error"
	case "credentials":
		return "take on its user and groups:"
	case "directory":
		return "enter the directory"
	case "exec":
		return "execute"
	case "expand":
		return "expand"
	case "umask":
		return "set its umask:"
	case "limits":
		return "set its limits:"
	default:
		return step + ":"
	}
}

func (m *Machine) exited(now Instant, ev Exited) {
	p, in := m.instance(ev.ID)
	if in == nil || in.Step == Spawning {
		return
	}
	gone := *in
	m.forget(p, ev.ID.Seq)
	exit := policy.Exit{
		Program: p.Name, Seq: ev.ID.Seq, Code: ev.Code, Signal: ev.Signal, CoreDumped: ev.CoreDumped,
		Reason: policy.Exited, Ran: time.Duration(now - gone.Since),
	}
	if gone.Cause == ByReload && gone.Told == ev.Signal && gone.Step == Started { // T-4
		exit.Reason = policy.ReloadSignal
	}
	m.reloadRefused(now, ReloadRefused{N: m.s.Reload.N, ID: ev.ID, Text: ev.ID.String() + " ended while it reloaded itself"})
	m.ended(now, p, gone, exit, Note{Kind: NoteExited, ID: ev.ID, PID: gone.PID})
	m.loadEnds(now) // it may have waited for this one
}

// forget removes an instance. What was its current phase ends with it.
func (m *Machine) forget(p *Program, seq uint64) {
	for i := range p.Instances {
		if p.Instances[i].Seq == seq {
			p.Instances = append(p.Instances[:i:i], p.Instances[i+1:]...)
			m.alive--
			break
		}
	}
}

// ended decides what follows the end of an instance.
func (m *Machine) ended(now Instant, p *Program, gone Instance, exit policy.Exit, note Note) {
	note.Exit = exit
	if gone.Seq != p.Current { // H-6.25: a former one's end has no effect
		note.Former = true
		m.do(note)
		m.satisfy(p)
		m.stopped()
		return
	}
	p.Current = 0
	p.Last = Ending{Seq: gone.Seq, Code: exit.Code, Signal: exit.Signal, At: now}
	m.setDown(p, Down)
	if m.s.Stop.Verb != "" {
		m.endedAtStop(exit, note)
		return
	}
	if gone.Cause == ByRequest {
		m.endedByRequest(now, p, note)
		return
	}
	slot := m.slots[p.Name]
	rule := m.s.Config.Programs[slot].Exit
	m.count(now, p, rule, &exit)
	v := m.final(slot, exit, rule.Decide(exit, m.s.Seed))
	note.Exit, note.Verdict = exit, v
	m.apply(now, slot, v, note)
}

// count brings up to date what the policy asks about the past.
func (m *Machine) count(now Instant, p *Program, rule policy.Policy, exit *policy.Exit) {
	if rule.Failed(*exit) {
		p.Failures++
	} else {
		p.Failures = 0
	}
	if rule.Limit == 0 {
		p.Restarts = nil
	}
	if rule.Window > 0 {
		for len(p.Restarts) > 0 && p.Restarts[0] <= now-Instant(rule.Window) {
			p.Restarts = p.Restarts[1:]
		}
	}
	exit.Failures, exit.Restarts = p.Failures, len(p.Restarts)
}

// apply carries a verdict out. The first exit code that a verdict names is what mwlua leaves with (H-6.24).
func (m *Machine) apply(now Instant, slot int, v policy.Verdict, note Note) {
	p := &m.s.Programs[slot]
	if m.s.Status == 0 {
		m.s.Status = v.ExitCode
	}
	if v.Reset {
		p.Failures = min(p.Failures, 1)
	}
	switch v.Do {
	case policy.Restart:
		m.restart(now, slot, v.Delay, note)
	case policy.Fail:
		p.Phase = Failed
		m.do(note)
	case policy.Shutdown:
		p.Phase = Failed
		m.do(note)
		m.stop(now, StopAll, sigTERM, v.Reason)
	default:
		m.do(note)
	}
}

func (m *Machine) restart(now Instant, slot int, delay time.Duration, note Note) {
	p, rule := &m.s.Programs[slot], &m.s.Config.Programs[slot].Exit
	switch {
	case rule.Limit > 0 && note.Exit.Restarts >= rule.Limit: // on_limit is retry: it begins anew
		p.Restarts = nil
	case rule.Limit > 0:
		p.Restarts = append(p.Restarts, now)
		p.Restarts = p.Restarts[max(0, len(p.Restarts)-rule.Limit):]
	}
	note.Until = max(after(now, delay), after(p.LastStart, rule.MinInterval))
	m.do(note)
	m.wait(slot, note.Until)
}
