package proc_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/program"
)

// units are instances of a test, whose process is a master.
type units struct {
	*children
	t       *testing.T
	running map[int]bool // what is not to be taken for a survivor
	started []*proc.Unit
}

func newUnits(t *testing.T) *units {
	must(t, proc.Own())
	must(t, proc.Subreaper())
	proc.DefaultIgnored()
	must(t, proc.CloseOnExec())
	u := &units{children: newChildren(t), t: t, running: make(map[int]bool)}
	t.Cleanup(func() {
		for pid := range u.running { // of a test that failed
			u.end(u.kill(pid))
		}
		for _, unit := range u.started {
			unit.Kill = program.KillUnit
			u.empty(unit)
		}
	})
	return u
}

func (u *units) mine(pid int) bool { return u.running[pid] }

// start starts an instance that runs a shell script, which says the pids of n processes: these are returned after its own.
func (u *units) start(kill program.Kill, n int, script string, commands ...proc.Command) (*proc.Unit, []int) {
	u.t.Helper()
	read, written, err := os.Pipe()
	must(u.t, err)
	defer read.Close()
	command := proc.Command{}
	if len(commands) > 0 {
		command = commands[0]
	}
	mark := fmt.Sprintf("MWLUA_INSTANCE=web#%d", len(u.started))
	command.Argv, command.Env = []string{"/bin/sh", "-c", script}, []string{"PATH=/bin:/usr/bin", "MWLUA=1", mark}
	command.Files, command.Stdio[2] = []uintptr{0, written.Fd(), 2}, "/dev/null"
	pids := []int{u.children.start(command)}
	written.Close()
	unit := proc.NewUnit(pids[0], kill, "MWLUA=1", mark)
	u.running[pids[0]] = true
	u.started = append(u.started, &unit)
	for words := bufio.NewScanner(read); len(pids) <= n && words.Scan(); {
		pid, err := strconv.Atoi(words.Text())
		must(u.t, err)
		pids = append(pids, pid)
	}
	if len(pids) != n+1 {
		u.t.Fatalf("it has the processes %v, want %d more than its own", pids, n)
	}
	return &unit, pids
}

// stop ends the leader and collects it.
func (u *units) stop(unit *proc.Unit) {
	u.t.Helper()
	pid := unit.Leaders[len(unit.Leaders)-1].PID
	must(u.t, proc.Signal(pid, int(unix.SIGTERM), false))
	u.end(pid)
	delete(u.running, pid)
}

// left are the pids of the survivors of a unit.
func (u *units) left(unit *proc.Unit) []int {
	var pids []int
	for _, m := range proc.Survivors([]proc.Unit{*unit}, u.mine)[0] {
		if m.Name == "" || m.StartTime == 0 {
			u.t.Errorf("a survivor is %+v", m)
		}
		pids = append(pids, m.PID)
	}
	slices.Sort(pids)
	return pids
}

func (u *units) checkLeft(unit *proc.Unit, want ...int) {
	u.t.Helper()
	slices.Sort(want)
	got := u.left(unit)
	if !slices.Equal(got, want) {
		u.t.Errorf("%v survive, want %v", got, want)
	}
}

// empty kills a unit and waits until nothing is left of it.
func (u *units) empty(unit *proc.Unit) {
	u.t.Helper()
	u.until("the unit to be empty", func() bool {
		if err := proc.SignalUnit(*unit, int(unix.SIGKILL), u.mine); err != nil && err != proc.ErrGrows {
			u.t.Error(err)
		}
		u.collect()
		clear(u.exits) // their numbers are soon used again
		return u.left(unit) == nil
	})
}

// none waits until we have no child, dead or alive.
func (u *units) none() {
	u.t.Helper()
	u.until("the last child to end", func() bool {
		_, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		return err == unix.ECHILD
	})
}

// alive reports whether a process has not ended, whoever collects it.
func alive(pid int) bool {
	state := statusField(pid, "State")
	return state != "" && state[0] != 'Z'
}

