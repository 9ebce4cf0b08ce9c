package sim

import (
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// newWorld returns a world with these programs, and shows its trace if the test fails.
func newWorld(t *testing.T, specs ...program.Spec) *World {
	t.Helper()
	w := New(1)
	w.SetConfig(program.Config{Programs: specs})
	t.Cleanup(func() {
		if w.Err() != nil {
			t.Error(w.Err())
		}
		if t.Failed() {
			t.Log("\n" + w.trace.tail(100))
		}
	})
	return w
}

// haproxy is a program as an haproxy.cfg declares it.
func haproxy(name string) program.Spec {
	return program.Spec{
		Name: name, Command: []string{"/bin/" + name}, StopTimeout: 30 * time.Second, OnReload: program.Replace,
		ReloadSignal: USR1, Exit: policy.Policy{Rule: policy.ExitOnFailure},
	}
}

// restarting is a program that is restarted whenever it ends, a second later and then more patiently.
func restarting(name string) program.Spec {
	s := haproxy(name)
	s.OnReload, s.Exit = program.IfChanged, policy.Policy{When: policy.Always, Backoff: policy.Backoff{
		Base: time.Second, Max: time.Minute, Factor: 2, ResetAfter: 10 * time.Minute,
	}}
	return s
}

// want fails unless the query gave this answer.
func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}
