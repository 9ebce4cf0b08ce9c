package journal

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mwlua/mwlua/core/program"
)

// scrubber finds values of environment variables in texts. It knows those of the configurations that it has seen.
type scrubber struct {
	hashOf   func(string) string
	own      []string // mwlua's environment
	known    map[string]bool
	replacer *strings.Replacer // nil means that nothing is known
}

// Bounds of what is looked for: what is shorter is in many texts that do not mean it, and there may be very many values.
const (
	leastScrubbed = 6 // bytes
	mostScrubbed  = 1 << 16
)

// tellNothing are variables that say where somebody is. Their values are in many paths.
var tellNothing = []string{"HOME", "HOSTNAME", "LANG", "LOGNAME", "OLDPWD", "PATH", "PWD", "SHELL", "TERM", "TMPDIR", "USER"}

// learn takes a configuration into account. One from before still counts: a text may come late.
func (s *scrubber) learn(c program.Config) {
	if len(s.known) > mostScrubbed {
		s.known = nil
	}
	before := len(s.known)
	s.add(s.own)
	s.add(c.Env)
	for i := range c.Programs {
		s.add(c.Programs[i].Env)
	}
	for i := range c.Plugins {
		s.add(c.Plugins[i].Env)
	}
	if len(s.known) != before || before == 0 {
		s.compile()
	}
}

func (s *scrubber) add(env []string) {
	for _, kv := range env {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || len(value) < leastScrubbed || slices.Contains(tellNothing, name) || len(s.known) > mostScrubbed {
			continue
		}
		if s.known == nil {
			s.known = make(map[string]bool)
		}
		s.known[value] = true
	}
}

// compile has the longest value that fits win.
func (s *scrubber) compile() {
	s.replacer = nil
	if len(s.known) == 0 {
		return
	}
	values := make([]string, 0, len(s.known))
	for v := range s.known {
		values = append(values, v)
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(values))
	for _, v := range values {
		pairs = append(pairs, v, s.hashOf(v))
	}
	s.replacer = strings.NewReplacer(pairs...)
}

// text is a text without those values.
func (s *scrubber) text(t string) string {
	if s.replacer == nil || t == "" {
		return t
	}
	return s.replacer.Replace(t)
}
