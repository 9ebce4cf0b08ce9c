package lua

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// baseFunctions are the functions of Lua's base library that gopher-lua has wrong, or not safe enough.
func (l *loader) baseFunctions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"error":        raiseError,
		"getmetatable": getMetatable,
		"pcall":        protectedCall,
		"print":        l.print,
		"rawset":       l.rawSet,
		"setmetatable": setMetatable,
		"unpack":       unpack,
		"xpcall":       protectedCallHandled,
		tableFunc:      l.tag,
		joinFunc:       l.join,
		concatFunc:     l.concat,
	}
}

// tag gives a table its origin: the number of it is the first argument.
func (l *loader) tag(L *lua.LState) int {
	n := L.CheckInt(1) - 1
	table := L.CheckTable(2)
	for len(l.marks) <= n {
		l.marks = append(l.marks, nil)
	}
	if l.marks[n] == nil {
		l.marks[n] = mark(L, l.origins[n])
	}
	table.Metatable = l.marks[n]
	L.Push(table)
	return 1
}

// join puts the parts of a long table together. The values without a key move up by the number of those before their part.
func (l *loader) join(L *lua.LState) int {
	before := l.joins[L.CheckInt(1)-1]
	whole := L.CheckTable(2)
	for i := 1; i < len(before); i++ {
		part := L.CheckTable(i + 2)
		items := part.MaxN()
		part.ForEach(func(k, v lua.LValue) {
			if n, ok := k.(lua.LNumber); ok && n >= 1 && n <= lua.LNumber(items) {
				k = n + lua.LNumber(before[i])
			}
			whole.RawSet(k, v)
		})
	}
	L.Push(whole)
	return 1
}

// raiseError is error: gopher-lua's ignores the level.
func raiseError(L *lua.LState) int {
	object := L.Get(1)
	level := L.OptInt(2, 1)
	text, ok := object.(lua.LString)
	if !ok {
		L.Error(object, 0)
		return 0
	}
	if where := L.Where(level); level > 0 && where != "" && !strings.HasPrefix(where, "[G]") {
		text = lua.LString(where+" ") + text
	}
	L.Error(text, 0)
	return 0
}

// getMetatable hides origins, and events that are not made yet.
func getMetatable(L *lua.LState) int {
	object := L.CheckAny(1)
	if t, ok := object.(*lua.LTable); ok && (marked(t.Metatable) != nil || pendingOf(t) != nil) {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(L.GetMetatable(object))
	return 1
}

// setMetatable takes tables only: gopher-lua's would give a metatable to all numbers at once.
func setMetatable(L *lua.LState) int {
	table, ok := L.Get(1).(*lua.LTable)
	if !ok {
		raise(L, "setmetatable: expected a table, got %s", describe(L.Get(1)))
	}
	meta, ok := L.Get(2).(*lua.LTable)
	if !ok && L.Get(2) != lua.LNil {
		raise(L, "setmetatable: expected a table or nil as metatable, got %s", describe(L.Get(2)))
	}
	if old, isTable := table.Metatable.(*lua.LTable); isTable && old.RawGetString("__metatable") != lua.LNil {
		raise(L, "setmetatable: this table's metatable is protected")
	}
	table.Metatable = lua.LNil
	if ok {
		table.Metatable = meta
	}
	L.SetTop(1)
	return 1
}

// rawSet is rawset, which would get around what freeze has made of a table.
func (l *loader) rawSet(L *lua.LState) int {
	table := L.CheckTable(1)
	if l.frozen[table] {
		raise(L, "rawset: this table belongs to mwlua: use another one")
	}
	table.RawSet(L.CheckAny(2), L.CheckAny(3))
	L.SetTop(1)
	return 1
}

// maxUnpacked bounds what unpack returns, as in C Lua.
const maxUnpacked = 8000

func unpack(L *lua.LState) int {
	list := L.CheckTable(1)
	first := L.OptInt(2, 1)
	last := L.OptInt(3, list.Len())
	if last < first {
		return 0
	}
	if n := last - first; n < 0 || n >= maxUnpacked {
		raise(L, "unpack: more than %d values at once", maxUnpacked)
	}
	for i := first; i <= last; i++ {
		L.Push(list.RawGetInt(i))
	}
	return last - first + 1
}

// same is a handler that keeps gopher-lua from writing a traceback: see protected.
func same(*lua.LState) int { return 1 }

// protectedCall is pcall.
func protectedCall(L *lua.LState) int {
	L.CheckAny(1)
	if err := L.PCall(L.GetTop()-1, lua.MultRet, L.NewFunction(same)); err != nil {
		L.SetTop(0)
		L.Push(lua.LFalse)
		L.Push(raised(err))
		return 2
	}
	L.Insert(lua.LTrue, 1)
	return L.GetTop()
}

// protectedCallHandled is xpcall. The handler runs when the stack is unwound: there is no debug library that could tell.
func protectedCallHandled(L *lua.LState) int {
	fn, handler := L.CheckAny(1), L.CheckFunction(2)
	L.SetTop(0)
	L.Push(fn)
	if err := L.PCall(0, lua.MultRet, L.NewFunction(same)); err != nil {
		L.SetTop(0)
		L.Push(lua.LFalse)
		L.Push(handler)
		L.Push(raised(err))
		L.Call(1, 1)
		return 2
	}
	L.Insert(lua.LTrue, 1)
	return L.GetTop()
}

// raised is what was raised, as pcall returns it.
func raised(err error) lua.LValue {
	if found, ok := err.(*lua.ApiError); ok {
		return found.Object
	}
	return lua.LString(err.Error())
}

// print is log.info without a format: standard output belongs to the caller of Load.
func (l *loader) print(L *lua.LState) int {
	var words []string
	for i := range L.GetTop() {
		words = append(words, L.ToStringMeta(L.Get(i+1)).String())
	}
	l.log("info", strings.Join(words, "\t"))
	return 0
}

// maxLines bounds what one call of a handler writes to the log, in lines.
const maxLines = 100

func (l *loader) log(level, text string) {
	l.lines++
	switch {
	case l.options.Log == nil, l.loaded && l.lines > maxLines:
	case l.loaded && l.lines == maxLines:
		l.options.Log(level, "what else this call of a handler says is left out")
	default:
		l.options.Log(level, line(text))
	}
}

// logFunctions are log.debug and the like: a format and its arguments.
func (l *loader) logFunctions() map[string]lua.LGFunction {
	functions := make(map[string]lua.LGFunction)
	for _, level := range []string{"debug", "info", "warn", "error"} {
		functions[level] = func(L *lua.LState) int {
			text := L.CheckString(1)
			if L.GetTop() > 1 {
				text = format(L)
			}
			l.log(level, text)
			return 0
		}
	}
	return functions
}
