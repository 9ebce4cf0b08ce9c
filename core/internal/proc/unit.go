package proc

import (
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
	StartTime uint64 `json:",omitempty"` // as in Process
	Name      string `json:",omitempty"` // as in /proc/PID/stat
}

func (m Member) nameless() Member { return Member{PID: m.PID, StartTime: m.StartTime} }

// is says that they are the same process, which may have another name by now.
func (m Member) is(n Member) bool { return m.nameless() == n.nameless() }

// Unit is the processes of one instance, as far as they can be told: plain data, which a hand-over carries over.
//
// With a cgroup it is exact. Without, a process belongs to the unit if its parent does, and, once that is gone and it has become a
// child of ours (see Subreaper), by its process group or session, by what Remember saw of it, or by the environment it was executed
// with. One that has left the group and the session, has executed something with another environment, and has lost its parent before
// anybody looked, is not found: it is a stranger to us.
type Unit struct {
	// Leaders are the process that was started, and those that have taken its place (see Follow). Their pids are the numbers of groups
	// and sessions of the unit. The last one's start time need not be known: it is a child that was not collected yet.
	Leaders []Member
	Born    int64        // when it was started, as Monotonic has it
	Kill    program.Kill // what of it counts as left: KillGroup, or KillUnit for all; KillProcess for nothing
	Marks   []string     // NAME=VALUE: what the environments of its processes have, and of no others, all of it; nil means nothing
	Known   []Member     `json:",omitempty"` // seen by Remember
	CGroup  string       `json:",omitempty"` // the directory of its own cgroup; "" means none
}

// NewUnit is the unit of a child that has just been started.
func NewUnit(pid int, kill program.Kill, marks ...string) Unit {
	return Unit{Leaders: []Member{{PID: pid}}, Born: Monotonic(), Kill: kill, Marks: marks}
}

// last is the pid of the leader that counts.
func (u Unit) last() int {
	if len(u.Leaders) == 0 {
		return 0
	}
	return u.Leaders[len(u.Leaders)-1].PID
}

// Follow makes a child of ours its leader: a process of the unit that has lost its parent. Of those before, only the first and some more
// are remembered.
func (u *Unit) Follow(pid int) {
	if len(u.Leaders) > 0 {
		before := &u.Leaders[len(u.Leaders)-1]
		if p, ok := see(before.PID); ok {
			*before = p.Member
		}
	}
	if len(u.Leaders) == maxLeaders {
		u.Leaders = slices.Delete(u.Leaders, 1, 2)
	}
	u.Leaders = append(u.Leaders, Member{PID: pid})
}

// Survivors returns what is alive of each of these units, whose leaders have ended and were collected. mine says of a child of ours
// that it is something else: the process of an instance that runs, or a helper.
//
// A unit is empty at the latest when some child of ours has ended: so it is asked when children were collected. It is to be asked after a
// while as well: a process group may become empty when a process outside of it goes on, and a child in the midst of an execve, which
// cannot be told from others, counts for every unit that it could be of.
//
// All units that are not known to be empty are best asked for together: the number of a leader that has ended may have become that of
// another, and both may have survivors. One look at our children is enough for all, and where they have nobody left, that is all it
// costs, and a system call for each unit that is a group.
func Survivors(units []Unit, mine func(pid int) bool) [][]Member {
	left := make([][]Member, len(units))
	for i, processes := range survivors(units, mine) {
		for _, p := range processes {
			if p.alive {
				left[i] = append(left[i], p.Member)
			}
		}
	}
	return left
}

// survivors are those of each unit, and children of ours that have ended and are to be collected.
func survivors(units []Unit, mine func(pid int) bool) [][]seen {
	left := make([][]seen, len(units))
	by := index{units: units}
	for i, u := range units {
		switch {
		case u.CGroup != "":
			left[i] = seenIn(u.CGroup)
		case u.Kill == program.KillUnit || u.Kill == program.KillGroup && u.hasGroup():
			by.asked = append(by.asked, i)
		}
	}
	if len(by.asked) == 0 {
		return left
	}
	l := newLook()
	for p := range l.orphans(mine) {
		for _, i := range by.unitsOf(&p) {
			all := []seen{p}
			if p.alive {
				all = l.descendants(all, p.PID)
			}
			for _, q := range all {
				if q.unsure = p.unsure; units[i].counts(q) {
					left[i] = append(left[i], q)
				}
			}
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

// Belongs reports whether a process belongs to the unit, whose last leader was not collected yet. mine is as for Survivors.
func Belongs(u Unit, pid int, mine func(pid int) bool) bool {
	if u.CGroup != "" && cgroupHas(u.CGroup, pid) {
		return true
	}
	by := index{units: []Unit{u}, asked: []int{0}, alive: u.last()}
	by.build()
	for range 1000 { // nobody nests that deep
		p, ok := see(pid)
		switch {
		case !ok:
			return false
		case pid == by.alive || slices.ContainsFunc(u.Leaders, p.is) || by.byNumber(p) >= 0 || by.byMemory(p) >= 0:
			return true
		case p.parent == os.Getpid():
			i, sure := by.byMarks(p)
			return i >= 0 && sure && !mine(pid)
		case p.parent == 0:
			return false
		}
		pid = p.parent
	}
	return false
}
