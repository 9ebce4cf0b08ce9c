package sim

import (
	"encoding/json"
	"slices"

	"github.com/mwlua/mwlua/core/machine"
)

// trial is the newest trial. Once it has passed, its process stays as the guard of the hand-over.
type trial struct {
	n        uint64
	since    machine.Instant
	answered bool
	there    bool // its process runs
	passed   bool // the hand-over comes next
}

// load is the newest load.
type load struct {
	n        uint64
	since    machine.Instant
	answered bool
}

func (w *World) beginTrial(a machine.Trial) {
	w.expectTrial(a)
	w.trial = trial{n: a.N, since: w.now, there: true}
	text := w.Trial.Fails
	if text == "" {
		text = w.broken
	}
	switch at := w.later(w.Trial.After); {
	case w.Trial.Never:
	case text != "":
		w.queue.add(&delivery{at: at, ev: machine.TrialFailed{N: a.N, Text: text}})
	default:
		w.queue.add(&delivery{at: at, ev: machine.TrialPassed(a)})
	}
}

// endTrial ends the trial's process. Its answer may be under way already, and is delivered.
func (w *World) endTrial(a machine.EndTrial) {
	w.expectEndTrial(a)
	w.trial.there = false
}

func (w *World) beginLoad(a machine.Load) {
	w.load = load{n: a.N, since: w.now}
	text := w.Load.Fails
	if text == "" {
		text = w.broken
	}
	switch at := w.later(w.Load.After); {
	case w.Load.Never:
	case text != "":
		w.queue.add(&delivery{at: at, ev: machine.LoadFailed{N: a.N, Text: text}})
	default:
		w.queue.add(&delivery{at: at, ev: machine.Loaded{N: a.N, Config: w.config, Warnings: slices.Clone(w.Warnings)}})
	}
}

// handOver sends the state to the next image, which is up after a while; until then nothing is delivered.
func (w *World) handOver(a machine.Handover) {
	w.expectHandover()
	w.trial.passed = false
	at := w.later(w.Handover.After)
	if w.Handover.Fails != "" {
		w.queue.add(&delivery{at: at, ev: machine.HandoverFailed{N: a.N, Text: w.Handover.Fails}})
		return
	}
	w.handing, w.image = true, w.encode()
	w.queue.add(&delivery{at: at, ev: machine.Booted{}})
}

// up is the new image: it restores the state and hears what happened meanwhile. The guard leaves.
func (w *World) up() {
	w.handing = false
	w.restore(w.image)
	held := w.held
	w.image, w.held = nil, nil
	if !w.HeldFirst {
		w.booted()
	}
	for _, ev := range held {
		w.step(ev)
	}
	if w.HeldFirst {
		w.booted()
	}
}

func (w *World) booted() {
	w.trial.there = false
	w.step(machine.Booted{})
}

func (w *World) encode() []byte {
	data, err := json.Marshal(w.m.State())
	if err != nil {
		w.fail("cannot encode the state: %v", err)
	}
	return data
}

func (w *World) restore(image []byte) {
	if w.err != nil {
		return
	}
	m, err := decode(image)
	if err != nil {
		w.fail("cannot restore %s: %v", image, err)
		return
	}
	w.m = m
}

func decode(image []byte) (*machine.Machine, error) {
	var s machine.State
	if err := json.Unmarshal(image, &s); err != nil {
		return nil, err
	}
	return machine.Restore(s)
}
