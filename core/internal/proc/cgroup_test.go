package proc_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/program"
)

// newCGroup makes a cgroup for the time of a test, or skips it where none can be made.
func newCGroup(t testing.TB, name string) (dir string, fd int) {
	t.Helper()
	root, err := proc.CGroupRoot()
	if err != nil {
		t.Skip(err)
	}
	dir, fd, err = proc.MakeCGroup(root, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Close(fd)
		if err := proc.RemoveCGroup(dir); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	})
	return dir, fd
}

// inCGroup starts an instance in a cgroup of its own.
func (u *units) inCGroup(n int, script string, more proc.Command) (*proc.Unit, []int) {
	u.t.Helper()
	dir, fd := newCGroup(u.t, "web#3/\n%é")
	more.CGroup = fd
	unit, pids := u.start(program.KillUnit, n, script, more)
	unit.CGroup = dir
	return unit, pids
}

// With a cgroup everything is found, and nothing else.
func TestSurvivorsInACGroup(t *testing.T) {
	if !alone(t) {
		return
	}
	for name, more := range map[string]proc.Command{"plain": {}, "by a shim": {Limits: noCore}} {
		t.Run(name, func(t *testing.T) {
			u := newUnits(t)
			unit, pids := u.inCGroup(1, daemon("env -i"), more)
			orphaned(t, pids[1])
			stranger := u.startSleeper(sleeper)
			u.running[stranger] = true
			for _, pid := range pids {
				if !proc.Belongs(*unit, pid, u.mine) {
					t.Errorf("%d of %v does not belong to it", pid, pids)
				}
			}
			if proc.Belongs(*unit, stranger, u.mine) || proc.Belongs(*unit, os.Getpid(), u.mine) {
				t.Error("strangers belong to it")
			}
			must(t, os.Mkdir(filepath.Join(unit.CGroup, "below"), 0o755)) // as a program may that manages others
			must(t, os.WriteFile(filepath.Join(unit.CGroup, "below/cgroup.procs"), []byte(statusField(pids[1], "Pid")), 0))
			u.stop(unit)
			if left := u.left(unit); !slices.Contains(left, pids[1]) || slices.Contains(left, stranger) {
				t.Errorf("%v survive, want %d", left, pids[1])
			}
			if !proc.Belongs(*unit, pids[1], u.mine) {
				t.Error("what is below does not belong to it")
			}
			if err := proc.RemoveCGroup(unit.CGroup); err == nil {
				t.Error("a cgroup with processes was removed")
			}
			must(t, proc.SignalUnit(*unit, int(unix.SIGUSR1), u.mine))
			u.until("the signal to be felt", func() bool { u.collect(); return !alive(pids[1]) })
			u.empty(unit)
			if !alive(stranger) {
				t.Error("a stranger was signalled")
			}
			delete(u.running, u.kill(stranger))
		})
	}
}

func TestCGroupIsKilledAtOnce(t *testing.T) {
	if !alone(t) {
		return
	}
	u := newUnits(t)
	unit, pids := u.inCGroup(1, `setsid env -i sh -c 'echo $$; while :; do sleep 1000 & sleep 0.01; done' & wait`, proc.Command{})
	must(t, proc.SignalUnit(*unit, int(unix.SIGKILL), nil))
	u.running = map[int]bool{}
	u.none()
	u.checkLeft(unit)
	if alive(pids[1]) {
		t.Error("it is alive")
	}
	must(t, proc.RemoveCGroup(unit.CGroup))
	u.checkLeft(unit) // of one that does not exist
	must(t, proc.SignalUnit(*unit, int(unix.SIGKILL), nil))
	must(t, proc.RemoveCGroup(unit.CGroup))
}

func TestCGroupMayHaveAnyName(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range []string{"web#3", "a/b", "..", "", "\n", "a%2fb", "\xff", "é", strings.Repeat("/", 4096), strings.Repeat("/", 4095)} {
		dir, fd := newCGroup(t, name)
		if root, _ := proc.CGroupRoot(); filepath.Dir(dir) != root || seen[dir] || fd < 3 {
			t.Errorf("%.20q is in %q, descriptor %d", name, dir, fd)
		}
		seen[dir] = true
	}
}

