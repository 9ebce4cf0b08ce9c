package lua

import (
	"path/filepath"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// loading is the state of a module that is being loaded.
type loading struct{}

// moduleFunctions bring other files, the environment and tables together.
func (l *loader) moduleFunctions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"include":   l.whileLoading("include", l.include),
		"require":   l.require,
		"env":       l.lookupEnv,
		"read_file": l.readText,
		"merge":     l.merge,
	}
}

// include is include "glob" or include("glob", { optional = true }): it runs other files, in byte order.
func (l *loader) include(L *lua.LState) int {
	pattern := argument(L, "include", "a pattern such as \"conf.d/*.lua\"")
	optional := false
	if options, ok := L.Get(2).(*lua.LTable); ok {
		for _, key := range keys(options) {
			if key != lua.LString("optional") {
				raise(L, "include: unknown option %s: only optional is known", quote(key.String()))
			}
		}
		optional = lua.LVAsBool(options.RawGetString("optional"))
	}
	names := []string{beside(l.directory, pattern)}
	if strings.ContainsAny(pattern, "*?[") {
		found, err := l.files.glob(names[0])
		if err != nil {
			raise(L, "include %s: cannot understand the pattern: %v", quote(pattern), err)
		}
		names = slices.Sorted(slices.Values(found))
		if len(names) == 0 && !optional {
			raise(L, "include %s: no file matches: create one, or say include(%s, { optional = true })", quote(pattern), quote(pattern))
		}
	}
	for _, name := range names {
		l.run(L, "include", name, optional)
	}
	return 0
}

// run runs one included file. What is wrong in it is reported, and the next one gets its turn.
func (l *loader) run(L *lua.LState, verb, name string, optional bool) lua.LValue {
	l.checkTime(L)
	name = l.shown(name)
	if slices.ContainsFunc(l.running, func(r string) bool { return filepath.Clean(r) == name }) {
		raise(L, "%s: %s includes itself: %s", verb, quote(name), chain(l.running, name))
	}
	if optional && l.absent(name) {
		return lua.LNil
	}
	src, err := l.files.source(name)
	if err != nil {
		raise(L, "%s: %s %v", verb, quote(name), err)
	}
	fn, ok := l.compile(name, src)
	if !ok {
		l.failed = true
		if verb == "require" {
			abort(L)
		}
		return lua.LNil
	}
	l.running = append(l.running, name)
	result, failed := l.protected(fn)
	l.running = l.running[:len(l.running)-1]
	if failed == nil {
		return result
	}
	l.reportFailure(failed)
	if verb == "require" || l.bounds.cause() != "" {
		abort(L)
	}
	return lua.LNil
}

// absent says whether a file that may be missing is missing.
func (l *loader) absent(name string) bool {
	if l.files.texts != nil {
		_, ok := l.files.texts[absolute(name)]
		return !ok
	}
	_, err := l.files.bounded(name, maxFile)
	return err != nil && strings.Contains(err.Error(), "no such file")
}

// shown is name as messages have it: as it would be written beside the file named on the command line.
func (l *loader) shown(name string) string {
	name = filepath.Clean(name)
	if relative, err := filepath.Rel(l.directory, name); err == nil && !strings.HasPrefix(relative, "../") {
		return filepath.Join(filepath.Dir(l.main), relative)
	}
	return name
}

// require is require "a.b": the file a/b.lua, or a/b/init.lua, of the configuration's directory, once.
func (l *loader) require(L *lua.LState) int {
	name := argument(L, "require", "the name of a module such as \"lib.web\"")
	if !isModule(name) {
		raise(L, "require %s: a module is named by words with dots between them: require \"lib.web\" reads lib/web.lua", quote(name))
	}
	path := filepath.Join(l.directory, strings.ReplaceAll(name, ".", "/"))
	switch module := l.modules[path].(type) {
	case loading:
		raise(L, "require %s: the module requires itself: %s", quote(name), chain(l.running, name))
	case lua.LValue:
		L.Push(module)
		return 1
	}
	if l.loaded {
		raise(L, "require %s: only while the configuration is loaded: require it at the top of the file", quote(name))
	}
	file := path + ".lua"
	if l.absent(file) {
		if file = filepath.Join(path, "init.lua"); l.absent(file) {
			raise(L, "require %s: neither %s nor %s is there", quote(name), l.shown(path+".lua"), l.shown(file))
		}
	}
	l.modules[path] = loading{}
	module := l.run(L, "require", file, false)
	if module == lua.LNil {
		module = lua.LTrue
	}
	l.modules[path] = module
	L.Push(module)
	return 1
}

func isModule(name string) bool {
	for _, word := range strings.Split(name, ".") {
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
			return false
		}
	}
	return true
}

// lookupEnv is env("X") or env("X", default). Without a default an unset variable is an error: a nil at the end of a list would
// shorten a command silently.
func (l *loader) lookupEnv(L *lua.LState) int {
	name := argument(L, "env", "the name of a variable")
	if value, ok := l.env[name]; ok {
		L.Push(lua.LString(value))
		return 1
	}
	if L.GetTop() < 2 {
		raise(L, "env(%s): the variable is not set%s: set it, or give a default: env(%s, \"…\")", quote(name),
			suggest(name, l.envNames()), quote(name))
	}
	L.Push(L.Get(2))
	return 1
}

func (l *loader) envNames() []string {
	var names []string
	for name := range l.env {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// readText is read_file(path).
func (l *loader) readText(L *lua.LState) int {
	name := argument(L, "read_file", "a path")
	read := l.files.other
	if l.loaded { // a handler asks for what is there now
		read = func(name string) ([]byte, error) { return l.files.bounded(name, maxRead) }
	}
	data, err := read(beside(l.directory, name))
	if err != nil {
		raise(L, "read_file: %s %v", quote(name), err)
	}
	L.Push(lua.LString(data))
	return 1
}

// argument is the first argument of a function, which must be a text.
func argument(L *lua.LState, function, what string) string {
	text, ok := L.Get(1).(lua.LString)
	if !ok || text == "" {
		raise(L, "%s: expected %s, got %s", function, what, describe(L.Get(1)))
	}
	return string(text)
}

// checkTime ends the script when its time is up; gopher-lua looks only between its own instructions.
func (l *loader) checkTime(L *lua.LState) {
	if l.bounds.ctx.Err() != nil {
		raise(L, "%s", l.bounds.cause())
	}
}
