package lua

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/program"
)

// half is what `program "web"` yields: a declaration that waits for its table.
type half struct {
	kind string // program, oneshot, cron, override
	name string
	at   program.Place
	done bool
}

// declareFunctions are the calls that declare things.
func (l *loader) declareFunctions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"program":    l.named("program", l.declare(program.Service)),
		"oneshot":    l.named("oneshot", l.declare(program.OneShot)),
		"cron":       l.named("cron", l.declare(program.Cron)),
		"override":   l.named("override", l.override),
		"plugin":     l.named("plugin", l.declarePlugin),
		"on":         l.whileLoading("on", l.on),
		"defaults":   l.tabled("defaults", l.setDefaults),
		"supervisor": l.tabled("supervisor", l.supervisor),
	}
}

// caller is the place of the Lua function that called the running one.
func (l *loader) caller(L *lua.LState) program.Place {
	at, _ := l.position(L.Where(1) + " ")
	if at == nowhere {
		at = place(l.main, 0)
	}
	return at
}

// declared is a call with its name and table.
type declared func(L *lua.LState, name string, at program.Place, table *lua.LTable) lua.LValue

// named makes kind "name" { … } and kind("name", { … }) of declare.
func (l *loader) named(kind string, declare declared) lua.LGFunction {
	var meta *lua.LTable // of all that wait for their tables
	return l.whileLoading(kind, func(L *lua.LState) int {
		name, ok := L.Get(1).(lua.LString)
		if !ok {
			raise(L, "%s: expected a name, got %s: write %s \"name\" { … }", kind, describe(L.Get(1)), kind)
		}
		h := &half{kind: kind, name: string(name), at: l.caller(L)}
		if L.GetTop() >= 2 {
			L.Push(declare(L, h.name, h.at, h.table(L, L.Get(2))))
			return 1
		}
		if len(l.halves) >= program.MaxPrograms {
			raise(L, "more than %d declarations", program.MaxPrograms)
		}
		l.halves = append(l.halves, h)
		if meta == nil {
			meta = l.waiting(L, declare)
		}
		L.Push(&lua.LUserData{Value: h, Metatable: meta})
		return 1
	})
}

// whileLoading makes an error of a call of fn by a handler: what is declared then would reach nobody.
func (l *loader) whileLoading(name string, fn lua.LGFunction) lua.LGFunction {
	return func(L *lua.LState) int {
		if l.script != nil && name != "include" {
			raise(L, "%s: a script declares nothing: %s", name, l.script.instead)
		}
		if l.loaded {
			raise(L, "%s: only while the configuration is loaded, and this is called by a handler", name)
		}
		return fn(L)
	}
}

// table is the table that completes h.
func (h *half) table(L *lua.LState, lv lua.LValue) *lua.LTable {
	h.done = true
	table, ok := lv.(*lua.LTable)
	if !ok {
		raise(L, "%s %s: expected a table, got %s: write %s %s { … }", h.kind, quote(h.name), describe(lv), h.kind, quote(h.name))
	}
	return table
}

// waiting is the metatable of halves: they take their tables by being called.
func (l *loader) waiting(L *lua.LState, declare declared) *lua.LTable {
	meta := L.NewTable()
	meta.RawSetString("__metatable", lua.LFalse)
	meta.RawSetString("__call", L.NewFunction(l.whileLoading("a declaration", func(L *lua.LState) int {
		h := L.CheckUserData(1).Value.(*half)
		if h.done {
			raise(L, "%s %s: has its table already", h.kind, quote(h.name))
		}
		L.Push(declare(L, h.name, h.at, h.table(L, L.Get(2))))
		return 1
	})))
	return meta
}

// incomplete reports declarations that never got their table.
func (l *loader) incomplete() {
	for _, h := range l.halves {
		if !h.done {
			l.errorf(h.at, "%s %s: has no table: write %s %s { … }", h.kind, quote(h.name), h.kind, quote(h.name))
		}
	}
}

// tabled makes kind { … } of declare.
func (l *loader) tabled(kind string, declare func(at program.Place, v value)) lua.LGFunction {
	return l.whileLoading(kind, func(L *lua.LState) int {
		table, ok := L.Get(1).(*lua.LTable)
		if !ok {
			raise(L, "%s: expected a table, got %s: write %s { … }", kind, describe(L.Get(1)), kind)
		}
		at := l.caller(L)
		declare(at, l.value(kind, at, table))
		return 0
	})
}

