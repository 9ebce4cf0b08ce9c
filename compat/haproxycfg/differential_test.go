package haproxycfg

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	diffSeed  = flag.Uint64("diff.seed", 0, "the seed of TestDifferential; 0 means 1")
	diffCases = flag.Int("diff.cases", 0, "how many cases it makes; 0 means 5000 with CI=true, 2000 without, 1000 under the race detector")
	diffShow  = flag.Int("diff.show", 5, "how many cases that differ are made smaller and shown")
	diffOnly  = flag.Int("diff.only", -1, "the one case of the seed to make")
)

// TestDifferential has HAProxy 2.6.12 and this package read random configurations: both accept or both refuse one, they run
// the same argvs, and they find the first error on the same line. What differs on purpose is explained in known.
func TestDifferential(t *testing.T) {
	version, problem := haproxyVersion()
	switch ci := os.Getenv("CI") == "true"; {
	case problem != "" && ci:
		t.Fatal(problem)
	case problem != "":
		t.Skip(problem)
	}
	d := &differential{version: version, excluded: make(map[string]int)}
	begin := time.Now()
	t.Run("seeds", d.run)
	t.Logf("%v in %v", d, time.Since(begin).Round(time.Millisecond))
	d.check(t)
}

// differential is one run of the test. It counts what becomes of the cases.
type differential struct {
	version string

	mu       sync.Mutex
	cases    int
	accepted int            // by both
	programs int            // whose argv was compared
	crashed  int            // HAProxy, where this package reports an error
	again    int            // differed among others, and not alone
	excluded map[string]int // by the fact that is the reason
	failures int
}

// batch is how many cases share the runs of HAProxy.
const batch = 250

func (d *differential) run(t *testing.T) {
	if *diffOnly >= 0 {
		c := newTrial(seeds()[0], *diffOnly)
		t.Logf("%s, E %v:\n%s", c.file(), c.keeps, quoted(c.text))
		d.compare(t, seeds()[0], *diffOnly, *diffOnly+1)
		return
	}
	each := count() / len(seeds())
	for _, seed := range seeds() {
		for first := 0; first < each; first += batch {
			t.Run(fmt.Sprintf("seed=%d,first=%d", seed, first), func(t *testing.T) {
				t.Parallel()
				d.compare(t, seed, first, min(first+batch, each))
			})
		}
	}
}

func seeds() []uint64 {
	if *diffSeed != 0 {
		return []uint64{*diffSeed}
	}
	return []uint64{1}
}

func count() int {
	switch {
	case *diffCases > 0:
		return *diffCases
	case underRace:
		return 1000
	case os.Getenv("CI") == "true":
		return 5000
	}
	return 2000
}

// compare makes the cases from first to last, in two groups, because E is in the environment of all or none.
func (d *differential) compare(t *testing.T, seed uint64, first, last int) {
	groups := make(map[bool][]*trial)
	for index := first; index < last; index++ {
		c := newTrial(seed, index)
		groups[c.keeps] = append(groups[c.keeps], c)
	}
	for keeps, trials := range groups {
		d.group(t, newHAProxy(t, d.version, keeps), trials)
	}
}

func (d *differential) group(t *testing.T, h *haproxy, trials []*trial) {
	for _, c := range trials {
		h.predict(c)
	}
	verdicts := h.judge(t, trials)
	for _, c := range trials {
		v, again := verdicts[c], false
		way, text := c.difference(v)
		fact := h.excuse(c, v, way)
		if way != "" && fact == "" {
			v, again = h.judge(t, []*trial{c})[c], true
			way, text = c.difference(v)
			fact = h.excuse(c, v, way)
		}
		failed := way != "" && fact == ""
		if d.count(c, v, fact, failed, again) {
			h.report(t, c, way, text)
		}
	}
}

// excuse names the fact for which a case counts as excluded.
func (h *haproxy) excuse(c *trial, v *verdict, way string) string {
	switch {
	case way != "":
		return h.known(c, v)
	case !v.refused:
		return c.obstacle()
	}
	return ""
}

// count says whether to show the case.
func (d *differential) count(c *trial, v *verdict, fact string, failed, again bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cases++
	switch {
	case failed:
		d.failures++
		return d.failures <= *diffShow
	case fact != "":
		d.excluded[fact]++
	case !v.refused:
		d.accepted++
		d.programs += len(v.argvs)
	}
	if v.crashed {
		d.crashed++
	}
	if again {
		d.again++
	}
	return false
}

func (d *differential) String() string {
	var excluded []string
	for _, fact := range slices.Sorted(maps.Keys(d.excluded)) {
		excluded = append(excluded, fmt.Sprintf("%s %d", fact, d.excluded[fact]))
	}
	return fmt.Sprintf("%d cases of the seeds %v: %d differ, %d accepted by both with %d programs, HAProxy crashed in %d, %d compared alone, excluded by facts: %s",
		d.cases, seeds(), d.failures, d.accepted, d.programs, d.crashed, d.again, strings.Join(excluded, ", "))
}

// check is about the test itself: it must not explain away too much, nor lose its cases.
func (d *differential) check(t *testing.T) {
	excluded := 0
	for _, n := range d.excluded {
		excluded += n
	}
	if d.failures > 0 {
		t.Errorf("%d cases differ", d.failures)
	}
	if *diffOnly >= 0 {
		return
	}
	if 10*excluded > d.cases {
		t.Errorf("%d of %d cases are excluded", excluded, d.cases)
	}
	if 2*d.accepted < d.cases || 10*d.accepted > 9*d.cases {
		t.Errorf("%d of %d cases are accepted: the generator is out of balance", d.accepted, d.cases)
	}
	if 50*d.again > d.cases {
		t.Errorf("%d of %d cases differ among others only: they are not independent", d.again, d.cases)
	}
}
