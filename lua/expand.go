package lua

import (
	"slices"
	"strings"

	"github.com/mwlua/mwlua/core/program"
)

// expands says that a field was set whose text is to be expanded. What a foreign program has already is not.
func (d *draft) expands() {
	if d.expand {
		return
	}
	d.expand = true
	if d.foreign {
		d.spec.Env = escaped(d.spec.Env)
		changeTexts(&d.spec, escape)
	}
}

func escape(text string) string { return strings.ReplaceAll(text, "${", "$${") }

func escaped(list []string) []string {
	var out []string
	for _, text := range list {
		out = append(out, escape(text))
	}
	return out
}

// changeTexts changes the texts of s in which ${…} may stand, but those of Env. What s shares with others stays as it is.
func changeTexts(s *program.Spec, change func(string) string) {
	words := func(list *[]string) {
		*list = slices.Clone(*list)
		for i, text := range *list {
			(*list)[i] = change(text)
		}
	}
	probe := func(p *program.Probe) {
		p.HTTP, p.TCP, p.Unix = change(p.HTTP), change(p.TCP), change(p.Unix)
		words(&p.Command)
	}
	words(&s.Command)
	words(&s.StopCommand)
	s.Dir, s.Stdout, s.Stderr = change(s.Dir), change(s.Stdout), change(s.Stderr)
	probe(&s.Ready.Probe)
	if s.Health != nil {
		s.Health = new(*s.Health)
		probe(&s.Health.Probe)
	}
}

// settled is s without Expand if there is nothing to expand in it: only $${, which are written as what they stand for then. So a
// declaration that means the same is the same, whatever language it was made in.
func settled(s program.Spec) program.Spec {
	if !s.Expand {
		return s
	}
	open := false
	plain := func(text string) string {
		out, err := program.Expand(text, func(string) (string, bool) { return "", false })
		open = open || err != nil
		return out
	}
	t := s
	t.Expand = false
	changeTexts(&t, plain)
	t.Env = slices.Clone(s.Env)
	for i, kv := range t.Env {
		n := strings.IndexByte(kv, '=') + 1
		t.Env[i] = kv[:n] + plain(kv[n:])
	}
	if open {
		return s
	}
	return t
}
