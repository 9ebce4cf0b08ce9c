package proc

import (
	"slices"

	"github.com/mwlua/mwlua/core/program"
)

// index finds the unit of a process.
type index struct {
	units []Unit
	asked []int // those that count

	leaders map[int][]leader // by pid; nil until build
	known   map[Member]int   // without the name
	marks   map[string][]int // by the last mark, which tells best
}

type leader struct {
	Member
	unit int
}

func (x *index) build() {
	x.leaders, x.known, x.marks = make(map[int][]leader), make(map[Member]int), make(map[string][]int)
	for _, i := range x.asked {
		u := x.units[i]
		for _, m := range u.Leaders {
			x.leaders[m.PID] = append(x.leaders[m.PID], leader{m, i})
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

// byNumber goes by the group and the session; -1 means that they tell nothing. Of two units whose leaders had the same number one
// after the other, it is the later one's if it could be.
func (x *index) byNumber(p seen) int {
	best := leader{unit: -1}
	for _, number := range []int{p.group, p.session} {
		for _, l := range x.leaders[number] {
			if l.StartTime <= p.StartTime && (best.unit < 0 || l.StartTime >= best.StartTime) && l.names() {
				best = l
			}
		}
	}
	return best.unit
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
