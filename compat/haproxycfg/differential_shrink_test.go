package haproxycfg

import (
	"fmt"
	"strings"
	"testing"
)

// report shows a trial that differs, and the smallest one that differs in the same way.
func (h *haproxy) report(t *testing.T, c *trial, way, text string) {
	t.Helper()
	small := h.shrink(t, c, way)
	_, smallText := h.differs(t, small)
	env := "without E in the environment"
	if h.keeps {
		env = "with an empty E in the environment"
	}
	t.Errorf("%s: %s\nThe smallest configuration that does so, %s:\n%s%s\nRepeat it:\n"+
		"\tgo test ./compat/haproxycfg -run='^TestDifferential$' -diff.seed=%d -diff.only=%d",
		way, text, env, quoted(small.text), smallText, c.seed, c.index)
}

// quoted is a text with its lines as Go writes them.
func quoted(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		fmt.Fprintf(&b, "\t%q\n", line)
	}
	return b.String()
}

// differs says in which way the verdict on c alone differs, if no fact explains that.
func (h *haproxy) differs(t *testing.T, c *trial) (way, text string) {
	h.predict(c)
	v := h.judge(t, []*trial{c})[c]
	way, text = c.difference(v)
	if way != "" && h.known(c, v) != "" {
		return "", ""
	}
	return way, text
}

// maxShrinks is how many smaller configurations are tried.
const maxShrinks = 300

// shrink removes what the difference does not need: lines, then bytes.
func (h *haproxy) shrink(t *testing.T, c *trial, way string) *trial {
	small, tries := *c, 0
	remove := func(split func(string) []string) {
		parts := split(small.text)
		for size := len(parts); size > 0; size /= 2 {
			for i := 0; i+size <= len(parts) && tries < maxShrinks; {
				fewer := strings.Join(parts[:i], "") + strings.Join(parts[i+size:], "")
				try := small
				try.text = fewer
				tries++
				if same, _ := h.differs(t, &try); same == way {
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
	return &small
}