// tree is a leader that exits on SIGTERM, with a child in its group and one in a session of its own that ignore it.
const tree = `
	trap 'exit 0' TERM
	sh -c 'trap "" TERM; echo $$; exec sleep 1000' &
	setsid sh -c 'trap "" TERM; echo $$; exec sleep 1000' &
	wait`

// startTree returns the leader, the child in its group, and the one with a session of its own.
func (u *units) startTree(kill program.Kill, commands ...proc.Command) (*proc.Unit, []int) {
	u.t.Helper()
	unit, pids := u.start(kill, 2, tree, commands...)
	if sid, _ := unix.Getsid(pids[1]); sid == pids[1] {
		pids[1], pids[2] = pids[2], pids[1]
	}
	return unit, pids
}

func TestSurvivorsOfATree(t *testing.T) {
	if !alone(t) {
		return
	}
	u := newUnits(t)
	for _, group := range []program.Group{program.OwnGroup, program.OwnSession, program.NoGroup} {
		unit, pids := u.startTree(program.KillUnit, proc.Command{Group: group})
		u.stop(unit)
		u.checkLeft(unit, pids[1:]...)
		must(t, proc.SignalUnit(*unit, int(unix.SIGTERM), u.mine)) // which they ignore
		u.checkLeft(unit, pids[1:]...)
		u.empty(unit)
		for _, pid := range pids {
			if alive(pid) {
				t.Errorf("group %q: process %d lives on", group, pid)
			}
		}
	}
	u.none()
}

// A group is what is in it, and what is left of a single process is nothing.
func TestSurvivorsAreOfWhatIsToBeKilled(t *testing.T) {
	if !alone(t) {
		return
	}
	u := newUnits(t)
	group, pids := u.startTree(program.KillGroup)
	single, others := u.startTree(program.KillProcess)
	u.stop(group)
	u.stop(single)
	u.checkLeft(group, pids[1])
	u.checkLeft(single)
	u.empty(group)
	u.checkLeft(group)
	single.Kill, group.Kill = program.KillUnit, program.KillUnit
	u.checkLeft(single, others[1:]...)
	u.checkLeft(group, pids[2])
	both := proc.Survivors([]proc.Unit{*single, *group}, u.mine)
	if len(both[0]) != 2 || len(both[1]) != 1 || both[1][0].PID != pids[2] {
		t.Errorf("together they have %v", both)
	}
	u.empty(single)
	u.empty(group)
	u.none()
}

// orphaned waits until a process is a child of ours.
func orphaned(t *testing.T, pid int) {
	t.Helper()
	until(t, "a process to lose its parent", func() bool { return statusField(pid, "PPid") == fmt.Sprint(os.Getpid()) })
}

// daemon is a script for a process that has left group and session, with or without an environment, and that has lost its parent.
func daemon(env string) string {
	return `trap 'exit 0' TERM; (setsid ` + env + ` sh -c 'echo $$; exec sleep 1000' &); sleep 1000 & wait`
}

func TestSurvivorsOfADaemon(t *testing.T) {
	if !alone(t) {
		return
	}
	u := newUnits(t)
	unit, pids := u.start(program.KillUnit, 1, daemon(""))
	other, others := u.start(program.KillUnit, 1, daemon(""))
	orphaned(t, pids[1])
	orphaned(t, others[1])
	u.stop(unit)
	if left := u.left(unit); !slices.Contains(left, pids[1]) || slices.Contains(left, others[1]) {
		t.Errorf("%v survive, want %d among them and not %d", left, pids[1], others[1])
	}
	u.empty(unit)
	if !alive(others[0]) || !alive(others[1]) {
		t.Error("another's daemon was killed")
	}
	u.stop(other)
	u.empty(other)
	u.none()
}

