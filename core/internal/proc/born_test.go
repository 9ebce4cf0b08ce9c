package proc_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
)

// sleeper is a program that changes nothing of what it was born with.
var sleeper = proc.Command{Argv: []string{"/bin/sleep", "1000"}}

// startSleeper ends it with the test.
func (c *children) startSleeper(command proc.Command) int {
	c.t.Helper()
	pid := c.start(command)
	c.t.Cleanup(func() {
		if err := proc.Signal(pid, int(unix.SIGKILL), true); err != nil {
			c.t.Error(err)
		}
		checkExit(c.t, c.end(pid), killed(unix.SIGKILL))
	})
	return pid
}

func TestProgramLeadsAProcessGroup(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	pid := c.startSleeper(sleeper)
	if group, err := unix.Getpgid(pid); group != pid {
		t.Errorf("its process group is %d (%v), want its own, %d", group, err, pid)
	}
	ours, _ := unix.Getsid(0)
	if session, err := unix.Getsid(pid); session != ours {
		t.Errorf("its session is %d (%v), want ours, %d", session, err, ours)
	}
	if parent := statusField(pid, "PPid"); parent != fmt.Sprint(os.Getpid()) {
		t.Errorf("its parent is %s, want us, %d", parent, os.Getpid())
	}
}

// ignoring makes a process that was born with everything ignored that a shell can ignore.
func ignoring(cmd *exec.Cmd) {
	shell := exec.Command("/bin/sh", "-c", `trap "" HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM CHLD CONT `+
		`TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS 34 35 50 64; exec "$0" "$@"`)
	cmd.Path, cmd.Args = shell.Path, append(shell.Args, cmd.Args...)
}

// TestProgramIsBornWithDefaultSignals: whatever we were born with, and whatever the masks of our threads (T-16, H-5.8).
func TestProgramIsBornWithDefaultSignals(t *testing.T) {
	if !alone(t, ignoring) {
		return
	}
	// What package signals handles. Go leaves these two ignored, if they were, until somebody asks for them.
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP, unix.SIGINT)
	var all unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	blocked, done := make(chan error), make(chan struct{})
	defer close(done)
	go func() { // waits for the end of the test
		runtime.LockOSThread() // for good: a thread like this must not serve others
		blocked <- unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil)
		<-done
	}()
	must(t, <-blocked)
	runtime.LockOSThread()
	must(t, unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil)) // as after a hand-over

	must(t, proc.Own())
	proc.DefaultIgnored()
	c := newChildren(t)
	pid := c.startSleeper(sleeper)
	for _, field := range []string{"SigIgn", "SigBlk", "SigCgt", "SigPnd", "ShdPnd"} {
		if got := statusField(pid, field); strings.Trim(got, "0") != "" || got == "" {
			t.Errorf("%s of a program is %q, want none", field, got)
		}
	}
}

// TestProgramGetsNoDescriptorOfOurs: only 0, 1 and 2, although we hold others that are not close-on-exec (T-15).
func TestProgramGetsNoDescriptorOfOurs(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	must(t, proc.CloseOnExec())                      // what the test itself inherited
	high, err := unix.FcntlInt(0, unix.F_DUPFD, 100) // as if inherited: not close-on-exec
	must(t, err)
	low, err := unix.Dup(0)
	must(t, err)

	c.checkDescriptors(sleeper, 0, 1, 2, low, high) // or else the test sees nothing
	must(t, proc.CloseOnExec())
	c.checkDescriptors(sleeper, 0, 1, 2)

	with := sleeper
	with.Files = []uintptr{0, 2, 2, uintptr(high)}
	c.checkDescriptors(with, 0, 1, 2, 3)
}

func (c *children) checkDescriptors(command proc.Command, want ...int) {
	c.t.Helper()
	pid := c.startSleeper(command)
	var wanted, got []string
	for _, fd := range want {
		wanted = append(wanted, fmt.Sprint(fd))
	}
	slices.Sort(wanted)
	defer func() {
		if c.t.Failed() {
			c.t.Logf("descriptors: %v, want %v", got, wanted)
		}
	}()
	until(c.t, "the program to hold what it should", func() bool { // at its start it opens libraries
		got = nil
		entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		must(c.t, err)
		for _, e := range entries {
			got = append(got, e.Name())
		}
		slices.Sort(got)
		return slices.Equal(got, wanted)
	})
}

func TestProgramGetsItsEnvironmentAsGiven(t *testing.T) {
	if !alone(t) {
		return
	}
	t.Setenv("OURS", "is not passed on")
	c := newChildren(t)
	for _, env := range [][]string{
		nil,
		{"A=1"},
		{"Z=last", "A=first", "A=again", "EMPTY=", "=odd", "no equals sign", "MULTI=line\nline", "BYTES=\xff\xfe"},
	} {
		command := sleeper
		command.Env = env
		want := ""
		for _, kv := range env {
			want += kv + "\x00"
		}
		if got := wordsOf(t, c.startSleeper(command), "environ", want); got != want {
			t.Errorf("the environment is %q, want %q", got, want)
		}
	}
}

// wordsOf is /proc/PID/environ or cmdline. They are empty until the new image is built, which is after Start could see that
// execve succeeded.
func wordsOf(t *testing.T, pid int, file, want string) (got string) {
	t.Helper()
	until(t, file, func() bool {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
		must(t, err)
		got = string(data)
		return got != "" || want == ""
	})
	return got
}

// argv[0] is the first word as written, wherever the program was found (H-5.12).
func TestProgramGetsItsArgumentsAsGiven(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	dir := t.TempDir()
	must(t, os.Symlink("/bin/sleep", filepath.Join(dir, "sleep")))
	for _, command := range []proc.Command{
		{Argv: []string{"sleep", "1000", "0"}, Env: []string{"PATH=" + dir}},
		{Argv: []string{"./sleep", "1000"}, Dir: dir},
		{Argv: []string{dir + "/./sleep", "1000"}},
	} {
		want := strings.Join(command.Argv, "\x00") + "\x00"
		if got := wordsOf(t, c.startSleeper(command), "cmdline", want); got != want {
			t.Errorf("the arguments are %q, want %q", got, want)
		}
	}
}

func TestProgramRunsAsItsUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	if !alone(t) {
		return
	}
	c := newChildren(t)
	for _, test := range []struct {
		user   *proc.Identity
		uid    string
		gid    string
		groups string
	}{
		{&proc.Identity{UID: 4242, GID: 4343}, "4242 4242 4242 4242", "4343 4343 4343 4343", ""},
		{&proc.Identity{UID: 4242, GID: 4343, Groups: []uint32{4343, 7, 9}}, "4242 4242 4242 4242", "4343 4343 4343 4343", "7 9 4343"},
		{&proc.Identity{UID: 0, GID: 4343}, "0 0 0 0", "4343 4343 4343 4343", ""},
	} {
		command := sleeper
		command.User = test.user
		pid := c.startSleeper(command)
		for field, want := range map[string]string{"Uid": test.uid, "Gid": test.gid, "Groups": test.groups} {
			if got := strings.Join(strings.Fields(statusField(pid, field)), " "); got != want {
				t.Errorf("as %+v it has %s %q, want %q", *test.user, field, got, want)
			}
		}
	}
}

func TestProgramRunsInItsDirectory(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	ours, err := os.Getwd()
	must(t, err)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	for given, want := range map[string]string{"": ours, dir: dir} {
		command := sleeper
		command.Dir = given
		if got, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", c.startSleeper(command))); got != want {
			t.Errorf("with Dir %q it runs in %q (%v), want %q", given, got, err, want)
		}
	}
}
