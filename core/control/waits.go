package control

import (
	"slices"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// waits finds out what a blocked program waits for, which a machine.State does not say.
type waits struct {
	state *machine.State
	slots map[string][]int // name → places in state.Programs; nil where nothing is blocked
}

func waitsOf(s *machine.State) waits {
	w := waits{state: s}
	if !slices.ContainsFunc(s.Programs, func(p machine.Program) bool { return p.Phase == machine.Blocked }) {
		return w
	}
	w.slots = make(map[string][]int, len(s.Programs))
	for i := range s.Config.Programs {
		name := s.Config.Programs[i].Name
		w.slots[name] = append(w.slots[name], i)
	}
	return w
}

// of returns the names that the program in place i waits for, in the order of its declaration, each once; nil if it is not blocked.
func (w waits) of(i int) []string {
	if w.state.Programs[i].Phase != machine.Blocked {
		return nil
	}
	var names []string
	spec := &w.state.Config.Programs[i]
	for _, list := range [][]string{spec.Needs, spec.After} {
		for _, name := range list {
			if !slices.Contains(names, name) && slices.ContainsFunc(w.slots[name], w.missing) {
				names = append(names, name)
			}
		}
	}
	return names
}

// missing reports whether the program in place i keeps those waiting that are to come after it.
func (w waits) missing(i int) bool {
	p, spec := &w.state.Programs[i], &w.state.Config.Programs[i]
	switch spec.Kind {
	case program.OneShot:
		return p.Phase != machine.Done && !(p.Phase == machine.Failed && spec.IgnoreFailure)
	case program.Cron:
		return false // nobody waits for the clock
	}
	return !slices.ContainsFunc(p.Instances, func(in machine.Instance) bool { return in.Seq == p.Current && in.Step == machine.Started })
}
