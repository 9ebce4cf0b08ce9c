package machine

import (
	"time"

	"github.com/mwlua/mwlua/core/policy"
)

// The numbers of the signals that the machine itself chooses, as Linux has them.
const (
	sigINT  = 2
	sigKILL = 9
	sigUSR1 = 10
	sigTERM = 15
)

// stopSignal is the stop signal of a program that declared none (0): the one that mwlua itself was asked to stop with.
func stopSignal(declared, asked int) int {
	if declared != 0 {
		return declared
	}
	return asked
}

// stop begins the end, or repeats it: each request sends its signal again (H-6.18). What was declared harder first is not
// taken back: a soft stop after a stop changes nothing.
func (m *Machine) stop(now Instant, verb Verb, signal int, by string) {
	s := &m.s.Stop
	if s.Verb == StopAll && verb == SoftStop {
		return
	}
	if s.Verb == "" {
		m.do(Notify{Doing: IsStopping})
	}
	s.Verb, s.Signal = verb, signal
	if limit := m.s.Config.Settings.ShutdownTimeout; verb == StopAll && s.Deadline == 0 {
		s.Deadline = timeout(now, limit)
	}
	m.do(Note{Kind: NoteStopping, Signal: signal, Text: by})
	m.reloadAborted(by)
	for i := range m.s.Programs {
		p := &m.s.Programs[i]
		p.Starting, p.Again = false, false
		m.dismiss(p, WhyDropped, stoppingText)
		if p.Phase == Waiting {
			p.Phase, p.StartAt = Down, 0
		}
	}
	for i := range m.s.Config.Programs {
		if in := m.s.Programs[i].find(m.s.Programs[i].Current); in != nil {
			m.stopInstance(now, i, in)
		}
	}
	for _, ref := range m.formers() {
		m.stopInstance(now, ref.slot, m.s.Programs[ref.slot].find(ref.seq))
	}
	m.stopped()
}

// masterEnded is the stop that killed the supervisor between two images, carried out by its guard. A SIGKILL is no stop, there
// as at any other time; a death that nobody knows the signal of counts as SIGTERM.
func (m *Machine) masterEnded(now Instant, ev MasterEnded) {
	if m.s.Reload.Step != Handing {
		return
	}
	if ev.Signal == sigKILL {
		m.do(Note{Kind: NoteOrphaned, PID: ev.PID, Signal: ev.Signal})
		m.s.Stop = Stop{Done: true, Orphans: true}
		m.do(Quit{})
		return
	}
	m.do(Note{Kind: NoteStandIn, PID: ev.PID, Signal: ev.Signal})
	switch ev.Signal {
	case sigUSR1:
		m.stop(now, SoftStop, sigUSR1, "SIGUSR1")
	case sigINT:
		m.stop(now, StopAll, sigINT, "SIGINT")
	default:
		m.stop(now, StopAll, sigTERM, "SIGTERM")
	}
}

// stopInstance asks an instance to go, because mwlua is stopping. One that is still spawning is asked when it runs.
func (m *Machine) stopInstance(now Instant, slot int, in *Instance) {
	in.Cause = ByShutdown
	if in.Step == Spawning || in.Step == Killing {
		return
	}
	p := &m.s.Programs[slot]
	if m.s.Stop.Verb == SoftStop {
		if in.Step == Started {
			limit := m.s.Config.Programs[slot].FormerTimeout
			in.Step, in.Deadline = Leaving, m.due(slot, in.Seq, timeout(now, limit))
		}
		m.signal(p, in, sigUSR1)
		return
	}
	declared, limit := m.terms(slot, in)
	if in.Step != Stopping || in.Deadline == 0 { // a second request does not give more time
		in.Deadline = m.due(slot, in.Seq, timeout(now, limit))
	}
	in.Step = Stopping
	m.signal(p, in, stopSignal(declared, m.s.Stop.Signal))
}

// terms are the stop signal and the stop timeout of an instance: those of the declaration in force for a current one, those
// that it left with for a former one.
func (m *Machine) terms(slot int, in *Instance) (int, time.Duration) {
	if in.Seq != m.s.Programs[slot].Current {
		return in.StopSignal, time.Duration(in.StopTimeout)
	}
	spec := &m.s.Config.Programs[slot]
	return spec.StopSignal, spec.StopTimeout
}

// due puts the deadline of an instance on the schedule and returns it; 0 is none.
func (m *Machine) due(slot int, seq uint64, at Instant) Instant {
	if at != 0 {
		m.ends.add(entry{at: at, slot: slot, seq: seq})
	}
	return at
}

func (m *Machine) signal(p *Program, in *Instance, signal int) {
	in.Told = signal
	m.do(Signal{ID: p.id(in.Seq), PID: in.PID, Signal: signal})
}

// overdue takes the harder means: a former one that stayed too long is asked to stop, one that was asked is killed.
func (m *Machine) overdue(now Instant, e entry) {
	p := &m.s.Programs[e.slot]
	in := p.find(e.seq)
	in.Deadline = 0
	if in.Step == Leaving {
		m.endLeaving(now, e.slot, in, ByFormerTimeout)
		return
	}
	m.kill(p, in, string(in.Cause))
}

func (m *Machine) kill(p *Program, in *Instance, why string) {
	in.Step, in.Told, in.Deadline = Killing, sigKILL, 0
	id := p.id(in.Seq)
	m.do(Note{Kind: NoteKill, ID: id, PID: in.PID, Former: in.Seq != p.Current, Signal: sigKILL, Text: why})
	m.do(Signal{ID: id, PID: in.PID, Signal: sigKILL, Group: true})
}

// killAll ends a stop that takes longer than mwlua has for it.
func (m *Machine) killAll() {
	m.s.Stop.Deadline = 0
	for i := range m.s.Programs {
		p := &m.s.Programs[i]
		for j := range p.Instances {
			if in := &p.Instances[j]; in.Step != Spawning && in.Step != Killing {
				m.kill(p, in, "shutdown_timeout")
			}
		}
	}
}

// endedAtStop is the end of a current instance after our own request: expected, whatever its status (T-5). Only an
// interrupt leaves its trace, as shells and HAProxy have it (H-6.19).
func (m *Machine) endedAtStop(exit policy.Exit, note Note) {
	if m.s.Stop.Signal == sigINT && m.s.Status == 0 && exit.Status() == 128+sigINT {
		m.s.Status = exit.Status()
	}
	m.do(note)
	m.stopped()
}

// stopped leaves once every instance is gone.
func (m *Machine) stopped() {
	if m.s.Stop.Verb == "" || m.alive > 0 {
		return
	}
	m.s.Stop.Done = true
	m.do(Note{Kind: NoteStopped, Exit: policy.Exit{Code: m.s.Status}})
	m.do(Quit{Status: m.s.Status})
}

func (m *Machine) signalFailed(ev SignalFailed) {
	p, in := m.instance(ev.ID)
	if in == nil {
		return
	}
	m.do(Note{Kind: NoteSignalFailed, ID: ev.ID, PID: in.PID, Former: in.Seq != p.Current, Signal: ev.Signal, Text: ev.Text})
}
