package proc

import (
	"slices"
	"sync"
)

// few is up to how many units it is cheaper to look at the process of each than to list those of our cgroup.
const few = 8

// Remember takes down all descendants of these units' last leaders, which were not collected yet, some thousands of each at most, so that
// they are found whatever they do and whoever of them ends. It is for the moment before stop signals. mine is as for Survivors.
//
// Looking at a leader costs some 50 µs, and nearly as much again when it is collected: the kernel has to forget what it has shown of it
// in /proc. So of many units those leaders that are in our cgroup (cgroups(7)) are not looked at, but the others who are there, of whom
// there are few. Who has been moved from it is no longer ours to end, unless something else tells that it is; a login is moved by
// pam_systemd(8).
func Remember(units []*Unit, mine func(pid int) bool) {
	below := make(map[int][]seen)
	if len(units) > few {
		below = descendantsOfMany(4*len(units), mine)
	}
	look := sync.OnceValue(newLook)
	for _, u := range units {
		all, known := below[u.last()]
		if !known {
			all = look().descendants(nil, u.last())
		}
		u.know(all)
	}
}

// know adds to what is known of the unit's processes, and forgets those that have ended.
func (u *Unit) know(all []seen) {
	u.Known = slices.DeleteFunc(u.Known, func(m Member) bool {
		p, ok := see(m.PID)
		return !ok || !p.is(m)
	})
	for _, p := range all {
		if len(u.Known) < maxKnown && !slices.ContainsFunc(u.Known, p.is) {
			u.Known = append(u.Known, p.Member)
		}
	}
}

// descendantsOfMany finds the descendants of all processes of our cgroup that are mine, by pid; those that have none are in it as well.
// It is empty if there are more than most others to be looked at, or if our cgroup is not to be seen.
func descendantsOfMany(most int, mine func(pid int) bool) map[int][]seen {
	below := make(map[int][]seen)
	dir, err := cgroupDir("self")
	if err != nil {
		return below
	}
	others := make(map[int]seen)
	for _, pid := range processesIn(dir) {
		if mine(pid) {
			below[pid] = nil
		} else if others[pid] = (seen{}); len(others) > most {
			return nil
		}
	}
	for pid := range others {
		if p, ok := see(pid); ok && p.alive {
			others[pid] = p
		} else {
			delete(others, pid)
		}
	}
	for _, p := range others {
		parent := p.parent
		for range others { // nobody nests deeper
			above, ok := others[parent]
			if !ok {
				break
			}
			parent = above.parent
		}
		if _, ok := below[parent]; ok {
			below[parent] = append(below[parent], p)
		}
	}
	return below
}
