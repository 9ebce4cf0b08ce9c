package haproxycfg

import (
	"fmt"
	"strings"
	"testing"
)

// report shows a trial that differs, and the smallest one that differs in the same way.
func (h *haproxy) report(t *testing.T, c *trial, r *result) {
	t.Helper()
	small := h.shrink(t, c, r.way)
	smallText := h.settle(t, []*trial{small})[0].text
	env := "without E in the environment"
	if h.keeps {
		env = "with an empty E in the environment"
	}
	t.Errorf("%s: %s\nThe smallest configuration that does so, %s, to keep in testdata/differential:\n%s%s\nRepeat it:\n"+
		"\tgo test ./compat/haproxycfg -run='^TestDifferential$' -diff.seed=%d -diff.only=%d",
		r.way, r.text, env, quoted(small.text), smallText, c.seed, c.index)
}

// quoted is a text with its lines as Go writes them.
func quoted(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		fmt.Fprintf(&b, "\t%q\n", line)
	}
	return b.String()
}

// maxShrinks is how many configurations are tried with fewer lines, and with fewer bytes.
const maxShrinks = 200

// shrink removes what the difference does not need: lines, then bytes.
func (h *haproxy) shrink(t *testing.T, c *trial, way string) *trial {
	small := c
	remove := func(split func(string) []string) {
		parts, tries := split(small.text), 0
		for size := len(parts); size > 0; size /= 2 {
			for i := 0; i+size <= len(parts) && tries < maxShrinks; {
				fewer := strings.Join(parts[:i], "") + strings.Join(parts[i+size:], "")
				try := small.with(fewer)
				tries++
				if h.settle(t, []*trial{try})[0].way == way {
					small = try
					parts = split(fewer)
				} else {
					i += size
				}
			}
		}
	}
	remove(func(text string) []string { return strings.SplitAfter(text, "\n") })
	remove(func(text string) []string { return strings.Split(text, "") })
	return small
}
