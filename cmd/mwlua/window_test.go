package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What follows are the defects that HAProxy has around a reload, one test each, under the number of the fact.

// TestReloadDuringAStopIsRefused: H-6.15, T-3. HAProxy forgets the stop and starts everything again.
func TestReloadDuringAStopIsRefused(t *testing.T) {
	w := newWindow(t, section("a", "ignore=TERM"))
	a := w.started("a#1")
	w.logged(windowOK, 1)
	w.signal(unix.SIGTERM)
	w.told(a, "TERM")
	for i, s := range []unix.Signal{unix.SIGUSR2, unix.SIGHUP} {
		w.signal(s)
		w.logged("mwlua is stopping", i+1)
	}
	w.must(unix.Kill(a, unix.SIGALRM))
	w.exits(0)
	w.checkLog(`\[NOTICE\].* : no reload \(SIGUSR2\): mwlua is stopping`)
	if n := w.count("forked"); n != 1 {
		t.Errorf("%d instances were started, want 1%s", n, w.files())
	}
}

// TestStopDoesNotWaitForATrial: H-6.14. A stop that comes while a reload is under way is carried out at once.
func TestStopDoesNotWaitForATrial(t *testing.T) {
	for _, s := range []struct {
		signal unix.Signal
		name   string
		status int
	}{{unix.SIGTERM, "TERM", 0}, {unix.SIGINT, "INT", 130}, {unix.SIGUSR1, "USR1", 0}} {
		t.Run(s.name, func(t *testing.T) {
			w := newWindow(t, "", fifo)
			w.feed(section("a"))
			a := w.started("a#1")
			w.logged(windowOK, 1)
			w.signal(unix.SIGUSR2)
			w.must(unix.Kill(w.helper(a), unix.SIGSTOP)) // a trial that does not even end by itself
			w.signal(s.signal)
			w.exits(s.status)
			w.told(a, s.name+":dies")
			w.checkLog(`\[NOTICE\].* : the reload under way \(SIGUSR2\) is given up: a stop was asked for`)
		})
	}
}

// TestStopDoesNotWaitForTheNewImage: H-6.14. As above, after the hand-over, while the new image reads the configuration.
func TestStopDoesNotWaitForTheNewImage(t *testing.T) {
	w := newWindow(t, "", fifo)
	w.feed(section("a"))
	a := w.started("a#1")
	w.logged(windowOK, 1)
	w.signal(unix.SIGUSR2)
	w.feed(section("b")) // to the trial
	w.hasOnly(a)         // the guard has gone: the new image is up
	w.signal(unix.SIGTERM)
	w.exits(0)
	w.told(a, "TERM:dies")
	w.checkLog(`\[NOTICE\].* : the reload under way \(SIGUSR2\) is given up: a stop was asked for`)
	if w.count("'b'") > 0 {
		t.Errorf("b was started%s", w.files())
	}
}

// TestConfigurationThatChangesAfterTheTrialChangesNothing: the new image finds another one than the trial did, and it is no good.
func TestConfigurationThatChangesAfterTheTrialChangesNothing(t *testing.T) {
	w := newWindow(t, "", fifo)
	w.feed(section("a"))
	a := w.started("a#1")
	w.logged(windowOK, 1)
	w.signal(unix.SIGUSR2)
	w.feed(section("a"))
	w.feed("program a\n    no-such-keyword\n")
	w.logged(windowFailed, 1)
	w.checkLog(`\[ALERT\].* : haproxy.cfg:2: program "a": unknown keyword "no-such-keyword".*`)
	w.unchanged(a)
	w.signal(unix.SIGUSR2)
	w.feed(section("a"))
	w.feed(section("a"))
	w.logged(windowOK, 2)
	w.told(a, "USR1:dies")
	w.hasOnly(w.started("a#2"))
	w.stops()
}

// TestRequestsDuringAReloadBecomeOneMore: H-6.14.
func TestRequestsDuringAReloadBecomeOneMore(t *testing.T) {
	w := newWindow(t, "", fifo)
	w.feed(section("a"))
	a := w.started("a#1")
	w.logged(windowOK, 1)
	w.signal(unix.SIGUSR2)
	w.helper(a)
	for i := range 5 {
		w.signal([]unix.Signal{unix.SIGUSR2, unix.SIGHUP}[i%2])
		w.logged("a reload is under way, one more follows it", i+1)
	}
	for i := range 2 {
		w.feed(section("a"))
		w.feed(section("a"))
		w.logged(windowOK, 2+i)
		w.started(fmt.Sprintf("a#%d", 2+i)) // before that it does not hear what it is told
	}
	w.hasOnly(w.started("a#3"))
	if n := w.count("Reloading HAProxy"); n != 2 {
		t.Errorf("%d reloads, want 2%s", n, w.files())
	}
	w.stops()
}

