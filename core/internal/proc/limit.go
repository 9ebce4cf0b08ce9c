package proc

import "golang.org/x/sys/unix"

// Limit is a resource limit, as setrlimit(2) has it.
type Limit struct {
	Name       string // as in getrlimit(2), without RLIMIT_ and in lower case
	Soft, Hard uint64 // the highest value is none
}

// resource is the number of a limit, -1 for a name that is none.
func (l Limit) resource() int {
	names := map[string]int{
		"as": unix.RLIMIT_AS, "core": unix.RLIMIT_CORE, "cpu": unix.RLIMIT_CPU, "data": unix.RLIMIT_DATA,
		"fsize": unix.RLIMIT_FSIZE, "locks": unix.RLIMIT_LOCKS, "memlock": unix.RLIMIT_MEMLOCK,
		"msgqueue": unix.RLIMIT_MSGQUEUE, "nice": unix.RLIMIT_NICE, "nofile": unix.RLIMIT_NOFILE, "nproc": unix.RLIMIT_NPROC,
		"rss": unix.RLIMIT_RSS, "rtprio": unix.RLIMIT_RTPRIO, "rttime": unix.RLIMIT_RTTIME,
		"sigpending": unix.RLIMIT_SIGPENDING, "stack": unix.RLIMIT_STACK,
	}
	if n, ok := names[l.Name]; ok {
		return n
	}
	return -1
}

// setUmask sets the umask of this thread, which a program inherits, and returns what sets it back. The umask is a thread's own
// once unshare(2) has separated it from the others, which takes no privilege, and is done only once, whoever asks. But a
// container without CAP_SYS_ADMIN may forbid it all the same (seccomp): then it is left to the shim, which is slower.
func (c Command) setUmask() (Command, func()) {
	if c.Umask == nil || c.shimStep() != "" || unix.Unshare(unix.CLONE_FS) != nil {
		return c, func() {}
	}
	old := unix.Umask(int(*c.Umask))
	c.Umask = nil
	return c, func() { unix.Umask(old) }
}
