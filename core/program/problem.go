package program

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Place is where something stands in a configuration. Line is 1-based; 0 means that the file as a whole is meant, and an
// empty File that there is no place.
type Place struct {
	File string
	Line int `json:",omitempty"`
}

func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Problem is something wrong with a configuration, in one line: what, where, and what to do about it.
type Problem struct {
	Place   Place
	Warning bool // the configuration can be used all the same
	Text    string
}

func (p Problem) String() string {
	if p.Place.File == "" {
		return p.Text
	}
	return p.Place.String() + ": " + p.Text
}

// Problems is all that one load found. As an error it is one line a problem.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Errors are the problems for which the configuration cannot be used; nil when there is none.
func (ps Problems) Errors() Problems { return ps.of(false) }

// Warnings are the problems that do not keep the configuration from being used.
func (ps Problems) Warnings() Problems { return ps.of(true) }

func (ps Problems) of(warning bool) Problems {
	var found Problems
	for _, p := range ps {
		if p.Warning == warning {
			found = append(found, p)
		}
	}
	return found
}

// Sort orders ps by line within each file. Files stay in the order in which they were first met.
func (ps Problems) Sort() {
	order := make(map[string]int)
	for _, p := range ps {
		if _, ok := order[p.Place.File]; !ok {
			order[p.Place.File] = len(order)
		}
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(order[a.Place.File], order[b.Place.File]), cmp.Compare(a.Place.Line, b.Place.Line))
	})
}
