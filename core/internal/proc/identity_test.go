package proc_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
)

func TestIdentifyTellsProcessesApart(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	first, err := proc.Identify(c.startSleeper(sleeper))
	must(t, err)
	again, err := proc.Identify(first.PID)
	must(t, err)
	second, err := proc.Identify(c.startSleeper(sleeper))
	must(t, err)
	if first != again {
		t.Errorf("one process is %+v and %+v", first, again)
	}
	if first == second || first.StartTime == 0 || first.BootID == "" || first.BootID != second.BootID {
		t.Errorf("two processes are %+v and %+v", first, second)
	}
}

func TestIdentifyFailsForNobody(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	gone := c.start(proc.Command{Argv: []string{"/bin/true"}})
	c.end(gone)
	for _, pid := range []int{gone, 1 << 30} {
		if got, err := proc.Identify(pid); err == nil {
			t.Errorf("Identify(%d) = %+v", pid, got)
		}
	}
}

// The name of a program stands in /proc/PID/stat as it is (proc(5)).
func TestProcessMayHaveAnyName(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	dir := t.TempDir()
	for _, name := range []string{") Z 1 1", "a b", "((", "))", "\n"} {
		must(t, os.Symlink("/bin/sleep", filepath.Join(dir, name)))
		pid := c.startSleeper(proc.Command{Argv: []string{"./" + name, "1000"}, Dir: dir})
		got, err := proc.Identify(pid)
		stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		fields := strings.Fields(string(stat[strings.LastIndex(string(stat), ")")+1:]))
		if err != nil || strconv.FormatUint(got.StartTime, 10) != fields[19] {
			t.Errorf("%q: Identify = %+v, %v; stat is %q", name, got, err, stat)
		}
		fd, err := proc.OpenPidfd(pid)
		must(t, err)
		if ws, known := fd.Fate(pid); known {
			t.Errorf("%q lives, and its fate is %#x", name, ws)
		}
	}
}

// TestFateIsKnownBeforeAndAfterCollecting: a guard is not told whether the new parent has collected already.
func TestFateIsKnownBeforeAndAfterCollecting(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	for _, test := range []struct {
		name string
		argv []string
		want proc.Exit
	}{
		{"exit 0", []string{"/bin/true"}, proc.Exit{}},
		{"exit 3", []string{"/bin/sh", "-c", "exit 3"}, proc.Exit{Code: 3}},
		{"exit 143", []string{"/bin/sh", "-c", "exit 143"}, proc.Exit{Code: 143}},
		{"SIGTERM", []string{"/bin/sh", "-c", "kill -TERM $$"}, killed(unix.SIGTERM)},
		{"SIGKILL", []string{"/bin/sh", "-c", "kill -KILL $$"}, killed(unix.SIGKILL)},
	} {
		t.Run(test.name, func(t *testing.T) {
			pid := c.start(proc.Command{Argv: test.argv})
			fd, err := proc.OpenPidfd(pid)
			must(t, err)
			defer unix.Close(int(fd))
			if i, err := proc.Wait([]proc.Pidfd{fd}, patience); i != 0 || err != nil {
				t.Fatalf("Wait = %d, %v", i, err)
			}
			checkFate(t, fd, pid, test.want)
			checkExit(t, c.end(pid), test.want)
			if i, err := proc.Wait([]proc.Pidfd{fd}, patience); i != 0 || err != nil {
				t.Errorf("once it was collected: Wait = %d, %v", i, err)
			}
			if kernelTellsFate() {
				checkFate(t, fd, pid, test.want)
			} else if ws, known := fd.Fate(pid); known {
				t.Errorf("the fate is %#x, and nobody can know it", ws)
			}
		})
	}
}

// kernelTellsFate is true from Linux 6.15 on.
func kernelTellsFate() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	major, rest, _ := strings.Cut(unix.ByteSliceToString(u.Release[:]), ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, _ := strconv.Atoi(major)
	y, _ := strconv.Atoi(minor)
	return x > 6 || x == 6 && y >= 15
}

func checkFate(t *testing.T, fd proc.Pidfd, pid int, want proc.Exit) {
	t.Helper()
	ws, known := fd.Fate(pid)
	switch {
	case !known:
		t.Errorf("its fate is not known, want %+v", want)
	case want.Signal != 0 && (!ws.Signaled() || int(ws.Signal()) != want.Signal),
		want.Signal == 0 && (!ws.Exited() || ws.ExitStatus() != want.Code):
		t.Errorf("its fate is %#x, want %+v", ws, want)
	}
}

