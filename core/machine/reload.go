package machine

import (
	"fmt"
	"time"
)

// reloadTimeout bounds a trial, and a load: a configuration that is code may never end.
const reloadTimeout = 10 * time.Second

// booted begins the load of this image. A first load is a reload whose changes are all starts.
func (m *Machine) booted(now Instant) {
	r := &m.s.Reload
	switch {
	case r.Step == Handing:
	case r.Step == Idle && m.s.Generation == 0:
		r.N, r.By = r.N+1, "start"
	default:
		return
	}
	r.Step, r.Deadline = Loading, timeout(now, reloadTimeout)
	m.do(Load{N: r.N})
}

func (m *Machine) request(now Instant, ev Request) {
	if ev.Verb != ReloadAll {
		m.stop(now, ev.Verb, ev.Signal, ev.By)
		return
	}
	r := &m.s.Reload
	switch {
	case m.s.Stop.Verb != "": // T-3: a stop always wins over a reload
		m.do(Note{Kind: NoteReloadRefused, Text: ev.By})
	case r.Step != Idle:
		r.Again, r.AgainBy = true, ev.By
		m.do(Note{Kind: NoteReloadQueued, Text: ev.By})
	case m.s.Generation == 0: // not booted: the first load will read what is there
	default:
		m.try(now, ev.By)
	}
}

// try begins a reload with the trial of the next image.
func (m *Machine) try(now Instant, by string) {
	r := &m.s.Reload
	*r = Reload{N: r.N + 1, Step: Trying, By: by, Deadline: timeout(now, reloadTimeout)}
	m.do(Note{Kind: NoteReload, Text: by})
	m.do(Trial{N: r.N})
}

func (m *Machine) trialPassed(ev TrialPassed) {
	r := &m.s.Reload
	if r.Step != Trying || r.N != ev.N {
		return
	}
	r.Step, r.Deadline = Settling, 0
}

// settle hands over once no spawn is without its answer: the state must name every process.
func (m *Machine) settle() {
	r := &m.s.Reload
	if r.Step != Settling || m.spawning > 0 {
		return
	}
	r.Step = Handing
	m.do(Handover{N: r.N})
}

// reloadFailed ends load n, if it is the one in that step. Nothing changes; before the first good load there is nothing to
// go on with.
func (m *Machine) reloadFailed(now Instant, n uint64, step ReloadStep, text string) {
	r := &m.s.Reload
	if r.Step != step || r.N != n {
		return
	}
	if m.s.Generation == 0 {
		m.do(Note{Kind: NoteFirstLoadError, Text: text})
		m.s.Stop, m.s.Status = Stop{Verb: StopAll, Done: true}, 1
		*r = Reload{N: r.N}
		m.do(Quit{Status: 1})
		return
	}
	if step == Handing {
		m.do(EndTrial{N: n})
	}
	m.do(Note{Kind: NoteReloadFailed, Text: text})
	m.reloadEnds(now)
}

func (m *Machine) reloadTimedOut(now Instant) {
	r := &m.s.Reload
	text := fmt.Sprintf("no answer within %v", reloadTimeout)
	if r.Step == Trying {
		m.do(EndTrial{N: r.N})
	}
	m.reloadFailed(now, r.N, r.Step, text)
}

// reloadEnds makes room for the next reload, and begins it if one was asked for meanwhile.
func (m *Machine) reloadEnds(now Instant) {
	r := &m.s.Reload
	before := *r
	*r = Reload{N: r.N}
	if before.Again {
		m.try(now, before.AgainBy)
	}
}

// reloadAborted ends a load because of a stop. A late answer to it finds nothing to fit.
func (m *Machine) reloadAborted() {
	r := &m.s.Reload
	switch r.Step {
	case Idle:
		return
	case Starting:
	case Trying, Settling, Handing:
		m.do(EndTrial{N: r.N})
		fallthrough
	default:
		m.do(Note{Kind: NoteReloadAborted, Text: r.By})
	}
	*r = Reload{N: r.N}
}
