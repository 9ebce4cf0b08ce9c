package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// best is the least that a supervisor has taken in any round so far, in seconds. It is what a program takes, without what a start, a trial
// and an exec take for any number of them.
type best struct {
	start, replace, stop float64
	restart              float64
	storm                float64 // from one start to the next
}

// guards are what mwlua may take by the limit: twice what issue 9 wants of it.
var guards = []struct {
	name string
	of   func(*best) *float64
	most float64
}{
	{"start", func(b *best) *float64 { return &b.start }, 2 * 1.4},
	{"replace", func(b *best) *float64 { return &b.replace }, 2 * 1.9},
	{"stop", func(b *best) *float64 { return &b.stop }, 2 * 1.5},
	{"restart", func(b *best) *float64 { return &b.restart }, 2 * 1.8},
	{"storm", func(b *best) *float64 { return &b.storm }, 2 / 0.45},
}

// TestRatios fails when mwlua has become much slower than the limit, on whatever machine: both are measured by turns, the best of all
// rounds counts, and there are more of them as long as it does not suffice.
func TestRatios(t *testing.T) {
	if underRace {
		t.Skip("mwlua itself is built without the race detector: `make unit` measures the same")
	}
	p, err := newPlace("..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	p.pace = pace{settled: 50 * time.Millisecond, herd: 20, restarts: 60, budget: 10 * time.Second, storm: 400 * time.Millisecond}
	limit, ours := p.limit(), p.mwlua()
	for _, s := range []*supervisor{limit, ours} {
		if _, err := s.find(); err != nil {
			t.Fatal(err)
		}
	}
	const rounds = 10
	var least, taken best
	for round := range rounds {
		p.better(t, limit, &least)
		p.better(t, ours, &taken)
		verdict, passed := judge(&taken, &least)
		t.Logf("round %d: %s", round+1, verdict)
		if passed && round > 0 {
			return
		}
	}
	t.Errorf("mwlua has become slower, or this machine has no two seconds in peace: in the best of %d rounds it took more by the limit in C "+
		"than it may", rounds)
}

// better has s live once more.
func (p *place) better(t *testing.T, s *supervisor, b *best) {
	t.Helper()
	const n = 200
	one, err := p.live(s, 1, 0)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	all, err := p.live(s, n, 0)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	took, err := p.restart(s)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	rate, err := p.crashes(s)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	now := best{
		start: (all.start - one.start).Seconds() / (n - 1), replace: (all.replace - one.replace).Seconds() / (n - 1),
		stop: (all.stop - one.stop).Seconds() / (n - 1), restart: percentile(took, 0.5).Seconds(), storm: 1 / rate,
	}
	for _, g := range guards {
		if was, is := g.of(b), *g.of(&now); is > 0 && (*was == 0 || is < *was) { // else one program took longer than all
			*was = is
		}
	}
}

// judge compares what mwlua took to the limit.
func judge(taken, least *best) (verdict string, passed bool) {
	var words []string
	passed = true
	for _, g := range guards {
		ratio := *g.of(taken) / *g.of(least)
		words = append(words, fmt.Sprintf("%s %.2f of %.2f", g.name, ratio, g.most))
		passed = passed && ratio <= g.most
	}
	return strings.Join(words, ", "), passed
}
