package sim

import (
	"cmp"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
)

// decide answers for a function or a plugin, as the newest behaviour of the program says.
func (w *World) decide(a machine.Decide) {
	t := w.tally(keyOfID(a.ID))
	w.check(w.expect.stop == "" && a.N > t.asked, "question %d about %v after %d", a.N, a.ID, t.asked)
	w.check(a.Event.Seq == a.ID.Seq && a.Event.Instance == a.ID.String(), "a question about %v speaks of %s", a.ID, a.Event.Instance)
	t.asked = a.N
	if t.deciding == nil && w.expect.gone != nil && w.expect.gone.id == a.ID {
		t.deciding = w.expect.gone
		w.expectCounts(t, w.expect.specs[t.key].Exit, a.Event.Exit)
	}
	w.check(t.deciding != nil && t.deciding.id == a.ID, "a question about %v, which has not just ended", a.ID)
	d := Decision{Answer: w.behaviours[a.ID.Program].Decide, Verdict: w.behaviours[a.ID.Program].Verdict}
	if w.Code != nil {
		a.Event.Time = time.Duration(w.Wall())
		d = w.Code.Decide(a)
	}
	switch at := w.later(d.After); {
	case d.Never:
	case d.Fails != "":
		w.queue.add(&delivery{at: at, ev: machine.DecideFailed{ID: a.ID, N: a.N, Text: d.Fails}})
	default:
		d.Verdict.Do = cmp.Or(d.Verdict.Do, policy.Default)
		w.queue.add(&delivery{at: at, ev: machine.Decided{ID: a.ID, N: a.N, Verdict: d.Verdict, Store: d.Store, Blob: d.Blob}})
	}
}

// callHook calls a handler whose answer means nothing.
func (w *World) callHook(a machine.CallHook) {
	if w.Code == nil {
		return
	}
	if err := w.Code.Call(a); err != nil {
		w.queue.add(&delivery{at: w.later(0), ev: machine.HookFailed{Name: a.Name, Text: err.Error()}})
	}
}

// hearDecided notes the verdict that has to be carried out, if it is one.
func (w *World) hearDecided(ev machine.Decided) {
	if p := w.slot(keyOfID(ev.ID)); p != nil && p.Deciding != nil && p.Deciding.Seq == ev.ID.Seq && p.Asked == ev.N {
		if ev.Verdict.Check() == "" {
			w.expect.verdict = &ev.Verdict
		}
	}
}
