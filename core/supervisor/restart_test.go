package supervisor_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// TestFailureIsRestartedUpToTheLimit, with the back-off of the policy, and the supervisor leaves with the program's status.
func TestFailureIsRestartedUpToTheLimit(t *testing.T) {
	a := shell("a", up+"exit 7")
	a.Exit = policy.Policy{Limit: 2, OnLimit: policy.Shutdown, Backoff: policy.Backoff{Base: 20 * time.Millisecond, Factor: 2}}
	r := newRun(t, programs(sleeper("b", ""), a))
	r.exits(7)
	r.alone()
	r.checkLog(`a#1 \(pid \d+\) exited with code 7 after .*; it starts again in 20ms \(attempt 1\)`,
		`a#2 \(pid \d+\) exited with code 7 after .*; it starts again in 40ms \(attempt 2\)`,
		`a#3 \(pid \d+\) exited with code 7 after .*; everything is stopped \(2 restarts, the limit\)`,
		`b#1 \(pid \d+\) was killed by SIGTERM after .*`,
		`leaving with status 7`)
}

// A program that cannot be executed is one that failed, and is tried again.
func TestFailedExecIsRestarted(t *testing.T) {
	a := sleeper("a", "")
	a.Command[0] = "./later"
	a.Exit = policy.Policy{Backoff: policy.Backoff{Base: 10 * time.Millisecond}}
	r := newRun(t, programs(a))
	r.logged("a#2 did not start: cannot execute ./later: no such file or directory; it starts again in 10ms", 1)
	must(t, os.Symlink("/bin/sh", r.path("later")))
	r.until("a to run", func() bool { return strings.Contains(r.read("log"), " started, pid") })
	r.signal(unix.SIGTERM)
	r.exits(0)
	r.alone()
}

// TestRestartIsDueAcrossAReload: a program that waits for its restart still does after a hand-over, no longer and no less.
func TestRestartIsDueAcrossAReload(t *testing.T) {
	a := shell("a", up+"exit 1")
	a.Exit = policy.Policy{Backoff: policy.Backoff{Base: time.Second}}
	r := newRun(t, programs(a))
	r.logged("it starts again in 1s", 1)
	r.reload(loaded)
	if r.read("up.a#2") != "" {
		t.Log("the reload took so long that the test has shown nothing")
	}
	r.logged("a#2 started", 1)                                                     // a little after the program itself says so
	if took := r.between("it starts again", "a#2 started"); took < time.Second/2 { // how late depends on the machine
		t.Errorf("a#2 started %v after the end of a#1, want 1s%s", took, r.files())
	}
	r.signal(unix.SIGTERM)
	r.exits(0)
}

// A stop comes between the end of a program and its restart.
func TestStopDoesNotWaitForARestart(t *testing.T) {
	a := shell("a", up+"exit 1")
	a.Exit = policy.Policy{Backoff: policy.Backoff{Base: time.Hour}}
	r := newRun(t, programs(a))
	r.logged("it starts again in 1h0m0s", 1)
	r.signal(unix.SIGTERM)
	r.exits(0)
}

// TestEndsOfProgramsAreNotLost: many at once, with one SIGCHLD for several of them.
func TestEndsOfProgramsAreNotLost(t *testing.T) {
	var specs []program.Spec
	for i := range 100 {
		spec := shell("p"+string(rune('a'+i/26))+string(rune('a'+i%26)), up+"read x <gate; exit 3")
		spec.Exit = policy.Policy{When: policy.Never}
		specs = append(specs, spec)
	}
	r := newRun(t, programs(specs...), "sh", "-c", `mkfifo gate; exec "$@"`, "sh")
	for _, spec := range specs {
		r.pid(spec.Name + "#1")
	}
	gate, err := os.OpenFile(r.path("gate"), os.O_RDWR, 0) // all wait at it, or will
	must(t, err)
	defer gate.Close()
	_, err = gate.WriteString(strings.Repeat("\n", len(specs)))
	must(t, err)
	r.logged("exited with code 3 after", len(specs))
	r.signal(unix.SIGTERM)
	r.exits(0)
}
