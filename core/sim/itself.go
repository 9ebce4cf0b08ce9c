package sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// asking is the newest question to programs that reload themselves.
type asking struct {
	n     uint64
	since machine.Instant
	limit time.Duration
	ids   []machine.ID // who did not answer yet
}

// reloadItself asks an instance, which answers as World.Itself says.
func (w *World) reloadItself(a machine.ReloadItself) {
	w.expectReloadItself(a)
	if w.asking.n != a.N {
		w.asking = asking{n: a.N, since: w.now}
	}
	w.asking.ids = append(w.asking.ids, a.ID)
	if i := w.declared(a.ID.Program); i >= 0 {
		w.asking.limit = max(w.asking.limit, cmp.Or(w.expect.pending.Programs[i].AnswerTimeout, patience))
	}
	switch at := w.later(w.Itself.After); {
	case w.Itself.Never:
	case w.Itself.Fails != "":
		w.queue.add(&delivery{at: at, ev: machine.ReloadRefused{N: a.N, ID: a.ID, Text: w.Itself.Fails}})
	default:
		w.queue.add(&delivery{at: at, ev: machine.ReloadedItself{N: a.N, ID: a.ID}})
	}
}

// declared is the place of a program in the configuration that was loaded last; -1 when it has none.
func (w *World) declared(name string) int {
	return slices.IndexFunc(w.expect.pending.Programs, func(s program.Spec) bool { return s.Name == name })
}

// expectReloadItself: it runs, it is declared so, and nothing of the new configuration counts yet.
func (w *World) expectReloadItself(a machine.ReloadItself) {
	p, i := w.process(a.ID), w.declared(a.ID.Program)
	w.check(w.expect.stop == "", "%v is asked to reload itself while mwlua stops", a.ID)
	w.check(p != nil && p.running && !p.left && p.pid == a.PID, "%v is asked to reload itself and does not run", a.ID)
	w.check(i >= 0 && w.expect.pending.Programs[i].OnReload == program.Itself, "%v is asked to reload itself, against its declaration", a.ID)
	w.check(w.m.State().Generation == w.expect.generation && w.expect.generation > 0, "%v is asked to reload itself too late", a.ID)
}

// answered notes that an instance said how its reload ended, or cannot say it any more.
func (w *World) answered(n uint64, id machine.ID) {
	if n == w.asking.n {
		w.asking.ids = slices.DeleteFunc(w.asking.ids, func(other machine.ID) bool { return other == id })
	}
}

// awaitServing says that an instance serves, or does not, as World.Itself has it. The shell always says one of both.
func (w *World) awaitServing(a machine.AwaitServing) {
	p := w.process(a.ID)
	w.check(w.expect.stop == "" && p != nil && p.running, "%v is awaited and does not run", a.ID)
	at := w.later(min(w.Itself.After, a.Limit))
	switch {
	case w.Itself.Never:
		w.queue.add(&delivery{at: w.later(a.Limit), ev: machine.NotServing{ID: a.ID, Text: "it does not say whether it serves"}})
	case w.Itself.Fails != "":
		w.queue.add(&delivery{at: at, ev: machine.NotServing{ID: a.ID, Text: w.Itself.Fails}})
	default:
		w.queue.add(&delivery{at: at, ev: machine.Serving{ID: a.ID}})
	}
}
