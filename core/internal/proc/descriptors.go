package proc

import "golang.org/x/sys/unix"

// MakeRoom prepares for n more descriptors. The kernel doubles the table of a process when it is full, and waits each time until no other
// thread can be reading it: some 20 ms (expand_fdtable in fs/file.c). To have one of a high number makes it large enough at once. If that
// fails, nothing is lost but time.
func MakeRoom(n int) {
	if n < 32 {
		return // the first table has 64 places
	}
	if fd, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, n+64); err == nil {
		unix.Close(fd)
	}
}
