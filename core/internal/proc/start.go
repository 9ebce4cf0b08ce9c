package proc

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/mwlua/mwlua/core/program"
)

// Command is a program to start.
type Command struct {
	Argv  []string  // the first word is searched in PATH of Env, as execvp(3) does, if there is no Path
	Path  string    // of the executable, whatever the first word is; "" means that this one says it
	Env   []string  // NAME=VALUE, the whole environment
	Dir   string    // "" means ours, or with Chroot the root; it is inside the Chroot
	User  *Identity // nil means ours
	Files []uintptr // its descriptors, from 0; nil means 0, 1 and 2 as ours
	// Stdio are absolute paths of what 0, 1 and 2 are instead; "" means what Files says. 1 and 2 are appended to, and created
	// with mode 0640 if there is nothing; the same path for both is opened once.
	Stdio  [3]string
	Umask  *uint32 // nil means ours; only the goroutine that called Own may have one set
	Limits []Limit // set in this order; what is not named is ours
	// Listen are sockets that the program finds from descriptor 3 up, and ListenNames their names, as many: sd_listen_fds(3) says how
	// it learns of them. Extra are further descriptors. All are ours, and stay so.
	Listen      []uintptr
	ListenNames []string
	Extra       []Extra

	Group       program.Group
	CGroup      int    // a descriptor of the directory of a cgroup2 that the program is born in; 0 means ours
	Nice        *int   // nil means ours
	OOMScoreAdj *int   // nil means ours
	Chroot      string // "" means our root; the program is searched in it
	// Capabilities are the numbers of those that the program has whoever it runs as, and beyond which it can get none. nil means what
	// its user has, empty means none. It takes CAP_SETPCAP, or NoNewPrivs, and those that are named.
	Capabilities []uint
	NoNewPrivs   bool
	// Deathsig is the signal that the program gets when the thread dies that has called Own; 0 means none. A program that has
	// more rights than who executes it, or that takes on another user, does not get it (prctl(2), PR_SET_PDEATHSIG).
	Deathsig int
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
	// Step is "sockets", "stdin", "stdout", "stderr", "umask", "oom_score_adj", "limits", "nice", "cgroup", "fork", "chroot",
	// "credentials", "capabilities", "no_new_privs", "deathsig", "directory" or "exec".
	Step string
	Path string        // what could not be opened, set, executed or entered, where that is known
	Err  syscall.Errno // why
}

func (e *StartError) Error() string {
	if e.Path == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("%s: %v", e.Path, e.Err)
}

// Start starts c and returns its pid once its executable runs, that is after execve succeeded.
// The error is a *StartError. Signal dispositions and mask of the program are the defaults, if the caller owns the thread
// (see Own) and ignores no signal (see DefaultIgnored).
func Start(c Command) (int, error) {
	c, err := c.passOn()
	if err != nil {
		return 0, err
	}
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
	if c.Path != "" {
		return c.execute(c.Path)
	}
	if strings.Contains(c.Argv[0], "/") {
		return c.execute(c.Argv[0])
	}
	denied := false
	for _, dir := range strings.Split(searchPath(c.Env), ":") {
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
	mode, err := c.mode(path)
	switch {
	case errors.Is(err, os.ErrPermission):
		*denied = true
		return false
	case errors.Is(err, errUnknown):
		return true
	case err != nil:
		return false
	case !mode.IsRegular() || mode&0o111 == 0:
		*denied = true
		return false
	}
	return true
}

// searchPath is PATH in env, the first one as for getenv(3), or what the C library searches when there is none (H-4.4).
func searchPath(env []string) string {
	for _, kv := range env {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok {
			return path
		}
	}
	return "/bin:/usr/bin"
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
	return syscall.ForkExec(path, argv, c.attr(allStages))
}

// stage is how far a fork goes.
type stage int

// The stages, each after the one before.
const (
	forked stage = iota
	inCGroup
	inChroot
	asUser
	inDir
	allStages = inDir
)

func (c Command) attr(upTo stage) *syscall.ProcAttr {
	a := &syscall.ProcAttr{Env: c.Env, Files: c.Files, Sys: &syscall.SysProcAttr{
		Setpgid: c.Group == program.OwnGroup, Setsid: c.Group == program.OwnSession, Pdeathsig: syscall.Signal(c.Deathsig),
	}}
	if c.Files == nil {
		a.Files = []uintptr{0, 1, 2}
	}
	if upTo >= inCGroup && c.CGroup != 0 {
		a.Sys.UseCgroupFD, a.Sys.CgroupFD = true, c.CGroup
	}
	if upTo >= inChroot && c.Chroot != "" {
		a.Sys.Chroot, a.Dir = c.Chroot, "/" // a directory outside would be a way out of it (chroot(2))
	}
	if upTo >= asUser && c.User != nil {
		// Only root may set groups; others may at most ask for what they are, and keep their groups, as under HAProxy.
		a.Sys.Credential = &syscall.Credential{
			Uid: c.User.UID, Gid: c.User.GID, Groups: c.User.Groups, NoSetGroups: os.Geteuid() != 0,
		}
	}
	if upTo >= inDir && c.Dir != "" {
		a.Dir = c.Dir
	}
	return a
}

// locate finds the step that failed. The kernel gives one error for all of them, so it does them again, one more each time,
// with an execve that can only fail with ENAMETOOLONG: the first step that answers otherwise is the one.
func (c Command) locate(path string, err syscall.Errno) *StartError {
	unreachable := "/" + strings.Repeat("x", 5000) // over PATH_MAX, whatever the file system
	for _, s := range []struct {
		upTo       stage
		declared   bool
		step, path string
	}{
		{forked, true, "fork", ""},
		{inCGroup, c.CGroup != 0, "cgroup", ""},
		{inChroot, c.Chroot != "", "chroot", c.Chroot},
		{asUser, c.User != nil, "credentials", ""},
		{inDir, c.Dir != "", "directory", c.Dir},
	} {
		if !s.declared {
			continue
		}
		if _, err := syscall.ForkExec(unreachable, c.Argv, c.attr(s.upTo)); err != syscall.ENAMETOOLONG {
			return &StartError{Step: s.step, Path: s.path, Err: toErrno(err)}
		}
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
