package proc_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
)

// imageVariable says which image of a hand-over this binary is: "old" or "new".
const imageVariable = "PROC_TEST_IMAGE"

// runOldImage tells who it is, and becomes the next image.
//
//	HOW [ARG…]   where HOW is a key of lastWords and the next image is `ARG…`, by default this binary
func runOldImage(args []string) {
	check(proc.Own())
	tellIdentity()
	handled := make(chan os.Signal, 16)
	signal.Notify(handled, unix.SIGTERM, unix.SIGINT, unix.SIGUSR1, unix.SIGHUP, unix.SIGUSR2)
	check(os.Setenv(imageVariable, "new"))
	how, next := args[0], args[1:]
	if len(next) == 0 {
		self, err := os.Executable()
		check(err)
		next = []string{self}
	}
	image := proc.Image{Path: next[0], Argv: next, IntIgnored: how == "SIGINT is ignored"}
	image.LastWord, image.Back = lastWords[how], func() {}
	if argv, ok := childOf[how]; ok {
		command := proc.Command{Argv: argv, Env: os.Environ()}
		if how == "a program with a umask is there" {
			command.Umask = new(uint32)
		}
		pid, err := proc.Start(command)
		check(err)
		check(os.Setenv("CHILD", strconv.Itoa(pid)))
	}
	image.Env = os.Environ()
	fmt.Println("exec failed:", proc.Exec(image))
	os.Exit(1)
}

// runNewImage tells who it is, with `wait` waits for SIGUSR1, and tells of the child that it was left.
func runNewImage(args []string) {
	handled, died := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(handled, unix.SIGUSR1)
	signal.Notify(died, unix.SIGCHLD)
	check(proc.Own())
	tellIdentity()
	if len(args) > 0 {
		select {
		case s := <-handled:
			fmt.Println("got", s)
		case <-time.After(patience):
			fmt.Println("got nothing")
		}
	}
	if child, _ := strconv.Atoi(os.Getenv("CHILD")); child != 0 {
		tellChild(child, died)
	}
}

func tellIdentity() {
	self, err := proc.Identify(os.Getpid())
	check(err)
	fmt.Printf("%+v\n", self)
}

