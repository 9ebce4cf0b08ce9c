package sim

import (
	"math/rand/v2"

	"github.com/mwlua/mwlua/core/machine"
)

// Watcher is told of every step of a World, as core/journal's Writer is told of those of a supervisor.
type Watcher interface {
	Before(now machine.Instant, m *machine.Machine)
	After(now machine.Instant, ev machine.Event, actions []machine.Action)
}

// Watch has each step from now on told to a watcher; nil ends that.
func (w *World) Watch(by Watcher) { w.watcher = by }

// stepMachine is a step of the machine alone.
func (w *World) stepMachine(ev machine.Event) []machine.Action {
	if w.watcher != nil {
		w.watcher.Before(w.now, w.m)
	}
	actions := w.m.Step(w.now, ev)
	if w.watcher != nil {
		w.watcher.After(w.now, ev, actions)
	}
	return actions
}

// ChaosWatched is the life of one world that Chaos could have made. The error is the first broken expectation.
func ChaosWatched(seed uint64, by Watcher) error {
	c := newChaos(rand.New(rand.NewPCG(seed, 0)).Uint64())
	c.w.Watch(by)
	c.live()
	return c.w.err
}
