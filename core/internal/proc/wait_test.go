package proc_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
)

func TestCollectReportsCodesAndSignals(t *testing.T) {
	if !alone(t) {
		return
	}
	proc.DefaultIgnored() // nohup(1) leaves SIGHUP ignored, and a shell's & SIGINT
	c := newChildren(t)
	for _, code := range []int{0, 1, 2, 127, 128, 137, 143, 255} {
		checkExit(t, c.run(proc.Command{Argv: []string{"/bin/sh", "-c", "exit " + strconv.Itoa(code)}}), proc.Exit{Code: code})
	}
	for _, s := range []unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGKILL, unix.SIGUSR1, unix.SIGTERM, unix.Signal(34), unix.Signal(64)} {
		pid := c.start(sleeper)
		must(t, proc.Signal(pid, int(s), false))
		checkExit(t, c.end(pid), killed(s))
	}
	none(t)
}

func TestCollectReportsACoreDump(t *testing.T) {
	if !alone(t) {
		return
	}
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	must(t, err)
	if len(pattern) == 0 || strings.ContainsAny(string(pattern), "|/") {
		t.Skipf("cores do not go to a file in the current directory here: %s", pattern)
	}
	c := newChildren(t)
	limit := func(limit string) proc.Command {
		return proc.Command{Argv: []string{"/bin/sh", "-c", "ulimit -c " + limit + " || exit 99; kill -ABRT $$"}, Dir: t.TempDir()}
	}
	with := c.run(limit("unlimited"))
	if with.Code == 99 {
		t.Skip("no core may be written here")
	}
	checkExit(t, with, proc.Exit{Signal: int(unix.SIGABRT), CoreDumped: true})
	checkExit(t, c.run(limit("0")), killed(unix.SIGABRT))
}

// A stopped child has not ended.
func TestCollectLeavesStoppedChildrenAlone(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	pid := c.startSleeper(sleeper)
	must(t, proc.Signal(pid, int(unix.SIGSTOP), false))
	until(t, "the stop", func() bool { return strings.HasPrefix(statusField(pid, "State"), "T") })
	c.collect()
	must(t, proc.Signal(pid, int(unix.SIGCONT), false))
	until(t, "the continuation", func() bool { return strings.HasPrefix(statusField(pid, "State"), "S") })
	c.collect()
	if len(c.exits) != 0 {
		t.Errorf("collected: %v", c.exits)
	}
}

// A signal to a child that has ended is no error as long as it was not collected, and reaches nobody.
func TestSignalToAnEndedChildIsNoError(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	pid := c.start(proc.Command{Argv: []string{"/bin/true"}})
	until(t, "its end", func() bool { return strings.HasPrefix(statusField(pid, "State"), "Z") })
	must(t, proc.Signal(pid, int(unix.SIGTERM), false))
	must(t, proc.Signal(pid, int(unix.SIGTERM), true))
	checkExit(t, c.end(pid), proc.Exit{})
}

// The signal for the group reaches what the program started itself (T-17).
func TestSignalReachesTheProcessGroup(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	dir := t.TempDir()
	pid := c.start(proc.Command{Argv: []string{"/bin/sh", "-c", `sleep 1000 & echo $! >new; mv new grandchild; wait`}, Dir: dir, Env: os.Environ()})
	grandchild := 0
	until(t, "the grandchild", func() bool {
		text, _ := os.ReadFile(filepath.Join(dir, "grandchild"))
		grandchild, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return grandchild != 0
	})
	fd, err := proc.OpenPidfd(grandchild)
	must(t, err)
	must(t, proc.Signal(pid, int(unix.SIGKILL), true))
	checkExit(t, c.end(pid), killed(unix.SIGKILL))
	if i, err := proc.Wait([]proc.Pidfd{fd}, patience); i != 0 || err != nil {
		t.Errorf("the grandchild did not end: Wait = %d, %v", i, err)
	}
}

// TestThousandChildrenCostNoThreads: nobody waits for them but Collect.
func TestThousandChildrenCostNoThreads(t *testing.T) {
	if !alone(t) {
		return
	}
	must(t, proc.Own())
	const n = 1000
	c := newChildren(t)
	r, w, err := os.Pipe() // while it is open, they live
	must(t, err)
	want := make(map[int]proc.Exit, n)
	for i := range n {
		pid := c.start(proc.Command{
			Argv:  []string{"/bin/sh", "-c", "read x; exit " + strconv.Itoa(i%256)},
			Files: []uintptr{r.Fd(), 1, 2},
		})
		want[pid] = proc.Exit{PID: pid, Code: i % 256}
		if i%7 == 0 {
			must(t, proc.Signal(pid, int(unix.SIGKILL), false))
			want[pid] = proc.Exit{PID: pid, Signal: int(unix.SIGKILL)}
		}
	}
	threads, err := strconv.Atoi(statusField("self", "Threads"))
	if err != nil || threads > 25 {
		t.Errorf("%d threads for %d children (%v)", threads, n, err)
	}
	must(t, w.Close())
	c.until("the end of all", func() bool { return len(c.exits) == n })
	for pid, exit := range want {
		if c.exits[pid] != exit {
			t.Errorf("a child ended as %+v, want %+v", c.exits[pid], exit)
		}
	}
	none(t)
}

func TestMonotonicIsTheClockOfTheKernel(t *testing.T) {
	t.Parallel()
	var before, after unix.Timespec
	must(t, unix.ClockGettime(unix.CLOCK_MONOTONIC, &before))
	now := proc.Monotonic()
	must(t, unix.ClockGettime(unix.CLOCK_MONOTONIC, &after))
	if now < before.Nano() || now > after.Nano() {
		t.Errorf("Monotonic() = %d, not between %d and %d", now, before.Nano(), after.Nano())
	}
}