func TestPidfdSignals(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	pid := c.start(proc.Command{Argv: []string{"/bin/sh", "-c", "sleep 1000 & sleep 1000 & wait"}, Env: os.Environ()})
	descendants := []proc.Pidfd{}
	until(t, "two grandchildren", func() bool {
		text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + strconv.Itoa(pid) + "/children")
		pids := strings.Fields(string(text))
		if len(pids) < 2 {
			return false
		}
		for _, p := range pids {
			n, _ := strconv.Atoi(p)
			fd, err := proc.OpenPidfd(n)
			must(t, err)
			descendants = append(descendants, fd)
		}
		return true
	})
	fd, err := proc.OpenPidfd(pid)
	must(t, err)
	must(t, fd.Signal(int(unix.SIGTERM), false))
	checkExit(t, c.end(pid), killed(unix.SIGTERM))
	if i, err := proc.Wait(descendants, 0); i != -1 || err != nil {
		t.Errorf("the signal was for the program alone, and %d (%v) has ended, too", i, err)
	}
	must(t, fd.Signal(int(unix.SIGTERM), false)) // it is gone: no error
	must(t, proc.Signal(pid, int(unix.SIGKILL), true))
	for _, d := range descendants {
		if i, err := proc.Wait([]proc.Pidfd{d}, patience); i != 0 || err != nil {
			t.Errorf("a grandchild did not end: Wait = %d, %v", i, err)
		}
	}
}

func TestPidfdSignalsTheProcessGroup(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	pid := c.start(proc.Command{Argv: []string{"/bin/sh", "-c", "sleep 1000 & wait"}, Env: os.Environ()})
	var grandchild proc.Pidfd
	until(t, "the grandchild", func() bool {
		text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + strconv.Itoa(pid) + "/children")
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err == nil {
			grandchild, err = proc.OpenPidfd(n)
		}
		return err == nil
	})
	fd, err := proc.OpenPidfd(pid)
	must(t, err)
	must(t, fd.Signal(int(unix.SIGKILL), true))
	checkExit(t, c.end(pid), killed(unix.SIGKILL))
	if i, err := proc.Wait([]proc.Pidfd{grandchild}, patience); i != 0 || err != nil {
		t.Errorf("the grandchild did not end: Wait = %d, %v", i, err)
	}
}

func TestWaitReturnsTheOneThatEnded(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	fds, pids := make([]proc.Pidfd, 3), make([]int, 3)
	for i := range fds {
		pids[i] = c.start(sleeper)
		fd, err := proc.OpenPidfd(pids[i])
		must(t, err)
		fds[i] = fd
	}
	wait := func(timeout time.Duration, want int) {
		t.Helper()
		if i, err := proc.Wait(fds, timeout); i != want || err != nil {
			t.Errorf("Wait(%v) = %d, %v, want %d", timeout, i, err, want)
		}
	}
	wait(0, -1)
	wait(time.Millisecond, -1)
	for n, i := range []int{1, 2, 0} {
		must(t, proc.Signal(pids[i], int(unix.SIGKILL), false))
		limit := patience
		if n == 1 {
			limit = -1 // none
		}
		wait(limit, i)
		fds[i] = -1
	}
	wait(0, -1) // nobody is left
	c.until("all", func() bool { return len(c.exits) == 3 })
}

// TestWaitIsNotDisturbedBySignals: Go's runtime sends SIGURG to its own threads, and SIGWINCH comes from a terminal. An EINTR
// taken for an end made the guard think that its master was alive, or an instance gone.
func TestWaitIsNotDisturbedBySignals(t *testing.T) {
	if !alone(t) {
		return
	}
	must(t, proc.Own())
	c := newChildren(t)
	pid := c.start(sleeper)
	fd, err := proc.OpenPidfd(pid)
	must(t, err)

	thread, stop, sent := unix.Gettid(), make(chan struct{}), make(chan int)
	go func() { // sends until the test is over, then how many
		runtime.LockOSThread()
		for n := 0; ; n++ {
			select {
			case <-stop:
				sent <- n
				return
			default:
				unix.Tgkill(os.Getpid(), thread, unix.SIGURG)
				unix.Tgkill(os.Getpid(), thread, unix.SIGWINCH)
				runtime.Gosched()
			}
		}
	}()
	const limit = 300 * time.Millisecond
	begin := proc.Monotonic()
	i, err := proc.Wait([]proc.Pidfd{fd}, limit)
	if took := time.Duration(proc.Monotonic() - begin); i != -1 || err != nil || took < limit {
		t.Errorf("Wait(%v) = %d, %v after %v, want -1 after the limit", limit, i, err, took)
	}
	time.AfterFunc(50*time.Millisecond, func() { unix.Kill(pid, unix.SIGKILL) })
	if i, err := proc.Wait([]proc.Pidfd{fd}, -1); i != 0 || err != nil {
		t.Errorf("Wait = %d, %v, want 0", i, err)
	}
	close(stop)
	if n := <-sent; n < 100 {
		t.Errorf("only %d signals were sent: the test has shown nothing", n)
	}
	checkExit(t, c.end(pid), killed(unix.SIGKILL))
}
