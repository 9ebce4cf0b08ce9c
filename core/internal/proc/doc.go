// Package proc is every system call that concerns processes: starting, waiting, signalling, and becoming the next image.
//
// It decides nothing and keeps no state but which thread it is on. Its functions belong to one goroutine, the one that called
// Own: spawning, collecting and signalling from one place is what makes a kill by number safe, because a child that we have
// not collected cannot be a stranger. Nothing else in the process may wait for children; os/exec is not used.
package proc

import (
	"math"
	"runtime"

	"golang.org/x/sys/unix"
)

// Own binds the calling goroutine to its thread and clears the signal mask of that thread, for good. Programs are born with
// the mask of the thread that forks them; after a hand-over that mask would have SIGTERM blocked. The same thread does the
// execve: a program's parent-death signal fires at an execve from any other (prctl(2), PR_SET_PDEATHSIG).
func Own() error {
	runtime.LockOSThread()
	return unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{}, nil)
}

// Subreaper makes this process the parent of all descendants that lose theirs: they are collected here, and can be found. It holds
// over an execve (prctl(2), PR_SET_CHILD_SUBREAPER; since Linux 3.4).
func Subreaper() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// CloseOnExec marks every descriptor from 3 up as close-on-exec, so that nothing that we inherited reaches a program. Kernels
// before 5.11 do not know it; there, what we inherited is passed on, and the error says so.
func CloseOnExec() error {
	return unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
}
