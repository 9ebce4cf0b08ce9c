package signals_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/signals"
)

// patience is how long a test waits for anything. Nothing takes that long: it only ends a test that has failed.
const patience = 20 * time.Second

// roleVariable names what a process of this binary does in the place of the tests: a key of roles. Signals belong to the whole
// process, so each test has one of its own.
const roleVariable = "SIGNALS_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		roles[role]()
		return
	}
	signals.Release() // Ctrl-C ends the tests
	os.Exit(m.Run())
}

// channels by the name of what comes through them.
var channels = map[unix.Signal]chan os.Signal{
	unix.SIGTERM: signals.Term, unix.SIGINT: signals.Int, unix.SIGUSR1: signals.Usr1,
	unix.SIGUSR2: signals.Usr2, unix.SIGHUP: signals.Hup, unix.SIGCHLD: signals.Child,
}

var roles = map[string]func(){
	"each": func() {
		for s, c := range channels {
			raise(s)
			fmt.Println(s, "→", receive(c))
		}
		raise(unix.SIGQUIT) // of no effect
	},
	// One comes after a flood of all others, of which nobody has read any.
	"flood": func() {
		for last, c := range channels {
			for range 2000 {
				for s := range channels {
					if s != last {
						raise(s)
					}
				}
			}
			raise(last)
			fmt.Println(last, "→", receive(c))
			for _, other := range channels {
				drain(other)
			}
		}
	},
	"stops": func() {
		runtime.LockOSThread()
		if err := unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{}, nil); err != nil {
			panic(err)
		}
		fmt.Println("without one:", signals.StopsCaught())
		signals.Listen()
		for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGUSR1} {
			seen(s)
			fmt.Println(s, signals.StopsCaught(), receive(channels[s]))
			signals.Listen()
		}
		for _, s := range []unix.Signal{unix.SIGUSR2, unix.SIGHUP, unix.SIGCHLD} {
			seen(s)
			fmt.Println(s, signals.StopsCaught(), receive(channels[s]))
			signals.Listen()
		}
	},
	// SIGUSR1, because the others are fatal while nobody listens. SIGHUP comes after it, and so tells that it was not delivered.
	"stopped": func() {
		runtime.LockOSThread()
		if err := unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{}, nil); err != nil {
			panic(err)
		}
		signals.StopsCaught()
		seen(unix.SIGUSR1)
		seen(unix.SIGHUP)
		fmt.Println(receive(signals.Hup), len(signals.Usr1))
		signals.Listen()
		seen(unix.SIGUSR1)
		fmt.Println(receive(signals.Usr1))
	},
	"release after SIGTERM": func() { releaseAfter(unix.SIGTERM) },
	"release after SIGINT":  func() { releaseAfter(unix.SIGINT) },
	"SIGTERM after release": func() { releaseBefore(unix.SIGTERM) },
	"SIGINT after release":  func() { releaseBefore(unix.SIGINT) },
	"SIGINT": func() {
		fmt.Println("ignored:", signals.IntIgnored)
		raise(unix.SIGINT)
		raise(unix.SIGTERM)
		receive(signals.Term)
		fmt.Println("heard:", len(signals.Int))
		signals.Listen()
		raise(unix.SIGINT)
		raise(unix.SIGTERM)
		receive(signals.Term)
		fmt.Println("heard:", len(signals.Int))
		fmt.Println("ignored for programs:", ignored(unix.SIGINT))
	},
}

func raise(s unix.Signal) {
	if err := unix.Kill(os.Getpid(), s); err != nil {
		panic(err)
	}
}

// seen makes Go's handler see a signal: one for the calling thread, which does not block it, is handled before the call returns.
// It is not in its channel then, because a goroutine of package signal puts it there.
func seen(s unix.Signal) {
	if err := unix.Tgkill(os.Getpid(), unix.Gettid(), s); err != nil {
		panic(err)
	}
}

func receive(c <-chan os.Signal) any {
	select {
	case s := <-c:
		return s
	case <-time.After(patience):
		return "nothing"
	}
}

