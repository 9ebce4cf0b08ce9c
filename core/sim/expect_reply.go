package sim

import (
	"slices"

	"github.com/mwlua/mwlua/core/machine"
)

// Ask asks for a reload and waits for the answer, which must come, once, if mwlua hears the question: at the end of that reload,
// or when mwlua stops.
func (w *World) Ask(by string, hard bool) {
	w.expect.askers++
	w.happen(machine.Request{Verb: machine.ReloadAll, By: by, Hard: hard, From: w.expect.askers})
}

func (w *World) expectReply(a machine.Reply) {
	w.check(a.OK == (a.Text == "") && a.OK == (a.Why == ""), "an answer that is %v says %q, %q", a.OK, a.Why, a.Text)
	for _, list := range []*[]uint64{&w.expect.waiting, &w.expect.commands} {
		if i := slices.Index(*list, a.To); i >= 0 {
			*list = slices.Delete(*list, i, i+1)
			return
		}
	}
	w.fail("an answer to %d, who does not wait for one", a.To)
}

// expectNobodyWaits holds whenever no reload runs.
func (w *World) expectNobodyWaits() {
	w.check(len(w.expect.waiting) == 0, "%d wait for the answer to a reload, and none runs", len(w.expect.waiting))
}

// expectNotify: what the service manager is told makes sense after what it was told before.
func (w *World) expectNotify(a machine.Notify) {
	follows := map[machine.Doing][]machine.Doing{
		"":                   {machine.IsReady, machine.IsStopping},
		machine.IsReady:      {machine.IsReloading, machine.IsStopping},
		machine.IsReloading:  {machine.IsReady, machine.ReloadFailed, machine.IsStopping},
		machine.ReloadFailed: {machine.IsReloading, machine.IsStopping},
	}
	w.check(slices.Contains(follows[w.expect.doing], a.Doing), "the service manager is told %s after %q", a.Doing, w.expect.doing)
	w.expect.doing = a.Doing
}
