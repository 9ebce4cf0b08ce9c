package proc

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Exit is the end of a child, ours or one that we inherited.
type Exit struct {
	PID        int
	Code       int // meaningless when Signal is not 0
	Signal     int // 0 means that it exited with Code
	CoreDumped bool
}

// Collect calls f for every child that has ended and was not collected yet. It does not wait. Before it collects one it calls last with
// its pid: what /proc says of that can be read for the last time.
func Collect(last func(pid int), f func(Exit)) {
	for pid := firstEnded(); pid != 0; pid = firstEnded() {
		last(pid)
		var ws syscall.WaitStatus
		_, err := syscall.Wait4(pid, &ws, 0, nil)
		for err == syscall.EINTR {
			_, err = syscall.Wait4(pid, &ws, 0, nil)
		}
		if err != nil {
			return
		}
		f(exitOf(pid, ws))
	}
}

// firstEnded is a child that has ended and was not collected yet; 0 means that there is none.
func firstEnded() int {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	if err != nil || info.Signo == 0 { // ECHILD: there is no child at all
		return 0
	}
	const pointer = unsafe.Sizeof(uintptr(0)) // what follows three ints is aligned to it: si_pid is its first (sigaction(2))
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), (12+pointer-1)&^(pointer-1))))
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
