package supervisor

import (
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// holds is how many descriptors and goroutines this process has.
type holds struct{ descriptors, goroutines int }

func (h holds) plus(n int, of holds) holds {
	return holds{h.descriptors + n*of.descriptors, h.goroutines + n*of.goroutines}
}

func (r *rig) holds() holds {
	names, err := filepath.Glob("/proc/self/fd/*")
	check(r.t, err)
	return holds{len(names), runtime.NumGoroutine()}
}

// becomes waits until this process has no more and no less than that.
func (r *rig) becomes(want holds) {
	r.t.Helper()
	for range 1000 {
		if r.holds() == want {
			return
		}
		r.idle()
	}
	r.errorf("it has %+v, want %+v", r.holds(), want)
}

// settled is what this process has once that does not change any more.
func (r *rig) settled() holds {
	r.t.Helper()
	last, same := r.holds(), 0
	for same < 10 {
		r.idle()
		if now := r.holds(); now == last {
			same++
		} else {
			last, same = now, 0
		}
	}
	return last
}

// runs starts as many instances, and returns their pids.
func (r *rig) runs(spec program.Spec, n uint64) (pids []int) {
	r.t.Helper()
	for seq := range n {
		r.perform(machine.Spawn{ID: machine.ID{Program: spec.Name, Seq: seq}, Spec: spec})
		pids = append(pids, expect[machine.Spawned](r).PID)
	}
	return pids
}

func (r *rig) ends(pids []int) {
	r.t.Helper()
	for _, pid := range pids {
		check(r.t, unix.Kill(pid, unix.SIGKILL))
	}
	for range pids {
		expect[machine.Exited](r)
	}
}

// TestInstanceHoldsNoMoreThanItNeeds: nothing while it runs, unless it asked for it, and nothing afterwards, nor after a start that failed.
func TestInstanceHoldsNoMoreThanItNeeds(t *testing.T) {
	for name, test := range map[string]struct {
		ask  func(*program.Spec)
		want holds
	}{
		"a process":     {func(*program.Spec) {}, holds{}},
		"a group":       {func(s *program.Spec) { s.Kill = program.KillGroup }, holds{}},
		"a unit":        {func(s *program.Spec) { s.Kill = program.KillUnit }, holds{}},
		"notifications": {func(s *program.Spec) { s.Ready.By = program.ReadyNotify }, holds{descriptors: 1}},
		"a pipe":        {func(s *program.Spec) { s.Ready = program.Ready{By: program.ReadyFD, FD: 5} }, holds{descriptors: 1}},
		"a line":        {func(s *program.Spec) { s.Ready = program.Ready{By: program.ReadyLog, Pattern: "x"} }, holds{1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			if !alone(t) {
				return
			}
			r := newRig(t)
			spec := r.spec("a", "sleep")
			test.ask(&spec)
			r.ends(r.runs(spec, 1)) // what is opened once for all is open from now on
			before := r.settled()
			pids := r.runs(spec, 3)
			r.becomes(before.plus(len(pids), test.want))
			r.ends(pids)
			r.becomes(before)
			spec.Command = []string{filepath.Join(r.dir, "no such thing")}
			r.perform(machine.Spawn{ID: machine.ID{Program: "a", Seq: 9}, Spec: spec})
			expect[machine.SpawnFailed](r)
			r.becomes(before)
		})
	}
}
