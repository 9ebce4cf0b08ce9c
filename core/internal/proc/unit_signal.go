package proc

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// maxRounds bounds how often SignalUnit looks for new processes: each takes less than a millisecond.
const maxRounds = 100

// ErrGrows says that new processes of a unit appear faster than they get their signal.
var ErrGrows = errors.New("it makes processes faster than they are signalled")

// SignalUnit sends a signal to every process that Survivors names and that is of the unit for certain, and to those that they make meanwhile, each once. The error is the
// first one, or ErrGrows; that one has ended is none.
func SignalUnit(u Unit, signal int, mine func(pid int) bool) error {
	kill := signal == int(unix.SIGKILL)
	if kill && u.CGroup != "" {
		if err := killCGroup(u.CGroup); !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	var failed error
	told := make(map[Member]bool)
	for range maxRounds {
		all := survivors([]Unit{u}, mine)[0]
		if kill && u.CGroup == "" {
			killGroups(all, mine)
		}
		more := false
		for _, p := range all {
			if told[p.nameless()] || !p.alive || p.unsure {
				continue
			}
			told[p.nameless()], more = true, true
			if err := u.signal(p, signal); err != nil && failed == nil {
				failed = err
			}
		}
		if !more {
			return failed
		}
	}
	return ErrGrows
}

// killGroups kills the process groups of those that are children of ours: at one stroke, so that nobody in them can make another
// process. We have not collected them, so nobody else has the number of their group. Our own group is left out, and those of others.
func killGroups(all []seen, mine func(pid int) bool) {
	for _, p := range all {
		if !p.unsure && p.parent == os.Getpid() && p.group != unix.Getpgrp() && !mine(p.group) {
			unix.Kill(-p.group, unix.SIGKILL) // who is alive after that is signalled by pid
		}
	}
}

// signal sends a signal to a process. A child of ours has its number until we collect it; another process is opened first, and looked at
// then.
func (u Unit) signal(p seen, signal int) error {
	if p.parent == os.Getpid() {
		return Signal(p.PID, signal, false)
	}
	fd, err := OpenPidfd(p.PID)
	if err == unix.ESRCH {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(int(fd))
	if now, ok := see(p.PID); !ok || !now.is(p.Member) || u.CGroup != "" && !cgroupHas(u.CGroup, p.PID) {
		return nil // it has ended, or left
	}
	return fd.Signal(signal, false)
}
