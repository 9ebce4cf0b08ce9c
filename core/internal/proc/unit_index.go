package proc

import (
	"slices"

	"github.com/mwlua/mwlua/core/program"
)

// index finds the unit of a process.
type index struct {
	units []Unit
	asked []int // those that count
	alive int   // the pid of a leader that was not collected; 0 for none

	leaders map[int]leader   // by pid, the last one that had it; nil until build
	known   map[Member]int   // without the name
	marks   map[string][]int // by the last mark, which tells best
}

type leader struct {
	Member
	unit int
}

func (x *index) build() {
	x.leaders, x.known, x.marks = make(map[int]leader), make(map[Member]int), make(map[string][]int)
	for _, i := range x.asked {
		u := x.units[i]
		for _, m := range u.Leaders {
			if other, twice := x.leaders[m.PID]; !twice || x.units[other.unit].Born < u.Born {
				x.leaders[m.PID] = leader{m, i}
			}
		}
		for _, m := range u.Known {
			x.known[m.nameless()] = i
		}
		if n := len(u.Marks); n > 0 {
			x.marks[u.Marks[n-1]] = append(x.marks[u.Marks[n-1]], i)
		}
	}
}

// unitsOf returns the unit of an orphan; none if it is a stranger; and all that it could be of if that is not known, which it notes.
func (x *index) unitsOf(p *seen) []int {
	if x.leaders == nil {
		x.build()
	}
	i, sure := x.byNumber(*p), true
	if i < 0 {
		i = x.byMemory(*p)
	}
	if i < 0 {
		i, sure = x.byMarks(*p)
	}
	switch {
	case !sure:
		p.unsure = true
		return slices.DeleteFunc(slices.Clone(x.asked), func(i int) bool {
			return x.units[i].Marks == nil || x.units[i].Kill != program.KillUnit
		})
	case i >= 0:
		return []int{i}
	}
	return nil
}

// byNumber goes by the group and the session; -1 means that they tell nothing. The kernel keeps a number for as long as a group or a
// session has it. So once a process has the number of a leader that has ended, those of the leader are empty, and of two leaders with
// the same number those of the former.
func (x *index) byNumber(p seen) int {
	for _, number := range []int{p.group, p.session} {
		if l, ok := x.leaders[number]; ok && x.holds(l.Member) {
			return l.unit
		}
	}
	return -1
}

// holds reports whether a leader's number is no other process's.
func (x *index) holds(m Member) bool {
	if m.PID == x.alive {
		return true
	}
	p, ok := see(m.PID)
	return !ok || p.is(m)
}

// byMemory goes by what was seen earlier.
func (x *index) byMemory(p seen) int {
	if i, ok := x.known[p.nameless()]; ok {
		return i
	}
	return -1
}

// byMarks goes by the environment; false means that there is none to be seen yet.
func (x *index) byMarks(p seen) (int, bool) {
	if len(x.marks) == 0 || !p.alive {
		return -1, true
	}
	env, ok := environ(p.PID)
	for _, e := range env {
		for _, i := range x.marks[e] {
			if !slices.ContainsFunc(x.units[i].Marks, func(m string) bool { return !slices.Contains(env, m) }) {
				return i, true
			}
		}
	}
	return -1, ok
}