// tellChild asks a child that the old image started to go.
func tellChild(pid int, died <-chan os.Signal) {
	proc.Collect(func(int) {}, func(e proc.Exit) { fmt.Printf("child ended before: %+v\n", e) })
	check(proc.Signal(pid, int(unix.SIGTERM), false))
	for ended := false; !ended; {
		select {
		case <-died:
		case <-time.After(patience):
			ended = true
			fmt.Println("child did not end")
		}
		proc.Collect(func(int) {}, func(e proc.Exit) {
			ended = true
			fmt.Println("child ended:", e.PID == pid, unix.Signal(e.Signal))
		})
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// lastWords are what happens in the old image when its signals are set up for execve.
var lastWords = map[string]func() error{
	"":                  func() error { return nil },
	"SIGINT is ignored": func() error { return nil },
	// Thread-directed, and blocked before Exec does it, because the other threads of this image would take it.
	"SIGTERM is pending": func() error { return pend(unix.SIGTERM) },
	"SIGINT is pending":  func() error { return pend(unix.SIGINT) },
	"SIGTERM comes":      func() error { return raise(unix.SIGTERM) },
	"SIGINT comes":       func() error { return raise(unix.SIGINT) },
	"SIGUSR1 comes":      func() error { return raise(unix.SIGUSR1) },
	"reloads come": func() error {
		return errors.Join(raise(unix.SIGHUP), raise(unix.SIGUSR2), raise(unix.SIGQUIT))
	},
	"a program is there":                            func() error { return nil },
	"a program with a parent-death signal is there": func() error { return nil },
	"a program with a umask is there":               func() error { return nil },
}

// childOf are the programs that the old image starts.
var childOf = map[string][]string{
	"a program is there":              sleeper.Argv,
	"a program with a umask is there": sleeper.Argv,
	// SIGKILL, so that it cannot be taken for the SIGTERM of the test.
	"a program with a parent-death signal is there": {"setpriv", "--pdeathsig", "KILL", "/bin/sleep", "1000"},
}

func raise(s unix.Signal) error { return unix.Kill(os.Getpid(), s) }

func pend(s unix.Signal) error {
	set := unix.Sigset_t{}
	set.Val[0] = 1 << (s - 1)
	return errors.Join(
		unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil),
		unix.Tgkill(os.Getpid(), unix.Gettid(), s))
}

// handOver runs an old image and what it becomes, and returns what they said, a line each, and how they ended.
func handOver(t *testing.T, args ...string) (lines []string, end syscall.WaitStatus) {
	t.Helper()
	cmd := exec.Command(testBinary(t), args...)
	cmd.Env = append(os.Environ(), imageVariable+"=old", "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"), cmd.ProcessState.Sys().(syscall.WaitStatus)
}

func TestExecKeepsTheIdentity(t *testing.T) {
	t.Parallel()
	lines, end := handOver(t, "")
	if end != 0 || len(lines) != 2 || lines[0] != lines[1] {
		t.Errorf("the images said %q and ended with status %#x, want the same identity twice and 0", lines, end)
	}
}

// TestExecBetweenTwoImages holds what may and what must not happen to a signal between the handlers of the old image and those
// of the new one. The shell stands in for a new image that has not come to its handlers yet.
func TestExecBetweenTwoImages(t *testing.T) {
	t.Parallel()
	self := testBinary(t)
	early := func(script string) []string {
		return []string{"/bin/sh", "-c", script + `; exec "$0" wait`, self}
	}
	for _, test := range []struct {
		name string
		how  string
		next []string
		last string      // what the new image says last
		dies unix.Signal // what it dies of, if not 0
	}{
		{name: "SIGTERM in the old one ends the new one", how: "SIGTERM is pending", next: []string{self, "wait"}, dies: unix.SIGTERM},
		{name: "SIGINT in the old one ends the new one", how: "SIGINT is pending", next: []string{self, "wait"}, dies: unix.SIGINT},
		{name: "SIGTERM ends the old one", how: "SIGTERM comes", dies: unix.SIGTERM},
		{name: "SIGINT ends the old one", how: "SIGINT comes", dies: unix.SIGINT},
		{name: "SIGUSR1 ends the old one", how: "SIGUSR1 comes", dies: unix.SIGUSR1},
		{name: "reloads in the old one have no effect", how: "reloads come"},
		{name: "SIGUSR1 waits for the handlers of the new one", next: early("kill -USR1 $$"), last: "got user defined signal 1"},
		{name: "SIGTERM ends the new one", next: early("kill -TERM $$"), dies: unix.SIGTERM},
		{name: "SIGINT ends the new one", next: early("kill -INT $$"), dies: unix.SIGINT},
		{name: "an ignored SIGINT has no effect", how: "SIGINT is ignored", next: early("kill -INT $$; kill -USR1 $$"), last: "got user defined signal 1"},
		{name: "reloads in the new one have no effect", next: early("kill -HUP $$; kill -USR2 $$; kill -QUIT $$; kill -USR1 $$"), last: "got user defined signal 1"},
		{name: "programs live on", how: "a program is there", last: "child ended: true terminated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			lines, end := handOver(t, append([]string{test.how}, test.next...)...)
			if last := lines[len(lines)-1]; test.last != "" && last != test.last {
				t.Errorf("the last word is %q, want %q; all: %q", last, test.last, lines)
			}
			if test.dies != 0 && (!end.Signaled() || end.Signal() != test.dies) || test.dies == 0 && end != 0 {
				t.Errorf("it ended with status %#x, want death by %v", end, test.dies)
			}
		})
	}
}

