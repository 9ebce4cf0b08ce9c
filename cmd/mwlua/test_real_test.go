package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// testRun is a run of mwlua test, in a directory of its own: all that it leaves, files and processes, is found there.
type testRun struct {
	t     *testing.T
	dir   string // its working directory
	cmd   *exec.Cmd
	out   bytes.Buffer
	ended chan struct{}
}

// startTests starts mwlua test with a file of tests.
func startTests(t *testing.T, script string, args ...string) *testRun {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := &testRun{t: t, dir: dir, ended: make(chan struct{})}
	for name, text := range map[string]string{"a_test.lua": script, "daemon.pl": escapes, "stubborn.sh": stubborn} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(r.path("tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.cmd = exec.Command(testBinary(t), append([]string{"test"}, args...)...)
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = dir, &r.out, &r.out
	r.cmd.Env = append(os.Environ(), "MWLUA_TEST_MAIN=mwlua", "TMPDIR="+r.path("tmp"), "HERE="+dir, "GORACE=atexit_sleep_ms=0")
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // waits for the end of the run, which the cleanup brings about at the latest
		r.cmd.Wait()
		close(r.ended)
	}()
	t.Cleanup(func() {
		r.cmd.Process.Kill() // an error says that it has ended
		<-r.ended
		for _, pid := range processesIn(dir) {
			unix.Kill(pid, unix.SIGKILL)
		}
	})
	return r
}

// escapes is a program of which a daemon has left its parent, its session and its environment.
const escapes = `use POSIX;
if (!fork) {
	POSIX::setsid();
	exit if fork;
	%ENV = ();
	open(my $f, ">", "daemon.new"); print $f $$; close($f);
	rename("daemon.new", "daemon");
	exec("/bin/sleep", "1000");
}
wait;
exec("/bin/sleep", "1000");
`

// stubborn is a program that only SIGKILL ends.
const stubborn = `trap '' TERM INT HUP USR1
touch "$HERE/up-$1"
while :; do sleep 1000; done
`

func (r *testRun) path(name string) string { return filepath.Join(r.dir, name) }

// until waits for a condition that nobody announces.
func (r *testRun) until(what string, holds func() bool) {
	r.t.Helper()
	look := time.NewTicker(3 * time.Millisecond)
	defer look.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-look.C:
		case <-deadline:
			r.cmd.Process.Kill()
			<-r.ended
			r.t.Fatalf("waited in vain for %s\n%s", what, &r.out)
		}
	}
}

// exits waits for the end of the run, checks its status, and returns what it has written.
func (r *testRun) exits(want int) string {
	r.t.Helper()
	r.until("the end of mwlua test", func() bool {
		select {
		case <-r.ended:
			return true
		default:
			return false
		}
	})
	if got := r.cmd.ProcessState.ExitCode(); got != want {
		r.t.Errorf("it ended with %d, want %d\n%s", got, want, &r.out)
	}
	return r.out.String()
}

// leavesNothing checks that no process and no file is left.
func (r *testRun) leavesNothing() {
	r.t.Helper()
	for _, pid := range processesIn(r.dir) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		r.t.Errorf("%d is left: %q\n%s", pid, bytes.ReplaceAll(line, []byte{0}, []byte{' '}), &r.out)
	}
	if files, err := os.ReadDir(r.path("tmp")); err != nil || len(files) > 0 {
		r.t.Errorf("files are left: %v, %v", files, err)
	}
}

// up waits until a file of that name is there.
func (r *testRun) up(name string) {
	r.t.Helper()
	r.until(name, func() bool {
		_, err := os.Stat(r.path(name))
		return !errors.Is(err, os.ErrNotExist)
	})
}

