package sim

import (
	"time"

	"github.com/mwlua/mwlua/core/machine"
)

// Err returns the first expectation that was broken: a defect of the machine, or of this package. The world stands still
// after it.
func (w *World) Err() error { return w.err }

// Elapsed is the time since the world began.
func (w *World) Elapsed() time.Duration { return time.Duration(w.now - birth) }

// Instant is the machine's now.
func (w *World) Instant() machine.Instant { return w.now }

// At is how long after the beginning an instant is.
func (w *World) At(at machine.Instant) time.Duration { return time.Duration(at - birth) }

// Steps counts the events that the machine was given.
func (w *World) Steps() int { return w.expect.steps }

// Quit returns the status that mwlua left with; false as long as it has not.
func (w *World) Quit() (int, bool) { return w.status, w.quit }

// State is what the machine knows. It is good until the next verb, and not to be changed.
func (w *World) State() machine.State { return w.m.State() }

// Phase is what the machine says that a program is doing; "" if it does not know it.
func (w *World) Phase(program string) machine.Phase {
	if p := w.program(program); p != nil {
		return p.Phase
	}
	return ""
}

// Next is the delay until a waiting program is started; false if it does not wait.
func (w *World) Next(program string) (time.Duration, bool) {
	p := w.program(program)
	if p == nil || p.Phase != machine.Waiting {
		return 0, false
	}
	return time.Duration(p.StartAt - w.now), true
}

// Running lists the processes of a program, former ones too, oldest first.
func (w *World) Running(program string) []machine.ID {
	var ids []machine.ID
	for _, t := range w.order {
		if t.name == program {
			ids = append(ids, t.running()...)
		}
	}
	return ids
}

func (t *tally) running() []machine.ID {
	var ids []machine.ID
	for _, p := range t.live {
		if p.running && !p.dead {
			ids = append(ids, p.id)
		}
	}
	return ids
}

// Alive lists the processes of all programs.
func (w *World) Alive() []machine.ID {
	var ids []machine.ID
	for _, t := range w.order {
		ids = append(ids, t.running()...)
	}
	return ids
}

// Spawns counts the instances that the machine asked for.
func (w *World) Spawns(program string) int {
	return w.sum(program, func(t *tally) int { return t.spawns })
}

// Kills counts the instances of a program that the machine killed.
func (w *World) Kills(program string) int {
	return w.sum(program, func(t *tally) int { return t.kills })
}

// sum adds up what is counted for the instances of a program.
func (w *World) sum(program string, count func(*tally) int) int {
	n := 0
	for _, t := range w.order {
		if t.name == program {
			n += count(t)
		}
	}
	return n
}

// Trace is what happened and what the machine did about it, in virtual time. It keeps the newest million of events.
func (w *World) Trace() string { return w.trace.String() }

// KeepTrace says how many steps Trace keeps at most: at least half of them.
func (w *World) KeepTrace(steps int) { w.trace.most = steps }

// Tail is the end of Trace, n steps long.
func (w *World) Tail(n int) string { return w.trace.tail(n) }

// program returns the machine's record of a program, or of its first instance; nil if it has none.
func (w *World) program(name string) *machine.Program {
	s := w.m.State()
	for i := range s.Programs {
		if s.Programs[i].Name == name {
			return &s.Programs[i]
		}
	}
	return nil
}
