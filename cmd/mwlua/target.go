package main

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/machine"
)

// everything is the word for all programs of the configuration.
const everything = "all"

// targets returns the programs that words mean, with all their instances, in their order in s, each once: names, patterns as of a
// shell, and "all". A name is first of all that name, whatever it looks like. What no word but a name means is a program that the
// configuration has no more. The error says every word that means nothing, and every one that means a single instance of several.
func targets(s control.Status, words []string) ([]control.Program, error) {
	chosen := make([]bool, len(s.Programs))
	var unknown several
	for _, word := range words {
		found, err := choose(s.Programs, word, chosen)
		one := single(s.Programs, word)
		switch {
		case one != nil:
			unknown = append(unknown, one)
		case err != nil:
			return nil, usage{err}
		case !found:
			unknown = append(unknown, &told{exitUnknown, unknownText(word), known(s.Programs)})
		}
	}
	if len(unknown) > 0 {
		return nil, unknown
	}
	var programs []control.Program
	for i, p := range s.Programs {
		if chosen[i] {
			programs = append(programs, p)
		}
	}
	return programs, nil
}

// choose marks the programs that word means.
func choose(programs []control.Program, word string, chosen []bool) (found bool, err error) {
	for i, p := range programs {
		if p.Name == word {
			chosen[i], found = true, true
		}
	}
	if found {
		return true, nil
	}
	if word != everything && !isPattern(word) {
		return false, nil
	}
	for i, p := range programs {
		if p.Phase == string(machine.Removed) {
			continue
		}
		match := word == everything
		if !match {
			// Here * means slashes too: a name is no path. It has no NUL.
			match, err = path.Match(strings.ReplaceAll(word, "/", "\x00"), strings.ReplaceAll(p.Name, "/", "\x00"))
			if errors.Is(err, path.ErrBadPattern) {
				return false, fmt.Errorf("cannot read the pattern %q: write web* or web[12]", word)
			}
		}
		chosen[i] = chosen[i] || match
		found = found || match
	}
	return found || word == everything, nil
}

// single returns an error if word is one instance of a program with several, as web[2], and nothing's name. It is one even where
// it is a pattern that means others (web2): who reads web[2] in a table does not think of those.
func single(programs []control.Program, word string) error {
	name, n := "", 0
	for _, p := range programs {
		if p.Name == word {
			return nil
		}
		if (p.Slot > 0 || p.Instances > 1) && word == fmt.Sprintf("%s[%d]", p.Name, p.Slot) {
			name = p.Name
		}
	}
	for _, p := range programs {
		if p.Name == name {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return &told{exitUnknown, fmt.Sprintf("%q is one of the %d instances of %q", word, n, name),
		fmt.Sprintf("name %s, which is all of them", shellWord(name))}
}

// eachOnce leaves out all instances of a program but the first.
func eachOnce(programs []control.Program) []control.Program {
	seen := make(map[string]bool, len(programs))
	return slices.DeleteFunc(slices.Clone(programs), func(p control.Program) bool {
		before := seen[p.Name]
		seen[p.Name] = true
		return before
	})
}

func isPattern(word string) bool { return strings.ContainsAny(word, `*?[\`) }

func unknownText(word string) string {
	if isPattern(word) {
		return fmt.Sprintf("no program is like %q", word)
	}
	return fmt.Sprintf("there is no program %q", word)
}

// known is a hint that names a few programs.
func known(programs []control.Program) string {
	const few = 8
	var names []string
	for _, p := range eachOnce(programs) {
		if p.Phase != string(machine.Removed) {
			names = append(names, readable(p.Name))
		}
	}
	switch {
	case len(names) == 0:
		return "there are no programs"
	case len(names) > few:
		return fmt.Sprintf("there are %s and %d more: mwlua status lists them", strings.Join(names[:few], ", "), len(names)-few)
	}
	return "there are: " + strings.Join(names, ", ")
}