// TestRememberMany: what many units have is found in the list of our cgroup, whoever the parent is, and each has its own.
func TestRememberMany(t *testing.T) {
	if !alone(t) {
		return
	}
	u := newUnits(t)
	const script = `trap 'exit 0' TERM; setsid env -i sh -c 'sleep 1000 & echo $!; echo $$; exec sleep 1000' & wait`
	var all []*proc.Unit
	var below [][]int
	for range 10 {
		unit, _ := u.start(program.KillUnit, 0, "exec sleep 1000")
		all, below = append(all, unit), append(below, nil)
	}
	for range 2 {
		unit, pids := u.start(program.KillUnit, 2, script)
		all, below = append(all, unit), append(below, pids[1:])
	}
	proc.Remember(all, u.mine)
	for i, unit := range all {
		var known []int
		for _, m := range unit.Known {
			known = append(known, m.PID)
		}
		slices.Sort(known)
		slices.Sort(below[i])
		if !slices.Equal(known, below[i]) {
			t.Errorf("unit %d: it remembers %v, want %v", i, known, below[i])
		}
	}
	for i, unit := range all {
		u.stop(unit)
		u.checkLeft(unit, below[i]...)
		u.empty(unit)
	}
	u.none()
}

// What nothing tells of is found if it was seen, and else not: this is the hole that only a cgroup closes.
func TestSurvivorsWithoutEnvironment(t *testing.T) {
	if !alone(t) {
		return
	}
	u := newUnits(t)
	unit, pids := u.start(program.KillUnit, 1, `trap 'exit 0' TERM; setsid env -i sh -c 'echo $$; exec sleep 1000' & wait`)
	forgetful := *unit
	proc.Remember([]*proc.Unit{unit}, u.mine)
	u.stop(unit)
	orphaned(t, pids[1])
	u.checkLeft(&forgetful)
	u.checkLeft(unit, pids[1])
	u.empty(unit)

	lost, pids := u.start(program.KillUnit, 1, daemon("env -i"))
	orphaned(t, pids[1])
	proc.Remember([]*proc.Unit{lost}, u.mine)
	if slices.ContainsFunc(lost.Known, func(m proc.Member) bool { return m.PID == pids[1] }) {
		t.Error("it was seen")
	}
	lost.Kill = program.KillUnit
	u.stop(lost)
	if slices.Contains(u.left(lost), pids[1]) {
		t.Error("it was found")
	}
	u.empty(lost)
	must(t, proc.Signal(pids[1], int(unix.SIGKILL), false))
	u.end(pids[1])
	u.none()
}

// Descendants of what survives are in the unit, whatever they did.
func TestSurvivorsHaveDescendants(t *testing.T) {
	if !alone(t) {
		return
	}
	u := newUnits(t)
	unit, pids := u.start(program.KillUnit, 2, `trap 'exit 0' TERM
		sh -c 'trap "" TERM; setsid env -i sh -c "echo \$\$; exec sleep 1000" & echo $$; wait; exec sleep 1000' & wait`)
	u.stop(unit)
	u.checkLeft(unit, pids[1:]...)
	pidfd, err := proc.OpenPidfd(slices.DeleteFunc(slices.Clone(pids[1:]), func(pid int) bool { return statusField(pid, "PPid") == fmt.Sprint(os.Getpid()) })[0])
	must(t, err)
	must(t, proc.SignalUnit(*unit, int(unix.SIGUSR1), u.mine)) // they ignore the other
	if i, err := proc.Wait([]proc.Pidfd{pidfd}, patience); i != 0 || err != nil {
		t.Errorf("the grandchild got no signal: %d, %v", i, err)
	}
	u.empty(unit)
	u.none()
}

