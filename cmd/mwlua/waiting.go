package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/machine"
)

// What is waited for is said for the first time after patienceFirst, then every patienceNext.
const (
	patienceFirst = 2 * time.Second
	patienceNext  = 10 * time.Second
)

// whileWaiting says now and then for whom, until stop is called.
func (r *remote) whileWaiting(ctx context.Context, who func(control.Status) []string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	// It waits for time to pass and for a status, writes lines, and ends when stop is called.
	go func() {
		defer close(done)
		for pause := patienceFirst; ; pause = patienceNext {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			if s, err := r.look(ctx); err == nil {
				fmt.Fprintf(r.talk, "mwlua: waiting for %s\n", cmp.Or(few(who(s)), "mwlua"))
			}
		}
	}()
	return func() { cancel(); <-done }
}

// laggards describes those programs of s that have a wanted name and have not done what verb asks of them, or, if there are none,
// all that have such a name.
func laggards(s control.Status, verb machine.Verb, wanted map[string]bool) []string {
	var late, all []string
	for _, p := range s.Programs {
		if !wanted[p.Name] {
			continue
		}
		texts := laggard(s, p)
		all = append(all, texts...)
		done := p.Ready && p.Next == nil
		if verb == machine.StopProgram {
			done = len(p.All()) == 0
		}
		if !done {
			late = append(late, texts...)
		}
	}
	if len(late) > 0 {
		return late
	}
	return all
}

// laggard describes what p waits for and what is left of it, an instance a text.
func laggard(s control.Status, p control.Program) []string {
	var texts []string
	instances := p.All()
	if starts := p.Phase == string(machine.Blocked) || p.Phase == string(machine.Waiting); starts || len(instances) == 0 {
		texts = append(texts, fmt.Sprintf("%s (%s)", slotName(p), standing(s, p, deepest)))
	}
	for _, in := range instances {
		texts = append(texts, fmt.Sprintf("%s (%s)", readable(in.ID), strings.Join(footing(in), ", ")))
	}
	return texts
}

// deepest is how far standing follows those that wait for each other.
const deepest = 5

// standing is what keeps p from being ready.
func standing(s control.Status, p control.Program, depth int) string {
	if len(p.WaitsFor) > 0 && depth > 0 {
		var texts []string
		for _, name := range p.WaitsFor {
			texts = append(texts, obstacle(s, name, depth-1))
		}
		return "waits for " + few(texts)
	}
	if p.Instance != nil {
		return strings.Join(footing(p.Instance), ", ")
	}
	word, _ := stateOf(p)
	if p.NextIn != nil {
		word += ", starts in " + duration(*p.NextIn)
	}
	return word
}

// obstacle describes the first instance of a program that is not ready.
func obstacle(s control.Status, name string, depth int) string {
	i := slices.IndexFunc(s.Programs, func(p control.Program) bool { return p.Name == name && !p.Ready })
	if i < 0 {
		return readable(name)
	}
	return fmt.Sprintf("%s (%s)", slotName(s.Programs[i]), standing(s, s.Programs[i], depth))
}

// footing is how far an instance is, in a few texts.
func footing(in *control.Instance) []string {
	var texts []string
	if in.PID != 0 && len(in.Survivors) == 0 {
		texts = append(texts, fmt.Sprintf("pid %d", in.PID))
	}
	texts = append(texts, in.Step)
	texts = append(texts, trouble(in)...)
	if in.DeadlineIn != nil {
		texts = append(texts, harder(in)+" in "+duration(*in.DeadlineIn))
	}
	return texts
}

// few joins some of texts.
func few(texts []string) string {
	const most = 5
	if len(texts) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(texts[:most], ", "), len(texts)-most)
	}
	return strings.Join(texts, ", ")
}

func lateOf(results []result) map[string]bool {
	late := map[string]bool{}
	for _, res := range results {
		if errors.Is(res.err, context.DeadlineExceeded) {
			late[res.Name] = true
		}
	}
	return late
}

// timedOut names who is late with what verb asks.
func (r *remote) timedOut(verb machine.Verb, late map[string]bool) error {
	var texts []string
	if s, err := r.look(context.Background()); err == nil {
		texts = laggards(s, verb, late)
	} else {
		for name := range late {
			texts = append(texts, readable(name))
		}
		slices.Sort(texts)
	}
	return &told{exitTimeout, fmt.Sprintf("timed out after %v, waiting for %s", r.timeout, few(texts)),
		"mwlua goes on with it: mwlua status shows how far it is"}
}
