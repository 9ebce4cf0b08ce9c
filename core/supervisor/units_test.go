package supervisor

import (
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// tree is a program that has a child in its group and one in a session of its own, neither of which goes by SIGTERM, and that leaves.
func (r *rig) tree(kill program.Kill) program.Spec {
	s := r.spec("a", "child ignore, up child, sleep", "daemon ignore, up daemon, sleep", "wait child", "wait daemon", "up leader", "wait go", "exit 0")
	s.Kill = kill
	return s
}

// TestStoppedMeansEmpty: the end of the process names what it leaves; that is signalled, and then nothing is left.
func TestStoppedMeansEmpty(t *testing.T) {
	if !alone(t) {
		return
	}
	for kill, names := range map[program.Kill][]string{
		program.KillProcess: nil, program.KillGroup: {"child"}, program.KillUnit: {"child", "daemon"},
	} {
		t.Run("kill "+string(kill), func(t *testing.T) {
			r := newRig(t)
			id, _ := r.spawn(r.tree(kill))
			other := machine.ID{Program: "b", Seq: 1}
			spec := r.spec("b", "up other", "sleep")
			spec.Kill = kill
			r.perform(machine.Spawn{ID: other, Spec: spec})
			r.file("other")
			var want []int
			for _, name := range names {
				want = append(want, r.pid(name))
			}
			r.file("leader")
			r.say("go")
			exited := expect[machine.Exited](r)
			var left []int
			for _, s := range exited.Left {
				left = append(left, s.PID)
			}
			slices.Sort(left)
			slices.Sort(want)
			if exited.ID != id || !slices.Equal(left, want) {
				r.errorf("it leaves %v, want %v", left, want)
			}
			if len(want) == 0 {
				return
			}
			r.perform(machine.SignalUnit{ID: id, Signal: int(unix.SIGTERM)})
			r.idle()
			if count[machine.Emptied](r) > 0 {
				r.errorf("it is said to be empty")
			}
			r.perform(machine.SignalUnit{ID: id, Signal: int(unix.SIGKILL)})
			if got := expect[machine.Emptied](r); got.ID != id {
				r.errorf("%v is empty", got.ID)
			}
			for _, pid := range want {
				if runs(pid) {
					t.Errorf("process %d is alive", pid)
				}
			}
			for len(r.s.silent) > 0 {
				r.idle()
			}
			if text, _ := os.ReadFile(r.log); len(text) > 0 {
				t.Errorf("the log has %s", text)
			}
			if r.s.instances[id] != nil || len(r.s.emptying) > 0 || r.s.instances[other] == nil {
				t.Errorf("what is held is wrong: %v", r.s.instances)
			}
			if !runs(r.pid("other")) {
				t.Error("the other program was hit")
			}
		})
	}
}

// TestSurvivorThatLeavesByItself.
func TestSurvivorThatLeavesByItself(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	spec := r.spec("a", "daemon up daemon, wait go, exit 0", "wait daemon", "exit 0")
	spec.Kill = program.KillUnit
	id, _ := r.spawn(spec)
	if got := expect[machine.Exited](r); len(got.Left) != 1 || got.Left[0].PID != r.pid("daemon") {
		r.errorf("%+v", got)
	}
	r.say("go")
	if got := expect[machine.Emptied](r); got.ID != id {
		r.errorf("%+v", got)
	}
	r.perform(machine.SignalUnit{ID: id, Signal: int(unix.SIGKILL)}) // comes too late, and means nothing
	r.idle()
	if count[machine.Emptied](r) > 0 {
		r.errorf("it is empty twice")
	}
}

// TestInstanceThatLeavesNothing is done with when its process has ended.
func TestInstanceThatLeavesNothing(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	spec := r.spec("a", "exit 3")
	spec.Kill = program.KillUnit
	r.spawn(spec)
	if got := expect[machine.Exited](r); got.Code != 3 || got.Left != nil {
		r.errorf("%+v", got)
	}
	if len(r.s.instances)+len(r.s.emptying) > 0 {
		t.Error("something is held of it")
	}
}

// TestControlGroupOfAnInstance knows all of it, and goes with it.
func TestControlGroupOfAnInstance(t *testing.T) {
	if !alone(t) {
		return
	}
	if _, err := proc.CGroupRoot(); err != nil {
		t.Skip(err)
	}
	r := newRig(t)
	spec := r.tree(program.KillUnit)
	spec.CGroup = true
	id, _ := r.spawn(spec)
	r.file("leader")
	dir := r.s.instances[id].unit.CGroup
	if got := proc.Survivors([]proc.Unit{r.s.instances[id].unit}, r.s.isMine)[0]; len(got) != 3 {
		t.Errorf("%q has %v", dir, got)
	}
	r.say("go")
	if got := expect[machine.Exited](r); len(got.Left) != 2 {
		r.errorf("%+v", got)
	}
	r.perform(machine.SignalUnit{ID: id, Signal: int(unix.SIGKILL)})
	expect[machine.Emptied](r)
	for len(r.s.cgroups) > 0 {
		r.idle()
		r.s.removeCGroups()
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%q is left: %v", dir, err)
	}
	spec.Command = []string{"/none"}
	r.perform(machine.Spawn{ID: id, Spec: spec})
	expect[machine.SpawnFailed](r)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%q is left: %v", dir, err)
	}
}
