package proc

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// ErrNotBelow says that a process does not live below this one.
var ErrNotBelow = errors.New("it is no process of ours")

// Below lists who is alive below this process, at whatever depth. After Subreaper nobody below can get away from there, but who forks and
// ends all the time can be missed: only HasChildren says for certain that nobody is left.
func Below() []Member {
	var all []Member
	for _, p := range newLook().descendants(nil, os.Getpid()) {
		all = append(all, p.Member)
	}
	return all
}

// HasChildren reports whether this process has a child, alive or not collected. After Subreaper it has one as long as anybody lives below it.
func HasChildren() bool {
	return unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) != unix.ECHILD
}

// KillBelow kills all that Below lists, with the groups of our children. Those that they make meanwhile take another call.
func KillBelow() error {
	var failed error
	all := newLook().descendants(nil, os.Getpid())
	killGroups(all, func(int) bool { return false })
	for _, p := range all {
		if err := (Unit{}).signal(p, int(unix.SIGKILL)); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

// SignalBelow sends a signal to one process below this one. The error is ErrNotBelow if it is none, or has ended.
func SignalBelow(pid, signal int) error {
	fd, err := OpenPidfd(pid)
	if err != nil {
		return ErrNotBelow
	}
	defer unix.Close(int(fd)) // what it names is the process that is looked at: nobody else gets its number while it lives
	for range 2 {             // a parent may have ended between two looks
		if isBelow(pid) {
			return fd.Signal(signal, false)
		}
	}
	return ErrNotBelow
}

func isBelow(pid int) bool {
	p, ok := see(pid)
	for ok && p.alive && p.parent != os.Getpid() {
		p, ok = see(p.parent)
	}
	return ok && p.alive
}

// Children lists the children of a process, those that it has not collected among them.
func Children(pid int) []int { return newLook().children(pid) }
