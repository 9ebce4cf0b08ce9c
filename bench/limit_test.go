package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// taken is what a supervisor has taken for a program in each round, in seconds: to start, replace and stop one more, to start one again, and
// from one start to the next in a storm. What a binary's start, a trial and an exec take for any number of them does not count.
type taken struct{ start, replace, stop, restart, storm []float64 }

// guards are what mwlua may take by the limit: twice what issue 9 wants of it.
var guards = []struct {
	name string
	of   func(*taken) []float64
	most float64
}{
	{"start", func(t *taken) []float64 { return t.start }, 2 * 1.4},
	{"replace", func(t *taken) []float64 { return t.replace }, 2 * 1.9},
	{"stop", func(t *taken) []float64 { return t.stop }, 2 * 1.5},
	{"restart", func(t *taken) []float64 { return t.restart }, 2 * 1.8},
	{"storm", func(t *taken) []float64 { return t.storm }, 2 / 0.45},
}

// TestRatios fails when mwlua has become much slower than the limit, on whatever machine: both are measured by turns, mwlua's best round
// counts, and there are more of them as long as it does not suffice. Of the limit the median counts, because it has lucky rounds too.
func TestRatios(t *testing.T) {
	if underRace {
		t.Skip("mwlua itself is built without the race detector: `make unit` measures the same")
	}
	p, err := newPlace("..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	p.pace = pace{patience: 30 * time.Second, settled: 50 * time.Millisecond, herd: 20, restarts: 60, budget: 10 * time.Second, storm: 400 * time.Millisecond}
	limit, ours := p.limit(), p.mwlua()
	for _, s := range []*supervisor{limit, ours} {
		if _, err := s.find(); err != nil {
			t.Fatal(err)
		}
	}
	const rounds = 10
	var by, of taken
	for round := range rounds {
		p.again(t, limit, &by)
		p.again(t, ours, &of)
		verdict, passed := judge(&of, &by)
		t.Logf("round %d: %s", round+1, verdict)
		if passed && round > 1 {
			return
		}
	}
	t.Errorf("mwlua has become slower, or this machine has no two seconds of peace: its best of %d rounds is beyond what it may take by the "+
		"limit in C; `make bench BENCH='-only mwlua -rounds 3'` says more", rounds)
}

// again has s live once more.
func (p *place) again(t *testing.T, s *supervisor, of *taken) {
	t.Helper()
	const n = 200
	one, err := p.live(s, 1, 0)
	all, err2 := p.live(s, n, 0)
	took, err3 := p.restart(s)
	rate, err4 := p.crashes(s)
	if err := firstOf(err, err2, err3, err4); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	further := func(all, one time.Duration) float64 { return (all - one).Seconds() / (n - 1) }
	of.start = append(of.start, further(all.start, one.start))
	of.replace = append(of.replace, further(all.replace, one.replace))
	of.stop = append(of.stop, further(all.stop, one.stop))
	of.restart = append(of.restart, percentile(took, 0.5).Seconds())
	of.storm = append(of.storm, 1/rate)
}

// judge compares.
func judge(of, by *taken) (verdict string, passed bool) {
	var words []string
	passed = true
	for _, g := range guards {
		ratio := slices.Min(g.of(of)) / median(g.of(by))
		words = append(words, fmt.Sprintf("%s %.2f of %.2f", g.name, ratio, g.most))
		passed = passed && ratio <= g.most
	}
	return strings.Join(words, ", "), passed
}
