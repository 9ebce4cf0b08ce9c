package machine

import (
	"github.com/mwlua/mwlua/core/program"
)

// counts says that seq is the current instance, or the one that is to follow it: what it does matters.
func (p *Program) counts(seq uint64) bool { return seq == p.Current || seq == p.Next }

// replacing says that the current instance is to be followed by another: what the load waits for is that one.
func (p *Program) replacing() bool {
	return p.Next != 0 || p.StartAt != 0 || p.Roll || p.Await || p.Again
}

// oneByOne says that an instance of spec is not simply told to go while the next is started, as HAProxy does.
func oneByOne(spec *program.Spec) bool { return spec.Overlap != program.AtOnce }

// follow replaces the instance at place in the way its new declaration says. Of several, one is replaced after the other.
func (m *Machine) follow(now Instant, place int) {
	p := &m.s.Programs[place]
	p.Starting, p.Roll = true, true
	m.roll(now, place)
}

// roll replaces the next instance of a program, when no other of it is being replaced.
func (m *Machine) roll(now Instant, place int) {
	g, declared := m.groups[m.s.Programs[place].Name]
	if !declared {
		return
	}
	next := -1
	for i := g.end - 1; i >= g.first; i-- {
		switch p := &m.s.Programs[i]; {
		case p.Roll:
			next = i
		case p.Starting && p.Phase != Blocked:
			return
		}
	}
	if next >= 0 {
		m.replace(now, next)
	}
}

// replace begins the replacement of one instance.
func (m *Machine) replace(now Instant, place int) {
	p, spec := &m.s.Programs[place], &m.s.Config.Programs[place]
	was := p.underWay()
	p.Roll = false
	m.recount(p, was)
	in := p.find(p.Current)
	switch {
	case in == nil: // it has ended meanwhile
		m.wait(place, now)
	case spec.Overlap == program.StartFirst:
		p.StartAt = now
		m.starts.add(entry{at: now, place: place})
	default:
		p.Again = true
		m.halt(now, place, in, ByReplace)
	}
}

// succeed makes the next instance of a program, which is ready, the current one, and the one before a former one.
func (m *Machine) succeed(now Instant, place int) {
	p, spec := &m.s.Programs[place], &m.s.Config.Programs[place]
	old := p.find(p.Current)
	signal := m.goSignal(spec)
	if m.s.Reload.Hard {
		signal = sigTERM
	}
	p.Current, p.Next, p.Again, p.Stale = p.Next, 0, false, false // a restart that was asked for has come about
	if old == nil {
		return
	}
	old.ReloadSignal, old.StopSignal, old.StopTimeout = signal, spec.StopSignal, int64(spec.StopTimeout)
	m.letGo(now, place, old, signal, timeout(now, spec.FormerTimeout))
	m.limitFormersOf(now, place)
}

// stayed says that the load could not replace the instance at place: it stays, and so do the others that were to follow.
func (m *Machine) stayed(now Instant, place int, text string) {
	p := &m.s.Programs[place]
	p.Next, p.Stale = 0, true
	if in := p.find(p.Current); in != nil {
		m.do(Note{Kind: NoteStays, ID: p.id(p.Current), PID: in.PID, Text: text})
	}
	m.s.Reload.broke(text)
	m.answered(p)
	m.haltRoll(now, place, text)
}

// haltRoll gives up the replacement of the instances of a program whose turn has not come.
func (m *Machine) haltRoll(now Instant, place int, text string) {
	g, declared := m.groups[m.s.Programs[place].Name]
	if !declared {
		return
	}
	for i := g.first; i < g.end; i++ {
		p := &m.s.Programs[i]
		if !p.Roll {
			continue
		}
		p.Stale = true
		m.do(Note{Kind: NoteStays, ID: p.id(p.Current), Text: text})
		m.s.Reload.broke(text)
		m.answered(p)
	}
}

// broke notes what a load could not do, each thing once.
func (r *Reload) broke(text string) {
	if r.Step != Starting || len(r.Broken) >= maxBroken {
		return
	}
	for _, t := range r.Broken {
		if t == text {
			return
		}
	}
	r.Broken = append(r.Broken, text)
}

// maxBroken bounds Reload.Broken: whoever asked needs no more to look at the log.
const maxBroken = 20

// nextEnded is the end of an instance that was to follow the current one.
func (m *Machine) nextEnded(now Instant, place int, note Note) {
	m.do(note)
	text := unreadyEnd(note)
	if note.Kind == NoteSpawnFailed {
		text = note.ID.String() + " did not start: " + note.Text
	}
	m.stayed(now, place, text)
}
