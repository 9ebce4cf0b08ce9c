package machine

import (
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// final makes the end of a critical program, which nothing restarts any more, the end of all, and names the verdicts on what is
// meant to end in their own words.
func (m *Machine) final(place int, exit policy.Exit, v policy.Verdict) policy.Verdict {
	spec := &m.s.Config.Programs[place]
	switch {
	case spec.Kind == program.Service:
	case v.Do == policy.Stop:
		v.Reason = "it is done"
	case v.Do == policy.Fail && spec.Exit.When == policy.Never:
		v.Reason = "it is not tried again"
	}
	if v.Do == policy.Fail && spec.Critical && m.s.Config.Settings.ExitWhen != program.ExitNever {
		v.Do, v.ExitCode = policy.Shutdown, max(exit.Status(), 1)
		v.Reason = "it is critical, and has failed: " + v.Reason
	}
	return v
}

// leaveIfDone leaves when nothing runs and nothing will, if the configuration wants that. A program that was stopped by hand may
// be started again. The status is that of the first program that has failed.
func (m *Machine) leaveIfDone() {
	s := &m.s
	if s.Config.Settings.ExitWhen != program.ExitWhenDone || s.Stop.Verb != "" || m.alive > 0 || s.Generation == 0 || s.Reload.Step != Idle {
		return
	}
	if _, waits := m.starts.first(m.startValid); waits {
		return
	}
	if _, waits := m.ticks.first(m.tickValid); waits {
		return
	}
	status := s.Status
	for i := range s.Programs {
		p := &s.Programs[i]
		if p.Held || p.Deciding != nil {
			return
		}
		if p.Phase == Failed && status == 0 {
			status = max(p.Last.Status(), 1)
		}
	}
	for i := range s.Programs {
		m.dismiss(&s.Programs[i], WhyDropped, stoppingText)
		s.Programs[i].standDown() // what waits for something that never comes
	}
	s.Status = status
	m.do(Notify{Doing: IsStopping})
	s.Stop.Verb = StopAll
	m.do(Note{Kind: NoteStopping, Text: "all programs have ended, and exit_when is all-done"})
	m.stopped()
}
