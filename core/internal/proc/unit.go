package proc

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/program"
)

// Bounds of what a Unit remembers.
const (
	maxKnown   = 4096 // processes
	maxLeaders = 16
)

// Member is a process of a unit. A pid is reused, the two together are not, as long as the machine runs.
type Member struct {
	PID       int
	StartTime uint64 // as in Process
	Name      string // as in /proc/PID/stat
}

// is says that they are the same process, which may have another name by now.
func (m Member) is(n Member) bool { return m.PID == n.PID && m.StartTime == n.StartTime }

// Unit is the processes of one instance, as far as they can be told: plain data, which a hand-over carries over.
//
// With a cgroup it is exact. Without, a process belongs to the unit if its parent does, and, once that is gone and it has become a
// child of ours (see Subreaper), by its process group or session, by what Remember saw of it, or by the environment it was executed
// with. One that has left the group and the session, has executed something with another environment, and has lost its parent before
// anybody looked, is not found: it is a stranger to us.
type Unit struct {
	// Leaders are the process that was started, and those that have taken its place (see Follow). Their numbers name groups and
	// sessions of the unit.
	Leaders []Member
	Kill    program.Kill // what of it counts as left: KillGroup, or KillUnit for all; KillProcess for nothing
	Marks   []string     // NAME=VALUE: what the environments of its processes have, and of no others, all of it; nil means nothing
	Known   []Member     // seen by Remember
	CGroup  string       // the directory of its own cgroup; "" means none
}

// NewUnit is the unit of a child that has just been started, and was not collected yet.
func NewUnit(pid int, kill program.Kill, marks ...string) (Unit, error) {
	p, ok := see(pid)
	if !ok {
		return Unit{}, fmt.Errorf("no process %d", pid)
	}
	return Unit{Leaders: []Member{p.Member}, Kill: kill, Marks: marks}, nil
}

// Follow makes a process of the unit one of its leaders. Only the first and the last few are remembered.
func (u *Unit) Follow(pid int) error {
	p, ok := see(pid)
	if !ok {
		return fmt.Errorf("no process %d", pid)
	}
	if len(u.Leaders) == maxLeaders {
		u.Leaders = slices.Delete(u.Leaders, 1, 2)
	}
	u.Leaders = append(u.Leaders, p.Member)
	return nil
}

// Remember takes down all descendants of the unit's last leader, which is alive, up to some thousands, so that they are found
// whatever they do and whoever of them ends. It is for the moment before a stop signal, and costs some 20 µs and as much for each.
func (u *Unit) Remember() {
	u.Known = slices.DeleteFunc(u.Known, func(m Member) bool {
		p, ok := see(m.PID)
		return !ok || !p.is(m)
	})
	leader := u.Leaders[len(u.Leaders)-1]
	if p, ok := see(leader.PID); !ok || !p.is(leader) {
		return
	}
	for _, p := range newLook().descendants(nil, leader.PID) {
		if len(u.Known) < maxKnown && !slices.ContainsFunc(u.Known, p.is) {
			u.Known = append(u.Known, p.Member)
		}
	}
}

// Survivors returns what is alive of each of these units, whose leaders have ended and were collected. mine says of a child of ours
// that it is something else: the process of an instance that runs, or a helper.
//
// Whatever becomes of a unit, it is empty at the latest when a child of ours has ended, or its cgroup says so: so it is asked when
// children were collected. A process group may become empty at other times as well, when a process outside of it goes on.
//
// All units that are not known to be empty are best asked for together: the number of a leader that has ended may have become that of
// another, and both may have survivors. One look at our children is enough for all units: without survivors the cost is that of the list, and that of one system call for
// each unit that is a group.
func Survivors(units []Unit, mine func(pid int) bool) [][]Member {
	left := make([][]Member, len(units))
	for i, processes := range survivors(units, mine) {
		for _, p := range processes {
			left[i] = append(left[i], p.Member)
		}
	}
	return left
}

