package machine

import (
	"fmt"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// wait puts a program into phase Waiting: it is started at that time, by wake.
func (m *Machine) wait(place int, at Instant) {
	p := &m.s.Programs[place]
	was := p.underWay()
	m.undecided(p)
	p.Phase, p.StartAt = Waiting, at
	m.recount(p, was)
	m.starts.add(entry{at: at, place: place})
}

// setDown ends what a program was doing, without an instance of it being touched.
func (m *Machine) setDown(p *Program, phase Phase) {
	m.answered(p)
	m.undecided(p)
	p.Phase, p.StartAt = phase, 0
}

// answered takes a program off the list of those that a load waits for.
func (m *Machine) answered(p *Program) {
	was := p.underWay()
	p.Starting, p.Roll, p.Await = false, false, false
	m.recount(p, was)
}

// awaited puts a program on that list.
func (m *Machine) awaited(p *Program) {
	was := p.underWay()
	p.Starting = true
	m.recount(p, was)
}

// recount keeps Reload.Left right when something about p has changed; was says whether it was under way before.
func (m *Machine) recount(p *Program, was bool) {
	switch is := p.underWay(); {
	case is && !was:
		m.s.Reload.Left++
	case was && !is:
		m.s.Reload.Left--
	}
}

// spawn makes a program's next instance. Every start comes through here: the first, a restart, a replacement.
func (m *Machine) spawn(now Instant, place int) {
	p := &m.s.Programs[place]
	spec := &m.s.Config.Programs[place]
	p.Seq++
	p.StartAt, p.LastStart = 0, now
	if p.Current != 0 { // it follows that one when it is ready
		p.Next = p.Seq
	} else {
		p.Phase, p.Current, p.Stale = Running, p.Seq, false
	}
	p.Instances = append(p.Instances, Instance{Seq: p.Seq, Generation: m.s.Generation, Step: Spawning, Since: now})
	m.spawning++
	m.alive++
	m.do(Spawn{ID: p.id(p.Seq), Spec: *spec, Env: m.s.Config.Env})
}

func (m *Machine) spawned(now Instant, ev Spawned) {
	p, in := m.instance(ev.ID)
	if in == nil || in.Step != Spawning {
		return
	}
	place := m.place(p)
	in.PID, in.Step = ev.PID, Unready
	m.spawning--
	m.do(Note{Kind: NoteSpawned, ID: ev.ID, PID: ev.PID})
	m.started(place, in)
	switch {
	case m.s.Stop.Verb != "":
		in.Step = Started
		m.stopInstance(now, place, in)
	case in.Cause != NoCause: // it is not wanted any more
		in.Step = Started
		m.answered(p)
		m.halt(now, place, in, in.Cause)
	default:
		m.begin(now, place, in)
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
	text := ev.ID.String() + " did not start: " + note.Text
	if place := m.place(p); p.Starting && place < len(m.s.Config.Programs) && m.s.Config.Programs[place].Exit.Rule == policy.RestartRule {
		m.s.Reload.broke(text) // HAProxy's reload has succeeded before its programs are executed (H-6.4)
	}
	m.disappoint(p, text)
	m.haltRoll(now, m.place(p), text)
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
	case "sockets":
		return "open its socket"
	case "notify":
		return "make its NOTIFY_SOCKET:"
	case "ready":
		return "make the pipe for its readiness:"
	case "deathsig":
		return "have it signalled when mwlua dies:"
	case "cgroup":
		return "make its control group:"
	case "nice":
		return "set its nice value:"
	case "oom_score_adj":
		return "set its oom_score_adj:"
	case "chroot":
		return "enter the root"
	case "capabilities":
		return "set its capabilities:"
	case "no_new_privs":
		return "set no_new_privs:"
	default:
		return step + ":"
	}
}

func (m *Machine) exited(now Instant, ev Exited) {
	p, in := m.instance(ev.ID)
	if in == nil || in.Step == Spawning || in.Step == Emptying {
		return
	}
	exit := policy.Exit{
		Program: p.Name, Seq: ev.ID.Seq, Code: ev.Code, Signal: ev.Signal, CoreDumped: ev.CoreDumped, OOM: ev.OOM,
		Reason: reasonOf(in, ev), Ran: time.Duration(now - in.Since),
	}
	if len(ev.Left) > 0 {
		m.outlived(now, m.place(p), in, exit, ev.Left)
		m.endedAsked(now, ev.ID)
		m.loadEnds(now)
		return
	}
	m.gone(now, p, *in, exit)
}

// reasonOf is the way in which an instance ended.
func reasonOf(in *Instance, ev Exited) policy.Reason {
	switch in.Cause {
	case ByReload:
		if in.Told == ev.Signal && (in.Step == Started || in.Step == Unready) { // T-4
			return policy.ReloadSignal
		}
	case ByNotReady:
		return policy.NotReady
	case ByHealth:
		return policy.Health
	case ByWatchdog:
		return policy.Watchdog
	case ByTimeout:
		return policy.Timeout
	}
	return policy.Exited
}

// gone is the end of an instance of which nothing is left.
func (m *Machine) gone(now Instant, p *Program, gone Instance, exit policy.Exit) {
	id := p.id(gone.Seq)
	m.forget(p, gone.Seq)
	m.endedAsked(now, id)
	m.ended(now, p, gone, exit, Note{Kind: NoteExited, ID: id, PID: gone.PID})
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
	place := m.place(p)
	note.Exit = exit
	m.hasEnded(place, note)
	switch {
	case gone.Seq == p.Next && (m.s.Stop.Verb != "" || gone.Cause == ByRequest || gone.Cause == ByNeed):
		p.Next = 0
		m.answered(p)
		m.endedAside(p, note)
	case gone.Seq == p.Next:
		m.nextEnded(now, place, note)
	case gone.Seq != p.Current: // H-6.25: a former one's end has no effect
		note.Former = true
		m.endedAside(p, note)
	case p.Next != 0: // the next one is under way already
		p.Current, p.Next, p.Again, p.Stale = p.Next, 0, false, false
		p.Last = Ending{Seq: gone.Seq, Code: exit.Code, Signal: exit.Signal, At: now}
		if m.s.Stop.Verb != "" {
			m.endedAtStop(exit, note)
		} else {
			m.endedAside(p, note)
		}
		if p.find(p.Current).Step == Emptying { // it has ended before
			m.lost(now, place)
		}
	default:
		m.currentEnded(now, p, gone, exit, note)
	}
	m.release(now, place)
}

// endedAside is an end on which nothing depends.
func (m *Machine) endedAside(p *Program, note Note) {
	m.do(note)
	m.satisfy(p)
	m.stopped()
}

// currentEnded decides what follows the end of a current instance that has no successor yet.
func (m *Machine) currentEnded(now Instant, p *Program, gone Instance, exit policy.Exit, note Note) {
	place, starting, startAt := m.place(p), p.Starting, p.StartAt
	p.Current = 0
	p.Last = Ending{Seq: gone.Seq, Code: exit.Code, Signal: exit.Signal, At: now}
	if startAt != 0 { // the next one is about to be started
		p.Phase, p.Again = Waiting, false
		m.do(note)
		m.lost(now, place)
		return
	}
	if gone.early() && starting {
		m.s.Reload.broke(unreadyEnd(note))
	}
	m.setDown(p, Down)
	if m.s.Stop.Verb != "" {
		m.endedAtStop(exit, note)
		return
	}
	switch gone.Cause {
	case ByRequest, ByReplace:
		m.endedByRequest(now, p, starting, note)
	case ByNeed:
		m.do(note)
		m.wait(place, max(now, after(p.LastStart, m.s.Config.Programs[place].Exit.MinInterval)))
	case ByTick:
		m.do(note)
		m.runNow(now, place)
	default:
		m.judgeEnd(now, place, gone, exit, note)
		if starting && p.Phase == Failed && m.s.Config.Programs[place].Kind == program.OneShot { // the load has waited for its success
			m.s.Reload.broke(fmt.Sprintf("%v has failed: %s", note.ID, exitText(exit)))
		}
		m.stillStarting(place, starting)
	}
	m.lost(now, place)
}

// stillStarting has the load go on waiting for a one-shot that is tried again.
func (m *Machine) stillStarting(place int, starting bool) {
	p := &m.s.Programs[place]
	if starting && (p.Phase == Waiting || p.Phase == Deciding) && !p.Starting && m.s.Reload.Step == Starting && m.s.Config.Programs[place].Kind == program.OneShot {
		m.awaited(p)
	}
}

// judgeEnd applies the policy to an end that nobody asked for.
func (m *Machine) judgeEnd(now Instant, place int, gone Instance, exit policy.Exit, note Note) {
	p, spec := &m.s.Programs[place], &m.s.Config.Programs[place]
	m.count(now, p, spec.Exit, &exit)
	note.Exit = exit
	if len(spec.OnExit) > 0 {
		m.deliberate(now, place, note)
	} else {
		m.conclude(now, place, m.declared(place, exit), note)
	}
	if gone.early() {
		m.disappoint(p, unreadyEnd(note))
		m.haltRoll(now, place, unreadyEnd(note))
	}
}

// declared is the verdict of what a program declares itself.
func (m *Machine) declared(place int, exit policy.Exit) policy.Verdict {
	spec := &m.s.Config.Programs[place]
	if exit.Reason == policy.Health && spec.Health != nil && spec.Health.OnFail == program.StopUnhealthy {
		return policy.Verdict{Do: policy.Fail, Reason: "it was unhealthy, and on_fail is stop"}
	}
	return spec.Exit.Decide(exit, m.s.Seed)
}

// conclude carries out what follows an end.
func (m *Machine) conclude(now Instant, place int, v policy.Verdict, note Note) {
	p := &m.s.Programs[place]
	note.Verdict = m.final(place, note.Exit, v)
	m.apply(now, place, note.Verdict, note)
	if note.Verdict.Do == policy.Fail {
		m.disappoint(p, fmt.Sprintf("%v has failed: %s", note.ID, exitText(note.Exit)))
	}
	m.satisfy(p)
}

// unreadyEnd says that an instance ended too early.
func unreadyEnd(note Note) string {
	return fmt.Sprintf("%v ended before it was ready: %s", note.ID, exitText(note.Exit))
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
func (m *Machine) apply(now Instant, place int, v policy.Verdict, note Note) {
	p := &m.s.Programs[place]
	if m.s.Status == 0 {
		m.s.Status = v.ExitCode
	}
	if v.Reset {
		p.Failures = min(p.Failures, 1)
	}
	switch v.Do {
	case policy.Restart:
		m.restart(now, place, v.Delay, note)
	case policy.Fail:
		m.do(note)
		m.rest(now, place, true)
	case policy.Shutdown:
		p.Phase = Failed
		m.do(note)
		m.stop(now, StopAll, sigTERM, v.Reason)
	default:
		m.do(note)
		m.rest(now, place, false)
	}
}

func (m *Machine) restart(now Instant, place int, delay time.Duration, note Note) {
	p, rule := &m.s.Programs[place], &m.s.Config.Programs[place].Exit
	switch {
	case rule.Limit > 0 && note.Exit.Restarts >= rule.Limit: // on_limit is retry: it begins anew
		p.Restarts = nil
	case rule.Limit > 0:
		p.Restarts = append(p.Restarts, now)
		p.Restarts = p.Restarts[max(0, len(p.Restarts)-rule.Limit):]
	}
	note.Until = max(after(now, delay), after(p.LastStart, rule.MinInterval))
	m.do(note)
	m.wait(place, note.Until)
}
