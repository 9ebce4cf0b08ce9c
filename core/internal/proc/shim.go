package proc

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/shim"
	"github.com/mwlua/mwlua/core/program"
)

// needsShim reports whether something is left to be done that ForkExec cannot do.
func (c Command) needsShim() bool { return c.Umask != nil || c.shimStep() != "" }

// shimStep is the first step that nobody but a shim can do; "" means that there is none.
func (c Command) shimStep() string {
	switch {
	case c.OOMScoreAdj != nil:
		return "oom_score_adj"
	case len(c.Limits) > 0:
		return "limits"
	case c.Nice != nil:
		return "nice"
	case c.Capabilities != nil:
		return "capabilities"
	case c.NoNewPrivs:
		return "no_new_privs"
	case len(c.Listen) > 0: // LISTEN_PID
		return "sockets"
	}
	return ""
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
	files := c.attr(forked).Files
	pid, err := Command{
		Argv: []string{"mwlua"}, Env: shim.Variable(len(files)), Files: append(slices.Clone(files), uintptr(pair[1])), NoShell: true,
		Group: c.Group, CGroup: c.CGroup,
	}.execute("/proc/self/exe") // this image, whatever became of its file
	unix.Close(pair[1])
	if err != nil {
		return 0, err
	}
	if len(c.Listen) > 0 {
		request.Env = append(slices.Clone(request.Env), listenPID+strconv.Itoa(pid))
	}
	var failed *shim.Failure
	if !errors.As(shim.Direct(pair[0], request), &failed) {
		return pid, nil
	}
	Await(pid)
	return 0, c.shimError(failed)
}

// shimError is a *StartError, or the errno of execve.
func (c Command) shimError(failed *shim.Failure) error {
	e := &StartError{Step: failed.Step, Err: failed.Err}
	switch failed.Step {
	case "exec":
		return failed.Err
	case "limits":
		e.Path = c.Limits[failed.Index].Name
	case "capabilities":
		if failed.Index >= 0 {
			e.Path = capabilityName(c.Capabilities[failed.Index])
		}
	case "chroot":
		e.Path = c.Chroot
	case "directory":
		e.Path = c.Dir
	case "":
		if e.Step = c.shimStep(); e.Step == "" {
			e.Step = "umask"
		}
	}
	return e
}

// capabilityName is a name as in capabilities(7), or the number of a capability without one.
func capabilityName(number uint) string {
	if names := program.CapabilityNames(); number < uint(len(names)) {
		return names[number]
	}
	return strconv.FormatUint(uint64(number), 10)
}

func (c Command) request(path string, argv []string) (shim.Request, error) {
	for _, list := range [][]string{argv, c.Env, {path, c.Dir, c.Chroot}} {
		if slices.ContainsFunc(list, func(s string) bool { return strings.ContainsRune(s, 0) }) {
			return shim.Request{}, &StartError{Step: "fork", Err: syscall.EINVAL} // as ForkExec has it
		}
	}
	r := shim.Request{
		Umask: -1, OOMScoreAdj: c.OOMScoreAdj, Nice: c.Nice, Chroot: c.Chroot, Capabilities: c.Capabilities, NoNewPrivs: c.NoNewPrivs,
		Deathsig: c.Deathsig, Parent: os.Getpid(), Dir: c.Dir, Path: path, Argv: argv, Env: c.Env,
	}
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