func TestTestFailsWhenItLeavesAProcess(t *testing.T) {
	t.Parallel()
	r := startTests(t, `
test("daemon", function()
	local r = run { text = [[ program "web" { command = { "perl", env("HERE") .. "/daemon.pl" }, kill = "process" } ]] }
	while not r:read("daemon") do r:wait("web", "running") end
	print("daemon " .. r:read("daemon") .. " of " .. r:pid("web"))
end)
test("another one", function() run { text = [[ program "web" { command = { "sleep", "1000" } } ]] }:wait("web", "running") end)
`, "-j", "1")
	out := r.exits(exitFailed)
	r.leavesNothing()
	pid := regexp.MustCompile(`daemon (\d+) of`).FindStringSubmatch(out)
	if len(pid) == 0 || !strings.Contains(out, "a_test.lua:2: left behind: sleep ("+pid[1]+")\n") || !strings.Contains(out, "ok    another one") {
		t.Errorf("it is not told what was left:\n%s", out)
	}
}

// TestTestWithoutTimeLeavesNothing: one that ends by its limit while mwlua cannot stop a program.
func TestTestWithoutTimeLeavesNothing(t *testing.T) {
	t.Parallel()
	r := startTests(t, `
test("endless", function()
	local r = run { text = [[ program "web" { command = { "sh", env("HERE") .. "/stubborn.sh" }, stop_timeout = "1h" } ]] }
	r:wait("web", "failed", "1h")
end)
`, "-timeout", "1s")
	out := r.exits(exitFailed)
	r.leavesNothing()
	for _, want := range []string{"a_test.lua:4: it has not ended after 1s", "and then: mwlua had not ended after SIGTERM, and was killed; left behind: sh (", "web#1 started"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}

// twoTests are two tests that run at the same time.
const twoTests = `
local function both(own, other)
	return function()
		local r = run { text = [[ program "web" { command = { "sh", "-c", [=[
			touch "$HERE/$0"; until [ -e "$HERE/$1" ]; do sleep 0.01; done; echo met; exec sh "$HERE/stubborn.sh" "$0"
		]=], "]] .. own .. '", "' .. other .. [[" }, stop_timeout = "1h", restart = { delay = "1h" } }
		program "]] .. own .. [[" { command = { "sleep", "1000" } } ]] }
		r:expect_log("^met$", "20s")
		local code, out = r:ctl("status", "-o", "name")
		eq(out, "web\n" .. own .. "\n"); eq(code, 0); eq(r:children(), 2)
		if STAYS then r:wait("web", "failed", "1h") end
		r:kill("web")
	end
end
test("one", both("one", "other"))
test("other", both("other", "one"))
`

func TestTestsInParallelDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	r := startTests(t, strings.NewReplacer("STAYS", "false", `stop_timeout = "1h"`, `stop_timeout = "10ms"`).Replace(twoTests), "-j", "2")
	if out := r.exits(exitDone); !strings.Contains(out, "2 passed") {
		t.Errorf("they did not pass:\n%s", out)
	}
	r.leavesNothing()
}

// TestInterruptedTestLeavesNothing: Ctrl-C.
func TestInterruptedTestLeavesNothing(t *testing.T) {
	t.Parallel()
	r := startTests(t, strings.ReplaceAll(twoTests, "STAYS", "true"), "-j", "2")
	r.up("up-one")
	r.up("up-other")
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if out := r.exits(exitFailed); !strings.Contains(out, "given up: it was interrupted; test \"") {
		t.Errorf("it does not say so:\n%s", out)
	}
	r.leavesNothing()
}

// TestKilledTestLeavesNothing: what SIGKILL leaves no time for is done by others.
func TestKilledTestLeavesNothing(t *testing.T) {
	t.Parallel()
	r := startTests(t, strings.ReplaceAll(twoTests, "STAYS", "true"), "-j", "2")
	r.up("up-one")
	r.up("up-other")
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.exits(-1)
	r.until("all to go", func() bool {
		files, err := os.ReadDir(r.path("tmp"))
		return len(files) == 0 && err == nil && len(processesIn(r.dir)) == 0
	})
}
