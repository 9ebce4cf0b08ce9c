package program

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxInserted bounds what ${…} may insert into one text, in bytes: no argument and no variable can be longer (execve(2)).
const maxInserted = 128 << 10

// Instance returns what instance number of s, its Slot, gets: s with its ${…} replaced if s.Expand says so (see Expand), and the whole
// environment, in which own ("NAME=VALUE") comes over everything else. The error says which field cannot be expanded.
//
// In a value of s.Env, ${env:X} is what s.Env makes of X, in whatever order they are declared. Where s.Env has no X, or this is
// the value of X, it is that of c.Env, inherited or not: so something can be put before what PATH was.
func (c Config) Instance(s Spec, number int, own []string) (Spec, []string, error) {
	s.Env = slices.Concat(s.Env, own)
	if !s.Expand {
		return s, c.Environ(s), nil
	}
	e := expander{name: s.Name, number: number, below: c.Env, declared: s.Env, own: own, done: make(map[string]string)}
	for i, kv := range s.Env[:len(s.Env)-len(own)] {
		name, _, _ := strings.Cut(kv, "=")
		value, err := e.variable(name)
		if err != nil {
			return s, nil, fmt.Errorf("env: %s: %w", name, err)
		}
		s.Env[i] = name + "=" + value
	}
	env := c.Environ(s)
	return s, env, e.words(&s, env)
}

// expander knows what ${…} is in the texts of one instance.
type expander struct {
	name     string
	number   int
	below    []string          // the environment under declared
	declared []string          // own among them, at the end
	own      []string          // nothing is expanded in them
	done     map[string]string // variables of declared
	doing    []string          // variables that are being expanded, each for the one before
}

// variable is what a variable of declared is expanded to.
func (e *expander) variable(name string) (string, error) {
	if value, ok := getenv(e.own, name); ok {
		return value, nil
	}
	if value, ok := e.done[name]; ok {
		return value, nil
	}
	if slices.Contains(e.doing, name) {
		return "", fmt.Errorf("${env:%s} refers to itself", name)
	}
	e.doing = append(e.doing, name)
	text, _ := getenv(e.declared, name)
	value, err := e.expand(text, func(other string) (string, bool, error) {
		if _, ok := getenv(e.declared, other); !ok || other == name {
			value, ok := getenv(e.below, other)
			return value, ok, nil
		}
		value, err := e.variable(other)
		return value, true, err
	})
	e.doing = e.doing[:len(e.doing)-1]
	e.done[name] = value
	return value, err
}

// words expands the other fields, in place. env is the whole environment.
func (e *expander) words(s *Spec, env []string) error {
	variable := func(name string) (string, bool, error) {
		value, ok := getenv(env, name)
		return value, ok, nil
	}
	var failed error
	expand := func(field, text string) string {
		value, err := e.expand(text, variable)
		if err != nil && failed == nil {
			failed = fmt.Errorf("%s: %w", field, err)
		}
		return value
	}
	list := func(field string, words []string) []string {
		words = slices.Clone(words)
		for i, word := range words {
			words[i] = expand(field, word)
		}
		return words
	}
	probe := func(field string, p *Probe) {
		p.HTTP, p.TCP, p.Unix = expand(field, p.HTTP), expand(field, p.TCP), expand(field, p.Unix)
		p.Command = list(field, p.Command)
	}
	s.Command, s.StopCommand = list("command", s.Command), list("stop_command", s.StopCommand)
	s.Dir, s.Stdout, s.Stderr = expand("dir", s.Dir), expand("stdout", s.Stdout), expand("stderr", s.Stderr)
	probe("ready", &s.Ready.Probe)
	if s.Health != nil {
		health := *s.Health
		probe("health", &health.Probe)
		s.Health = &health
	}
	switch {
	case failed != nil:
		return failed
	case s.Command[0] == "":
		return errors.New("command: the program's name is empty")
	case s.Dir != "" && s.Dir[0] != '/':
		return fmt.Errorf("dir: %q is not an absolute path", s.Dir)
	}
	return nil
}

// expand expands one text. variable looks up what follows env:.
func (e *expander) expand(text string, variable func(name string) (string, bool, error)) (string, error) {
	var failed error
	room := maxInserted
	out, err := Expand(text, func(name string) (value string, known bool) {
		switch variableName, isVariable := strings.CutPrefix(name, "env:"); {
		case failed != nil:
			return "", true
		case isVariable:
			value, known, failed = variable(variableName)
		case name == "name":
			value, known = e.name, true
		case name == "instance":
			value, known = strconv.Itoa(e.number), true
		}
		if room -= len(value); room < 0 && failed == nil {
			failed = fmt.Errorf("what is inserted is longer than %d KiB", maxInserted>>10)
		}
		if failed != nil {
			return "", true
		}
		return value, known
	})
	if failed != nil {
		err = failed
	}
	return out, err
}

// getenv is the value of the last entry of that name, which is the one that counts in the end (see Setenv).
func getenv(env []string, name string) (string, bool) {
	for _, kv := range slices.Backward(env) {
		if n, value, ok := strings.Cut(kv, "="); ok && n == name {
			return value, true
		}
	}
	return "", false
}
