package machine

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Machine decides. It belongs to one goroutine; it keeps no clock and touches nothing.
type Machine struct {
	s State
	// What follows is derived from s, and made again by Restore.
	slots    map[string]int // name → place in s.Programs
	starts   schedule       // programs in phase Waiting, at StartAt
	ends     schedule       // instances with a Deadline
	spawning int            // instances in step Spawning
	alive    int            // instances
	// out collects the actions of the step under way.
	out []Action
}

// New returns a machine that knows nothing yet: send it Booted. seed makes its jitter differ from that of others.
func New(seed uint64) *Machine {
	m, _ := Restore(State{Version: StateVersion, Seed: seed})
	return m
}

// Restore returns a machine that goes on from s. The error says why s cannot be one's state; retrying is of no use.
func Restore(s State) (*Machine, error) {
	if s.Version != StateVersion {
		return nil, fmt.Errorf("cannot restore the state: its version is %d, this binary reads %d", s.Version, StateVersion)
	}
	m := &Machine{s: s}
	m.derive()
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("cannot restore the state: %w", err)
	}
	return m, nil
}

// State returns what the machine knows. It shares memory with the machine: encode it before the next Step.
func (m *Machine) State() State { return m.s }

// Snapshot returns what the machine knows, as something that stays as it is.
func (m *Machine) Snapshot() State {
	s := m.s
	s.Programs = slices.Clone(s.Programs)
	for i := range s.Programs {
		p := &s.Programs[i]
		p.Instances, p.Restarts, p.Askers = slices.Clone(p.Instances), slices.Clone(p.Restarts), slices.Clone(p.Askers)
	}
	s.Reload.Waiting, s.Reload.AgainWaiting = slices.Clone(s.Reload.Waiting), slices.Clone(s.Reload.AgainWaiting)
	s.Reload.Asked = slices.Clone(s.Reload.Asked)
	return s // a configuration is never changed, only replaced
}

// derive makes the index and the schedules again. It is called when slots have moved: by Restore and by a load.
func (m *Machine) derive() {
	m.slots = make(map[string]int, len(m.s.Programs))
	m.starts, m.ends, m.spawning, m.alive = nil, nil, 0, 0
	for i := range m.s.Programs {
		p := &m.s.Programs[i]
		m.slots[p.Name] = i
		if p.Phase == Waiting {
			m.starts.add(entry{at: p.StartAt, slot: i})
		}
		m.alive += len(p.Instances)
		for _, in := range p.Instances {
			if in.Step == Spawning {
				m.spawning++
			}
			if in.Deadline != 0 {
				m.ends.add(entry{at: in.Deadline, slot: i, seq: in.Seq})
			}
		}
	}
}

// Step takes one event into account and returns what to do about it, in this order. The caller performs each action and
// sends what comes of it as further events. now never goes back.
func (m *Machine) Step(now Instant, ev Event) []Action {
	m.out = nil
	if m.s.Stop.Done {
		return nil
	}
	switch ev := ev.(type) {
	case Booted:
		m.booted(now)
	case Request:
		m.request(now, ev)
	case TrialPassed:
		m.trialPassed(ev)
	case TrialFailed:
		m.reloadFailed(now, ev.N, Trying, ev.Text)
	case HandoverFailed:
		m.reloadFailed(now, ev.N, Handing, ev.Text)
	case MasterEnded:
		m.masterEnded(now, ev)
	case Loaded:
		m.loaded(now, ev)
	case LoadFailed:
		m.reloadFailed(now, ev.N, Loading, ev.Text)
	case ReloadedItself:
		m.reloadedItself(now, ev)
	case ReloadRefused:
		m.reloadRefused(now, ev)
	case Serving:
		m.serving(now, ev.ID, "")
	case NotServing:
		m.serving(now, ev.ID, ev.Text)
	case Spawned:
		m.spawned(now, ev)
	case SpawnFailed:
		m.spawnFailed(now, ev)
	case Exited:
		m.exited(now, ev)
	case SignalFailed:
		m.signalFailed(ev)
	case PidfileFailed:
		m.do(Note{Kind: NotePidfile, Text: ev.Text})
	case ControlFailed:
		m.do(Note{Kind: NoteControl, Text: ev.Text})
	case Wake:
	}
	if !m.s.Stop.Done {
		m.wake(now)
	}
	return m.out
}

// startsPerStep bounds the spawns of one step, so that a stop is heard between the starts of thousands.
const startsPerStep = 16

// wake does what is due. It ends every step, so that a Wake that comes late, or not at all, changes little.
func (m *Machine) wake(now Instant) {
	if d := m.s.Reload.Deadline; d != 0 && d <= now {
		m.reloadTimedOut(now)
	}
	if d := m.s.Stop.Deadline; d != 0 && d <= now {
		m.killAll()
	}
	for {
		e, ok := m.ends.first(m.endValid)
		if !ok || e.at > now {
			break
		}
		m.ends.drop()
		m.overdue(now, e)
	}
	for n := 0; n < startsPerStep && !m.s.Reload.Step.holds(); n++ {
		e, ok := m.starts.first(m.startValid)
		if !ok || e.at > now {
			break
		}
		m.starts.drop()
		m.spawn(now, e.slot)
	}
	m.settle()
	m.leaveIfDone()
}

// Deadline returns when Wake is wanted at the latest; false means that only events can change anything.
func (m *Machine) Deadline() (Instant, bool) {
	at := m.s.Reload.Deadline
	earlier := func(e entry, ok bool) {
		if ok && (at == 0 || e.at < at) {
			at = e.at
		}
	}
	if d := m.s.Stop.Deadline; d != 0 && (at == 0 || d < at) {
		at = d
	}
	earlier(m.ends.first(m.endValid))
	if !m.s.Reload.Step.holds() {
		earlier(m.starts.first(m.startValid))
	}
	return at, at != 0
}

func (m *Machine) startValid(e entry) bool {
	p := &m.s.Programs[e.slot]
	return p.Phase == Waiting && p.StartAt == e.at
}

func (m *Machine) endValid(e entry) bool {
	in := m.s.Programs[e.slot].find(e.seq)
	return in != nil && in.Deadline == e.at
}

func (m *Machine) do(a Action) { m.out = append(m.out, a) }

// program returns the program of that name and its slot; nil when it is not known.
func (m *Machine) program(name string) (*Program, int) {
	i, ok := m.slots[name]
	if !ok {
		return nil, 0
	}
	return &m.s.Programs[i], i
}

// instance returns the instance with that ID and its program; nils when it is not known.
func (m *Machine) instance(id ID) (*Program, *Instance) {
	p, _ := m.program(id.Program)
	if p == nil {
		return nil, nil
	}
	return p, p.find(id.Seq)
}

// after is now + d, and the last instant there is when that is later.
func after(now Instant, d time.Duration) Instant {
	if Instant(d) > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + Instant(d)
}

// timeout is now + d, and 0 (never) for a d of 0.
func timeout(now Instant, d time.Duration) Instant {
	if d == 0 {
		return 0
	}
	return after(now, d)
}
