package haproxycfg

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	diffSeed  = flag.Uint64("diff.seed", 0, "the seed of TestDifferential; 0 means a new one")
	diffCases = flag.Int("diff.cases", 0, "how many cases it makes; 0 means 10000 with CI set, 2000 without, 1000 under the race detector")
	diffShow  = flag.Int("diff.show", 5, "how many cases that differ are made smaller and shown")
	diffOnly  = flag.Int("diff.only", -1, "the one case of -diff.seed to make")
)

// TestDifferential has HAProxy 2.6.12 and this package read random configurations: both accept or both refuse one, they run
// the same argvs, and they find the first error on the same line. What differs on purpose is explained in known. The finds
// are kept for TestDifferentialKept, as text: what a seed makes changes with the generator.
func TestDifferential(t *testing.T) {
	if *diffOnly >= 0 && *diffSeed == 0 {
		t.Fatal("-diff.only is the number of a case of -diff.seed: give that too")
	}
	d := newDifferential(versionOrSkip(t))
	begin := time.Now()
	t.Logf("the seed is %d: go test ./compat/haproxycfg -run='^TestDifferential$' -diff.seed=%d -diff.cases=%d", d.seed, d.seed, d.most)
	t.Run("seeds", d.run)
	t.Logf("%v in %v", d, time.Since(begin).Round(time.Millisecond))
	d.check(t)
}

// differential is one run of the test. It counts what becomes of the cases.
type differential struct {
	version string
	seed    uint64
	most    int // cases of the seed

	mu       sync.Mutex
	cases    int
	accepted int            // by both
	programs int            // whose argv was compared
	crashed  int            // HAProxy, where this package reports an error
	again    int            // differed among others, and not alone
	facts    map[string]int // that explained something, or kept argvs from being compared
	excused  int            // cases with a fact
	failures int
}

// versionOrSkip is the version of the haproxy to compare with. There may be none, except in CI.
func versionOrSkip(t *testing.T) string {
	t.Helper()
	version, problem := haproxyVersion()
	switch {
	case problem != "" && inCI():
		t.Fatal(problem)
	case problem != "":
		t.Skip(problem)
	}
	return version
}

func inCI() bool { return os.Getenv("CI") != "" }

func newDifferential(version string) *differential {
	d := &differential{version: version, seed: *diffSeed, most: *diffCases, facts: make(map[string]int)}
	if d.seed == 0 {
		d.seed = rand.Uint64()
	}
	switch {
	case d.most > 0:
	case underRace:
		d.most = 1000
	case inCI():
		d.most = 10000
	default:
		d.most = 2000
	}
	return d
}

// batch is how many cases share the runs of HAProxy.
const batch = 500

func (d *differential) run(t *testing.T) {
	if *diffOnly >= 0 {
		c := newTrial(d.seed, *diffOnly)
		t.Logf("%s, E %v:\n%s", c.file(), c.keeps, quoted(c.text))
		d.compare(t, *diffOnly, *diffOnly+1)
		return
	}
	for first := 0; first < d.most; first += batch {
		t.Run(fmt.Sprintf("seed=%d,first=%d", d.seed, first), func(t *testing.T) {
			t.Parallel()
			d.compare(t, first, min(first+batch, d.most))
		})
	}
}

// compare makes the cases from first to last, in two groups, because E is in the environment of all or none.
func (d *differential) compare(t *testing.T, first, last int) {
	groups := make(map[bool][]*trial)
	for index := first; index < last; index++ {
		c := newTrial(d.seed, index)
		groups[c.keeps] = append(groups[c.keeps], c)
	}
	for keeps, trials := range groups {
		d.group(t, newHAProxy(t, d.version, keeps), trials)
	}
}

func (d *differential) group(t *testing.T, h *haproxy, trials []*trial) {
	for i, r := range h.settle(t, trials) {
		again := r.way != ""
		if again {
			r = h.settle(t, trials[i:i+1])[0]
		}
		if d.count(r, again) {
			h.report(t, trials[i], r)
		}
	}
}

// count says whether to show the case.
func (d *differential) count(r *result, again bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cases++
	if r.way != "" {
		d.failures++
		return d.failures <= *diffShow
	}
	for _, fact := range r.facts {
		d.facts[fact]++
	}
	if len(r.facts) > 0 {
		d.excused++
	}
	if !r.verdict.refused {
		d.accepted++
		d.programs += len(r.verdict.argvs)
	}
	if r.crashed {
		d.crashed++
	}
	if again {
		d.again++
	}
	return false
}

func (d *differential) String() string {
	var facts []string
	for _, fact := range slices.Sorted(maps.Keys(d.facts)) {
		facts = append(facts, fmt.Sprintf("%s %d", fact, d.facts[fact]))
	}
	return fmt.Sprintf("%d cases of the seed %d: %d differ, %d accepted by both with %d programs, HAProxy crashed in %d, "+
		"%d compared alone, %d with facts: %s",
		d.cases, d.seed, d.failures, d.accepted, d.programs, d.crashed, d.again, d.excused, strings.Join(facts, ", "))
}

// check is about the test itself: it must not explain away too much, nor lose its cases.
func (d *differential) check(t *testing.T) {
	if d.failures > 0 {
		t.Errorf("%d cases of the seed %d differ", d.failures, d.seed)
	}
	if d.cases < 1000 {
		return
	}
	if 100*d.excused > 15*d.cases {
		t.Errorf("%d of %d cases are explained by facts", d.excused, d.cases)
	}
	if 10*d.accepted < 4*d.cases || 10*d.accepted > 8*d.cases {
		t.Errorf("%d of %d cases are accepted: the generator is out of balance", d.accepted, d.cases)
	}
	if 50*d.again > d.cases {
		t.Errorf("%d of %d cases differ among others only: they are not independent", d.again, d.cases)
	}
}
