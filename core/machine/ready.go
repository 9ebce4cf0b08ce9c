package machine

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/program"
)

// Defaults of probes and their bounds.
const (
	probeTimeout   = 2 * time.Second
	readyInterval  = 200 * time.Millisecond
	healthInterval = 10 * time.Second
	probeGrace     = time.Second // what the shell has beyond the limit of a probe, until its answer is given up
)

const sigABRT = 6 // of a watchdog, as systemd has it (systemd.service(5), WatchdogSignal=)

// begin is the life of an instance from the moment it runs to the moment it is ready.
func (m *Machine) begin(now Instant, place int, in *Instance) {
	spec := &m.s.Config.Programs[place]
	if spec.Ready.By == program.ReadyAtOnce {
		in.Step, in.Deadline = Started, m.due(place, in.Seq, timeout(now, spec.Timeout))
		m.ready(now, place, in)
		return
	}
	in.Step = Unready
	in.Deadline = m.due(place, in.Seq, timeout(now, spec.Ready.Timeout))
	if spec.Ready.By == program.ReadyProbe {
		m.probe(now, place, in)
	}
}

// ready is the moment at which an instance can serve: those who wait for it go on.
func (m *Machine) ready(now Instant, place int, in *Instance) {
	p, spec := &m.s.Programs[place], &m.s.Config.Programs[place]
	if in.Step == Unready {
		in.Deadline = 0
		m.do(Note{Kind: NoteReady, ID: p.id(in.Seq), PID: in.PID})
	}
	in.Step, in.Health, in.Said.Doing = Started, Health{N: in.Health.N}, ""
	m.watch(now, place, in)
	if every := cmp.Or(in.Said.WatchdogEvery, spec.Watchdog); spec.Watchdog > 0 {
		in.Said.WatchdogDue = m.due(place, in.Seq, after(now, every))
	}
	if in.Seq == p.Next {
		m.succeed(now, place)
	}
	m.arrival(now, place)
	switch {
	case m.awaits(p):
		m.do(AwaitServing{ID: p.id(in.Seq), PID: in.PID, Limit: m.limit(p)})
	case spec.Kind != program.OneShot && !p.replacing():
		m.answered(p)
	}
	m.roll(now, place)
	m.satisfy(p)
	m.loadEnds(now)
}

// watch begins the health checks of an instance that has none yet.
func (m *Machine) watch(now Instant, place int, in *Instance) {
	health := m.s.Config.Programs[place].Health
	if health == nil || in.Step != Started || in.Health.Due != 0 {
		return
	}
	in.Health.Due = m.due(place, in.Seq, after(now, cmp.Or(health.StartDelay, health.Probe.Interval, healthInterval)))
}

// saidReady is readiness that an instance tells by itself.
func (m *Machine) saidReady(now Instant, id ID) {
	p, in := m.instance(id)
	if in == nil || in.Step != Unready || in.pending() {
		return
	}
	m.ready(now, m.place(p), in)
}

// asked returns what is asked of an instance, and how long an attempt may take; nil when there is nothing to ask.
func (m *Machine) asked(place int, in *Instance) (*program.Probe, time.Duration) {
	spec := &m.s.Config.Programs[place]
	var what *program.Probe
	switch {
	case in.pending():
	case in.Step == Unready && spec.Ready.By == program.ReadyProbe:
		what = &spec.Ready.Probe
	case in.Step == Started && spec.Health != nil:
		what = &spec.Health.Probe
	}
	if what == nil {
		return nil, 0
	}
	return what, cmp.Or(what.Timeout, probeTimeout)
}

// probe sends the next attempt.
func (m *Machine) probe(now Instant, place int, in *Instance) {
	what, limit := m.asked(place, in)
	if what == nil {
		in.Health.Due = 0
		return
	}
	p := &m.s.Programs[place]
	in.Health.N++
	in.Health.Out = true
	in.Health.Due = m.due(place, in.Seq, after(now, limit+probeGrace))
	m.do(Probe{
		ID: p.id(in.Seq), PID: in.PID, N: in.Health.N, What: *what, Spec: m.s.Config.Programs[place], Env: m.s.Config.Env, Limit: limit,
	})
}

// probeDue sends an attempt, or gives up the answer to the last one.
func (m *Machine) probeDue(now Instant, place int, in *Instance) {
	if !in.Health.Out {
		m.probe(now, place, in)
		return
	}
	_, limit := m.asked(place, in)
	m.heard(now, place, in, false, fmt.Sprintf("no answer within %v", limit))
}

func (m *Machine) probed(now Instant, ev Probed) {
	p, in := m.instance(ev.ID)
	if in == nil || !in.Health.Out || in.Health.N != ev.N {
		return
	}
	m.heard(now, m.place(p), in, ev.OK, ev.Text)
}

// heard takes the outcome of an attempt into account.
func (m *Machine) heard(now Instant, place int, in *Instance, ok bool, text string) {
	h := &in.Health
	h.Out, h.Due = false, 0
	what, _ := m.asked(place, in)
	if what == nil {
		return
	}
	h.Text = text
	if ok {
		h.Text = ""
	}
	if in.Step == Unready {
		if ok {
			m.ready(now, place, in)
			return
		}
		h.Due = m.due(place, in.Seq, after(now, cmp.Or(what.Interval, readyInterval)))
		return
	}
	h.Due = m.due(place, in.Seq, after(now, cmp.Or(what.Interval, healthInterval)))
	m.judge(now, place, in, ok)
}

