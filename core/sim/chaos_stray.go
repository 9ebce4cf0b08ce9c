package sim

import (
	"slices"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// stray sends the machine an event that fits nothing: late, twice, or for somebody else. It must do what a Wake at the same
// moment does, and nothing more; a copy of the machine shows what that is, for some of them.
func (c *chaos) stray() {
	w := c.w
	ev := c.strayEvent()
	if w.handing || !w.going() || ev == nil {
		return
	}
	if !c.one(4) { // a copy costs as much as ten steps
		w.happen(ev)
		return
	}
	other, err := decode(w.encode())
	if err != nil {
		w.fail("cannot restore the state: %v", err)
		return
	}
	want := textOf(other.Step(w.now, machine.Wake{}))
	w.step(ev)
	if w.going() {
		got := textOf(w.trace.records[len(w.trace.records)-1].actions)
		w.check(got == want, "%s fits nothing, and the machine did\n%sinstead of\n%s", eventText(ev), got, want)
	}
	w.run(w.now, maxMove)
}

// strayEvent makes such an event; nil if it fits after all.
func (c *chaos) strayEvent() machine.Event {
	r := c.w.State().Reload
	n := uint64(c.dice.IntN(int(r.N) + 2))
	trial, handover, load := r.Step == machine.Trying && n == r.N, r.Step == machine.Handing, r.Step == machine.Loading && n == r.N
	switch k := c.dice.IntN(8); {
	case k == 0:
		return machine.Wake{}
	case k == 1 && c.w.expect.booted && !handover:
		return machine.Booted{}
	case k == 2 && !trial:
		return machine.TrialPassed{N: n}
	case k == 3 && !trial:
		return machine.TrialFailed{N: n, Text: "stray"}
	case k == 4 && !(handover && n == r.N):
		return machine.HandoverFailed{N: n, Text: "stray"}
	case k == 5 && !load:
		return machine.Loaded{N: n, Config: c.config()}
	case k == 6 && !load:
		return machine.LoadFailed{N: n, Text: "stray"}
	case k == 7:
		return c.strayOfProcess()
	}
	return nil
}

func (c *chaos) strayOfProcess() machine.Event {
	id := machine.ID{Program: c.name(), Seq: uint64(c.dice.IntN(4))}
	if t := c.w.tally(keyOfID(id)); c.one(2) {
		id.Seq = t.seq - min(t.seq, uint64(c.dice.IntN(2)))
	}
	p := c.w.process(id)
	asked := slices.Contains(c.w.asking.ids, id)
	switch k := c.dice.IntN(9); {
	case k == 6 && (p == nil || !p.remains):
		return machine.Emptied{ID: id}
	case k == 7 && (p == nil || p.spec.Ready.By == program.ReadyAtOnce):
		return machine.Ready{ID: id}
	case k == 8:
		return machine.Probed{ID: id, N: 1 << 40, OK: true}
	case k == 4 && !asked:
		return machine.ReloadedItself{N: c.w.asking.n, ID: id}
	case k == 5 && !asked:
		return machine.ReloadRefused{N: c.w.asking.n, ID: id, Text: "stray"}
	case k == 0 && (p == nil || p.running):
		return machine.Spawned{ID: id, PID: 7}
	case k == 1 && (p == nil || p.running):
		return machine.SpawnFailed{ID: id, Step: "exec", Text: "stray"}
	case k == 2 && (p == nil || !p.running):
		return machine.Exited{ID: id, Code: 1}
	case k == 3 && p == nil:
		return machine.SignalFailed{ID: id, Signal: TERM, Text: "stray"}
	}
	return nil
}

func textOf(actions []machine.Action) string {
	text := ""
	for _, a := range actions {
		text += machine.Text(a) + "\n"
	}
	return text
}
