package machine

import (
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// maxBeside bounds the runs of a cron that go on beside each other.
const maxBeside = 16

// schedule has a cron started by the clock from now on.
func (m *Machine) schedule(place int) {
	p := &m.s.Programs[place]
	if p.Current == 0 {
		m.undecided(p)
		p.Phase, p.StartAt = Scheduled, 0
	}
	p.TickWall = 0
	m.askTick(place)
}

// askTick asks for the tick after the last one.
func (m *Machine) askTick(place int) {
	p, spec := &m.s.Programs[place], &m.s.Config.Programs[place]
	p.TickN++
	p.TickAt, p.Clock = 0, clockOf(spec)
	m.do(NextTick{Program: p.Name, N: p.TickN, Spec: *spec, Wall: p.TickWall})
}

func clockOf(spec *program.Spec) string { return spec.Schedule + " " + spec.Zone }

// unschedule takes a cron off the clock.
func (p *Program) unschedule() {
	p.TickAt, p.TickWall, p.Clock, p.Queued = 0, 0, "", false
	if p.TickN > 0 {
		p.TickN++ // an answer that is under way fits nothing
	}
}

// onClock says that a program is started by the clock: it is no other kind, and nobody has stopped it.
func (m *Machine) onClock(place int) bool {
	p := &m.s.Programs[place]
	return place < len(m.s.Config.Programs) && m.s.Config.Programs[place].Kind == program.Cron && !p.Held && p.Phase != Down && p.Phase != Failed
}

func (m *Machine) ticked(now Instant, ev Tick) {
	p, place := m.program(ev.Program, 0)
	if p == nil || p.TickN != ev.N || p.TickAt != 0 || m.s.Stop.Verb != "" || !m.onClock(place) {
		return
	}
	if ev.Text != "" {
		m.do(Note{Kind: NoteNoTick, ID: p.id(0), Text: ev.Text})
		return
	}
	jitter := policy.Share(m.s.Seed, p.Name, uint64(ev.Wall)) * float64(m.s.Config.Programs[place].Jitter)
	p.TickWall = ev.Wall
	p.TickAt = max(after(max(ev.At, now), time.Duration(jitter)), 1)
	m.ticks.add(entry{at: p.TickAt, place: place})
}

// tick is the moment at which a cron is due.
func (m *Machine) tick(now Instant, place int) {
	p, spec := &m.s.Programs[place], &m.s.Config.Programs[place]
	m.askTick(place)
	in := p.find(p.Current)
	if in == nil && p.Phase == Scheduled {
		m.runNow(now, place)
		return
	}
	what := "waits for its start"
	if in != nil {
		what = p.id(in.Seq).String() + " goes on"
	}
	note := Note{Kind: NoteTick, ID: p.id(p.Current)}
	switch {
	case spec.CronOverlap == program.CronQueue && !p.Queued:
		p.Queued = true
		note.Text = what + ", one more run follows it"
		m.do(note)
	case spec.CronOverlap == program.CronKill && in != nil && !p.Queued:
		p.Queued = true
		note.Text = what + ", and is stopped for the next run"
		m.do(note)
		m.halt(now, place, in, ByTick)
	case spec.CronOverlap == program.CronAllow && in != nil && in.Step == Started && len(p.Instances) <= maxBeside:
		note.Text = what + ", and the next run starts beside it"
		m.do(note)
		m.stepAside(place, in)
		m.runNow(now, place)
	default:
		note.Text = what + ": this run is left out"
		m.do(note)
	}
}

// stepAside lets a run of a cron go on while the next one becomes the current one. Its timeout still counts.
func (m *Machine) stepAside(place int, in *Instance) {
	p, spec := &m.s.Programs[place], &m.s.Config.Programs[place]
	in.StopSignal, in.StopTimeout = spec.StopSignal, int64(spec.StopTimeout)
	in.Step, in.Cause = Leaving, ByTick
	p.Current = 0
}

// runNow begins a run of a cron, with a new count of its failures.
func (m *Machine) runNow(now Instant, place int) {
	p := &m.s.Programs[place]
	p.Failures, p.Restarts, p.Queued = 0, nil, false
	m.wait(place, now)
}

// clockSet asks again when every cron is due. One that a jump left out runs once, if it is declared so.
func (m *Machine) clockSet(now Instant, wall int64) {
	if m.s.Stop.Verb != "" {
		return
	}
	for i := range m.s.Config.Programs {
		if !m.onClock(i) || strings.HasPrefix(m.s.Config.Programs[i].Schedule, "@every") { // which counts from run to run
			continue
		}
		p := &m.s.Programs[i]
		if p.TickWall != 0 && p.TickWall <= wall && p.TickAt > now {
			if m.s.Config.Programs[i].CatchUp {
				p.TickAt = now
				m.ticks.add(entry{at: now, place: i})
				continue
			}
			m.do(Note{Kind: NoteTick, ID: p.id(p.Current), Text: "the clock was set past its time: this run is left out"})
		}
		p.TickWall = 0
		m.askTick(i)
	}
}

// rest is what a program does whose current instance has ended and is not started again.
func (m *Machine) rest(now Instant, place int, failed bool) {
	p, spec := &m.s.Programs[place], &m.s.Config.Programs[place]
	switch {
	case spec.Kind == program.OneShot && (!failed || spec.IgnoreFailure):
		p.Phase = Done
		m.arrival(now, place)
	case spec.Kind == program.Cron && p.Queued:
		m.runNow(now, place)
	case spec.Kind == program.Cron:
		p.Phase = Scheduled
	case failed:
		p.Phase = Failed
	}
}
