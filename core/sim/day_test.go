package sim

import (
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// TestVirtualDay: three programs that crash again and again, and a reload every hour.
func TestVirtualDay(t *testing.T) {
	begin := time.Now()
	w := day(t, 0)
	took := time.Since(begin)
	t.Logf("a day of %d steps in %v", w.Steps(), took)
	if took > 5*time.Second {
		t.Errorf("a day takes %v", took)
	}
	if w.Steps() < 1000 || w.Steps() > 20_000 {
		t.Errorf("a day has %d steps", w.Steps())
	}
	if diff := difference(t, w, day(t, 0)); diff != "" {
		t.Errorf("the same day again is another one: %s", diff)
	}
	if diff := difference(t, w, day(t, 1)); diff != "" {
		t.Errorf("carried over before every step it is another one: %s", diff)
	}
}

func day(t *testing.T, carryEvery int) *World {
	t.Helper()
	crashing := func(name string, reload program.Reload) program.Spec {
		s := haproxy(name)
		s.OnReload = reload
		s.Exit = policy.Policy{Backoff: policy.Backoff{
			Base: time.Second, Max: 2 * time.Minute, Factor: 2, Jitter: 0.2, ResetAfter: 5 * time.Minute,
		}}
		return s
	}
	w := newWorld(t, crashing("a", program.Replace), crashing("b", program.IfChanged), crashing("c", program.Keep))
	w.CarryEvery(carryEvery)
	w.Program("a", Behaviour{Runs: 20 * time.Second, Ends: Ending{Code: 1}})
	w.Program("b", Behaviour{Runs: time.Minute, Ends: Ending{Signal: 11}})
	w.Program("c", Behaviour{Runs: 6 * time.Minute, Ends: Ending{Code: 70}, Reactions: []Reaction{{Signal: USR1, Does: Ignore}}})
	w.Boot()
	for range 24 {
		w.Advance(time.Hour)
		w.Reload("cron")
	}
	w.Settle()
	want(t, "the generation", w.State().Generation, 25)
	return w
}
