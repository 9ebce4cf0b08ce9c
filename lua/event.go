package lua

import (
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/policy"
)

// occasion is when a key of an event is there.
type occasion int

const (
	always   occasion = iota // in on_exit, on_start and on_stop
	afterEnd                 // in on_exit and on_stop
	forExit                  // in on_exit
)

// eventKey is one key of the table that handlers of a program get. The table itself, the reference and the editors' definitions are
// made of these.
type eventKey struct {
	name, kind string // kind is a type of LuaLS
	doc        string
	when       occasion
	value      func(L *lua.LState, ev policy.Event) lua.LValue
}

func eventKeys() []eventKey {
	text := func(of func(policy.Event) string) func(*lua.LState, policy.Event) lua.LValue {
		return func(_ *lua.LState, ev policy.Event) lua.LValue { return lua.LString(of(ev)) }
	}
	number := func(of func(policy.Event) float64) func(*lua.LState, policy.Event) lua.LValue {
		return func(_ *lua.LState, ev policy.Event) lua.LValue { return lua.LNumber(of(ev)) }
	}
	truth := func(of func(policy.Event) bool) func(*lua.LState, policy.Event) lua.LValue {
		return func(_ *lua.LState, ev policy.Event) lua.LValue { return lua.LBool(of(ev)) }
	}
	return []eventKey{
		{"program", "string", "The program's name.", always, text(func(ev policy.Event) string { return ev.Program })},
		{"instance", "string", "The instance, as in \"web#3\".", always, text(func(ev policy.Event) string { return ev.Instance })},
		{"seq", "integer", "Its number, which is 3 there.", always, number(func(ev policy.Event) float64 { return float64(ev.Seq) })},
		{"slot", "integer", "Which of the program's `instances` it is, from 0.", always, number(func(ev policy.Event) float64 { return float64(ev.Slot) })},
		{"pid", "integer", "Its process; 0 if nothing ever ran.", always, number(func(ev policy.Event) float64 { return float64(ev.PID) })},
		{"kind", "\"program\"|\"oneshot\"|\"cron\"", "What declared it.", always, text(func(ev policy.Event) string { return ev.Kind })},
		{"code", "integer?", "Its exit code; nil if a signal ended it.", afterEnd, func(_ *lua.LState, ev policy.Event) lua.LValue {
			return code(ev.Code, ev.Signal)
		}},
		{"signal", "integer?", "The number of the signal that ended it; nil if none did.", afterEnd, func(_ *lua.LState, ev policy.Event) lua.LValue {
			return signal(ev.Signal)
		}},
		{"core_dumped", "boolean", "Whether the kernel wrote a core file.", afterEnd, truth(func(ev policy.Event) bool { return ev.CoreDumped })},
		{"oom", "boolean", "Whether the kernel killed it for want of memory: known with `cgroup`, where the memory controller is there, else false.", afterEnd,
			truth(func(ev policy.Event) bool { return ev.OOM })},
		{"reason", "string", "\"exited\", \"start-failed\", \"not-ready\", \"health\", \"watchdog\", \"timeout\" or \"reload-signal\".",
			afterEnd, text(func(ev policy.Event) string { return string(ev.Reason) })},
		{"expected", "boolean", "Whether it is no failure to the declared policy.", afterEnd, truth(func(ev policy.Event) bool { return ev.Failures == 0 })},
		{"uptime", "number", "How long it ran, in seconds.", afterEnd, number(func(ev policy.Event) float64 { return ev.Ran.Seconds() })},
		{"failures", "integer", "Failures in a row, this one included.", afterEnd, number(func(ev policy.Event) float64 { return float64(ev.Failures) })},
		{"restarts", "integer", "Restarts within the `window` of `restart`; counted while it has a `limit`.", afterEnd,
			number(func(ev policy.Event) float64 { return float64(ev.Restarts) })},
		{"total_restarts", "integer", "Restarts since it was first started.", always,
			number(func(ev policy.Event) float64 { return float64(ev.TotalRestarts) })},
		{"history", "mwlua.Past[]", "Ends before this one, the newest first, at most 10.", afterEnd,
			func(L *lua.LState, ev policy.Event) lua.LValue { return history(L, ev.History) }},
		{"default", "mwlua.Verdict", "What `restart` says. It can be changed and returned.", forExit,
			func(L *lua.LState, ev policy.Event) lua.LValue { return verdictTable(L, ev.Default) }},
		{"labels", "table<string, string>", "The declared ones.", always, func(L *lua.LState, ev policy.Event) lua.LValue {
			return labels(L, ev.Labels)
		}},
		{"store", "table", "A table of this program's own: what is put in there is there the next time, also after reloads. Names with " +
			"strings, numbers, booleans and tables of these, 16 KiB in all as JSON.", forExit,
			func(L *lua.LState, ev policy.Event) lua.LValue { return storeTable(L, ev.Store) }},
		{"time", "number", "When, in seconds since 1970.", always, number(func(ev policy.Event) float64 { return seconds(ev.Time) })},
	}
}

// pastKeys are those of history.
func pastKeys() []eventKey {
	return []eventKey{
		{name: "seq", kind: "integer", doc: "The instance's number."},
		{name: "code", kind: "integer?", doc: "As in the event."},
		{name: "signal", kind: "integer?", doc: "As in the event."},
		{name: "reason", kind: "string", doc: "As in the event."},
		{name: "uptime", kind: "number", doc: "As in the event."},
	}
}

// hookKeys are those of the table that the functions of on get.
func hookKeys() []eventKey {
	return []eventKey{
		{name: "event", kind: "string", doc: "The occasion, as given to `on`."},
		{name: "text", kind: "string", doc: "The name of the signal, such as \"SIGUSR1\"; what went wrong with a load; else \"\"."},
		{name: "time", kind: "number", doc: "When, in seconds since 1970."},
	}
}

// hookEvent is the table for the functions of on.
func hookEvent(L *lua.LState, on, text string, at time.Duration) *lua.LTable {
	table := L.CreateTable(0, 3)
	table.RawSetString("event", lua.LString(on))
	table.RawSetString("text", lua.LString(text))
	table.RawSetString("time", lua.LNumber(seconds(at)))
	return table
}

func seconds(t time.Duration) float64 { return t.Seconds() }

func code(code, signal int) lua.LValue {
	if signal != 0 {
		return lua.LNil
	}
	return lua.LNumber(code)
}

func signal(signal int) lua.LValue {
	if signal == 0 {
		return lua.LNil
	}
	return lua.LNumber(signal)
}

func history(L *lua.LState, list []policy.Past) *lua.LTable {
	table := L.CreateTable(len(list), 0)
	for _, past := range list {
		one := L.CreateTable(0, 4)
		one.RawSetString("seq", lua.LNumber(past.Seq))
		one.RawSetString("code", code(past.Code, past.Signal))
		one.RawSetString("signal", signal(past.Signal))
		one.RawSetString("reason", lua.LString(past.Reason))
		one.RawSetString("uptime", lua.LNumber(past.Ran.Seconds()))
		table.Append(one)
	}
	return table
}

func storeTable(L *lua.LState, text []byte) *lua.LTable {
	table, err := tableOf(L, text)
	if err != nil {
		raise(L, "the store cannot be understood: %v", err)
	}
	return table
}

func labels(L *lua.LState, list []string) *lua.LTable {
	table := L.CreateTable(0, len(list))
	for _, kv := range list {
		name, text, _ := strings.Cut(kv, "=")
		table.RawSetString(name, lua.LString(text))
	}
	return table
}