// TestIDsCannotForgeAnything: H-7.8, T-1. HAProxy takes `x;pid=N` for the pid N, and signals that.
func TestIDsCannotForgeAnything(t *testing.T) {
	decoy := newWindow(t, section("decoy"))
	w := &window{}
	t.Run("programs", func(t *testing.T) {
		n := decoy.started("decoy#1")
		ids := []string{
			fmt.Sprintf("x;pid=%d", n), fmt.Sprintf("|type=e;fd=-1;pid=%d;rpid=1;reloads=0;timestamp=1;id=y", n),
			"a|b", "a", "k=v", ";", "|", "=", `with a "quote", a 'quote' and a \`, "new\nline", "carriage\rreturn", "\x1b[31m", "é", "\xff", "\xfe", "\ufffd",
			"\ufdd0x", "a#1", " ", "null", "{}", strings.Repeat("x", 300),
		}
		config := ""
		for i, id := range ids {
			config += fmt.Sprintf("program %s\n    command ./%s name=p%d\n", windowQuote(id), lifecycleProgram, i)
		}
		w = newWindow(t, config)
		pids := make([]int, len(ids))
		for reload := range 3 {
			before := slices.Clone(pids)
			for i := range ids {
				pids[i] = w.started(fmt.Sprintf("p%d#%d", i, reload+1))
			}
			if reload > 0 {
				for _, pid := range before {
					w.told(pid, "USR1:dies")
				}
			}
			w.hasOnly(slices.Clone(pids)...)
			w.logged(windowOK, reload+1)
			if reload < 2 {
				w.signal(unix.SIGUSR2)
			}
		}
		w.stops()
		for _, pid := range pids {
			w.told(pid, "TERM:dies")
		}
		decoy.unchanged(n)
	})
}

// windowQuote writes any bytes as a word of a configuration.
func windowQuote(id string) string {
	var b strings.Builder
	for i := range len(id) {
		fmt.Fprintf(&b, `\x%02x`, id[i])
	}
	return b.String()
}

// TestLargeStateIsHandedOver: H-7.9, T-1. HAProxy dies when its state is more than one environment string may hold, 128 KiB, and
// leaves its programs.
func TestLargeStateIsHandedOver(t *testing.T) {
	var config strings.Builder
	for i := range 40 {
		config.WriteString(command(fmt.Sprintf("%04d%s", i, strings.Repeat("x", 3600-4)), "sleep 1000"))
	}
	for i := range 300 {
		config.WriteString(sleeper(fmt.Sprintf("p%d", i)))
	}
	w := newWindow(t, config.String())
	w.logged(windowOK, 1)
	for range 3 {
		before := w.children()
		w.reload(windowOK)
		w.until("340 programs in the place of 340", func() bool {
			now := w.children()
			return len(now) == 340 && !slices.ContainsFunc(now, func(pid int) bool { return slices.Contains(before, pid) })
		})
	}
	if n := len(windowThreads(w.pid())); n > 20 {
		t.Errorf("%d threads", n)
	}
	w.stops()
	if n := w.count("forked"); n != 4*340 {
		t.Errorf("%d instances were started, want %d", n, 4*340)
	}
}

func windowThreads(pid int) []os.DirEntry {
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	return threads
}

// TestFailedExecAfterAReloadIsAFailure: H-6.30b, T-9. In HAProxy the child becomes a second master, and its exit looks like a success.
func TestFailedExecAfterAReloadIsAFailure(t *testing.T) {
	t.Run("exit-on-failure", func(t *testing.T) {
		w := newWindow(t, global+section("a"))
		w.started("a#1")
		w.logged(windowOK, 1)
		w.write(configFile, global+section("a")+missing("b"))
		w.signal(unix.SIGUSR2)
		w.exits(1)
		w.checkLog(`\[WARNING\].* : Former program 'a' .*`) // ended by SIGUSR1, or by the SIGTERM that follows
		w.checkLog(`\[ALERT\].* : Cannot execute ./missing: No such file or directory`)
		w.checkLog(`\[ALERT\].* : exit-on-failure: killing every processes with SIGTERM`)
	})
	t.Run("no-exit-on-failure", func(t *testing.T) {
		w := newWindow(t, goOn+section("a"))
		a := w.started("a#1")
		w.logged(windowOK, 1)
		w.write(configFile, goOn+section("a")+missing("b"))
		w.reload(windowOK)
		w.told(a, "USR1:dies")
		w.hasOnly(w.started("a#2"))
		w.checkLog(`\[ALERT\].* : Cannot execute ./missing: No such file or directory`)
		w.write(configFile, goOn+section("a")+section("b"))
		w.reload(windowOK)
		w.hasOnly(w.started("a#3"), w.started("b#1"))
		w.stops()
	})
}

// windowEnds makes a testProgram exit, waits until it has, and becomes the rest of its arguments. A shell would collect the dead.
const windowEnds = `my $pid = shift; kill ALRM => $pid; my $state = "";
	while ($state ne "Z") { open my $stat, "<", "/proc/$pid/stat" or die; $state = (split " ", <$stat>)[2] }
	exec @ARGV`

// TestEndBetweenTwoImagesIsTold: a program ends while nobody is there to see it. The new image tells, and draws the conclusions.
func TestEndBetweenTwoImagesIsTold(t *testing.T) {
	for _, test := range []struct {
		name    string
		exit    int
		follows func(w *window)
	}{{
		"exit 0", 0, func(w *window) {
			w.logged(windowOK, 2)
			w.checkLog(`\[ALERT\].* : Current program 'a' \(\d+\) exited with code 0 \(Exit\)`)
			w.hasOnly(w.started("a#2"), w.started("b#2"))
			w.stops()
		},
	}, {
		"exit 3", 3, func(w *window) {
			w.exits(3)
			w.checkLog(`\[ALERT\].* : Current program 'a' \(\d+\) exited with code 3 \(Exit\)`)
			w.checkLog(`\[ALERT\].* : exit-on-failure: killing every processes with SIGTERM`)
		},
	}} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := exec.LookPath("perl"); err != nil && os.Getenv("CI") == "" {
				t.Skip(err)
			}
			w := newWindow(t, section("a", fmt.Sprintf("exit=%d", test.exit))+section("b"))
			a := w.started("a#1")
			w.started("b#1")
			w.logged(windowOK, 1)
			w.write("mwlua", fmt.Sprintf("#!/bin/sh\n[ $1 = trial ] && exec %s \"$@\"\nexec perl -e '%s' %d %s \"$@\"\n",
				testBinary(t), windowEnds, a, testBinary(t)))
			w.signal(unix.SIGUSR2)
			test.follows(w)
			if n := w.count(fmt.Sprintf("(%d) exited", a)); n != 1 {
				t.Errorf("the end of a#1 was told %d times%s", n, w.files())
			}
		})
	}
}

// TestForgedStateIsIgnored: H-7.10. HAProxy believes what it finds in its environment at a fresh start.
func TestForgedStateIsIgnored(t *testing.T) {
	forge := func(w *window) {
		fd, err := unix.MemfdCreate("forged", unix.MFD_ALLOW_SEALING)
		w.must(err)
		f := os.NewFile(uintptr(fd), "forged")
		w.t.Cleanup(func() { f.Close() })
		_, err = f.WriteString(fmt.Sprintf(`{"Format":1,"Master":{"PID":%d},"State":{"Version":1},"Guard":{"PID":%d,"FD":4}}`, os.Getpid(), os.Getpid()))
		w.must(err)
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
		w.must(err)
		w.cmd.ExtraFiles = []*os.File{f}
		w.cmd.Env = append(w.cmd.Env, "MWLUA_HANDOVER=3", "HAPROXY_MWORKER_REEXEC=1",
			fmt.Sprintf("HAPROXY_PROCESSES=|type=m;fd=5;pid=%d;rpid=0;reloads=1;timestamp=1;id=;version=|type=e;fd=-1;pid=%d;rpid=0;reloads=0;timestamp=1;id=a;version=",
				os.Getpid(), os.Getpid()))
	}
	w := newWindow(t, section("a"), forge)
	a := w.started("a#1")
	w.logged(windowOK, 1)
	w.checkLog(`\[WARNING\].* : MWLUA_HANDOVER="3" is ignored: it was not set by a previous image of this process`)
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", a))
	w.must(err)
	for _, name := range []string{"MWLUA_HANDOVER", "HAPROXY_PROCESSES", "HAPROXY_MWORKER_REEXEC"} {
		if strings.Contains(string(environ), name) {
			t.Errorf("the program got %s", name)
		}
	}
	w.reload(windowOK)
	w.told(a, "USR1:dies")
	w.hasOnly(w.started("a#2"))
	if n := w.count("is ignored"); n != 1 {
		t.Errorf("it was told %d times%s", n, w.files())
	}
	w.stops()
}

// TestReloadLeavesNothingBehind: no descriptor, no thread, no process, whether it works or fails.
func TestReloadLeavesNothingBehind(t *testing.T) {
	w := newWindow(t, section("a"))
	w.started("a#1")
	w.reload(windowOK)
	last := w.started("a#2")
	w.hasOnly(last)
	before := w.descriptors()
	for i := range 20 {
		w.reload(windowOK)
		last = w.started(fmt.Sprintf("a#%d", i+3))
		w.hasOnly(last)
	}
	w.holds(before)

	w.write(configFile, "")
	w.reload(windowFailed) // the first one makes the runtime open what it keeps
	before = w.descriptors()
	for range 10 {
		w.reload(windowFailed)
		w.unchanged(last)
	}
	w.holds(before)

	w.must(os.Remove(w.path("mwlua")))
	for range 10 {
		w.reload(windowFailed)
		w.unchanged(last)
	}
	w.holds(before)
	w.stops()
}

// holds waits until mwlua has no other descriptors than these, and none of a hand-over, and checks that it has few threads.
func (w *window) holds(kinds []string) {
	w.t.Helper()
	w.until(fmt.Sprintf("the descriptors %q", kinds), func() bool { return slices.Equal(w.descriptors(), kinds) })
	for _, kind := range kinds {
		if kind == "socket" || strings.HasPrefix(kind, "/memfd:") {
			w.t.Errorf("it holds a descriptor of a hand-over: %q", kinds)
		}
	}
	if n := len(windowThreads(w.pid())); n > 20 {
		w.t.Errorf("it has %d threads", n)
	}
}

// descriptors are what mwlua holds, by kind.
func (w *window) descriptors() (kinds []string) {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", w.pid()))
	for _, e := range entries {
		target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", w.pid(), e.Name()))
		if err == nil {
			kind, _, _ := strings.Cut(target, ":[")
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// TestIdleMwluaSleeps: nothing in it wakes up when nothing happens, after a reload as before.
func TestIdleMwluaSleeps(t *testing.T) {
	w := newWindow(t, section("a")+section("b"))
	w.logged(windowOK, 1)
	w.started("a#1")
	w.started("b#1")
	w.sleeps()
	w.reload(windowOK)
	w.hasOnly(w.started("a#2"), w.started("b#2"))
	w.sleeps()
	w.stops()
}

// sleeps waits for two seconds in which mwlua wakes up at most twice. Go's runtime comes to rest some time after a load.
func (w *window) sleeps() {
	w.t.Helper()
	var woke []int
	for range 4 {
		before := windowSwitches(w.pid())
		<-time.After(2 * time.Second)
		woke = append(woke, windowSwitches(w.pid())-before)
		if woke[len(woke)-1] <= 2 {
			return
		}
	}
	w.t.Errorf("in four times 2 s it woke up %v times%s", woke, w.files())
}

// windowSwitches counts how often the threads of a process went to sleep.
func windowSwitches(pid int) (n int) {
	for _, thread := range windowThreads(pid) {
		var m int
		fmt.Sscan(statusField(fmt.Sprintf("/proc/%d/task/%s/status", pid, thread.Name()), "voluntary_ctxt_switches"), &m)
		n += m
	}
	return n
}

// TestProgramsRunOnWithoutMwlua: H-6.29. SIGKILL cannot be carried out by anybody, so it stops nothing.
func TestProgramsRunOnWithoutMwlua(t *testing.T) {
	w := newWindow(t, section("a")+section("b"))
	pids := []int{w.started("a#1"), w.started("b#1")}
	w.logged(windowOK, 1)
	w.signal(unix.SIGKILL)
	w.until("the end of mwlua", w.isGone)
	for _, pid := range pids {
		w.must(unix.Kill(pid, unix.SIGALRM)) // it would tell of what came before
		w.told(pid, "exit:0")
	}
}

// TestKilledTrialChangesNothing: somebody, or the kernel that is out of memory, kills the trial.
func TestKilledTrialChangesNothing(t *testing.T) {
	w := newWindow(t, "", fifo)
	w.feed(section("a"))
	a := w.started("a#1")
	w.logged(windowOK, 1)
	for i := range 3 {
		w.signal(unix.SIGUSR2)
		w.must(unix.Kill(w.helper(a), unix.SIGKILL))
		w.logged(windowFailed, i+1)
		w.unchanged(a)
	}
	w.checkLog(`\[ALERT\].* : the trial of .*/mwlua gave no answer.*`)
	w.signal(unix.SIGUSR2)
	w.feed(section("a"))
	w.feed(section("a"))
	w.logged(windowOK, 2)
	w.told(a, "USR1:dies")
	w.hasOnly(w.started("a#2"))
	w.stops()
}

// TestKilledGuardIsNoHarm kills the trial, or the guard that it has become, at a random moment after it got its configuration.
// The reload fails and changes nothing, or it works.
func TestKilledGuardIsNoHarm(t *testing.T) {
	w := newWindow(t, "", fifo)
	w.feed(section("a"))
	a, instances := w.started("a#1"), 1
	w.logged(windowOK, 1)
	for range 40 {
		worked, failed := w.count(windowOK), w.count(windowFailed)
		w.signal(unix.SIGUSR2)
		guard := w.helper(a)
		w.until("the trial", func() bool { return w.give(section("a")) })
		<-time.After(time.Duration(rand.Int64N(int64(time.Millisecond))))
		if runsIn(w.dir, guard) { // it cannot be anybody else: mwlua has hardly had the time to collect it
			unix.Kill(guard, unix.SIGKILL)
		}
		w.until("the end of the reload", func() bool {
			w.give(section("a")) // to the new image
			return w.count(windowOK) > worked || w.count(windowFailed) > failed
		})
		if w.count(windowOK) > worked {
			instances++
			w.told(a, "USR1:dies")
			a = w.started(fmt.Sprintf("a#%d", instances))
		}
		w.unchanged(a)
	}
	t.Logf("%d of 40 reloads worked", instances-1)
	w.stops()
}

var windowOpenFiles = regexp.MustCompile(`(?m)^Max open files +256 `)

// TestProgramsAreBornAlikeBeforeAndAfterAReload: T-15, T-16, T-40, H-5.8. In HAProxy the ignored signals, the open
// descriptors and the limits of a program depend on how the master was started and how often it was reloaded.
func TestProgramsAreBornAlikeBeforeAndAfterAReload(t *testing.T) {
	w := newWindow(t, sleeper("a"), func(w *window) {
		null, err := os.Open(os.DevNull)
		w.must(err)
		w.t.Cleanup(func() { null.Close() })
		w.cmd.ExtraFiles = []*os.File{null, null, null}
		shell := `ulimit -Sn 256; trap "" HUP QUIT USR1 USR2 PIPE ALRM TERM CHLD TSTP TTIN TTOU PROF WINCH 50; exec "$@"`
		w.cmd.Args = append([]string{"/bin/sh", "-c", shell, "sh"}, w.cmd.Args...)
		w.cmd.Path = w.cmd.Args[0]
	})
	for i := range 4 {
		w.logged(windowOK, i+1)
		w.until("one program", func() bool { return len(w.children()) == 1 })
		a := w.children()[0]
		for _, field := range []string{"SigIgn", "SigBlk", "SigCgt", "SigPnd", "ShdPnd"} {
			if got := statusField(fmt.Sprintf("/proc/%d/status", a), field); strings.Trim(got, "0") != "" || got == "" {
				t.Errorf("after %d reloads: %s is %q, want none", i, field, got)
			}
		}
		if limits, _ := os.ReadFile(fmt.Sprintf("/proc/%d/limits", a)); !windowOpenFiles.Match(limits) {
			t.Errorf("after %d reloads: it may not open 256 files:\n%s", i, limits)
		}
		w.until("descriptors 0, 1 and 2", func() bool { // at its start it opens libraries
			entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", a))
			return len(entries) == 3 && entries[2].Name() == "2"
		})
		w.signal(unix.SIGUSR2)
	}
	w.logged(windowOK, 5)
	w.stops()
}
