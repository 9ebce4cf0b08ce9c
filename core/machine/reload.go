package machine

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mwlua/mwlua/core/program"
)

// Bounds of a load: a configuration that is code may never end. At the first one nothing runs yet that a change would wait for.
const (
	firstLoadTimeout = 3 * time.Minute
	reloadTimeout    = 10 * time.Second // of a trial, and of a load; unless the configuration in force says otherwise
)

// patience is how long the trial, and the load, of a reload may take.
func (m *Machine) patience() time.Duration {
	if m.s.Generation == 0 {
		return firstLoadTimeout
	}
	return cmp.Or(m.s.Config.ReloadTimeout, reloadTimeout)
}

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
	r.Step, r.Deadline = Loading, timeout(now, m.patience())
	m.do(Load{N: r.N})
	if hasCode(m.s.Config) { // that of the image before, until this load is done
		m.do(UseCode{})
	}
	m.askAgain(now)
}

// askAgain repeats what the image before has asked and had no answer to.
func (m *Machine) askAgain(now Instant) {
	for i := range m.s.Config.Programs {
		p := &m.s.Programs[i]
		for j := range p.Instances {
			if in := &p.Instances[j]; in.Health.Out {
				in.Health.Out = false
				in.Health.Due = m.due(i, in.Seq, now)
			}
		}
		if m.onClock(i) && p.TickAt == 0 {
			m.askTick(i)
		}
		if p.Deciding != nil {
			m.askDecider(now, i)
		}
	}
}

func (m *Machine) request(now Instant, ev Request) {
	m.signalled(ev.By)
	switch ev.Verb {
	case ReloadAll:
		m.reload(now, ev)
	case TellState:
		m.do(Report{To: ev.From})
	case StartProgram, StopProgram, RestartProgram, SignalProgram:
		m.command(now, ev)
	default:
		m.answer(ev.From, Reply{OK: true})
		m.stop(now, ev.Verb, ev.Signal, ev.By)
	}
}

func (m *Machine) reload(now Instant, ev Request) {
	r := &m.s.Reload
	switch {
	case m.s.Stop.Verb != "": // T-3: a stop always wins over a reload
		m.do(Note{Kind: NoteReloadRefused, Text: ev.By})
		m.refuse(waiting(ev), stoppingText)
	case r.Step != Idle:
		r.Again, r.AgainBy, r.AgainHard = true, ev.By, r.AgainHard || ev.Hard
		r.AgainWaiting = append(r.AgainWaiting, waiting(ev)...)
		m.do(Note{Kind: NoteReloadQueued, Text: ev.By})
	case m.s.Generation == 0: // not booted: the first load will read what is there
		m.refuse(waiting(ev), "mwlua is not up yet")
	default:
		m.try(now, Reload{By: ev.By, Hard: ev.Hard, Waiting: waiting(ev)})
	}
}

// waiting is who waits for the answer to a request.
func waiting(ev Request) []uint64 {
	if ev.From == 0 {
		return nil
	}
	return []uint64{ev.From}
}

// fail answers those whose load has failed.
func (m *Machine) fail(to []uint64, text string) {
	for _, id := range to {
		m.do(Reply{To: id, Why: WhyFailed, Text: text})
	}
}

// refuse answers those whose load does not come to its end.
func (m *Machine) refuse(to []uint64, text string) {
	for _, id := range to {
		m.do(Reply{To: id, Why: WhyDropped, Text: text})
	}
}

// try begins a reload with the trial of the next image.
func (m *Machine) try(now Instant, r Reload) {
	r.N, r.Step, r.Deadline = m.s.Reload.N+1, Trying, timeout(now, m.patience())
	m.s.Reload = r
	note := Note{Kind: NoteReload, Text: r.By}
	if r.Hard {
		note.Signal = sigTERM
	}
	m.do(note)
	m.call(program.OnReloadBegins, r.By)
	m.do(Notify{Doing: IsReloading})
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
		m.fail(slices.Concat(r.Waiting, r.AgainWaiting), text)
		m.s.Stop, m.s.Status = Stop{Verb: StopAll, Done: true}, 1
		*r = Reload{N: r.N}
		m.do(Quit{Status: 1})
		return
	}
	if step == Trying || step == Handing { // a process that gave a wrong answer may live on
		m.do(EndTrial{N: n})
	}
	m.s.Failures++
	m.do(Note{Kind: NoteReloadFailed, Text: text})
	m.call(program.OnReloaded, text)
	m.do(Notify{Doing: ReloadFailed})
	m.fail(r.Waiting, text)
	m.reloadEnds(now)
}

func (m *Machine) reloadTimedOut(now Instant) {
	r := &m.s.Reload
	text := fmt.Sprintf("no answer within %v: the next image hangs, or a file of the configuration never ends", m.patience())
	if r.Step == Asking {
		text = m.unanswered()
	}
	m.reloadFailed(now, r.N, r.Step, text)
}

// reloadEnds makes room for the next reload, and begins it if one was asked for meanwhile.
func (m *Machine) reloadEnds(now Instant) {
	r := &m.s.Reload
	before := *r
	*r = Reload{N: r.N}
	if before.Again {
		m.try(now, Reload{By: before.AgainBy, Hard: before.AgainHard, Waiting: before.AgainWaiting})
	}
}

// reloadAborted ends a load because of a stop. A late answer to it finds nothing to fit.
func (m *Machine) reloadAborted(by string) {
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
	m.s.Stop.Asked = append(m.s.Stop.Asked, r.Asked...)
	m.refuse(slices.Concat(r.Waiting, r.AgainWaiting), stoppingText+" ("+by+")")
	*r = Reload{N: r.N}
}