func (l *loader) value(what string, at program.Place, table *lua.LTable) value {
	return value{l: l, lv: table, what: what, at: at, call: at}
}

// declare makes program "name" { … } of a kind.
func (l *loader) declare(kind program.Kind) declared {
	return func(L *lua.LState, name string, at program.Place, table *lua.LTable) lua.LValue {
		return l.program(L, kind, name, at, table)
	}
}

func (l *loader) program(L *lua.LState, kind program.Kind, name string, at program.Place, table *lua.LTable) lua.LValue {
	l.checkTime(L)
	d := l.defaults.clone()
	d.what = kindWord(kind) + " " + quote(name)
	d.spec.Name, d.spec.Place, d.spec.Kind = name, at, kind
	v := l.value(d.what, at, table)
	first := l.names[name]
	switch {
	case !program.IsName(name):
		v.errorf("the name " + program.NameRule)
	case first != nil:
		v.errorf("already declared at %v", first.spec.Place)
	case len(l.drafts) >= program.MaxPrograms:
		raise(L, "more than %d programs", program.MaxPrograms)
	default:
		l.names[name] = d
	}
	v.decode(d, l.fields.of(kind))
	l.required(d, v)
	l.drafts = append(l.drafts, d)
	return l.handle(L, d)
}

func (l *loader) required(d *draft, v value) {
	given := func(name string) bool { return v.lv.(*lua.LTable).RawGetString(name) != lua.LNil }
	if isList(v.lv.(*lua.LTable)) { // reported as such
		return
	}
	if len(d.spec.Command) == 0 && d.shell == "" && !given("command") && !given("shell") {
		v.errorf("command: is required (in this call)")
	}
	if d.spec.Kind == program.Cron && d.spec.Schedule == "" && !given("schedule") {
		v.errorf("schedule: is required (in this call)")
	}
}

// handle is what stands for a declared program in a script.
func (l *loader) handle(L *lua.LState, d *draft) lua.LValue {
	if l.handles == nil {
		l.handles = L.NewTable()
		l.handles.RawSetString("__metatable", lua.LFalse)
		l.handles.RawSetString("__tostring", L.NewFunction(func(L *lua.LState) int {
			L.Push(lua.LString(describe(L.Get(1))))
			return 1
		}))
		l.handles.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
			d := L.CheckUserData(1).Value.(*draft)
			if key := L.Get(2); key != lua.LString("name") {
				raise(L, "%s has no %s here: only its name can be read", d.what, describe(key))
			}
			L.Push(lua.LString(d.spec.Name))
			return 1
		}))
	}
	return &lua.LUserData{Value: d, Metatable: l.handles}
}

// override is override "name" { … }: it changes a program that is declared already.
func (l *loader) override(L *lua.LState, name string, at program.Place, table *lua.LTable) lua.LValue {
	l.checkTime(L)
	v := l.value("program "+quote(name), at, table)
	d := l.names[name]
	if d == nil && l.again { // it was there when the files were checked
		d = newDraft()
		d.what, d.spec.Name = v.what, name
		l.names[name], l.drafts = d, append(l.drafts, d)
	} else if d == nil {
		var known []string
		for _, d := range l.drafts {
			known = append(known, d.spec.Name)
		}
		slices.Sort(known)
		v.errorf("cannot override what is not declared%s: declare it before", suggest(name, known))
		d = newDraft()
		d.what, d.spec.Name = v.what, name
	}
	v.what = d.what
	v.decode(d, l.fields.of(d.spec.Kind))
	return l.handle(L, d)
}

// setDefaults is defaults { … }: for the programs declared after it. A further one adds to it.
func (l *loader) setDefaults(_ program.Place, v value) { v.decode(l.defaults, l.fields.defaults) }

// supervisor is supervisor { … }, once.
func (l *loader) supervisor(at program.Place, v value) {
	if l.configured != nowhere {
		v.errorf("already called at %v: put all into one table", l.configured)
		return
	}
	l.configured = at
	d := &draft{config: l.config}
	v.decode(d, l.fields.supervisor)
	l.config, l.pluginDir = d.config, d.pluginDir
	l.bounds.set(d.config.Settings.LuaLoadTimeout, d.config.Settings.LuaMemory)
}
