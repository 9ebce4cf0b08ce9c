package machine

import (
	"cmp"
	"fmt"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
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
		m.call(program.OnShutdown, by)
	}
	s.Verb, s.Signal = verb, signal
	if limit := m.s.Config.Settings.ShutdownTimeout; verb == StopAll && s.Deadline == 0 {
		s.Deadline = timeout(now, limit)
	}
	m.do(Note{Kind: NoteStopping, Signal: signal, Text: by})
	m.reloadAborted(by)
	for i := range m.s.Programs {
		p := &m.s.Programs[i]
		m.dismiss(p, WhyDropped, stoppingText)
		m.undecided(p)
		p.standDown()
	}
	for i := range m.s.Config.Programs {
		if in := m.s.Programs[i].find(m.s.Programs[i].Current); in != nil {
			m.stopInstance(now, i, in)
		}
	}
	for _, ref := range m.formers() {
		m.stopInstance(now, ref.place, m.s.Programs[ref.place].find(ref.seq))
	}
	m.stopped()
}

// standDown takes back every start of p that is to come.
func (p *Program) standDown() {
	p.Starting, p.Again, p.Roll, p.Await, p.StartAt = false, false, false, false, 0
	p.unschedule()
	if p.Phase == Waiting || p.Phase == Blocked || p.Phase == Scheduled {
		p.Phase = Down
	}
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

// stopInstance asks an instance to go, because mwlua is stopping. One that is still spawning is asked when it runs, and one that
// others are declared to be started after when those have gone.
func (m *Machine) stopInstance(now Instant, place int, in *Instance) {
	in.Cause = ByShutdown
	_, limit := m.terms(place, in)
	switch {
	case in.Step == Spawning || in.Step == Killing:
		return
	case in.Step == Emptying: // its own stop is under way
		if in.Deadline == 0 {
			in.Deadline = m.due(place, in.Seq, timeout(now, limit))
		}
		return
	case m.s.Stop.Verb == SoftStop:
		m.softStop(now, place, in)
		return
	case in.pending() && m.precede(now, place, ByShutdown):
		return
	}
	first := in.Step != Stopping
	if first || in.Deadline == 0 { // a second request does not give more time
		in.Deadline = m.due(place, in.Seq, timeout(now, limit))
	}
	in.Step = Stopping
	in.quiet()
	m.askToStop(place, in, 0, first)
}

// softStop tells an instance to finish and go in its own time.
func (m *Machine) softStop(now Instant, place int, in *Instance) {
	if in.Step == Started || in.Step == Unready {
		limit := m.s.Config.Programs[place].FormerTimeout
		in.Step = Leaving
		in.quiet()
		in.Deadline = m.due(place, in.Seq, timeout(now, limit))
	}
	m.signal(&m.s.Programs[place], in, sigUSR1)
}

// halt asks an instance to go, for a cause. One that is still spawning is asked when it runs, and one that others need when those
// have gone.
func (m *Machine) halt(now Instant, place int, in *Instance, cause Cause) {
	p := &m.s.Programs[place]
	if p.counts(in.Seq) && cause.outranks(in.Cause) && (in.Step != Emptying || cause.rank() > 1) { // an end of its own is judged
		in.Cause = cause
	}
	if in.Step == Spawning || in.Step == Stopping || in.Step == Killing || in.Step == Emptying {
		return
	}
	if in.Seq == p.Current && m.precede(now, place, cause) {
		return
	}
	_, limit := m.terms(place, in)
	in.Step = Stopping
	in.quiet()
	in.Deadline = m.due(place, in.Seq, timeout(now, limit))
	m.askToStop(place, in, 0, true)
}

// outranks says that c decides what follows the end of an instance that was to end because of d.
func (c Cause) outranks(d Cause) bool { return c.rank() > d.rank() }

func (c Cause) rank() int {
	switch c {
	case NoCause, ByReload:
		return 0
	case ByTick:
		return 2
	case ByReplace: // of what is a cron no more, too
		return 3
	case ByRequest:
		return 4
	case ByShutdown:
		return 5
	default:
		return 1
	}
}

// askToStop has an instance stopped by the command or the signal that is declared for that, or by signal if that is not 0. The
// command is run once: whoever asks again wants the signal.
func (m *Machine) askToStop(place int, in *Instance, signal int, first bool) {
	p := &m.s.Programs[place]
	if first && m.firstSignal(place, in, signal) == 0 {
		_, limit := m.terms(place, in)
		in.Told = 0
		m.do(RunStop{ID: p.id(in.Seq), PID: in.PID, Spec: m.s.Config.Programs[place], Env: m.s.Config.Env, Limit: limit})
		return
	}
	declared, _ := m.terms(place, in)
	m.signal(p, in, cmp.Or(signal, stopSignal(declared, m.stopAsked())))
}

// firstSignal is the signal that asks an instance to stop, and 0 if its stop command is to do it.
func (m *Machine) firstSignal(place int, in *Instance, signal int) int {
	if signal == 0 && m.s.Programs[place].counts(in.Seq) && len(m.s.Config.Programs[place].StopCommand) > 0 {
		return 0
	}
	declared, _ := m.terms(place, in)
	return cmp.Or(signal, stopSignal(declared, m.stopAsked()))
}

// stopAsked is the signal that asked mwlua to stop, and SIGTERM if none did.
func (m *Machine) stopAsked() int { return cmp.Or(m.s.Stop.Signal, sigTERM) }

// stopRan sends the signal after all when the stop command of an instance has failed.
func (m *Machine) stopRan(ev StopRan) {
	p, in := m.instance(ev.ID)
	if in == nil || ev.OK || in.Step != Stopping || in.Told != 0 {
		return
	}
	place := m.place(p)
	declared, _ := m.terms(place, in)
	signal := stopSignal(declared, m.stopAsked())
	m.do(Note{Kind: NoteStopCommand, ID: ev.ID, PID: in.PID, Former: !p.counts(in.Seq), Signal: signal, Text: ev.Text})
	m.signal(p, in, signal)
}

// terms are the stop signal and the stop timeout of an instance: those of the declaration in force for a current one, those
// that it left with for a former one.
func (m *Machine) terms(place int, in *Instance) (int, time.Duration) {
	if !m.s.Programs[place].counts(in.Seq) {
		return in.StopSignal, time.Duration(in.StopTimeout)
	}
	spec := &m.s.Config.Programs[place]
	return spec.StopSignal, spec.StopTimeout
}

// due puts the deadline of an instance on the schedule and returns it; 0 is none.
func (m *Machine) due(place int, seq uint64, at Instant) Instant {
	if at != 0 {
		m.ends.add(entry{at: at, place: place, seq: seq})
	}
	return at
}

func (m *Machine) signal(p *Program, in *Instance, signal int) {
	in.Told = signal
	m.do(Signal{ID: p.id(in.Seq), PID: in.PID, Signal: signal})
}

// overdue does what is due with an instance: an attempt to find out how it is, what follows from its silence, or the harder means.
func (m *Machine) overdue(now Instant, e entry) {
	in := m.s.Programs[e.place].find(e.seq)
	switch e.at {
	case in.Deadline:
		in.Deadline = 0
		m.late(now, e.place, in)
	case in.Said.WatchdogDue:
		in.Said.WatchdogDue = 0
		m.giveUp(now, e.place, in, ByWatchdog, sigABRT, fmt.Sprintf("it did not say WATCHDOG=1 within %v", m.watchdog(e.place, in)))
	default:
		m.probeDue(now, e.place, in)
	}
}

func (m *Machine) watchdog(place int, in *Instance) time.Duration {
	return cmp.Or(in.Said.WatchdogEvery, m.s.Config.Programs[place].Watchdog)
}

// late is an instance that had its time: one that is not ready is stopped, so is a former one that stayed too long, or a run that
// took too long; one that was asked to stop is killed.
func (m *Machine) late(now Instant, place int, in *Instance) {
	p := &m.s.Programs[place]
	switch in.Step {
	case Unready:
		m.giveUp(now, place, in, ByNotReady, 0, unreadyText(in, m.s.Config.Programs[place].Ready.Timeout))
	case Started:
		m.giveUp(now, place, in, ByTimeout, 0, fmt.Sprintf("it took longer than %v", m.s.Config.Programs[place].Timeout))
	case Leaving:
		cause := ByFormerTimeout
		if in.Cause == ByTick {
			cause = ByTimeout
		}
		m.endLeaving(now, place, in, cause)
	case Emptying:
		m.killRest(now, place, in)
	default:
		m.kill(p, in, string(in.Cause))
	}
}

func (m *Machine) kill(p *Program, in *Instance, why string) {
	in.Step, in.Told, in.Deadline = Killing, sigKILL, 0
	in.quiet()
	id := p.id(in.Seq)
	m.do(Note{Kind: NoteKill, ID: id, PID: in.PID, Former: !p.counts(in.Seq), Signal: sigKILL, Text: why})
	m.do(Signal{ID: id, PID: in.PID, Signal: sigKILL, Group: true})
}

// killAll ends a stop that takes longer than mwlua has for it.
func (m *Machine) killAll(now Instant) {
	m.s.Stop.Deadline = 0
	for i := range m.s.Programs {
		p := &m.s.Programs[i]
		for j := range p.Instances {
			switch in := &p.Instances[j]; in.Step {
			case Spawning, Killing:
			case Emptying:
				m.killRest(now, i, in)
			default:
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
	m.do(Note{Kind: NoteSignalFailed, ID: ev.ID, PID: in.PID, Former: !p.counts(in.Seq), Signal: ev.Signal, Text: ev.Text})
}
