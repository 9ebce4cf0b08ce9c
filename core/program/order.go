package program

import (
	"fmt"
	"slices"
	"strings"
)

// maxCycles bounds the cycles that are told of.
const maxCycles = 20

// validateOrder returns what is wrong with who waits for whom.
func (c Config) validateOrder() []Problem {
	var ps []Problem
	places := make(map[string]int, len(c.Programs))
	for i, s := range c.Programs {
		places[s.Name] = i
	}
	for _, s := range c.Programs {
		check := func(field string, names []string) {
			for _, name := range names {
				switch i, known := places[name]; {
				case name == s.Name:
					ps = append(ps, s.problem("%s: it cannot wait for itself", field))
				case !known:
					ps = append(ps, s.problem("%s: unknown program %q", field, name))
				case c.Programs[i].Kind == Cron:
					ps = append(ps, s.problem("%s: %q is a cron: it is never ready", field, name))
				}
			}
		}
		check("after", s.After)
		check("needs", s.Needs)
	}
	for _, cycle := range Cycles(c.Programs) {
		i := places[cycle[0]]
		ps = append(ps, c.Programs[i].problem("after: %s", CycleText(cycle)))
	}
	return ps
}

// CycleText says that each of a cycle waits for the next one.
func CycleText(cycle []string) string {
	return fmt.Sprintf("%q waits for itself: %s → %s", cycle[0], strings.Join(cycle, " → "), cycle[0])
}

// Cycles returns programs that wait for each other, by After and Needs, so that none of them could ever be started: in each cycle
// every one waits for the next, the last for the first, which is the one declared first. Of cycles that share programs not all
// are found before one of them is broken. What waits for itself alone, and names that are not there, do not count.
func Cycles(specs []Spec) [][]string {
	g := &graph{specs: specs, places: make(map[string]int, len(specs)), state: make([]visit, len(specs))}
	for i := range specs {
		g.places[specs[i].Name] = i
	}
	for i := range specs {
		g.visit(i)
	}
	return g.cycles
}

// visit is how far a program was looked at.
type visit uint8

const (
	unseen visit = iota
	onPath
	seen
)

// graph is a search through who waits for whom.
type graph struct {
	specs  []Spec
	places map[string]int
	state  []visit
	path   []int // from where the search began to where it is
	cycles [][]string
}

func (g *graph) visit(i int) {
	if g.state[i] != unseen {
		return
	}
	g.state[i], g.path = onPath, append(g.path, i)
	for _, names := range [][]string{g.specs[i].After, g.specs[i].Needs} {
		for _, name := range names {
			j, known := g.places[name]
			switch {
			case !known || j == i || len(g.cycles) == maxCycles:
			case g.state[j] == onPath:
				g.found(g.path[slices.Index(g.path, j):])
			default:
				g.visit(j)
			}
		}
	}
	g.state[i], g.path = seen, g.path[:len(g.path)-1]
}

// found keeps a cycle, unless it is known already: a program may name another twice.
func (g *graph) found(path []int) {
	first := slices.Index(path, slices.Min(path))
	var names []string
	for k := range path {
		names = append(names, g.specs[path[(first+k)%len(path)]].Name)
	}
	if !slices.ContainsFunc(g.cycles, func(c []string) bool { return slices.Equal(c, names) }) {
		g.cycles = append(g.cycles, names)
	}
}