// One that an earlier process with our pid has left is used again.
func TestCGroupIsUsedAgainIfItIsEmpty(t *testing.T) {
	if !alone(t) {
		return
	}
	u := newUnits(t)
	dir, _ := newCGroup(t, "again")
	root := filepath.Dir(dir)
	same, fd, err := proc.MakeCGroup(root, "again")
	must(t, err)
	if same != dir {
		t.Errorf("it is %q, then %q", dir, same)
	}
	pid := u.children.start(proc.Command{Argv: sleeper.Argv, CGroup: fd})
	unix.Close(fd)
	if _, _, err := proc.MakeCGroup(root, "again"); err == nil || !strings.Contains(err.Error(), "cannot make cgroup") {
		t.Errorf("it is shared: %v", err)
	}
	u.end(u.kill(pid))
}

func TestStartSaysThatACGroupIsGone(t *testing.T) {
	if !alone(t) {
		return
	}
	dir, fd := newCGroup(t, "gone")
	must(t, proc.RemoveCGroup(dir))
	for _, limits := range [][]proc.Limit{nil, noCore} {
		pid, err := proc.Start(proc.Command{Argv: []string{"/bin/true"}, CGroup: fd, Limits: limits})
		var failed *proc.StartError
		if !errors.As(err, &failed) || failed.Step != "cgroup" || failed.Err != unix.ENODEV && failed.Err != unix.ENOENT {
			t.Errorf("Start = %d, %+v", pid, err)
		}
	}
	none(t)
}

func TestCGroupRootSaysWhyNot(t *testing.T) {
	if !alone(t) {
		return
	}
	if os.Getuid() == 0 {
		must(t, unix.Setuid(nobody))
	}
	if root, err := proc.CGroupRoot(); err == nil {
		t.Skipf("nobody may make cgroups in %s here", root)
	} else if !strings.Contains(err.Error(), "cgroup") {
		t.Error(err)
	}
}

func TestCGroupsAreFoundWhereTheyAreMounted(t *testing.T) {
	const v1 = "30 25 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
	for _, test := range []struct{ path, mounts, want string }{
		{"/", v1 + "31 25 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup/unified"},
		{"/a/b", v1 + "31 25 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n", "/sys/fs/cgroup/a/b"},
		{"/a/b", "31 25 0:27 /a /mnt/with\\040space rw - cgroup2 none rw\n", "/mnt/with space/b"},
		{"/a/b", "31 25 0:27 /a/b /mnt rw - cgroup2 none rw\n", "/mnt"},
		{"/ab", "31 25 0:27 /a /mnt rw - cgroup2 none rw\n", ""},
		{"/a", "31 25 0:27 /b /one rw - cgroup2 none rw\n31 25 0:27 /a /two rw - cgroup2 none rw\n", "/two"},
		{"/../x", "31 25 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", ""}, // outside of our namespace
		{"/", v1, ""},
		{"/", "", ""},
	} {
		if got, err := proc.CGroupAt(test.path, test.mounts); got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s is at %q, %v, want %q", test.path, got, err, test.want)
		}
	}
}

// BenchmarkCGroup is a start, its collection, and what a cgroup of its own costs beside them.
func BenchmarkCGroup(b *testing.B) {
	if err := proc.Own(); err != nil {
		b.Fatal(err)
	}
	root, err := proc.CGroupRoot()
	if err != nil {
		b.Skip(err)
	}
	run := func(b *testing.B, fd int) {
		pid, err := proc.Start(proc.Command{Argv: []string{"/bin/true"}, CGroup: fd})
		if err != nil {
			b.Fatal(err)
		}
		proc.Await(pid)
	}
	b.Run("without", func(b *testing.B) {
		for b.Loop() {
			run(b, 0)
		}
	})
	b.Run("with", func(b *testing.B) {
		for b.Loop() {
			dir, fd, err := proc.MakeCGroup(root, "bench")
			if err != nil {
				b.Fatal(err)
			}
			run(b, fd)
			unix.Close(fd)
			if err := proc.RemoveCGroup(dir); err != nil {
				b.Fatal(err)
			}
		}
	})
}
