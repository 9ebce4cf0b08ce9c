package lua

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/program"
)

// maxDeciders bounds the list of one on_exit, and maxHooks the calls of on.
const (
	maxDeciders = 16
	maxHooks    = 100
)

// handler is a function of the configuration that is called after the load.
type handler struct {
	fn   *lua.LFunction
	what string        // whose it is: program "web", or on
	path string        // where it stands there: on_exit[1]
	at   program.Place // where its text begins
}

// decider is one of the list of on_exit: a function or the name of a plugin.
type decider struct {
	fn     *lua.LFunction
	at     program.Place
	plugin *program.Plugin
}

// callback is the function of on_start or on_stop. The zero one is none.
type callback struct {
	fn *lua.LFunction
	at program.Place
}

// hook is a call of on.
type hook struct {
	on program.HookOn
	callback
}

// handlerFields are the keys of every kind that take functions.
func handlerFields() []field {
	function := func(name, doc string, to func(*draft) *callback) field {
		return field{name: name, kind: aFunction, doc: doc, set: func(d *draft, v value) {
			if c, ok := v.callback(); ok {
				*to(d) = c
			}
		}, get: neverWritten}
	}
	return []field{
		{name: "on_exit", kind: aDeciderList, also: []string{"onexit", "exit_policy", "on_failure", "onfailure"},
			doc: "What follows its end: a function that gets the event and answers with a verdict (see below), what `plugin` yields, or a " +
				"list of these. They are asked in their order, and the first answer that is not \"default\" counts. Without one, or when " +
				"all fail, it is what `restart` says.",
			set: func(d *draft, v value) {
				if list, ok := v.deciders(); ok {
					d.deciders, d.decided = list, true
				}
			},
			get: neverWritten},
		function("on_start", "Called with the event when an instance was started. Its answer means nothing.",
			func(d *draft) *callback { return &d.onStart }),
		function("on_stop", "Called with the event when an instance has ended, however. Its answer means nothing.",
			func(d *draft) *callback { return &d.onStop }),
	}
}

// callback is a function, or false for none.
func (v value) callback() (callback, bool) {
	if v.lv == lua.LFalse {
		return callback{}, true
	}
	fn, ok := v.lv.(*lua.LFunction)
	if !ok {
		v.expected("a function")
		return callback{}, false
	}
	return callback{fn, beginning(fn, v.at)}, true
}

// deciders is one decider or a list, or false for none.
func (v value) deciders() ([]decider, bool) {
	if v.lv == lua.LFalse {
		return nil, true
	}
	items := []value{v}
	if _, isTable := v.lv.(*lua.LTable); isTable {
		var ok bool
		if items, ok = v.list("a list such as { function(event) … end, budget }"); !ok {
			return nil, false
		}
	}
	if len(items) > maxDeciders {
		v.errorf("holds %d values, at most %d are taken", len(items), maxDeciders)
		return nil, false
	}
	var list []decider
	good := true
	for _, item := range items {
		one, ok := item.decider()
		list, good = append(list, one), good && ok
	}
	return list, good
}

func (v value) decider() (decider, bool) {
	switch lv := v.lv.(type) {
	case *lua.LFunction:
		return decider{fn: lv, at: beginning(lv, v.at)}, true
	case *lua.LUserData:
		if d, ok := lv.Value.(*draft); ok && d.plugin != nil {
			return decider{plugin: d.plugin}, true
		}
	}
	v.expected("a function, or what plugin yields")
	return decider{}, false
}

// beginning is where the text of fn begins; one of ours has none.
func beginning(fn *lua.LFunction, otherwise program.Place) program.Place {
	if fn.IsG {
		return otherwise
	}
	return place(fn.Proto.SourceName, fn.Proto.LineDefined)
}

// hooks are the occasions of on.
func hooks() []string {
	return []string{string(program.OnReloadBegins), string(program.OnReloaded), string(program.OnReadyAll), string(program.OnShutdown),
		string(program.OnSignal)}
}

// on is on("reload", function(event) … end).
func (l *loader) on(L *lua.LState) int {
	at := l.caller(L)
	v := value{l: l, lv: L.Get(1), what: "on", at: at, call: at}
	name, ok := v.choice(hooks())
	v.lv = L.Get(2)
	c, isFunction := v.callback()
	switch {
	case !ok || !isFunction:
	case c.fn == nil:
		v.expected("a function")
	case len(l.hooks) >= maxHooks:
		raise(L, "on: more than %d calls", maxHooks)
	default:
		l.hooks = append(l.hooks, hook{program.HookOn(name), c})
	}
	return 0
}

// finishHandlers gives the functions of d their names, which s has then. What another language said stays, unless Lua says more.
func (l *loader) finishHandlers(d *draft, s *program.Spec) {
	name := func(c callback, key string) string {
		if c.fn == nil {
			return ""
		}
		return l.handler(s.Name, handler{fn: c.fn, what: d.what, path: key, at: c.at})
	}
	s.OnStart, s.OnStop = name(d.onStart, "on_start"), name(d.onStop, "on_stop")
	if !d.decided {
		return
	}
	s.OnExit = nil
	for i, one := range d.deciders {
		if one.plugin != nil {
			s.OnExit = append(s.OnExit, program.Decider{By: program.ByPlugin, Name: one.plugin.Name, Timeout: one.plugin.Timeout})
			continue
		}
		path := fmt.Sprintf("on_exit[%d]", i+1)
		s.OnExit = append(s.OnExit, program.Decider{
			By: program.ByHandler, Name: l.handler(s.Name, handler{one.fn, d.what, path, one.at}), Timeout: l.config.Settings.LuaHandlerTimeout,
		})
	}
}

// finishHooks does so for the calls of on.
func (l *loader) finishHooks() []program.Hook {
	counts := make(map[program.HookOn]int)
	var list []program.Hook
	for _, h := range l.hooks {
		counts[h.on]++
		path := fmt.Sprintf("%s[%d]", h.on, counts[h.on])
		list = append(list, program.Hook{On: h.on, Name: l.handler("on", handler{h.fn, "on", path, h.at})})
	}
	return list
}

// handler remembers h and returns its name, which is the same whenever the same files are loaded.
func (l *loader) handler(owner string, h handler) string {
	name := owner + "." + h.path
	l.handlers[name] = h
	return name
}

// finishSources are the files that were run, if there is a function to be found in them again.
func (l *loader) finishSources() []program.Source {
	if len(l.handlers) == 0 {
		return nil
	}
	return l.sources
}
