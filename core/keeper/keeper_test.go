package keeper_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/keeper"
)

// patience is how long a test waits for anything. Nothing takes that long: it only ends a test that has failed.
const patience = 20 * time.Second

// TestMain makes this binary a keeper, or the owner of one, if it is told so, and else the tests.
func TestMain(m *testing.M) {
	switch word := os.Args[1:]; {
	case len(word) > 0 && word[0] == "keep":
		os.Exit(keeper.Keep())
	case len(word) > 0 && word[0] == "own":
		own(word[1])
	}
	os.Exit(m.Run())
}

// own is an owner that is going to be killed.
func own(dir string) {
	k, err := keeper.Start(keeper.Options{Path: "/proc/self/exe", Argv: []string{"keeper", "keep"}, Output: os.Stderr, Discard: []string{dir}})
	if err != nil {
		panic(err)
	}
	child, err := k.Start(shell(dir, stubborn))
	fmt.Println(child.PID, err)
	<-child.Ended
}

// stubborn outlives every signal but SIGKILL, and has a daemon that has left parent, session and environment.
const stubborn = `trap '' TERM INT HUP
setsid env -i PATH="$PATH" sh -c 'trap "" TERM INT HUP; echo $$ > daemon.new; mv daemon.new daemon; while :; do sleep 1000; done' &
while :; do sleep 1000; done`

func shell(dir, text string) keeper.Command {
	return keeper.Command{Path: "/bin/sh", Argv: []string{"sh", "-c", text}, Env: os.Environ(), Dir: dir}
}

func start(t *testing.T) *keeper.Keeper {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	k, err := keeper.Start(keeper.Options{Path: self, Argv: []string{"keeper", "keep"}, Output: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func finish(t *testing.T, k *keeper.Keeper, f keeper.Finish) keeper.Report {
	t.Helper()
	report, err := k.Finish(context.Background(), f, 0)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestKeeperKillsADaemonThatHasLeftEverything(t *testing.T) {
	t.Parallel()
	dir, k := t.TempDir(), start(t)
	child, err := k.Start(shell(dir, stubborn))
	if err != nil {
		t.Fatal(err)
	}
	daemon := pidIn(t, dir, "daemon")
	report := finish(t, k, keeper.Finish{PID: child.PID, Limit: time.Millisecond, Grace: time.Millisecond})
	if !report.Late || !strings.Contains(keeper.Names(report.Left), fmt.Sprintf("sh (%d)", daemon)) || len(report.Stuck) > 0 {
		t.Errorf("%+v, want that it was late, and sh (%d)", report, daemon)
	}
	if e := <-child.Ended; e.Signal != int(syscall.SIGKILL) {
		t.Errorf("the first one ended as %+v", e)
	}
	for _, p := range append(report.Left, keeper.Process{PID: child.PID}) {
		if isAlive(p.PID) {
			t.Errorf("%v lives", p)
		}
	}
}

// TestKeeperKillsWhatForksAndEndsAllTheTime: what it sees at one moment is another process at the next.
func TestKeeperKillsWhatForksAndEndsAllTheTime(t *testing.T) {
	t.Parallel()
	dir, k := t.TempDir(), start(t)
	const hops = `use POSIX; POSIX::setsid(); open(my $f, ">>", "hops");
for (;;) { syswrite($f, "x"); fork and POSIX::_exit(0); select(undef, undef, undef, 0.0005) }`
	child, err := k.Start(keeper.Command{Path: "/usr/bin/perl", Argv: []string{"perl", "-e", hops}, Env: os.Environ(), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	<-child.Ended
	hopped := func() int64 {
		info, err := os.Stat(filepath.Join(dir, "hops"))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	until(t, "it to hop", func() bool { return hopped() > 10 })
	if report := finish(t, k, keeper.Finish{Grace: time.Millisecond}); len(report.Left) == 0 || report.Stuck != nil {
		t.Errorf("%+v, want that perl was left", report)
	}
	n := hopped()
	for range 20 {
		if _, err := exec.Command("true").CombinedOutput(); err != nil { // some time passes
			t.Fatal(err)
		}
	}
	if hopped() != n {
		t.Error("it hops on")
	}
}

func TestKeeperOfWhatEndsByItselfLeavesNothing(t *testing.T) {
	t.Parallel()
	k := start(t)
	child, err := k.Start(shell(t.TempDir(), "exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	if e := <-child.Ended; e.Status() != 3 {
		t.Errorf("it ended as %+v", e)
	}
	if err := k.Signal(child.PID, 0); err == nil {
		t.Error("what has ended got a signal")
	}
	if err := k.Signal(os.Getpid(), 0); err == nil {
		t.Error("a process that is not below the keeper got a signal")
	}
	if _, err := k.Start(keeper.Command{Path: "/no/such", Argv: []string{"such"}}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("the start of nothing: %v", err)
	}
	if report := finish(t, k, keeper.Finish{PID: child.PID, Limit: patience, Grace: patience}); report.Late || report.Left != nil {
		t.Errorf("%+v", report)
	}
}

// TestKeeperHurriesWhenItsOwnerHasNoTime: who takes long to stop is killed when the context ends.
func TestKeeperHurriesWhenItsOwnerHasNoTime(t *testing.T) {
	t.Parallel()
	dir, k := t.TempDir(), start(t)
	child, err := k.Start(shell(dir, stubborn))
	if err != nil {
		t.Fatal(err)
	}
	pidIn(t, dir, "daemon")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	report, err := k.Finish(ctx, keeper.Finish{PID: child.PID, Limit: time.Hour}, time.Millisecond)
	if err != nil || !report.Late {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestKilledOwnerLeavesNothing: neither processes nor the directory.
func TestKilledOwnerLeavesNothing(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	owner := exec.Command(self, "own", dir)
	owner.Stderr = os.Stderr
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	first, _, _ := strings.Cut(line, " ")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatalf("the owner said %q", line)
	}
	pids := []int{pid, pidIn(t, dir, "daemon")}
	owner.Process.Kill()
	owner.Wait()
	for _, pid := range pids {
		until(t, fmt.Sprintf("the end of %d", pid), func() bool { return !isAlive(pid) })
	}
	until(t, "the directory to go", func() bool {
		_, err := os.Stat(dir)
		return os.IsNotExist(err)
	})
}

// pidIn waits for a file with a pid.
func pidIn(t *testing.T, dir, name string) (pid int) {
	t.Helper()
	until(t, name, func() bool {
		text, _ := os.ReadFile(filepath.Join(dir, name))
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return pid != 0
	})
	return pid
}

func isAlive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// until waits for a condition that nobody announces, so it looks again and again.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
