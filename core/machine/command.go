package machine

import (
	"fmt"
	"slices"

	"github.com/mwlua/mwlua/core/program"
)

// Asker waits for what it asked of a program.
type Asker struct {
	From uint64
	For  Verb
}

// command carries out what is asked of one program, for each of its instances. It is answered when it is done for all of them, or
// with Request.NoWait at once.
func (m *Machine) command(now Instant, ev Request) {
	g, declared := m.groups[ev.Program]
	switch {
	case !declared:
		m.answer(ev.From, Reply{Why: WhyUnknown, Text: fmt.Sprintf("there is no program %q", ev.Program)})
		return
	case m.s.Stop.Verb != "":
		m.answer(ev.From, Reply{Why: WhyDropped, Text: stoppingText})
		return
	case ev.Verb == SignalProgram:
		m.pass(g, ev)
		return
	}
	notes := make(map[int]int) // of those that are told to stop now: where they are in m.out
	for i := g.first; i < g.end; i++ {
		p := &m.s.Programs[i]
		if p.ask(ev) {
			m.supersede(i, ev.Verb)
		}
		if ev.From != 0 && !ev.NoWait {
			p.Askers = append(p.Askers, Asker{From: ev.From, For: ev.Verb})
		}
		p.Again = p.Again || ev.Verb == RestartProgram && p.Current != 0
		if in := p.find(p.Current); in != nil && in.Step != Stopping && ev.Verb != StartProgram {
			notes[i] = len(m.out)
		}
		m.do(Note{Kind: NoteAsked, ID: p.id(p.Current), Text: string(ev.Verb) + " (" + ev.By + ")"})
	}
	for i := g.first; i < g.end; i++ {
		switch ev.Verb {
		case StopProgram:
			m.stopProgram(now, i)
		case RestartProgram:
			m.restartProgram(now, i)
		default:
			m.startProgram(now, i)
		}
		if n, ok := notes[i]; ok {
			m.out[n] = m.howAsked(i, m.out[n].(Note))
		}
	}
	if ev.NoWait {
		m.answer(ev.From, Reply{OK: true})
	}
	for i := g.first; i < g.end; i++ {
		m.satisfy(&m.s.Programs[i])
	}
	m.loadEnds(now)
}

// howAsked adds to a note what the current instance of the program at place was told, if it was.
func (m *Machine) howAsked(place int, n Note) Note {
	p := &m.s.Programs[place]
	if in := p.find(p.Current); in != nil && in.Seq == n.ID.Seq && in.Step == Stopping {
		n.PID, n.Signal, n.Until = in.PID, in.Told, in.Deadline
	}
	return n
}

const stoppingText = "mwlua is stopping"

// ask notes what is wanted of the program from now on. True says that it is the opposite of what was wanted.
func (p *Program) ask(ev Request) bool {
	held := p.Held
	p.Held = ev.Verb == StopProgram
	return held != p.Held
}

// supersede answers those who asked for something else.
func (m *Machine) supersede(place int, verb Verb) {
	m.dismiss(&m.s.Programs[place], WhySuperseded, "somebody else asked for another thing: "+string(verb))
}

// answer answers one who asked, if somebody waits.
func (m *Machine) answer(from uint64, r Reply) {
	if from != 0 {
		r.To = from
		m.do(r)
	}
}

// startProgram starts what does not run, at once, and forgets its failures. What it needs is started with it.
func (m *Machine) startProgram(now Instant, place int) {
	p := &m.s.Programs[place]
	in := p.find(p.Current)
	switch {
	case in == nil:
		p.Failures, p.Restarts = 0, nil
		if m.s.Config.Programs[place].Kind == program.Cron && p.TickAt == 0 {
			m.schedule(place)
		}
		if p.Phase != Blocked || len(m.missing(place)) == 0 {
			m.wait(place, now)
		}
		m.startNeeds(now, place)
	case in.Cause == ByRequest: // it is on its way out
		p.Again = true
	}
}

// startNeeds starts what a program needs and what does not run.
func (m *Machine) startNeeds(now Instant, place int) {
	for _, name := range m.s.Config.Programs[place].Needs {
		g := m.groups[name]
		for i := g.first; i < g.end; i++ {
			p := &m.s.Programs[i]
			if p.Held || p.Phase == Down || p.Phase == Failed {
				p.Held = false
				m.startProgram(now, i)
			}
		}
	}
}

