package proc

import (
	"os"
	"syscall"
)

// OpenOutput opens a file as Start does for standard output (fd 1) and error (fd 2), for whoever writes there in the place of the
// program. The descriptor is the caller's; the error is a *StartError.
func OpenOutput(fd int, path string) (int, error) {
	file, err := openFor(fd, path)
	if err != nil {
		return -1, &StartError{Step: stdioSteps[fd], Path: path, Err: toErrno(err)}
	}
	return file, nil
}

// Alive reports whether a process is there and has not ended.
func Alive(pid int) bool {
	p, ok := see(pid)
	return ok && p.alive
}

// IsChild reports whether a process is a child of ours that nobody has collected.
func IsChild(pid int) bool {
	p, ok := see(pid)
	return ok && p.parent == os.Getpid()
}

// Exit is how the process, whose pid that was, has ended; false means that it is not known (see Fate).
func (p Pidfd) Exit(pid int) (Exit, bool) {
	status, ok := p.Fate(pid)
	if !ok {
		return Exit{PID: pid}, false
	}
	return exitOf(pid, syscall.WaitStatus(status)), true
}