// Processes that make processes all the time die of SIGKILL. They say a pid once they are at it, and would stop some time.
func TestSignalUnitEndsWhatForksAllTheTime(t *testing.T) {
	if !alone(t) {
		return
	}
	u := newUnits(t)
	dir := t.TempDir()
	const bomb = `i=0; while [ $i -lt 1000 ]; do i=$((i+1)); [ $i = 20 ] && echo $$; COMMAND & done; wait`
	const chain = `[ $1 = 20 ] && echo $$; [ $1 = 5000 ] && exit; COMMAND "$0" $(($1+1)) & exit 0`
	for name, text := range map[string]string{
		"bomb":              strings.Replace(bomb, "COMMAND", "sleep 1000", 1),
		"bomb of sessions":  strings.Replace(bomb, "COMMAND", "setsid sleep 1000", 1),
		"chain":             strings.Replace(chain, "COMMAND", "sh", 1),
		"chain of sessions": strings.Replace(chain, "COMMAND", "setsid sh", 1),
	} {
		script := write(t, filepath.Join(dir, name), text, 0o644)
		unit, _ := u.start(program.KillUnit, 1, `trap 'exit 0' TERM; sh '`+script+`' 0 & wait; sleep 1000 & wait`)
		u.stop(unit)
		u.empty(unit)
		u.none()
	}
}

// ownPIDs is a process with pids of its own, which it may choose, in a /proc of its own.
func ownPIDs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID, Unshareflags: unix.CLONE_NEWNS}
}

// The number of a leader that has ended may be another's.
func TestSurvivorsDoNotGoByANumberThatIsAnothers(t *testing.T) {
	probe := exec.Command("/bin/true")
	if ownPIDs(probe); probe.Run() != nil {
		t.Skip("no pid namespace can be made here")
	}
	if !alone(t, ownPIDs) {
		return
	}
	must(t, unix.Mount("proc", "/proc", "proc", 0, ""))
	u := newUnits(t)
	unit, pids := u.start(program.KillUnit, 1, `trap 'exit 0' TERM; setsid sh -c 'echo $$; exec sleep 1000' & wait`)
	u.stop(unit)
	delete(u.exits, pids[0])
	var again *proc.Unit
	var others []int
	until(t, "the same number", func() bool { // a thread of ours may get it, until there are enough
		must(t, os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(pids[0]-1)), 0))
		again, others = u.start(program.KillUnit, 1, `trap 'exit 0' TERM; (sh -c 'trap "" TERM; echo $$; exec sleep 1000' &); wait; sleep 1000 & wait`)
		if others[0] == pids[0] {
			return true
		}
		u.stop(again)
		u.empty(again)
		return false
	})
	orphaned(t, others[1])
	u.checkLeft(unit, pids[1])
	u.stop(again)
	both := proc.Survivors([]proc.Unit{*unit, *again}, u.mine)
	if len(both[0]) != 1 || both[0][0].PID != pids[1] || len(both[1]) == 0 {
		t.Errorf("of the two %v survive", both)
	}
	u.empty(again)
	u.checkLeft(unit, pids[1])
	u.empty(unit)
	u.none()
}

// A process whose first thread has ended is alive.
func TestSurvivorWithoutItsFirstThread(t *testing.T) {
	if !alone(t) {
		return
	}
	u := newUnits(t)
	unit, pids := u.start(program.KillUnit, 1, `trap 'exit 0' TERM; `+headlessVariable+`=1 "`+testBinary(t)+`" & echo $!; wait`)
	until(t, "its first thread to end", func() bool { return strings.HasPrefix(statusField(pids[1], "State"), "Z") })
	u.stop(unit)
	u.checkLeft(unit, pids[1])
	u.empty(unit)
	u.none()
}

// headlessVariable makes this binary a process whose first thread ends, and others go on.
const headlessVariable = "PROC_TEST_HEADLESS"

func runHeadless() {
	go func() { select {} }()                  // waits for nothing; ends with the process
	syscall.Syscall(syscall.SYS_EXIT, 0, 0, 0) // of this thread: main runs on the first one, to which TestMain is not bound
	panic("internal error: the thread did not end")
}

