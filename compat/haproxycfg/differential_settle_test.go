package haproxycfg

import (
	"slices"
	"strings"
	"testing"
)

// result is what came of a trial.
type result struct {
	trial   *trial // what was judged last: without what facts explain
	verdict *verdict
	facts   []string // that explain a difference, or keep the argvs from being compared
	crashed bool     // HAProxy, in one of the runs
	way     string   // of the difference that no fact explains; "" means that there is none
	text    string   // which describes it
}

// maxRepairs is how many facts may explain the differences of one trial.
const maxRepairs = 8

// settle has HAProxy and this package read trials. A fact explains a difference, and never a trial: what it is about is taken
// out of the trial, and both must agree on the rest.
func (h *haproxy) settle(t *testing.T, trials []*trial) []*result {
	t.Helper()
	var results []*result
	for _, c := range trials {
		results = append(results, &result{trial: c})
	}
	pending := slices.Clone(results)
	for range maxRepairs + 1 {
		h.round(t, pending)
		pending = slices.DeleteFunc(pending, func(r *result) bool { return r.way == "" || !h.repair(r) })
		if len(pending) == 0 {
			break
		}
	}
	return results
}

func (h *haproxy) round(t *testing.T, results []*result) {
	t.Helper()
	trials := make([]*trial, len(results))
	for i, r := range results {
		h.predict(r.trial)
		trials[i] = r.trial
	}
	verdicts := h.judge(t, trials)
	for _, r := range results {
		r.verdict = verdicts[r.trial]
		r.crashed = r.crashed || r.verdict.crashed
		r.way, r.text = r.trial.difference(r.verdict)
		if obstacle := r.trial.obstacle(); r.way == "" && !r.verdict.refused && obstacle != "" {
			r.facts = append(r.facts, obstacle)
		}
	}
}

// repair takes what a known fact is about out of a trial that differs. It reports whether there is one.
func (h *haproxy) repair(r *result) bool {
	fact, rest := h.known(r.trial, r.verdict)
	if fact == "" {
		return false
	}
	r.facts = append(r.facts, fact)
	r.trial = rest
	return true
}

// with is the trial with another text.
func (c *trial) with(text string) *trial {
	other := *c
	other.text = text
	return &other
}

// line is the line of that number, from 1, without its line feed.
func (c *trial) line(number int) string {
	return strings.TrimSuffix(strings.SplitAfter(c.text, "\n")[number-1], "\n")
}

// withLine is the trial with another line of that number, so that the numbers of the others stay.
func (c *trial) withLine(number int, line string) *trial {
	lines := strings.SplitAfter(c.text, "\n")
	if strings.HasSuffix(lines[number-1], "\n") {
		line += "\n"
	}
	lines[number-1] = line
	return c.with(strings.Join(lines, ""))
}
