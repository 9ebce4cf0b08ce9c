package proc

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Exit is the end of a child, ours or one that we inherited.
type Exit struct {
	PID        int
	Code       int // meaningless when Signal is not 0
	Signal     int // 0 means that it exited with Code
	CoreDumped bool
}

// Collect calls f for every child that has ended and was not collected yet. It does not wait.
func Collect(f func(Exit)) {
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil || pid <= 0: // ECHILD: there is none
			return
		default:
			f(exitOf(pid, ws))
		}
	}
}

func exitOf(pid int, ws syscall.WaitStatus) Exit {
	if ws.Signaled() {
		return Exit{PID: pid, Signal: int(ws.Signal()), CoreDumped: ws.CoreDump()}
	}
	return Exit{PID: pid, Code: ws.ExitStatus()}
}

// Await waits for the end of one child, in a process where nobody calls Collect.
func Await(pid int) Exit {
	for {
		var ws syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &ws, 0, nil); err != syscall.EINTR {
			return exitOf(pid, ws)
		}
	}
}

// Signal sends a signal to a child that was not collected yet, and with group to the process group that it was born to lead
// as well: it may have left that group, and others may be left in it. It is no error that the child has ended meanwhile.
func Signal(pid, signal int, group bool) error {
	err := unix.Kill(pid, unix.Signal(signal))
	if group {
		unix.Kill(-pid, unix.Signal(signal)) // ESRCH when nobody is left in it
	}
	if err == unix.ESRCH {
		return nil
	}
	return err
}

// Monotonic is CLOCK_MONOTONIC in nanoseconds. It goes on over an execve, which Go's own monotonic reading does not.
func Monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic("internal error: CLOCK_MONOTONIC: " + err.Error()) // clock_gettime(2): cannot fail with these arguments
	}
	return ts.Nano()
}