// judge counts the outcomes of health checks.
func (m *Machine) judge(now Instant, place int, in *Instance, ok bool) {
	h, health := &in.Health, m.s.Config.Programs[place].Health
	p := &m.s.Programs[place]
	note := Note{Kind: NoteHealthy, ID: p.id(in.Seq), PID: in.PID}
	if ok {
		h.Failures = 0
		h.Successes = min(h.Successes+1, max(health.Successes, 1))
		if h.Ill && h.Successes >= max(health.Successes, 1) {
			h.Ill = false
			m.do(note)
		}
		return
	}
	h.Successes = 0
	h.Failures = min(h.Failures+1, max(health.Failures, 1))
	if h.Ill || h.Failures < max(health.Failures, 1) {
		return
	}
	h.Ill = true
	text := "its health check has failed: " + h.Text
	if h.Failures > 1 {
		text = fmt.Sprintf("its health check has failed %d times in a row: %s", h.Failures, h.Text)
	}
	if health.OnFail != program.LogUnhealthy {
		m.giveUp(now, place, in, ByHealth, 0, text)
		return
	}
	note.Kind, note.Text = NoteUnhealthy, text
	m.do(note)
}

// giveUp stops an instance because of what it does, or does not. A signal of 0 is its stop signal.
func (m *Machine) giveUp(now Instant, place int, in *Instance, cause Cause, signal int, text string) {
	p := &m.s.Programs[place]
	_, limit := m.terms(place, in)
	note := Note{Kind: NoteGivenUp, ID: p.id(in.Seq), PID: in.PID, Former: !p.counts(in.Seq), Signal: m.firstSignal(place, in, signal)}
	if cause.outranks(in.Cause) {
		in.Cause = cause
	}
	in.Step = Stopping
	in.quiet()
	in.Deadline = m.due(place, in.Seq, timeout(now, limit))
	note.Until, note.Text = in.Deadline, text
	m.do(note)
	m.askToStop(place, in, signal, true)
	if in.Seq == p.Next {
		spec := &m.s.Config.Programs[place]
		in.StopSignal, in.StopTimeout = spec.StopSignal, int64(spec.StopTimeout)
		m.stayed(now, place, note.ID.String()+": "+text)
	}
	m.disappoint(p, fmt.Sprintf("%v is stopped: %s", note.ID, text))
	if in.Seq == p.Current {
		if cause == ByNotReady && p.Starting {
			m.s.Reload.broke(note.ID.String() + ": " + text)
		}
		m.answered(p)
		m.haltRoll(now, place, note.ID.String()+": "+text)
		m.loadEnds(now)
	}
}

// unreadyText says why an instance is not ready.
func unreadyText(in *Instance, limit time.Duration) string {
	text := fmt.Sprintf("it was not ready within %v", limit)
	if in.Health.Text != "" {
		text += " (" + in.Health.Text + ")"
	}
	return text
}

// notified takes what an instance says of itself.
func (m *Machine) notified(now Instant, ev Notified) {
	p, in := m.instance(ev.ID)
	if in == nil || in.Step == Spawning || in.Step == Emptying {
		return
	}
	place := m.place(p)
	if ev.MainPID != 0 && ev.MainPID != in.PID {
		m.do(Follow{ID: ev.ID, Old: in.PID, PID: ev.MainPID})
		in.PID = ev.MainPID
		m.do(Note{Kind: NoteMainPID, ID: ev.ID, PID: in.PID, Former: !p.counts(in.Seq)})
	}
	if ev.Status != "" {
		in.Said.Status = ev.Status
	}
	switch {
	case ev.Stopping:
		in.Said.Doing = IsStopping
	case ev.Reloading:
		in.Said.Doing = IsReloading
	case ev.Ready:
		in.Said.Doing = ""
	}
	m.extend(now, place, in, ev.Extend)
	if !p.counts(in.Seq) { // nothing else is expected of a former one
		return
	}
	spec := &m.s.Config.Programs[place]
	m.pet(now, place, in, ev)
	if ev.Ready && spec.Ready.By == program.ReadyNotify {
		m.saidReady(now, ev.ID)
	}
}

// extend gives an instance more time to become ready or to stop (sd_notify(3), EXTEND_TIMEOUT_USEC=). It takes none away.
func (m *Machine) extend(now Instant, place int, in *Instance, by time.Duration) {
	if at := after(now, by); by > 0 && in.Deadline != 0 && (in.Step == Unready || in.Step == Stopping) && at > in.Deadline {
		in.Deadline = m.due(place, in.Seq, at)
	}
}

// pet is what an instance says to its watchdog.
func (m *Machine) pet(now Instant, place int, in *Instance, ev Notified) {
	spec := &m.s.Config.Programs[place]
	if spec.Watchdog == 0 {
		return
	}
	if ev.WatchdogEvery > 0 {
		in.Said.WatchdogEvery = ev.WatchdogEvery
	}
	if in.Step != Started || in.pending() {
		return
	}
	if ev.Trigger {
		m.giveUp(now, place, in, ByWatchdog, sigABRT, "it asks its watchdog to stop it")
		return
	}
	if ev.Watchdog || ev.WatchdogEvery > 0 {
		in.Said.WatchdogDue = m.due(place, in.Seq, after(now, cmp.Or(in.Said.WatchdogEvery, spec.Watchdog)))
	}
}

func (m *Machine) notifyRefused(ev NotifyRefused) {
	p, in := m.instance(ev.ID)
	if in == nil || in.Said.Refused {
		return
	}
	in.Said.Refused = true
	m.do(Note{Kind: NoteNotifyRefused, ID: ev.ID, PID: ev.PID, Former: !p.counts(in.Seq)})
}

// brokenText joins what a load could not do.
func brokenText(texts []string) string { return strings.Join(texts, "\n") }