func survivors(units []Unit, mine func(pid int) bool) [][]seen {
	left := make([][]seen, len(units))
	var by *index // of those to look for among our children
	for i, u := range units {
		switch {
		case u.CGroup != "":
			left[i] = seenIn(u.CGroup)
		case u.Kill == program.KillUnit || u.Kill == program.KillGroup && u.hasGroup():
			if by == nil {
				by = newIndex(units)
			}
			by.add(i)
		}
	}
	if by == nil {
		return left
	}
	l := newLook()
	for _, pid := range l.children(os.Getpid()) {
		if mine(pid) {
			continue
		}
		p, ok := see(pid)
		if !ok || !p.alive {
			continue
		}
		if i := by.unitOf(p); i >= 0 {
			all := l.descendants([]seen{p}, pid)
			left[i] = append(left[i], slices.DeleteFunc(all, func(p seen) bool { return !units[i].counts(p) })...)
		}
	}
	return left
}

// hasGroup reports whether a process group that was the unit's has anybody in it, alive or not.
func (u Unit) hasGroup() bool {
	return slices.ContainsFunc(u.Leaders, func(m Member) bool { return unix.Kill(-m.PID, 0) != unix.ESRCH })
}

// counts reports whether a process of the unit is of what must be gone.
func (u Unit) counts(p seen) bool {
	return u.Kill == program.KillUnit || slices.ContainsFunc(u.Leaders, func(m Member) bool { return m.PID == p.group })
}

// names reports whether the group and the session with the leader's number are still the leader's. The kernel keeps a number as long
// as one of them has a member; once it is another process's, they had none.
func (m Member) names() bool {
	p, ok := see(m.PID)
	return !ok || p.is(m)
}

// Belongs reports whether a process that is there belongs to the unit, whose leader may be alive. mine is as for Survivors.
func Belongs(u Unit, pid int, mine func(pid int) bool) bool {
	if u.CGroup != "" && cgroupHas(u.CGroup, pid) {
		return true
	}
	by := newIndex([]Unit{u})
	by.add(0)
	for range 1000 { // nobody nests that deep
		p, ok := see(pid)
		switch {
		case !ok:
			return false
		case slices.ContainsFunc(u.Leaders, p.is):
			return true
		case by.byNumber(p) >= 0 || by.byMemory(p) >= 0:
			return true
		case p.parent == os.Getpid():
			return !mine(pid) && by.byMarks(p) >= 0
		case p.parent == 0:
			return false
		}
		pid = p.parent
	}
	return false
}

// index finds the unit of a process.
type index struct {
	units   []Unit
	leaders map[int][]leader // by pid
	known   map[Member]int   // without the name
	marks   map[string][]int // by the last mark, which tells best
}

type leader struct {
	Member
	unit int
}

func newIndex(units []Unit) *index {
	return &index{units: units, leaders: make(map[int][]leader), known: make(map[Member]int), marks: make(map[string][]int)}
}

func (x *index) add(unit int) {
	u := x.units[unit]
	for _, m := range u.Leaders {
		x.leaders[m.PID] = append(x.leaders[m.PID], leader{m, unit})
	}
	for _, m := range u.Known {
		x.known[Member{PID: m.PID, StartTime: m.StartTime}] = unit
	}
	if n := len(u.Marks); n > 0 {
		x.marks[u.Marks[n-1]] = append(x.marks[u.Marks[n-1]], unit)
	}
}

// unitOf returns the unit of an orphan, -1 for none.
func (x *index) unitOf(p seen) int {
	for _, by := range []func(seen) int{x.byNumber, x.byMemory, x.byMarks} {
		if i := by(p); i >= 0 {
			return i
		}
	}
	return -1
}

// byNumber goes by the group and the session. Of two units whose leaders had the same number one after the other, it is the later
// one's if it could be.
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

func (x *index) byMemory(p seen) int {
	if i, ok := x.known[Member{PID: p.PID, StartTime: p.StartTime}]; ok {
		return i
	}
	return -1
}

func (x *index) byMarks(p seen) int {
	if len(x.marks) == 0 {
		return -1
	}
	for _, e := range environ(p.PID) {
		for _, i := range x.marks[e] {
			if p.has(x.units[i].Marks) {
				return i
			}
		}
	}
	return -1
}
