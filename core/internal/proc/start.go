package proc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Command is a program to start.
type Command struct {
	Argv  []string  // the first word is searched in PATH of Env, as execvp(3) does
	Env   []string  // NAME=VALUE, the whole environment
	Dir   string    // "" means ours
	User  *Identity // nil means ours
	Files []uintptr // its descriptors, from 0; nil means 0, 1 and 2 as ours
	// Stdio are absolute paths of what 0, 1 and 2 are instead; "" means what Files says. 1 and 2 are appended to, and created
	// with mode 0640 if there is nothing; the same path for both is opened once.
	Stdio  [3]string
	Umask  *uint32 // nil means ours; only the goroutine that called Own may have one set
	Limits []Limit // set in this order; what is not named is ours
	// NoShell does not try the shell with a file that the kernel does not know how to run.
	NoShell bool
}

// Identity is whom a program runs as.
type Identity struct {
	UID, GID uint32
	Groups   []uint32
}

// StartError says which step of a start failed, and how. Nothing runs then, and no child is left to be collected.
type StartError struct {
	Step string        // "stdin", "stdout", "stderr", "umask", "limits", "fork", "credentials", "directory" or "exec"
	Path string        // what could not be opened, set, executed or entered, where that is known
	Err  syscall.Errno // why
}

func (e *StartError) Error() string {
	if e.Path == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("%s: %v", e.Path, e.Err)
}

// Start starts c in a process group of its own and returns its pid once its executable runs, that is after execve succeeded.
// The error is a *StartError. Signal dispositions and mask of the program are the defaults, if the caller owns the thread
// (see Own) and ignores no signal (see DefaultIgnored).
func Start(c Command) (int, error) {
	if c.Stdio == [3]string{} && !c.needsShim() {
		return c.search()
	}
	c, opened, err := c.openStdio() // with our umask
	defer closeAll(opened)
	if err != nil {
		return 0, err
	}
	c, restore := c.setUmask()
	defer restore()
	return c.search()
}

// search starts c from where its executable is.
func (c Command) search() (int, error) {
	if strings.Contains(c.Argv[0], "/") {
		return c.execute(c.Argv[0])
	}
	denied := false
	for _, dir := range filepath.SplitList(searchPath(c.Env)) {
		path := dir + "/" + c.Argv[0]
		if dir == "" {
			path = "./" + c.Argv[0]
		}
		if !c.candidate(path, &denied) {
			continue
		}
		pid, err := c.execute(path)
		var failed *StartError
		if errors.As(err, &failed) && failed.Step == "exec" && goesOn(failed.Err) {
			denied = denied || failed.Err == syscall.EACCES
			continue
		}
		return pid, err
	}
	failed := &StartError{Step: "exec", Path: c.Argv[0], Err: syscall.ENOENT}
	if denied {
		failed.Err = syscall.EACCES
	}
	return 0, failed
}

// goesOn reports after which errors execvp(3) tries the next directory of PATH.
func goesOn(err syscall.Errno) bool {
	switch err {
	case syscall.EACCES, syscall.ENOENT, syscall.ENOTDIR, syscall.ESTALE, syscall.ENODEV, syscall.ETIMEDOUT:
		return true
	}
	return false
}

// candidate saves a fork for a directory of PATH that does not have the program.
func (c Command) candidate(path string, denied *bool) bool {
	if c.Dir != "" && !filepath.IsAbs(path) {
		path = filepath.Join(c.Dir, path)
	}
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrPermission):
		*denied = true
		return false
	case err != nil:
		return false
	case !st.Mode().IsRegular() || st.Mode()&0o111 == 0:
		*denied = true
		return false
	}
	return true
}

// searchPath is PATH in env, or what the C library searches when there is none (H-4.4).
func searchPath(env []string) string {
	path := "/bin:/usr/bin"
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v
		}
	}
	return path
}

// execute starts path. A file that the kernel does not know how to run is run by the shell, as execvp(3) does.
func (c Command) execute(path string) (int, error) {
	start := c.fork
	if c.needsShim() {
		start = c.forkShim
	}
	pid, err := start(path, c.Argv)
	if err == syscall.ENOEXEC && !c.NoShell {
		pid, err = start("/bin/sh", append([]string{"/bin/sh", path}, c.Argv[1:]...))
	}
	var failed *StartError
	switch {
	case err == nil:
		return pid, nil
	case errors.As(err, &failed):
		return 0, failed
	case c.needsShim():
		return 0, &StartError{Step: "exec", Path: path, Err: toErrno(err)}
	default:
		return 0, c.locate(path, toErrno(err))
	}
}

// fork starts path directly. The error says nothing about the step.
func (c Command) fork(path string, argv []string) (int, error) {
	return syscall.ForkExec(path, argv, c.attr(true, true))
}

func (c Command) attr(user, dir bool) *syscall.ProcAttr {
	a := &syscall.ProcAttr{Env: c.Env, Files: c.Files, Sys: &syscall.SysProcAttr{Setpgid: true}}
	if c.Files == nil {
		a.Files = []uintptr{0, 1, 2}
	}
	if dir {
		a.Dir = c.Dir
	}
	if user && c.User != nil {
		// Only root may set groups; others may at most ask for what they are, and keep their groups, as under HAProxy.
		a.Sys.Credential = &syscall.Credential{
			Uid: c.User.UID, Gid: c.User.GID, Groups: c.User.Groups, NoSetGroups: os.Geteuid() != 0,
		}
	}
	return a
}

// locate finds the step that failed. The kernel gives one error for all of them, so it does them again, one more each time,
// with an execve that can only fail with ENAMETOOLONG: the first step that answers otherwise is the one.
func (c Command) locate(path string, err syscall.Errno) *StartError {
	unreachable := "/" + strings.Repeat("x", 5000) // over PATH_MAX, whatever the file system
	try := func(user, dir bool) (syscall.Errno, bool) {
		_, err := syscall.ForkExec(unreachable, c.Argv, c.attr(user, dir))
		return toErrno(err), err != syscall.ENAMETOOLONG
	}
	if errno, failed := try(false, false); failed {
		return &StartError{Step: "fork", Err: errno}
	}
	if errno, failed := try(true, false); c.User != nil && failed {
		return &StartError{Step: "credentials", Err: errno}
	}
	if errno, failed := try(true, true); c.Dir != "" && failed {
		return &StartError{Step: "directory", Path: c.Dir, Err: errno}
	}
	return &StartError{Step: "exec", Path: path, Err: err}
}

// toErrno is err as the kernel said it. ForkExec refuses strings with a NUL byte by EINVAL before it forks.
func toErrno(err error) syscall.Errno {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return syscall.EINVAL
}
