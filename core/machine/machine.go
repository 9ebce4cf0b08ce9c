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
	places   map[key]int // → place in s.Programs
	groups   groups
	order    order
	starts   schedule // programs with a StartAt
	ticks    schedule // programs with a TickAt
	asks     schedule // programs with a question under way
	ends     schedule // instances, for each of their deadlines
	spawning int      // instances in step Spawning
	alive    int      // instances
	// out collects the actions of the step under way.
	out []Action
}

// key names a Program of State.
type key struct {
	name string
	slot int
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
		if p.Deciding != nil {
			p.Deciding = new(*p.Deciding)
		}
	}
	s.Reload.Broken = slices.Clone(s.Reload.Broken)
	s.Reload.Waiting, s.Reload.AgainWaiting = slices.Clone(s.Reload.Waiting), slices.Clone(s.Reload.AgainWaiting)
	s.Reload.Asked, s.Stop.Asked = slices.Clone(s.Reload.Asked), slices.Clone(s.Stop.Asked)
	return s // a configuration is never changed, only replaced
}

// derive makes the index and the schedules again. It is called when places have moved: by Restore and by a load.
func (m *Machine) derive() {
	m.places = make(map[key]int, len(m.s.Programs))
	m.groups, m.order = groupsOf(m.s.Config), orderOf(m.s.Config)
	m.starts, m.ticks, m.asks, m.ends, m.spawning, m.alive = nil, nil, nil, nil, 0, 0
	for i := range m.s.Programs {
		p := &m.s.Programs[i]
		m.places[key{p.Name, p.Slot}] = i
		if p.StartAt != 0 {
			m.starts.add(entry{at: p.StartAt, place: i})
		}
		if p.Deciding != nil {
			m.asks.add(entry{at: p.Deciding.Deadline, place: i})
		}
		if p.TickAt != 0 {
			m.ticks.add(entry{at: p.TickAt, place: i})
		}
		m.alive += len(p.Instances)
		for _, in := range p.Instances {
			if in.Step == Spawning {
				m.spawning++
			}
			for _, at := range in.deadlines() {
				m.due(i, in.Seq, at)
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
	default:
		m.stepLife(now, ev)
	}
	if !m.s.Stop.Done {
		m.wake(now)
	}
	return m.out
}

// stepLife is Step for what happens between the start and the end of an instance, and for what is decided about that.
func (m *Machine) stepLife(now Instant, ev Event) {
	switch ev := ev.(type) {
	case Emptied:
		m.emptied(now, ev)
	case Ready:
		m.saidReady(now, ev.ID)
	case Notified:
		m.notified(now, ev)
	case NotifyRefused:
		m.notifyRefused(ev)
	case Probed:
		m.probed(now, ev)
	case StopRan:
		m.stopRan(ev)
	case Decided:
		m.decided(now, ev)
	case DecideFailed:
		m.decideFailed(now, ev)
	case HookFailed:
		m.do(Note{Kind: NoteHook, Text: ev.Name + ": " + ev.Text})
	case Tick:
		m.ticked(now, ev)
	case ClockSet:
		m.clockSet(now, ev.Wall)
	case SocketFailed:
		m.do(Note{Kind: NoteSocket, ID: ID{Program: ev.Program}, Text: "cannot open its socket " + ev.Text})
	}
}

// startsPerStep bounds the spawns of one step, so that a stop is heard between the starts of thousands.
const startsPerStep = 16

// wake does what is due. It ends every step, so that a Wake that comes late, or not at all, changes little.
func (m *Machine) wake(now Instant) {
	if d := m.s.Reload.Deadline; d != 0 && d <= now {
		m.reloadTimedOut(now)
	}
	if d := m.s.Stop.Deadline; d != 0 && d <= now {
		m.killAll(now)
	}
	for {
		e, ok := m.ends.first(m.endValid)
		if !ok || e.at > now {
			break
		}
		m.ends.drop()
		m.overdue(now, e)
	}
	for {
		e, ok := m.asks.first(m.askValid)
		if !ok || e.at > now {
			break
		}
		m.asks.drop()
		m.undecidedInTime(now, e.place)
	}
	for {
		e, ok := m.ticks.first(m.tickValid)
		if !ok || e.at > now {
			break
		}
		m.ticks.drop()
		m.tick(now, e.place)
	}
	for n := 0; n < startsPerStep && !m.s.Reload.Step.holds(); {
		e, ok := m.starts.first(m.startValid)
		if !ok || e.at > now {
			break
		}
		m.starts.drop()
		if m.mayStart(now, e.place) {
			m.spawn(now, e.place)
			n++
		}
	}
	m.loadEnds(now)
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
	earlier(m.ticks.first(m.tickValid))
	earlier(m.asks.first(m.askValid))
	if !m.s.Reload.Step.holds() {
		earlier(m.starts.first(m.startValid))
	}
	return at, at != 0
}

func (m *Machine) startValid(e entry) bool {
	return m.s.Programs[e.place].StartAt == e.at
}

func (m *Machine) tickValid(e entry) bool { return m.s.Programs[e.place].TickAt == e.at }

func (m *Machine) askValid(e entry) bool {
	d := m.s.Programs[e.place].Deciding
	return d != nil && d.Deadline == e.at
}

func (m *Machine) endValid(e entry) bool {
	in := m.s.Programs[e.place].find(e.seq)
	return in != nil && in.isDue(e.at)
}

func (m *Machine) do(a Action) { m.out = append(m.out, a) }

// program returns a slot of the program of that name and its place; nil when it is not known.
func (m *Machine) program(name string, slot int) (*Program, int) {
	i, ok := m.places[key{name, slot}]
	if !ok {
		return nil, 0
	}
	return &m.s.Programs[i], i
}

// place is where p is in s.Programs.
func (m *Machine) place(p *Program) int { return m.places[key{p.Name, p.Slot}] }

// instance returns the instance with that ID and its program; nils when it is not known.
func (m *Machine) instance(id ID) (*Program, *Instance) {
	p, _ := m.program(id.Program, id.Slot)
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
