package sim

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// crowd is a world of n programs that crash and restart all the time.
func crowd(n int) *World {
	w := New(1)
	w.Bare = true
	var c program.Config
	for i := range n {
		s := program.Spec{
			Name: fmt.Sprintf("p%d", i), Command: []string{"/bin/p"}, OnReload: program.Replace, ReloadSignal: USR1,
			StopTimeout: time.Second, Exit: policy.Policy{Backoff: policy.Backoff{Base: time.Minute, Jitter: 1}},
		}
		c.Programs = append(c.Programs, s)
		w.Program(s.Name, Behaviour{Runs: time.Second, Ends: Ending{Code: 1}})
	}
	w.SetConfig(c)
	w.Boot()
	w.Settle()
	w.Advance(10 * time.Minute)
	return w
}

func BenchmarkStep(b *testing.B) {
	for _, n := range []int{10, 1_000, 10_000} {
		b.Run(fmt.Sprintf("programs=%d", n), func(b *testing.B) {
			w := crowd(n)
			b.ReportAllocs()
			b.ResetTimer()
			w.run(w.now+1<<60, b.N)
			if w.Err() != nil {
				b.Fatal(w.Err())
			}
		})
	}
}

// TestStepCostDoesNotGrow: one of 10,000 programs costs about as much as one of 10 (architecture, rule 8). The bound is
// loose because caches are not: it is 3 to 4. One look at each program in each step makes it 5 to 6 at the least. Of seven pairs the one
// counts that the neighbours on the machine have disturbed least.
func TestStepCostDoesNotGrow(t *testing.T) {
	few, many := crowd(10), crowd(10_000)
	ratio := math.Inf(1)
	for range 7 {
		ratio = min(ratio, float64(cost(t, many))/float64(cost(t, few)))
	}
	t.Logf("a step among 10,000 programs costs %.1f times what it costs among 10", ratio)
	if ratio > 5 {
		t.Errorf("a step among 10,000 programs costs %.1f times what it costs among 10", ratio)
	}
}

// steps is how many are enough to measure.
const steps = 20_000

// cost is the processor time of that many steps.
func cost(t *testing.T, w *World) time.Duration {
	t.Helper()
	begin := cpuTime(t)
	w.run(w.now+1<<60, steps)
	if w.Err() != nil {
		t.Fatal(w.Err())
	}
	return cpuTime(t) - begin
}