// TestExecHandsOnItsSignals looks at what a new image starts with, before it changes anything.
func TestExecHandsOnItsSignals(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]struct{ blocked, ignored uint64 }{
		"":                  {signalBits(unix.SIGTERM, unix.SIGINT, unix.SIGUSR1), signalBits(unix.SIGHUP, unix.SIGUSR2, unix.SIGQUIT)},
		"SIGINT is ignored": {signalBits(unix.SIGTERM, unix.SIGUSR1), signalBits(unix.SIGHUP, unix.SIGUSR2, unix.SIGQUIT, unix.SIGINT)},
	} {
		lines, _ := handOver(t, how, "/bin/cat", "/proc/self/status")
		status := strings.Join(lines, "\n")
		blocked, _ := strconv.ParseUint(fieldOf(status, "SigBlk"), 16, 64)
		ignored, _ := strconv.ParseUint(fieldOf(status, "SigIgn"), 16, 64)
		ignored &= 1<<31 - 1 // what make or a shell had us ignore above them is not Exec's business
		if blocked != want.blocked || ignored != want.ignored {
			t.Errorf("%q: SigBlk %x, want %x; SigIgn %x, want %x", how, blocked, want.blocked, ignored, want.ignored)
		}
	}
}

func signalBits(signals ...unix.Signal) (set uint64) {
	for _, s := range signals {
		set |= 1 << (s - 1)
	}
	return set
}

// TestExecIsNoDeathOfTheParent: the thread that spawns is the one that executes the next image, or else the parent-death signal
// of a program would come at every reload (prctl(2), PR_SET_PDEATHSIG).
func TestExecIsNoDeathOfTheParent(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skipf("needs setpriv: %v", err)
	}
	lines, end := handOver(t, "a program with a parent-death signal is there")
	if last := lines[len(lines)-1]; last != "child ended: true terminated" || end != 0 {
		t.Errorf("the images said %q and ended with status %#x", lines, end)
	}
}

// TestExecThatFailsChangesNothing: signals reach their handlers afterwards as they did before.
func TestExecThatFailsChangesNothing(t *testing.T) {
	if !alone(t) {
		return
	}
	must(t, proc.Own())
	signals := []os.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGUSR1, unix.SIGHUP, unix.SIGUSR2, unix.SIGQUIT}
	handled := make(chan os.Signal, len(signals))
	signal.Notify(handled, signals...)
	before := []string{statusField("self", "SigCgt"), statusField("self", "SigIgn"), statusField("thread-self", "SigBlk")}
	self := testBinary(t)
	refused := errors.New("no")
	for _, test := range []struct {
		name     string
		image    proc.Image
		lastWord error
		want     error
	}{
		{"missing file", proc.Image{Path: "/missing", Argv: []string{"x"}}, nil, unix.ENOENT},
		{"missing file, SIGINT ignored", proc.Image{Path: "/missing", Argv: []string{"x"}, IntIgnored: true}, nil, unix.ENOENT},
		{"directory", proc.Image{Path: "/", Argv: []string{"x"}}, nil, unix.EACCES},
		{"argument too long", proc.Image{Path: self, Argv: []string{strings.Repeat("x", 128<<10)}}, nil, unix.E2BIG},
		{"NUL in the environment", proc.Image{Path: self, Argv: []string{"x"}, Env: []string{"\x00"}}, nil, unix.EINVAL},
		{"last word against it", proc.Image{Path: self, Argv: []string{"x"}}, refused, refused},
	} {
		t.Run(test.name, func(t *testing.T) {
			said := 0
			test.image.LastWord, test.image.Back = func() error { said++; return test.lastWord }, func() {}
			err := proc.Exec(test.image)
			if err != test.want || said != 1 {
				t.Errorf("Exec = %v after %d last words, want %v after 1", err, said, test.want)
			}
			after := []string{statusField("self", "SigCgt"), statusField("self", "SigIgn"), statusField("thread-self", "SigBlk")}
			if !slices.Equal(before, after) {
				t.Errorf("SigCgt, SigIgn, SigBlk are %q, were %q", after, before)
			}
			for _, s := range signals {
				must(t, raise(s.(unix.Signal)))
				select {
				case got := <-handled:
					if got != s {
						t.Errorf("%v came as %v", s, got)
					}
				case <-time.After(patience):
					t.Fatalf("%v did not come", s)
				}
			}
		})
	}
}
