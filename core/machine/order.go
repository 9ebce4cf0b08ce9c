package machine

import (
	"slices"
	"strings"

	"github.com/mwlua/mwlua/core/program"
)

// order is who waits for whom, the other way round than it is declared: by name, the places of the programs that name it.
type order struct {
	after map[string][]int // in After or Needs
	needs map[string][]int // in Needs
}

func orderOf(c program.Config) order {
	o := order{after: make(map[string][]int), needs: make(map[string][]int)}
	for i := range c.Programs {
		for _, name := range waitsFor(&c.Programs[i]) {
			o.after[name] = append(o.after[name], i)
		}
		for _, name := range c.Programs[i].Needs {
			o.needs[name] = append(o.needs[name], i)
		}
	}
	return o
}

// waitsFor are the programs that must be ready before spec is started, each once.
func waitsFor(spec *program.Spec) []string {
	if len(spec.After) == 0 {
		return spec.Needs
	}
	names := slices.Clone(spec.After)
	for _, name := range spec.Needs {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// groups is where the declared programs are in State.Programs, by name.
type groups map[string]group

// group are the places of the slots of one program: from first, before end.
type group struct{ first, end int }

func groupsOf(c program.Config) groups {
	all := make(groups, len(c.Programs))
	for i := range c.Programs {
		all[c.Programs[i].Name] = group{first: i - c.Programs[i].Slot, end: i + 1}
	}
	return all
}

// Waits returns, for each of s.Programs, the names that it waits for in phase Blocked, in the order of its declaration; nil for
// one that is not blocked.
func (s *State) Waits() [][]string {
	waits := make([][]string, len(s.Programs))
	var all groups
	for i := range s.Programs {
		if s.Programs[i].Phase != Blocked {
			continue
		}
		if all == nil {
			all = groupsOf(s.Config)
		}
		waits[i] = s.missing(i, all)
	}
	return waits
}

// missing names what the program at place waits for.
func (s *State) missing(place int, all groups) []string {
	var names []string
	for _, name := range waitsFor(&s.Config.Programs[place]) {
		if !s.arrived(all[name]) {
			names = append(names, name)
		}
	}
	return names
}

// arrived says that those who wait for a program need not wait any more: all its instances are ready, or it has succeeded.
func (s *State) arrived(g group) bool {
	for i := g.first; i < g.end; i++ {
		p := &s.Programs[i]
		if s.Config.Programs[i].Kind == program.OneShot {
			if p.Phase != Done {
				return false
			}
			continue
		}
		if in := p.find(p.Current); in == nil || !in.stays() {
			return false
		}
	}
	return g.end > 0
}

// stays says that the instance is ready, and nobody has asked that it goes.
func (in *Instance) stays() bool { return in.Step == Started && !in.pending() }

// pending says that the instance is to stop, and is not asked to before others have gone.
func (in *Instance) pending() bool {
	return (in.Step == Started || in.Step == Unready) && slices.Contains([]Cause{ByRequest, ByReplace, ByNeed, ByShutdown, ByTick}, in.Cause)
}

func (m *Machine) missing(place int) []string { return m.s.missing(place, m.groups) }

// mayStart says that nothing keeps a program from being started now. If something does, it is blocked.
func (m *Machine) mayStart(now Instant, place int) bool {
	names := m.missing(place)
	if len(names) == 0 {
		return true
	}
	p := &m.s.Programs[place]
	text := strings.Join(names, ", ")
	was := p.underWay()
	p.StartAt = 0
	if p.Current != 0 { // another one is to follow it
		p.Await = true
		m.recount(p, was)
		return false
	}
	p.Phase = Blocked
	m.recount(p, was)
	m.do(Note{Kind: NoteBlocked, ID: p.id(0), Text: text})
	m.haltRoll(now, place, slotName(p.Name, p.Slot)+" waits for "+text)
	m.lost(now, place) // a reload may have told its instance to leave
	return false
}

// arrival starts those who waited for the program at place, if that was the last thing they waited for.
func (m *Machine) arrival(now Instant, place int) {
	name := m.s.Programs[place].Name
	if len(m.order.after[name]) > 0 && m.s.arrived(m.groups[name]) {
		m.unblock(now, m.order.after[name])
	}
}

func (m *Machine) unblock(now Instant, places []int) {
	for _, i := range places {
		p := &m.s.Programs[i]
		switch {
		case p.Phase != Blocked && !p.Await || len(m.missing(i)) > 0:
		case p.Await:
			p.Await, p.StartAt = false, now
			m.recount(p, false)
			m.starts.add(entry{at: now, place: i})
		default:
			m.wait(i, now)
		}
	}
}

// lost stops those who need the program at place, when the last of its instances has ended.
func (m *Machine) lost(now Instant, place int) {
	name := m.s.Programs[place].Name
	if m.s.Stop.Verb != "" || len(m.order.needs[name]) == 0 || m.s.Config.Programs[place].Kind == program.OneShot || m.another(place) {
		return
	}
	for _, i := range m.order.needs[name] {
		m.haltNeeding(now, i, name+", which it needs, has ended")
	}
}

// haltNeeding stops the current instance of a program that needs another one, and the one that was to follow it.
func (m *Machine) haltNeeding(now Instant, place int, why string) {
	p := &m.s.Programs[place]
	for _, seq := range []uint64{p.Next, p.Current} {
		in := p.find(seq)
		if in == nil {
			continue
		}
		news, before := in.Cause.rank() == 0 && (in.Step == Spawning || in.Step == Started || in.Step == Unready), len(m.out)
		m.halt(now, place, in, ByNeed)
		if !news {
			continue
		}
		note := Note{Kind: NoteGivenUp, ID: p.id(seq), PID: in.PID, Text: why}
		if in.Step == Stopping {
			note.Signal, note.Until = in.Told, in.Deadline
		}
		m.out = slices.Insert(m.out, before, Action(note)) // it comes before what it explains
	}
}

// another says that a program has an instance in another slot that runs on.
func (m *Machine) another(place int) bool {
	g := m.groups[m.s.Programs[place].Name]
	for i := g.first; i < g.end; i++ {
		p := &m.s.Programs[i]
		in := p.find(p.Current)
		if i != place && in != nil && in.Step != Emptying && !in.pending() && !p.Held && !p.Again {
			return true
		}
	}
	return false
}

// precede has those stopped that must be gone before the program at place may be asked to stop. False says that there are none.
func (m *Machine) precede(now Instant, place int, cause Cause) bool {
	name := m.s.Programs[place].Name
	if cause == ByShutdown {
		return slices.ContainsFunc(m.order.after[name], func(i int) bool { return len(m.s.Programs[i].Instances) > 0 })
	}
	waits := false
	if m.another(place) {
		return false
	}
	for _, i := range m.order.needs[name] {
		m.haltNeeding(now, i, name+", which it needs, is about to stop")
		waits = waits || m.s.Programs[i].Current != 0
	}
	return waits
}

// release asks those to stop that had to wait for the end of the program at place, once nothing else keeps them.
func (m *Machine) release(now Instant, place int) {
	if place >= len(m.s.Config.Programs) || len(m.s.Programs[place].Instances) > 0 && m.s.Stop.Verb != "" {
		return
	}
	for _, name := range waitsFor(&m.s.Config.Programs[place]) {
		g := m.groups[name]
		for i := g.first; i < g.end; i++ {
			m.releaseInstances(now, i)
		}
	}
}

func (m *Machine) releaseInstances(now Instant, place int) {
	p := &m.s.Programs[place]
	for i := range p.Instances {
		switch in := &p.Instances[i]; {
		case !in.pending():
		case m.s.Stop.Verb != "":
			m.stopInstance(now, place, in)
		default:
			m.halt(now, place, in, in.Cause)
		}
	}
}