func (m *Machine) restartProgram(now Instant, place int) {
	p := &m.s.Programs[place]
	in := p.find(p.Current)
	if in == nil {
		m.startProgram(now, place)
		return
	}
	p.Again = true
	m.stopByRequest(now, place, in)
}

// stopProgram stops every instance of a program, former ones as well.
func (m *Machine) stopProgram(now Instant, place int) {
	p := &m.s.Programs[place]
	p.Again, p.StartAt = false, 0
	p.unschedule()
	if p.Phase == Waiting || p.Phase == Blocked || p.Phase == Scheduled || p.Phase == Deciding {
		m.setDown(p, Down)
	}
	for i := range p.Instances {
		m.stopByRequest(now, place, &p.Instances[i])
	}
}

// stopByRequest asks an instance to go.
func (m *Machine) stopByRequest(now Instant, place int, in *Instance) {
	m.halt(now, place, in, ByRequest)
}

// pass sends a signal that somebody asked for to the current instances of a program.
func (m *Machine) pass(g group, ev Request) {
	passed := false
	for i := g.first; i < g.end; i++ {
		p := &m.s.Programs[i]
		in := p.find(p.Current)
		if in == nil || in.PID == 0 || in.Step == Killing || in.Step == Emptying {
			continue
		}
		id := p.id(in.Seq)
		m.do(Note{Kind: NoteAsked, ID: id, PID: in.PID, Signal: ev.Signal, Text: string(ev.Verb) + " (" + ev.By + ")"})
		m.do(Signal{ID: id, PID: in.PID, Signal: ev.Signal})
		passed = true
	}
	if passed {
		m.answer(ev.From, Reply{OK: true})
	} else {
		m.answer(ev.From, Reply{Why: WhyNotRunning, Text: fmt.Sprintf("program %q is not running", ev.Program)})
	}
}

// endedByRequest is the end of a current instance that somebody asked for: expected, whatever its status. It is started again if
// that was asked for too, for which a load may wait.
func (m *Machine) endedByRequest(now Instant, p *Program, starting bool, note Note) {
	m.do(note)
	if p.Again {
		p.Again, p.Failures, p.Restarts = false, 0, nil
		m.wait(m.place(p), now)
		if starting && m.s.Reload.Step == Starting {
			m.awaited(p)
		}
	}
	m.satisfy(p)
}

// satisfy answers those who have what they asked for.
func (m *Machine) satisfy(p *Program) {
	if len(p.Askers) == 0 {
		return
	}
	in := p.find(p.Current)
	runs := in != nil && in.stays() && !p.Again
	if place := m.place(p); place < len(m.s.Config.Programs) && m.s.Config.Programs[place].Kind == program.OneShot {
		runs = p.Phase == Done
	}
	m.part(p, func(a Asker) bool {
		if a.For == StopProgram {
			return len(p.Instances) == 0 && p.Phase != Waiting && p.Phase != Blocked && p.Phase != Deciding
		}
		return runs
	}, Reply{OK: true})
}

// disappoint answers those who wait for a start that has failed.
func (m *Machine) disappoint(p *Program, text string) {
	m.part(p, func(a Asker) bool { return a.For != StopProgram }, Reply{Why: WhyFailed, Text: text})
}

// dismiss answers everybody who waits for a program, because nothing of that will come.
func (m *Machine) dismiss(p *Program, why Why, text string) {
	m.part(p, func(Asker) bool { return true }, Reply{Why: why, Text: text})
}

// part takes those from the ones who wait for p of whom over is true. A good answer is given once all instances of the program have
// it, a bad one at once and for all.
func (m *Machine) part(p *Program, over func(Asker) bool, r Reply) {
	var left, gone []Asker
	for _, a := range p.Askers {
		if over(a) {
			gone = append(gone, a)
		} else {
			left = append(left, a)
		}
	}
	p.Askers = left
	for _, a := range gone {
		waits := false
		for i := range m.s.Programs { // not the group: who is no longer declared has none
			q := &m.s.Programs[i]
			if q.Name != p.Name {
				continue
			}
			if !r.OK {
				q.Askers = slices.DeleteFunc(q.Askers, func(b Asker) bool { return a == b })
			}
			waits = waits || slices.Contains(q.Askers, a)
		}
		if !waits {
			m.answer(a.From, r)
		}
	}
}
