package haproxycfg

import (
	"slices"
	"strings"
)

// environ is the environment that the configuration sees and changes.
type environ struct {
	values map[string]variable
	next   int
}

type variable struct {
	value string
	order int // when it was first set
}

// newEnviron keeps the first of several entries of one name, as getenv does, and drops what is not NAME=VALUE.
func newEnviron(list []string) *environ {
	e := &environ{values: make(map[string]variable, len(list))}
	for _, kv := range list {
		name, value, ok := strings.Cut(kv, "=")
		if _, known := e.values[name]; ok && name != "" && !known && !strings.ContainsRune(kv, 0) {
			e.set(name, value)
		}
	}
	return e
}

func (e *environ) get(name string) (string, bool) {
	v, ok := e.values[name]
	return v.value, ok
}

func (e *environ) set(name, value string) {
	v, ok := e.values[name]
	if !ok {
		v.order = e.next
		e.next++
	}
	v.value = value
	e.values[name] = v
}

func (e *environ) unset(name string) { delete(e.values, name) }

// reset removes every variable that keep does not name.
func (e *environ) reset(keep []string) {
	for name := range e.values {
		if !slices.Contains(keep, name) {
			delete(e.values, name)
		}
	}
}

// list is the environment as NAME=VALUE, in the order in which the variables were first set.
func (e *environ) list() []string {
	names := make([]string, 0, len(e.values))
	for name := range e.values {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return e.values[a].order - e.values[b].order })
	for i, name := range names {
		names[i] = name + "=" + e.values[name].value
	}
	return names
}
