package proc

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/shim"
)

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

// needsShim reports whether something is left to be done that ForkExec cannot do.
func (c Command) needsShim() bool { return c.Umask != nil || len(c.Limits) > 0 }

// setUmask sets the umask of this thread, which a program inherits, and returns what sets it back. The umask is a thread's own
// once unshare(2) has separated it from the others, which takes no privilege, and is done only once, whoever asks. But a
// container without CAP_SYS_ADMIN may forbid it all the same (seccomp): then it is left to the shim, which is slower.
func (c Command) setUmask() (Command, func()) {
	if c.Umask == nil || len(c.Limits) > 0 || unix.Unshare(unix.CLONE_FS) != nil {
		return c, func() {}
	}
	old := unix.Umask(int(*c.Umask))
	c.Umask = nil
	return c, func() { unix.Umask(old) }
}

// forkShim starts path by way of package shim. The error is a *StartError, or the errno of execve.
func (c Command) forkShim(path string, argv []string) (int, error) {
	request, err := c.request(path, argv)
	if err != nil {
		return 0, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, &StartError{Step: "fork", Err: toErrno(err)}
	}
	defer unix.Close(pair[0])
	files := c.attr(false, false).Files
	pid, err := Command{
		Argv: []string{"mwlua"}, Env: shim.Variable(len(files)), Files: append(slices.Clone(files), uintptr(pair[1])), NoShell: true,
	}.execute("/proc/self/exe") // this image, whatever became of its file
	unix.Close(pair[1])
	if err != nil {
		return 0, err
	}
	var failed *shim.Failure
	if !errors.As(shim.Direct(pair[0], request), &failed) {
		return pid, nil
	}
	Await(pid)
	switch failed.Step {
	case "exec":
		return 0, failed.Err
	case "limits":
		return 0, &StartError{Step: "limits", Path: c.Limits[failed.Limit].Name, Err: failed.Err}
	case "directory":
		return 0, &StartError{Step: "directory", Path: c.Dir, Err: failed.Err}
	case "":
		return 0, &StartError{Step: c.shimStep(), Err: failed.Err}
	default:
		return 0, &StartError{Step: failed.Step, Err: failed.Err}
	}
}

// shimStep is what a shim is there for.
func (c Command) shimStep() string {
	if len(c.Limits) == 0 {
		return "umask"
	}
	return "limits"
}

func (c Command) request(path string, argv []string) (shim.Request, error) {
	for _, list := range [][]string{argv, c.Env, {path, c.Dir}} {
		if slices.ContainsFunc(list, func(s string) bool { return strings.ContainsRune(s, 0) }) {
			return shim.Request{}, &StartError{Step: "fork", Err: syscall.EINVAL} // as ForkExec has it
		}
	}
	r := shim.Request{Umask: -1, Dir: c.Dir, Path: path, Argv: argv, Env: c.Env}
	if c.Umask != nil {
		r.Umask = int(*c.Umask)
	}
	if u := c.User; u != nil {
		r.User = &shim.User{UID: u.UID, GID: u.GID, Groups: u.Groups, SetGroups: os.Geteuid() == 0}
	}
	for _, l := range c.Limits {
		n := l.resource()
		if n < 0 {
			return r, &StartError{Step: "limits", Path: l.Name, Err: syscall.EINVAL}
		}
		r.Limits = append(r.Limits, shim.Limit{Resource: n, Soft: l.Soft, Hard: l.Hard})
	}
	return r, nil
}
