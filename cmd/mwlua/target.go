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

// targets returns the programs that words mean, in their order in s, each once: names, patterns as of a shell, and "all". A name
// is first of all that name, whatever it looks like. What no word but a name means is a program that the configuration has no
// more. The error says every word that means nothing.
func targets(s control.Status, words []string) ([]control.Program, error) {
	chosen := make([]bool, len(s.Programs))
	var unknown several
	for _, word := range words {
		found, err := choose(s.Programs, word, chosen)
		switch {
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
	if i := slices.IndexFunc(programs, func(p control.Program) bool { return p.Name == word }); i >= 0 {
		chosen[i] = true
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
	for _, p := range programs {
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
