package machine

import (
	"fmt"
	"slices"
)

// Asker waits for what it asked of a program.
type Asker struct {
	From uint64
	For  Verb
}

// command carries out what is asked of one program. It is answered when it is done, or with Request.NoWait at once.
func (m *Machine) command(now Instant, ev Request) {
	p, slot := m.program(ev.Program)
	switch {
	case p == nil || p.Phase == Removed:
		m.answer(ev.From, Reply{Why: WhyUnknown, Text: fmt.Sprintf("there is no program %q", ev.Program)})
		return
	case m.s.Stop.Verb != "":
		m.answer(ev.From, Reply{Why: WhyDropped, Text: stoppingText})
		return
	case ev.Verb == SignalProgram:
		m.pass(p, ev)
		return
	}
	if p.ask(ev) {
		m.supersede(p, ev.Verb)
	}
	if ev.From != 0 && !ev.NoWait {
		p.Askers = append(p.Askers, Asker{From: ev.From, For: ev.Verb})
	}
	m.do(Note{Kind: NoteAsked, ID: p.id(p.Current), Text: string(ev.Verb) + " (" + ev.By + ")"})
	switch ev.Verb {
	case StopProgram:
		m.stopProgram(now, slot)
	case RestartProgram:
		m.restartProgram(now, slot)
	default:
		m.startProgram(now, slot)
	}
	if ev.NoWait {
		m.answer(ev.From, Reply{OK: true})
	}
	m.satisfy(p)
	m.loadEnds(now)
}

const stoppingText = "mwlua is stopping"

// ask notes what is wanted of the program from now on. True says that it is the opposite of what was wanted.
func (p *Program) ask(ev Request) bool {
	held := p.Held
	p.Held = ev.Verb == StopProgram
	return held != p.Held
}

// supersede answers those who asked for something else.
func (m *Machine) supersede(p *Program, verb Verb) {
	for _, a := range p.Askers {
		m.answer(a.From, Reply{Why: WhySuperseded, Text: "somebody else asked for another thing: " + string(verb)})
	}
	p.Askers = nil
}

// answer answers one who asked, if somebody waits.
func (m *Machine) answer(from uint64, r Reply) {
	if from != 0 {
		r.To = from
		m.do(r)
	}
}

// startProgram starts what does not run, at once, and forgets its failures.
func (m *Machine) startProgram(now Instant, slot int) {
	p := &m.s.Programs[slot]
	in := p.find(p.Current)
	switch {
	case in == nil:
		p.Failures, p.Restarts = 0, nil
		m.wait(slot, now)
	case in.Cause == ByRequest: // it is on its way out
		p.Again = true
	}
}

func (m *Machine) restartProgram(now Instant, slot int) {
	p := &m.s.Programs[slot]
	in := p.find(p.Current)
	if in == nil {
		m.startProgram(now, slot)
		return
	}
	p.Again = true
	m.stopByRequest(now, slot, in)
}

// stopProgram stops every instance of a program, former ones as well.
func (m *Machine) stopProgram(now Instant, slot int) {
	p := &m.s.Programs[slot]
	p.Again = false
	if p.Phase == Waiting {
		m.setDown(p, Down)
	}
	for i := range p.Instances {
		m.stopByRequest(now, slot, &p.Instances[i])
	}
}

// stopByRequest asks an instance to go. One that is still spawning is asked when it runs.
func (m *Machine) stopByRequest(now Instant, slot int, in *Instance) {
	current := in.Seq == m.s.Programs[slot].Current
	if in.Step == Stopping || in.Step == Killing {
		return
	}
	if current {
		in.Cause = ByRequest
	}
	if in.Step == Spawning {
		return
	}
	p := &m.s.Programs[slot]
	declared, limit := m.terms(slot, in)
	in.Step = Stopping
	in.Deadline = m.due(slot, in.Seq, timeout(now, limit))
	m.signal(p, in, stopSignal(declared, sigTERM))
}

// pass sends a signal that somebody asked for to the current instance.
func (m *Machine) pass(p *Program, ev Request) {
	in := p.find(p.Current)
	if in == nil || in.PID == 0 || in.Step == Killing {
		m.answer(ev.From, Reply{Why: WhyNotRunning, Text: fmt.Sprintf("program %q is not running", p.Name)})
		return
	}
	id := p.id(in.Seq)
	m.do(Note{Kind: NoteAsked, ID: id, PID: in.PID, Signal: ev.Signal, Text: string(ev.Verb) + " (" + ev.By + ")"})
	m.do(Signal{ID: id, PID: in.PID, Signal: ev.Signal})
	m.answer(ev.From, Reply{OK: true})
}

// endedByRequest is the end of a current instance that somebody asked for: expected, whatever its status. It is started again if
// that was asked for too.
func (m *Machine) endedByRequest(now Instant, p *Program, note Note) {
	m.do(note)
	if p.Again {
		p.Again, p.Failures, p.Restarts = false, 0, nil
		m.wait(m.slots[p.Name], now)
	}
	m.satisfy(p)
}

// satisfy answers those who have what they asked for.
func (m *Machine) satisfy(p *Program) {
	in := p.find(p.Current)
	runs := in != nil && in.Step == Started && in.Cause != ByRequest
	p.Askers = slices.DeleteFunc(p.Askers, func(a Asker) bool {
		done := runs && !p.Again
		if a.For == StopProgram {
			done = len(p.Instances) == 0 && p.Phase != Waiting
		}
		if done {
			m.answer(a.From, Reply{OK: true})
		}
		return done
	})
}

// disappoint answers those who wait for a start that has failed.
func (m *Machine) disappoint(p *Program, text string) {
	p.Askers = slices.DeleteFunc(p.Askers, func(a Asker) bool {
		if a.For != StopProgram {
			m.answer(a.From, Reply{Why: WhyFailed, Text: text})
		}
		return a.For != StopProgram
	})
}

// dismiss answers everybody who waits for a program, because nothing of that will come.
func (m *Machine) dismiss(p *Program, why Why, text string) {
	for _, a := range p.Askers {
		m.answer(a.From, Reply{Why: why, Text: text})
	}
	p.Askers = nil
}
