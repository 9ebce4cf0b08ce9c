package machine

import (
	"fmt"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/policy"
)

// killAgain is how long after SIGKILL the rest of an instance gets it once more: a process that forks while it is looked for may
// have been missed.
const killAgain = time.Second

// outlived is the end of an instance's process that others of the instance outlive. It counts as running until they are gone: they
// get the stop signal now, and SIGKILL when its stop timeout is over.
func (m *Machine) outlived(now Instant, place int, in *Instance, exit policy.Exit, left []Survivor) {
	p := &m.s.Programs[place]
	killed := in.Step == Killing
	in.Left, in.Ended, in.Early = left, &exit, in.Step == Unready
	in.quiet()
	declared, limit := m.terms(place, in)
	signal := stopSignal(declared, sigTERM)
	switch {
	case killed:
		signal = sigKILL
		in.Deadline = m.due(place, in.Seq, after(now, killAgain))
	case in.Step != Stopping:
		in.Deadline = m.due(place, in.Seq, timeout(now, limit))
	}
	in.Step, in.Told = Emptying, signal
	m.do(Note{
		Kind: NoteLeft, ID: p.id(in.Seq), PID: in.PID, Former: !p.counts(in.Seq), Signal: signal, Exit: exit, Until: in.Deadline, Text: leftText(left),
	})
	m.do(SignalUnit{ID: p.id(in.Seq), Signal: signal})
	if in.Seq == p.Current {
		m.lost(now, place)
	}
}

// leftText names processes.
func leftText(left []Survivor) string {
	var names []string
	for _, s := range left {
		names = append(names, fmt.Sprintf("%s (%d)", s.Name, s.PID))
	}
	text := strings.Join(names, ", ")
	if len(left) >= MaxSurvivors {
		text += ", and perhaps more"
	}
	return text
}

// emptied is the end of the last process of an instance.
func (m *Machine) emptied(now Instant, ev Emptied) {
	p, in := m.instance(ev.ID)
	if in == nil || in.Step != Emptying {
		return
	}
	m.gone(now, p, *in, *in.Ended)
}

// killRest kills what is left of an instance, and looks again a moment later.
func (m *Machine) killRest(now Instant, place int, in *Instance) {
	p := &m.s.Programs[place]
	if in.Told != sigKILL {
		m.do(Note{Kind: NoteKillRest, ID: p.id(in.Seq), PID: in.PID, Former: !p.counts(in.Seq), Signal: sigKILL, Text: leftText(in.Left)})
	}
	in.Told = sigKILL
	in.Deadline = m.due(place, in.Seq, after(now, killAgain))
	m.do(SignalUnit{ID: p.id(in.Seq), Signal: sigKILL})
}