func drain(c <-chan os.Signal) {
	for len(c) > 0 {
		<-c
	}
}

// releaseAfter exits in Release.
func releaseAfter(s unix.Signal) {
	raise(s)
	for deadline := time.After(patience); len(channels[s]) == 0; {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			panic("it did not come")
		}
	}
	signals.Release()
	fmt.Println("released")
}

// releaseBefore dies of the signal.
func releaseBefore(s unix.Signal) {
	signals.Release()
	raise(s)
	<-time.After(patience)
}

// ignored reports whether a program would be born with the signal ignored.
func ignored(s unix.Signal) bool {
	out, err := exec.Command("cat", "/proc/self/status").Output()
	if err != nil {
		panic(err)
	}
	_, rest, _ := strings.Cut(string(out), "\nSigIgn:\t")
	line, _, _ := strings.Cut(rest, "\n")
	set, _ := strconv.ParseUint(line, 16, 64)
	return set&(1<<(s-1)) != 0
}

// play runs a role and returns its lines in order, and how it ended.
func play(t *testing.T, role string, via ...string) (string, *os.ProcessState) {
	t.Helper()
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := append(via, self)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	out, _ := cmd.Output() // the state tells of an error
	return string(out), cmd.ProcessState
}

func TestEachSignalHasItsChannel(t *testing.T) {
	out, end := play(t, "each")
	checkPairs(t, out, end)
}

// TestFloodPushesNoOtherSignalOut: in one channel with the others, a flood of exits made a SIGTERM vanish.
func TestFloodPushesNoOtherSignalOut(t *testing.T) {
	out, end := play(t, "flood")
	checkPairs(t, out, end)
}

// checkPairs checks that each signal was heard as itself.
func checkPairs(t *testing.T, out string, end *os.ProcessState) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, line := range lines {
		if sent, heard, _ := strings.Cut(line, " → "); sent != heard {
			t.Errorf("%s was heard as %s", sent, heard)
		}
	}
	if len(lines) != len(channels) || end.ExitCode() != 0 {
		t.Errorf("it ended with %v and said\n%s", end, out)
	}
}

// TestStopsCaughtMissesNone: a stop that came before it is caught, and what is no stop does not count.
func TestStopsCaughtMissesNone(t *testing.T) {
	out, end := play(t, "stops")
	want := `without one: false
terminated true terminated
interrupt true interrupt
user defined signal 1 true user defined signal 1
user defined signal 2 false user defined signal 2
hangup false hangup
child exited false child exited
`
	if out != want || end.ExitCode() != 0 {
		t.Errorf("it ended with %v and said\n%swant\n%s", end, out, want)
	}
}

func TestStopsCaughtEndsTheDelivery(t *testing.T) {
	out, end := play(t, "stopped")
	if want := "hangup 0\nuser defined signal 1\n"; out != want || end.ExitCode() != 0 {
		t.Errorf("it ended with %v and said\n%swant\n%s", end, out, want)
	}
}

// A command that is no supervisor ends by a signal as any other, also if that came before Release.
func TestReleaseMakesSignalsFatal(t *testing.T) {
	for role, want := range map[string]string{
		"release after SIGTERM": "exit status 143",
		"release after SIGINT":  "exit status 130",
		"SIGTERM after release": "signal: terminated",
		"SIGINT after release":  "signal: interrupt",
	} {
		t.Run(role, func(t *testing.T) {
			if out, end := play(t, role); end.String() != want || out != "" {
				t.Errorf("it ended with %v and said %q, want %s", end, out, want)
			}
		})
	}
}

// TestIgnoredInterruptStaysWithoutEffect, as a shell starts what it puts into the background; but programs are not born with it.
func TestIgnoredInterruptStaysWithoutEffect(t *testing.T) {
	out, end := play(t, "SIGINT", "sh", "-c", `trap "" INT; exec "$0"`)
	want := "ignored: true\nheard: 0\nheard: 0\nignored for programs: false\n"
	if out != want || end.ExitCode() != 0 {
		t.Errorf("it ended with %v and said\n%swant\n%s", end, out, want)
	}
}