func TestBelongs(t *testing.T) {
	if !alone(t) {
		return
	}
	u := newUnits(t)
	unit, pids := u.startTree(program.KillProcess)
	other, others := u.start(program.KillUnit, 1, daemon(""))
	bare, bares := u.start(program.KillUnit, 1, daemon("env -i"))
	orphaned(t, others[1])
	orphaned(t, bares[1])
	check := func(unit *proc.Unit, want bool, pids ...int) {
		t.Helper()
		for _, pid := range pids {
			if got := proc.Belongs(*unit, pid, u.mine); got != want {
				t.Errorf("Belongs(%v, %d) = %v", unit.Leaders, pid, got)
			}
		}
	}
	check(unit, true, pids...)
	check(unit, false, others...)
	check(unit, false, os.Getpid(), os.Getppid(), 1, 1<<30)
	check(other, true, others...)
	check(other, false, pids...)
	check(bare, false, bares[1])
	check(bare, true, bares[0])
	// One that has become the main process keeps its own in the unit.
	other.Follow(others[1])
	u.running[others[1]] = true
	check(other, true, others...)
	u.end(u.kill(others[0]))
	check(other, true, others[1])
	u.stop(unit)
	check(unit, true, pids[1:]...)
	u.kill(bares[1])
	u.stop(bare)
	for _, unit := range []*proc.Unit{unit, bare} {
		unit.Kill = program.KillUnit
		u.empty(unit)
	}
	u.stop(other)
	u.empty(other)
	u.none()
}

// kill ends a child with SIGKILL.
func (u *units) kill(pid int) int {
	u.t.Helper()
	must(u.t, proc.Signal(pid, int(unix.SIGKILL), false))
	delete(u.running, pid)
	return pid
}

// Where the kernel does not list the children of a process, all processes are looked at.
func TestScanFindsTheSameChildren(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	var want []int
	for range 3 {
		want = append(want, c.startSleeper(sleeper))
	}
	for name, children := range map[string][]int{"listed": proc.ListedChildren(os.Getpid()), "scanned": proc.ScannedChildren(os.Getpid())} {
		slices.Sort(children)
		if slices.Sort(want); !slices.Equal(children, want) {
			t.Errorf("%s: our children are %v, want %v", name, children, want)
		}
	}
}

// BenchmarkSurvivors is one look after one leader has ended, of whom nothing is left, with 1,000 others that go on, and after all
// 1,000 have. It is not our first thread that starts them here; where it is, the list has them, and the look takes that much longer.
func BenchmarkSurvivors(b *testing.B) {
	if err := proc.Own(); err != nil {
		b.Fatal(err)
	}
	mine := make(map[int]bool)
	var pids []int
	var units []proc.Unit
	for i := range 1000 {
		pid, err := proc.Start(sleeper)
		if err != nil {
			b.Fatal(err)
		}
		mine[pid], pids = true, append(pids, pid)
		units = append(units, proc.NewUnit(pid, program.KillUnit, fmt.Sprintf("MWLUA_INSTANCE=web#%d", i)))
	}
	end := func(pids []int) {
		for _, pid := range pids {
			if err := proc.Signal(pid, int(unix.SIGKILL), false); err != nil {
				b.Error(err)
			}
			proc.Await(pid)
			delete(mine, pid)
		}
	}
	isMine := func(pid int) bool { return mine[pid] }
	look := func(b *testing.B, units []proc.Unit) {
		for b.Loop() {
			for _, left := range proc.Survivors(units, isMine) {
				if len(left) > 0 {
					b.Fatalf("%v survive", left)
				}
			}
		}
	}
	for name, some := range map[string][]proc.Unit{"remember one": units[:1], "remember all": units} {
		b.Run(name, func(b *testing.B) {
			var all []*proc.Unit
			for i := range some {
				all = append(all, &some[i])
			}
			for b.Loop() {
				proc.Remember(all, isMine)
			}
		})
	}
	end(pids[:1])
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			if n := len(proc.ListedChildren(os.Getpid())); n != 999 {
				b.Fatalf("%d children are listed", n)
			}
		}
	})
	b.Run("one", func(b *testing.B) { look(b, units[:1]) })
	end(pids[1:])
	b.Run("all", func(b *testing.B) { look(b, units) })
	for i := range units {
		units[i].Kill = program.KillGroup
	}
	b.Run("all groups", func(b *testing.B) { look(b, units) })
}
