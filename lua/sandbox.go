package lua

import (
	"math"
	"slices"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// gopher-lua fills an array up to any index below its MaxArrayIndex, which is a global: t[6e7] = 1 took 14 s and 3 GB.
const maxArrayIndex = 1 << 20

// boundArrays sets it, once a process.
var boundArrays = sync.OnceFunc(func() { lua.MaxArrayIndex = maxArrayIndex })

// kept is what a script gets of gopher-lua's own libraries. What is not here is either dangerous (os.exit ends process 1), or
// defective in v1.1.2, and then written anew in base.go, text.go and pattern.go.
func kept() map[string][]string {
	return map[string][]string{
		"": {"assert", "ipairs", "next", "rawequal", "rawget", "select", "tonumber", "tostring",
			"type"},
		"string": {"char", "len", "lower", "reverse", "sub", "upper"},
		"table":  {"insert", "maxn", "remove", "sort"},
		"math": {"abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp", "floor", "fmod", "frexp", "ldexp",
			"log", "log10", "max", "min", "modf", "pi", "pow", "rad", "sin", "sinh", "sqrt", "tan", "tanh"},
	}
}

// newState makes the sandbox.
func (l *loader) newState() *lua.LState {
	boundArrays()
	L := lua.NewState(lua.Options{
		SkipOpenLibs: true, CallStackSize: 240, RegistrySize: 1024, RegistryMaxSize: 1 << 20, RegistryGrowStep: 1 << 15,
	})
	L.SetContext(l.bounds.ctx)
	lua.OpenBase(L)
	lua.OpenString(L)
	lua.OpenTable(L)
	lua.OpenMath(L)
	global := L.G.Global
	library := func(name string) *lua.LTable {
		if name == "" {
			return global
		}
		return global.RawGetString(name).(*lua.LTable)
	}
	keep := kept()
	for name, names := range keep {
		prune(library(name), slices.Concat(names, libraries(name)))
	}
	global.RawSetString("_VERSION", lua.LString("Lua 5.1"))
	library("math").RawSetString("huge", lua.LNumber(math.Inf(1)))
	set := func(in *lua.LTable, functions map[string]lua.LGFunction) {
		for name, fn := range functions {
			in.RawSetString(name, L.NewFunction(fn))
		}
	}
	set(global, l.baseFunctions())
	global.RawSetString("pairs", L.NewFunction(l.pairs(global.RawGetString("next"))))
	set(global, l.declareFunctions())
	set(global, l.moduleFunctions())
	set(library("string"), l.textFunctions())
	set(library("string"), l.patternFunctions())
	set(library("math"), map[string]lua.LGFunction{"random": l.random()})
	set(library("table"), map[string]lua.LGFunction{"concat": l.tableConcat})
	logger, own := L.NewTable(), L.NewTable()
	set(logger, l.logFunctions())
	l.constants(own)
	if l.script != nil {
		for name, value := range l.script.globals(L) {
			global.RawSetString(name, value)
		}
	}
	global.RawSetString("log", logger)
	global.RawSetString("mwlua", own)
	l.freeze(L, global, "")
	for _, name := range []string{"string", "table", "math", "log", "mwlua"} {
		l.freeze(L, library(name), name)
	}
	return L
}

// libraries are the names in the library name that are tables of functions themselves, or are needed by it.
func libraries(name string) []string {
	switch name {
	case "":
		return []string{"string", "table", "math", "_G"}
	case "string":
		return []string{"__index"}
	}
	return nil
}

// prune removes all names from t but those in keep.
func prune(t *lua.LTable, keep []string) {
	var names []string
	t.ForEach(func(k, _ lua.LValue) { names = append(names, k.String()) })
	for _, name := range names {
		if !slices.Contains(keep, name) {
			t.RawSetString(name, lua.LNil)
		}
	}
}

// freeze makes an error of a name in t that is not there, read or written. library is "" for the globals, which l remembers.
func (l *loader) freeze(L *lua.LState, t *lua.LTable, library string) {
	var names []string
	t.ForEach(func(k, _ lua.LValue) { names = append(names, k.String()) })
	slices.Sort(names)
	if library == "" {
		names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "(") })
		l.globals = names
	}
	meta := L.NewTable()
	meta.RawSetString("__metatable", lua.LFalse)
	meta.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		name := L.Get(2).String()
		if library == "" {
			raise(L, "%s", l.undefined(name, nil))
		}
		raise(L, "%s has no %s%s", library, quote(name), suggest(name, names))
		return 0
	}))
	meta.RawSetString("__newindex", L.NewFunction(func(L *lua.LState) int {
		if library == "" {
			raise(L, "%s", l.unassignable(L.Get(2).String()))
		}
		raise(L, "cannot assign to %s.%s", library, L.Get(2).String())
		return 0
	}))
	t.Metatable = meta
	l.frozen[t] = true
}
