package luatest

import (
	"context"
	"maps"
	"slices"
	"strings"

	glua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/lua"
)

// verb is a method of what sim or run yields: it has its arguments from 2 on, pushes what it yields, and says how many that is.
type verb[T any] func(self T, L *glua.LState) int

// simVerbs are the methods of what sim yields.
func simVerbs() map[string]verb[*world] {
	verbs := map[string]verb[*world]{
		"start": (*world).start, "stop": command(machine.StopProgram), "restart": command(machine.RestartProgram),
		"exit": (*world).exit, "kill": (*world).kill, "ready": (*world).ready, "health": (*world).health, "notify": (*world).notify,
		"freeze": (*world).freeze, "freeze_plugin": (*world).freezePlugin, "fail_start": (*world).failStart, "on_stop": (*world).onStop, "set_clock": (*world).setClock,
		"advance": (*world).advance, "settle": (*world).settle, "reload": (*world).reload, "signal": (*world).signal, "shutdown": (*world).shutdown,
		"stub_plugin": (*world).stubPlugin, "reexec": (*world).reexec, "expect_no_start": (*world).expectNoStart,
	}
	for name, act := range verbs {
		verbs[name] = func(w *world, L *glua.LState) int {
			w.expectRunning(L, name)
			if w.asking {
				lua.Raise(L, "%s: not in the function of a stub: it is asked in the midst of a step of mwlua, and can only look", name)
			}
			return act(w, L)
		}
	}
	maps.Copy(verbs, map[string]verb[*world]{
		"state": (*world).state, "next": (*world).next, "status": (*world).status, "trace": (*world).trace, "now": (*world).clock,
		"expect": (*world).expect, "expect_log": (*world).expectLog, "expect_no_log": (*world).expectNoLog,
		"expect_exit": (*world).expectExit,
	})
	return verbs
}

// object makes a value with methods. letter is what tests call it, what is its name in messages, and lives says that its test is run.
func object[T comparable](L *glua.LState, self T, letter, what string, verbs map[string]verb[T], lives func() bool) glua.LValue {
	meta, methods := L.NewTable(), make(map[string]glua.LValue)
	var names []string
	for name, v := range verbs {
		names = append(names, name)
		methods[name] = L.NewFunction(func(L *glua.LState) int {
			if data, ok := L.Get(1).(*glua.LUserData); !ok || data.Value != any(self) {
				lua.Raise(L, "%s: write it with a colon, as in %s:%s(…)", name, letter, name)
			}
			if !lives() {
				lua.Raise(L, "%s: %s has ended with its test", name, what)
			}
			return v(self, L)
		})
	}
	slices.Sort(names)
	meta.RawSetString("__index", L.NewFunction(func(L *glua.LState) int {
		name := L.Get(2).String()
		fn, ok := methods[name]
		if !ok {
			lua.Raise(L, "%s has no %q%s: it has %s", what, name, lua.Suggest(name, names), strings.Join(names, ", "))
		}
		L.Push(fn)
		return 1
	}))
	meta.RawSetString("__metatable", glua.LFalse)
	return &glua.LUserData{Value: self, Metatable: meta, Env: L.Env}
}

// arguments is the one table that a function takes, with no keys but these.
func arguments(L *glua.LState, name string, known ...string) *glua.LTable {
	table, ok := L.Get(1).(*glua.LTable)
	if !ok {
		lua.Raise(L, "%s: expected a table, got %s: write %s { config = \"conf.lua\" }", name, lua.Describe(L.Get(1)), name)
	}
	checkKeys(L, name, table, known)
	return table
}

func checkKeys(L *glua.LState, name string, table *glua.LTable, known []string) {
	for _, k := range keysOf(table) {
		if !slices.Contains(known, k.String()) {
			lua.Raise(L, "%s: unknown key %q%s: it takes %s", name, k.String(), lua.Suggest(k.String(), known), strings.Join(known, ", "))
		}
	}
}

// optionalText is a text in a table; "" if it is not there.
func optionalText(L *glua.LState, table *glua.LTable, verb, key string) string {
	switch v := table.RawGetString(key).(type) {
	case glua.LString:
		return string(v)
	case *glua.LNilType:
	default:
		lua.Raise(L, "%s: %s: expected a text, got %s", verb, key, lua.Describe(v))
	}
	return ""
}

// text is an argument that must be one.
func text(L *glua.LState, n int, verb, what string) string {
	v, ok := L.Get(n).(glua.LString)
	if !ok {
		lua.Raise(L, "%s: expected %s, got %s", verb, what, lua.Describe(L.Get(n)))
	}
	return string(v)
}

// programName is the argument that names a program of the configuration, and the slot that it may have, as in "web[2]".
func (w *world) programName(L *glua.LState, n int, verb string) (name string, slot int) {
	name = text(L, n, verb, "the name of a program")
	state := w.State()
	var names []string
	for i := range state.Programs {
		p := &state.Programs[i]
		if (machine.ID{Program: p.Name, Slot: p.Slot}).SlotName() == name {
			return p.Name, p.Slot
		}
		names = append(names, p.Name)
	}
	if len(names) == 0 {
		for i := range w.config.Programs {
			if names = append(names, w.config.Programs[i].Name); names[i] == name {
				return name, 0
			}
		}
	}
	lua.Raise(L, "%s: there is no program %q%s", verb, name, lua.Suggest(name, names))
	return "", 0
}

// expectRunning ends the test if a verb needs a mwlua that runs, and it does not.
func (w *world) expectRunning(L *glua.LState, verb string) {
	status, quit := w.Quit()
	switch {
	case slices.Contains([]string{"health", "freeze", "freeze_plugin", "fail_start", "on_stop", "set_clock", "stub_plugin"}, verb) || verb == "start" && L.GetTop() == 1:
		// what the world is like may be said before
	case !w.booted:
		lua.Raise(L, "%s: mwlua was not started yet: s:start() comes first", verb)
	case quit && !slices.Contains([]string{"advance", "settle", "expect_no_start"}, verb):
		lua.Raise(L, "%s: mwlua has ended, with status %d", verb, status)
	}
}

// spec is what the configuration says of a program.
func (w *world) spec(name string) *program.Spec {
	i := slices.IndexFunc(w.config.Programs, func(p program.Spec) bool { return p.Name == name })
	if i < 0 { // it is on its way out
		return new(program.Spec)
	}
	return &w.config.Programs[i]
}

// wholeProgram is the argument that names a program, all of its instances.
func (w *world) wholeProgram(L *glua.LState, verb string) string {
	name, slot := w.programName(L, 2, verb)
	if slot > 0 {
		lua.Raise(L, "%s: it is for all instances of a program: write %q", verb, name)
	}
	return name
}

// quiet lets the answers come that are under way, and ends the test if something is wrong with the world.
func (w *world) quiet(L *glua.LState) {
	w.Quiet(soon)
	w.sound(L)
}

// sound ends the test if the machine has broken a promise, which no configuration should make it do, or if the test has no time left.
func (w *world) sound(L *glua.LState) {
	if err := w.Err(); err != nil {
		lua.Raise(L, "this is a defect of mwlua, please report it: %v", err)
	}
	if ctx := w.s.current.ctx; ctx.Err() != nil {
		lua.Raise(L, "%v", context.Cause(ctx))
	}
}
