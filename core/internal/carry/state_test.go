package carry_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// lived returns the state of a machine right before a hand-over: with programs that run, wait for their restart, are down,
// have failed, and with former instances, one too many among them, of programs that are still declared and of one that is not. testdata/v1.json is a
// document of it, as the first release wrote it.
func lived(t *testing.T) machine.State {
	t.Helper()
	l := life{t: t, m: machine.New(7), now: machine.Instant(time.Hour)}
	l.step(machine.Booted{})
	removed := spec("removed", program.Replace)
	l.load(1, append(specs(), removed))
	l.step(machine.Exited{ID: machine.ID{Program: "waiting", Seq: 1}, Code: 3})
	l.step(machine.Exited{ID: machine.ID{Program: "failed", Seq: 1}, Signal: 11, CoreDumped: true})
	l.step(machine.Exited{ID: machine.ID{Program: "down", Seq: 1}})
	l.reload(2, specs())
	l.reload(3, specs())
	l.step(machine.Exited{ID: machine.ID{Program: "failed", Seq: 2}, Code: 1})
	l.handOver(4)
	return l.m.State()
}

// life drives a machine; every action works at once.
type life struct {
	t   *testing.T
	m   *machine.Machine
	now machine.Instant
	pid int
}

func (l *life) step(ev machine.Event) {
	l.t.Helper()
	l.now += machine.Instant(time.Second)
	for _, a := range l.m.Step(l.now, ev) {
		if spawn, ok := a.(machine.Spawn); ok {
			l.pid++
			l.step(machine.Spawned{ID: spawn.ID, PID: 1000 + l.pid})
		}
	}
	if err := l.m.Check(); err != nil {
		l.t.Fatalf("after %T: %v", ev, err)
	}
}

func (l *life) load(n uint64, programs []program.Spec) {
	l.t.Helper()
	l.step(machine.Loaded{N: n, Config: program.Config{
		Programs: programs, Env: []string{"PATH=/bin:/usr/bin", "EMPTY=", "LINES=a\nb"}, Pidfile: "/run/mwlua.pid",
	}})
}

func (l *life) handOver(n uint64) {
	l.t.Helper()
	l.step(machine.Request{Verb: machine.ReloadAll, By: "SIGUSR2"})
	l.step(machine.TrialPassed{N: n})
	l.step(machine.Request{Verb: machine.ReloadAll, By: "SIGHUP"})
}

// reload is a hand-over and the load after it. The request that came meanwhile is not carried out.
func (l *life) reload(n uint64, programs []program.Spec) {
	l.t.Helper()
	l.step(machine.Request{Verb: machine.ReloadAll, By: "SIGUSR2"})
	l.step(machine.TrialPassed{N: n})
	l.step(machine.Booted{})
	l.load(n, programs)
}

func specs() []program.Spec {
	former := spec("former", program.Replace)
	former.FormerTimeout, former.MaxFormer = time.Minute, 1
	kept := spec("kept", program.Keep)
	kept.NoStartOnReload = true
	unbounded := spec("unbounded", program.Replace)
	unbounded.StopSignal, unbounded.StopTimeout = 3, 0
	waiting := spec("waiting", program.IfChanged)
	waiting.Exit = policy.Policy{
		When: policy.Always, SuccessCodes: []int{0, 7}, Limit: 10, Window: time.Hour, OnLimit: policy.Shutdown,
		Backoff: policy.Backoff{Base: 20 * time.Second, Max: time.Hour, Factor: 2, Jitter: 0.5, ResetAfter: time.Hour},
	}
	failed := spec("failed", program.IfChanged)
	failed.Exit = policy.Policy{Rule: policy.NoExitOnFailure}
	odd := spec("x;pid=1|é=\n\"\\\xff", program.Replace)
	odd.Dir, odd.Env = "/srv/odd", []string{"A=1", "B=<&>\u2028"}
	odd.User = &program.Credential{UID: 1 << 31, GID: 4, Groups: []uint32{4, 5}}
	return []program.Spec{former, kept, unbounded, waiting, failed, spec("down", program.IfChanged), odd}
}

func spec(name string, onReload program.Reload) program.Spec {
	return program.Spec{
		Name: name, Place: program.Place{File: "haproxy.cfg", Line: 12}, Command: []string{"prog", "a b", "", "$x"},
		StopTimeout: 30 * time.Second, OnReload: onReload, ReloadSignal: 10,
	}
}

// many returns the state of a machine with n programs that were reloaded once, each with a former instance.
func many(t *testing.T, n int) machine.State {
	t.Helper()
	programs := make([]program.Spec, n)
	for i := range programs {
		programs[i] = spec(fmt.Sprintf("program-%d", i), program.Replace)
	}
	l := life{t: t, m: machine.New(7), now: machine.Instant(time.Hour)}
	l.now++
	l.m.Step(l.now, machine.Booted{})
	for reload := range uint64(2) {
		if reload > 0 {
			l.m.Step(l.now, machine.Request{Verb: machine.ReloadAll, By: "SIGUSR2"})
			l.m.Step(l.now, machine.TrialPassed{N: 2})
			l.m.Step(l.now, machine.Booted{})
		}
		actions := l.m.Step(l.now, machine.Loaded{N: reload + 1, Config: program.Config{Programs: programs}})
		for len(actions) > 0 {
			var next []machine.Action
			for _, a := range actions {
				if spawn, ok := a.(machine.Spawn); ok {
					l.pid++
					next = append(next, l.m.Step(l.now, machine.Spawned{ID: spawn.ID, PID: 1000 + l.pid})...)
				}
			}
			actions = next
		}
	}
	return l.m.State()
}
