package lua

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// patient is longer than anything takes that ends.
const patient = 20 * time.Second

// open opens files, of which main.lua is run.
func open(t *testing.T, files map[string]string, change ...func(*Options)) (program.Config, *Handlers) {
	t.Helper()
	o := virtual(files, "main.lua")
	for _, c := range change {
		c(&o)
	}
	config, h, problems := Open(o)
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	if h != nil {
		t.Cleanup(h.Close)
	}
	return config, h
}

// deciding opens a program whose on_exit is a function with this body, and asks it.
func deciding(t *testing.T, body string, change ...func(*Options)) func(policy.Event) (policy.Verdict, []byte, error) {
	t.Helper()
	_, h := open(t, map[string]string{"main.lua": "program 'web' { command = { 'sh' }, on_exit = function(ev)\n" + body + "\nend }"}, change...)
	return func(ev policy.Event) (policy.Verdict, []byte, error) {
		return decide(t, h, "web.on_exit[1]", ev, patient)
	}
}

func decide(t *testing.T, h *Handlers, name string, ev policy.Event, within time.Duration) (policy.Verdict, []byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	return h.Decide(ctx, name, ev)
}

// anExit is an event with everything in it.
func anExit() policy.Event {
	return policy.Event{
		Exit: policy.Exit{Program: "web", Seq: 3, Code: 7, Signal: 0, CoreDumped: true, OOM: true, Reason: policy.Exited, Ran: 1500 * time.Millisecond,
			Failures: 2, Restarts: 1},
		ID: "x", Instance: "web[1]#3", Slot: 1, PID: 4711, Kind: "program", TotalRestarts: 9,
		History: []policy.Past{{Seq: 2, Signal: 9, Reason: policy.Health, Ran: time.Second}, {Seq: 1, Code: 1, Reason: policy.Exited}},
		Default: policy.Verdict{Do: policy.Restart, Delay: 1250 * time.Millisecond, Reason: "attempt 2", ExitCode: 3, Reset: true},
		Labels:  []string{"team=a", "tier=1"},
		Store:   []byte(`{"list":[1,true,"x"],"n":1.5}`),
		Time:    1_700_000_000 * time.Second,
	}
}

// TestVerdictForms is every form of an answer.
func TestVerdictForms(t *testing.T) {
	tests := []struct {
		answer string
		want   policy.Verdict
	}{
		{"", policy.Verdict{Do: policy.Default}},
		{"return nil", policy.Verdict{Do: policy.Default}},
		{"return 'default'", policy.Verdict{Do: policy.Default}},
		{"return 'restart', 'what follows does not count'", policy.Verdict{Do: policy.Restart}},
		{"return 'stop'", policy.Verdict{Do: policy.Stop}},
		{"return 'fail'", policy.Verdict{Do: policy.Fail}},
		{"return 'shutdown'", policy.Verdict{Do: policy.Shutdown}},
		{"return { action = 'default' }", policy.Verdict{Do: policy.Default}},
		{"return { action = 'restart', delay = '1h1.5s', reason = 'why', exit_code = 7, reset = true }",
			policy.Verdict{Do: policy.Restart, Delay: time.Hour + 1500*time.Millisecond, Reason: "why", ExitCode: 7, Reset: true}},
		{"return { action = 'restart', delay = '0s' }", policy.Verdict{Do: policy.Restart}},
		{"return { action = 'restart', delay = '24h' }", policy.Verdict{Do: policy.Restart, Delay: policy.MaxDelay}},
		{"return { action = 'shutdown', exit_code = 255, reason = 5 }", policy.Verdict{Do: policy.Shutdown, ExitCode: 255, Reason: "5"}},
		{"return { action = 'fail', reason = 'a\\nb' }", policy.Verdict{Do: policy.Fail, Reason: `a\nb`}},
		{"return ev.default", anExit().Default},
		{"ev.default.delay = '2s' return ev.default", policy.Verdict{Do: policy.Restart, Delay: 2 * time.Second, Reason: "attempt 2", ExitCode: 3, Reset: true}},
		{"return merge(ev.default, { action = 'fail' })", policy.Verdict{Do: policy.Fail, Delay: 1250 * time.Millisecond, Reason: "attempt 2", ExitCode: 3, Reset: true}},
	}
	for _, test := range tests {
		got, store, err := deciding(t, test.answer)(anExit())
		if err != nil || store != nil {
			t.Errorf("%s: %v, store %s", test.answer, err, store)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.answer, diff)
		}
		if text := got.Check(); text != "" {
			t.Errorf("%s: %s", test.answer, text)
		}
	}
}

// TestWrongAnswers: each has the line and the program.
func TestWrongAnswers(t *testing.T) {
	const of = `program "web": on_exit[1]`
	tests := []struct{ answer, want string }{
		{"return true", `1: ` + of + `: expected nil, an action such as "restart", or a table such as { action = "restart", delay = "5s" }, got true`},
		{"return 5", `1: ` + of + `: expected nil, an action such as "restart", or a table such as { action = "restart", delay = "5s" }, got number 5`},
		{"return print", `1: ` + of + `: expected nil, an action such as "restart", or a table such as { action = "restart", delay = "5s" }, got a function`},
		{"return 'retsart'", `1: ` + of + `: expected "default", "restart", "stop", "fail" or "shutdown", got string "retsart" (did you mean "restart"?)`},
		{"return ''", `1: ` + of + `: expected "default", "restart", "stop", "fail" or "shutdown", got string ""`},
		{"return 'retry'", `1: ` + of + `: expected "default", "restart", "stop", "fail" or "shutdown", got string "retry"`},
		{"return {\naction = 'fial' }", `3: ` + of + `.action: expected "default", "restart", "stop", "fail" or "shutdown", got string "fial" (did you mean "fail"?)`},
		{"return { delay = '5s' }", `1: ` + of + `: action: is required in a table: write action = "restart" or another one`},
		{"return {}", `1: ` + of + `: action: is required in a table: write action = "restart" or another one`},
		{"return { 'restart' }", `2: ` + of + `: a value without a name (string "restart"): write NAME = …`},
		{"return { action = 5 }", `2: ` + of + `.action: expected "default", "restart", "stop", "fail" or "shutdown", got number 5`},
		{"return { action = 'restart', delay = 5 }", `2: ` + of + `.delay: expected a duration such as "5s", got number 5: write the unit, such as "5s"`},
		{"return { action = 'restart', delay = '-1s' }", `2: ` + of + `.delay: expected a duration such as "250ms", "5s", "1h30m" or "1d", got string "-1s": it does not begin with a number`},
		{"return { action = 'restart', delay = '24h1ms' }", `2: ` + of + `.delay: expected at most "1d", got string "24h1ms"`},
		{"return { action = 'restart', delya = '5s' }", `2: ` + of + `.delya: unknown key (did you mean "delay"?)`},
		{"return { action = 'fail', code = 3 }", `2: ` + of + `.code: unknown key (mwlua calls it "exit_code")`},
		{"return { action = 'fail', exit_code = 256 }", `2: ` + of + `.exit_code: expected a whole number from 0 to 255, got number 256`},
		{"return { action = 'fail', exit_code = '3' }", `2: ` + of + `.exit_code: expected a whole number from 0 to 255, got string "3"`},
		{"return { action = 'fail', reset = 1, reason = {} }", `2: ` + of + `.reason: expected a string, got a table; main.lua:2: ` + of + `.reset: expected true or false, got number 1`},
		{"return { action = 'fail', reason = ('x'):rep(1025) }", `2: ` + of + `.reason: is 1025 bytes long, at most 1024 are taken`},
		{"local x = ev.labels.here.there", `2: ` + of + `: cannot take the key there of nil: what stands before it has no value`},
		{"local x = ev.exit_code", `2: ` + of + `: an event has no string "exit_code"`},
		{"local x = ev.Code", `2: ` + of + `: an event has no string "Code" (did you mean "code"?)`},
		{"return ev", `1: ` + of + `: action: is required in a table: write action = "restart" or another one`},
		{"error('boom')", `2: ` + of + `: boom`},
		{"error({})", `2: ` + of + `: an error that is no text was raised (a table)`},
		{"local function f()\nerror('deep')\nend\nf()", `3: ` + of + `: deep (called from main.lua:5)`},
		{"program 'b' { command = { 'sh' } }", `2: ` + of + `: program: only while the configuration is loaded, and this is called by a handler`},
		{"supervisor {}", `2: ` + of + `: supervisor: only while the configuration is loaded, and this is called by a handler`},
		{"on('ready', print)", `2: ` + of + `: on: only while the configuration is loaded, and this is called by a handler`},
		{"include '*.lua'", `2: ` + of + `: include: only while the configuration is loaded, and this is called by a handler`},
		{"require 'lib.late'", `2: ` + of + `: require "lib.late": only while the configuration is loaded: require it at the top of the file`},
		{"_G.counter = 1", `2: ` + of + `: assignment to the undeclared variable "counter": write "local" before it, where it is first used`},
		{"rawset(_G, 'counter', 1)", `2: ` + of + `: rawset: this table belongs to mwlua: use another one`},
		{"env('NOT_THERE')", `2: ` + of + `: env("NOT_THERE"): the variable is not set: set it, or give a default: env("NOT_THERE", "…")`},
		{"ev.store = 5", `1: ` + of + `: store: expected a table such as { NAME = value }, got number 5`},
		{"ev.store = { 1, 2 }", `1: ` + of + `: store: expected a table such as { NAME = value }, got a table`},
		{"ev.store.f = print", `1: ` + of + `: store.f: expected a string, a number, true, false or a table of these, got a function`},
		{"ev.store.f = {\nx = { 1, ev.store } }", `1: ` + of + `: store: tables are nested more than 32 deep: does one hold itself?`},
		{"ev.store.nan = 0 / 0", `1: ` + of + `: store.nan: is NaN, and only finite numbers are taken`},
		{"ev.store.big = ('x'):rep(16384)", `1: ` + of + `: store: is larger than the 16 KiB allowed, as JSON`},
		{"ev.store.bytes = '\\255'", `1: ` + of + `: store.bytes: is no UTF-8, and only that is taken`},
		{"ev.store.mixed = { 1, x = 2 }", `1: ` + of + `: store.mixed: has the key number 1 beside others: a table has names, or the keys 1, 2, 3 and so on without a gap`},
	}
	for _, test := range tests {
		got, store, err := deciding(t, test.answer)(anExit())
		if err == nil || got != (policy.Verdict{}) || store != nil {
			t.Errorf("%s: %+v, store %s, %v", test.answer, got, store, err)
		} else if want := "main.lua:" + test.want; err.Error() != want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.answer, err, want)
		}
	}
}

// TestEventTable: what a handler sees is what the table of keys says.
func TestEventTable(t *testing.T) {
	logged := make(chan string, 100)
	ask := deciding(t, `local function show(prefix, t)
		local names = {}
		for k in pairs(t) do names[#names + 1] = k end
		table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
		for _, k in ipairs(names) do
			if type(t[k]) == "table" then show(prefix .. k .. ".", t[k]) else log.info("%s", prefix .. k .. "=" .. tostring(t[k])) end
		end
	end
	show("", ev)`, func(o *Options) { o.Log = func(_, text string) { logged <- text } })
	show := func(ev policy.Event) string {
		if _, _, err := ask(ev); err != nil {
			t.Fatal(err)
		}
		var lines []string
		for len(logged) > 0 {
			lines = append(lines, <-logged)
		}
		return strings.Join(lines, " ")
	}
	want := "code=7 core_dumped=true default.action=restart default.delay=1s250ms default.exit_code=3 default.reason=attempt 2 default.reset=true " +
		"expected=false failures=2 history.1.reason=health history.1.seq=2 history.1.signal=9 history.1.uptime=1 history.2.code=1 " +
		"history.2.reason=exited history.2.seq=1 history.2.uptime=0 instance=web[1]#3 kind=program labels.team=a labels.tier=1 oom=true pid=4711 " +
		"program=web reason=exited restarts=1 seq=3 slot=1 store.list.1=1 store.list.2=true store.list.3=x store.n=1.5 time=1700000000 " +
		"total_restarts=9 uptime=1.5"
	if diff := cmp.Diff(want, show(anExit())); diff != "" {
		t.Error(diff)
	}
	killed := policy.Event{Exit: policy.Exit{Signal: 9}}
	if got := show(killed); !strings.Contains(got, " signal=9 ") || strings.Contains(got, "code=0 core") || !strings.Contains(got, "expected=true") {
		t.Error(got)
	}
}

// TestStore is changed, kept, emptied and replaced.
func TestStore(t *testing.T) {
	tests := []struct{ body, was, want string }{
		{"", "", ""},
		{"", `{"n":1}`, ""},
		{"local x = ev.store.n", `{"n":1}`, ""},
		{"ev.store.n = (ev.store.n or 0) + 1", "", `{"n":1}`},
		{"ev.store.n = (ev.store.n or 0) + 1", `{"n":41}`, `{"n":42}`},
		{"ev.store.n = nil", `{"n":1}`, `{}`},
		{"ev.store = nil", `{"n":1}`, `{}`},
		{"local s = ev.store ev.store = nil", `{"n":1}`, `{}`},
		{"for k, v in pairs(ev) do end", `{"n":1}`, ""},
		{"ev.store, ev.code = { n = ev.store.n }, nil", `{"n":1}`, ""},
		{"ev.store = { code = ev.code }", `{"n":1}`, `{"code":7}`},
		{"ev.store = {}", "", ""},
		{"ev.store = { b = { 1, { a = 'ä\"\\n<' } }, a = { true, false, 1.5, -1e300 } }", "", `{"a":[true,false,1.5,-1e+300],"b":[1,{"a":"ä\"\n\u003c"}]}`},
		{"ev.store[''] = 1", "", `{"":1}`},
		{"table.remove(ev.store.list, 1)", `{"list":[1,2,3]}`, `{"list":[2,3]}`},
		{"ev.store.x = ev.store.gone == nil", `{"gone":null}`, `{"x":true}`},
		{"ev.store.big = ('x'):rep(16000)", "", `{"big":"` + strings.Repeat("x", 16000) + `"}`},
	}
	for _, test := range tests {
		ask := deciding(t, test.body)
		ev := anExit()
		ev.Store = []byte(test.was)
		_, store, err := ask(ev)
		if err != nil || string(store) != test.want {
			t.Errorf("%s after %s: %s, %v; want %s", test.body, test.was, store, err, test.want)
		}
		if store == nil {
			continue
		}
		again := deciding(t, "")
		ev.Store = store
		if _, unchanged, err := again(ev); unchanged != nil || err != nil {
			t.Errorf("%s: read back it has become %s, %v", store, unchanged, err)
		}
	}
	ev := anExit()
	for _, bad := range []string{"[1]", "{", "5", "\xff"} {
		ev.Store = []byte(bad)
		if _, _, err := deciding(t, "local x = ev.store")(ev); err == nil || !strings.HasPrefix(err.Error(), `main.lua:2: program "web": on_exit[1]: the store cannot be understood`) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestStoreStaysWhenTheHandlerFails: half of a change is none.
func TestStoreStaysWhenTheHandlerFails(t *testing.T) {
	for _, body := range []string{"ev.store.n = 2 error('x')", "ev.store.n = 2 return 'nonsense'"} {
		if _, store, err := deciding(t, body)(anExit()); err == nil || store != nil {
			t.Errorf("%s: %s, %v", body, store, err)
		}
	}
}

// TestCalls are those of on_start, on_stop and the hooks, with what they get.
func TestCalls(t *testing.T) {
	logged := make(chan string, 100)
	config, h := open(t, map[string]string{"main.lua": `
		local function show(what) return function(ev)
			log.warn("%s %s %s %s %s", what, ev.program, ev.code, ev.store, ev.time)
			return { "means", "nothing" }
		end end
		local function hook(ev) log.warn("%s %s %s", ev.event, ev.text, ev.time) end
		program "web" { command = { "sh" }, on_start = show("start"), on_stop = show("stop") }
		for _, name in ipairs { "reload", "reloaded", "ready", "shutdown", "signal" } do on(name, hook) end
		on("signal", function() error("never mind") end)`},
		func(o *Options) { o.Log = func(_, text string) { logged <- text } })
	web := config.Programs[0]
	if web.OnStart != "web.on_start" || web.OnStop != "web.on_stop" || len(config.Hooks) != 6 {
		t.Errorf("%+v, %+v", web, config.Hooks)
	}
	call := func(name, on, text string) (string, error) {
		err := h.Call(t.Context(), name, on, anExit(), text)
		if len(logged) == 0 {
			return "", err
		}
		return <-logged, err
	}
	for _, test := range []struct{ name, on, text, want string }{
		{web.OnStart, OnStart, "", "start web nil nil 1700000000"},
		{web.OnStop, OnStop, "", "stop web 7 nil 1700000000"},
		{"on.reload[1]", "reload", "", "reload  1700000000"},
		{"on.reloaded[1]", "reloaded", "it failed", "reloaded it failed 1700000000"},
		{"on.signal[1]", "signal", "SIGUSR1", "signal SIGUSR1 1700000000"},
	} {
		if got, err := call(test.name, test.on, test.text); err != nil || got != test.want {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
	if _, err := call("on.signal[2]", "signal", "SIGHUP"); err == nil || err.Error() != "main.lua:9: on: signal[2]: never mind" {
		t.Error(err)
	}
	if _, err := call("on.none[1]", "none", ""); err == nil || err.Error() != `the configuration has no handler "on.none[1]"` {
		t.Error(err)
	}
}

// TestNamesOfHandlers: what a Config says of its functions and plugins.
func TestNamesOfHandlers(t *testing.T) {
	config, _ := open(t, map[string]string{"main.lua": `
		supervisor { plugin_dir = "/plugins", lua = { handler_timeout = "1s" } }
		local budget = plugin "budget" { path = "mwlua-budget", sha256 = ("AB"):rep(32), args = { "-v", 1 }, env = { B = 2, A = "1" },
			user = "root", config = { max = 5, names = { "a" } }, timeout = "3s", start_timeout = "1m", required = true, mtls = true, log_lines = 7 }
		plugin "plain" { path = "/bin/plain" }
		defaults { on_exit = function() end, on_start = print }
		program "a" { command = { "sh" } }
		oneshot "b" { command = { "sh" }, on_exit = { print, budget, function() end } }
		cron "c" { command = { "sh" }, schedule = "@daily", on_exit = budget, on_start = false }
		program "d" { command = { "sh" }, on_exit = false, on_start = false }
		program "off" { command = { "sh" }, enabled = false }
		override "d" { on_stop = function() end }`})
	by := func(name string) program.Decider {
		return program.Decider{By: program.ByHandler, Name: name, Timeout: time.Second}
	}
	plugin := program.Decider{By: program.ByPlugin, Name: "budget", Timeout: 3 * time.Second}
	want := [][]program.Decider{{by("a.on_exit[1]")}, {by("b.on_exit[1]"), plugin, by("b.on_exit[3]")}, {plugin}, nil}
	for i, p := range config.Programs {
		if diff := cmp.Diff(want[i], p.OnExit); diff != "" {
			t.Errorf("%s: %s", p.Name, diff)
		}
	}
	if config.Programs[0].OnStart != "a.on_start" || config.Programs[2].OnStart != "" || config.Programs[3].OnStop != "d.on_stop" {
		t.Errorf("%+v", config.Programs)
	}
	plugins := []program.Plugin{{
		Name: "budget", Place: program.Place{File: "main.lua", Line: 3}, Path: "/plugins/mwlua-budget", SHA256: strings.Repeat("ab", 32),
		Args: []string{"-v", "1"}, Env: []string{"A=1", "B=2"}, User: &program.Credential{Groups: []uint32{0}},
		Config: `{"max":5,"names":["a"]}`, Timeout: 3 * time.Second, StartTimeout: time.Minute, Required: true, MTLS: true, LogLines: 7,
	}, {Name: "plain", Place: program.Place{File: "main.lua", Line: 5}, Path: "/bin/plain"}}
	if diff := cmp.Diff(plugins, config.Plugins); diff != "" {
		t.Error(diff)
	}
	if len(config.Sources) != 1 || config.Sources[0].Path != "main.lua" || config.Settings.LuaHandlerTimeout != time.Second {
		t.Errorf("%+v", config.Sources)
	}
}

// TestPluginPaths: plugin_dir counts wherever it is said.
func TestPluginPaths(t *testing.T) {
	dir, _ := directory("main.lua")
	for source, want := range map[string]string{
		`plugin "p" { path = "a/../b" }`:                                                      dir + "/b",
		`plugin "p" { path = "/a" } supervisor { plugin_dir = "/d" }`:                         "/a",
		`plugin "p" { path = "a" } supervisor { plugin_dir = "d" }`:                           dir + "/d/a",
		`supervisor { plugin_dir = "/d" } plugin("p", merge({ path = "x" }, { path = "a" }))`: "/d/a",
	} {
		config, _ := open(t, map[string]string{"main.lua": source})
		if len(config.Plugins) != 1 || config.Plugins[0].Path != want {
			t.Errorf("%s: %+v, want %s", source, config.Plugins, want)
		}
	}
}

// TestHandlersDoNotFloodTheLog: what one call says is bounded, and the next one begins anew.
func TestHandlersDoNotFloodTheLog(t *testing.T) {
	var said []string
	ask := deciding(t, "for i = 1, 1000 do log.info('%d', i) end", func(o *Options) { o.Log = func(_, text string) { said = append(said, text) } })
	for range 2 {
		said = nil
		if _, _, err := ask(anExit()); err != nil || len(said) != maxLines || said[maxLines-2] != "99" ||
			said[maxLines-1] != "what else this call of a handler says is left out" {
			t.Errorf("%v, %d lines: %q", err, len(said), said)
		}
	}
}

// TestNoFunctionsNoHandlers: then nothing stays, and nothing has to be closed.
func TestNoFunctionsNoHandlers(t *testing.T) {
	for _, source := range []string{"program 'a' { command = { 'sh' } }", "local p = plugin 'p' { path = 'p' } program 'a' { command = { 'sh' }, on_exit = p }"} {
		config, h := open(t, map[string]string{"main.lua": source})
		if h != nil || config.Sources != nil {
			t.Errorf("%s: %v, %v", source, h, config.Sources)
		}
	}
	if _, h, problems := Open(virtual(map[string]string{"main.lua": "on('ready', print) error('x')"}, "main.lua")); h != nil || len(problems) != 1 {
		t.Error(h, problems)
	}
}

// TestHandlersOfABase: an override changes what another language has declared.
func TestHandlersOfABase(t *testing.T) {
	base := &program.Config{
		Programs: []program.Spec{
			{Name: "api", Command: []string{"a"}, OnReload: program.Keep, OnExit: []program.Decider{{By: program.ByPlugin, Name: "budget"}}},
			{Name: "worker", Command: []string{"a"}, OnReload: program.Keep},
		},
		Plugins: []program.Plugin{{Name: "budget", Path: "/p"}},
	}
	config, h := open(t, map[string]string{"main.lua": `override "worker" { on_exit = function() return "fail" end }`}, func(o *Options) { o.Base = base })
	if len(config.Plugins) != 1 || len(config.Programs[0].OnExit) != 1 || len(config.Programs[1].OnExit) != 1 {
		t.Errorf("%+v", config)
	}
	ask := func(h *Handlers) {
		if v, _, err := decide(t, h, "worker.on_exit[1]", anExit(), patient); err != nil || v.Do != policy.Fail {
			t.Errorf("%+v, %v", v, err)
		}
	}
	ask(h)
	again, err := Rebuild(config.Sources, Options{}) // without the base
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	ask(again)
}

// TestThousandEvents at once: everybody gets an answer of his own.
func TestThousandEvents(t *testing.T) {
	_, h := open(t, map[string]string{"main.lua": `program "web" { command = { "sh" }, on_exit = function(ev)
		ev.store.seq = ev.seq
		return { action = "restart", delay = ev.seq .. "ms" }
	end }`})
	var wg sync.WaitGroup
	for i := range 3000 {
		wg.Go(func() {
			ev := anExit()
			ev.Seq, ev.Store = uint64(i), nil
			v, store, err := decide(t, h, "web.on_exit[1]", ev, patient)
			if err != nil || v.Delay != time.Duration(i)*time.Millisecond || string(store) != fmt.Sprintf(`{"seq":%d}`, i) {
				t.Errorf("%d: %+v, %s, %v", i, v, store, err)
			}
		})
	}
	wg.Wait()
}

// TestRandom is there for handlers, within its bounds.
func TestRandom(t *testing.T) {
	if _, _, err := deciding(t, `for i = 1, 1000 do
		local a, b, c = math.random(), math.random(3), math.random(-1, 1)
		assert(0 <= a and a < 1 and 1 <= b and b <= 3 and b % 1 == 0 and -1 <= c and c <= 1)
	end
	assert(math.random(5, 5) == 5 and not pcall(math.random, 0) and not pcall(math.random, 2, 1))`)(anExit()); err != nil {
		t.Error(err)
	}
}

// TestHandlersGiveBackTheHeap calls again and again: nothing of a call may stay.
func TestHandlersGiveBackTheHeap(t *testing.T) {
	ask := deciding(t, "ev.store.x = ('x'):rep(10000) return { action = 'restart' }")
	measure := func() uint64 {
		runtime.GC()
		return newHeap().read().live
	}
	run := func() {
		for range 500 {
			if _, _, err := ask(anExit()); err != nil {
				t.Fatal(err)
			}
		}
	}
	run()
	before := measure()
	run()
	if after := measure(); after > before+(4<<20) {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
}

// FuzzVerdict answers with whatever a script can make: what is accepted can be carried out, what is not has a line, and what is kept
// can be read back.
func FuzzVerdict(f *testing.F) {
	for _, seed := range []string{
		"nil", "'restart'", "{ action = 'restart', delay = '1h' }", "{ action = 'stop', delay = '25h', exit_code = -1, reason = 5, reset = 0 }",
		"ev.default", "ev.store", "ev", "{ [1] = 'x', [2] = {} }", "setmetatable({}, { __index = function() return 'restart' end })", "(error(ev))",
		"(function() ev.store.x = ev.store return ev.store end)()", "{ action = 'restart', delay = ('9'):rep(400) .. 'd' }", "0/0",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		o := virtual(map[string]string{"main.lua": "program 'web' { command = { 'sh' }, on_exit = function(ev)\nreturn " + expression + "\nend }"}, "main.lua")
		o.Timeout, o.Memory = 300*time.Millisecond, 64<<20
		_, h, problems := Open(o)
		if h == nil {
			if len(problems) == 0 {
				t.Error("neither handlers nor a problem")
			}
			return
		}
		defer h.Close()
		for name := range h.known {
			v, store, err := decide(t, h, name, anExit(), 300*time.Millisecond)
			switch {
			case err != nil && !strings.HasPrefix(err.Error(), "main.lua"), err != nil && strings.ContainsAny(err.Error(), "\n\x00"):
				t.Errorf("error %q", err)
			case err == nil && v.Check() != "":
				t.Errorf("%+v: %s", v, v.Check())
			case len(store) > policy.MaxStore || math.MaxUint8 < v.ExitCode:
				t.Errorf("%d bytes, %+v", len(store), v)
			case store != nil:
				if _, err := tableOf(lua.NewState(), store); err != nil {
					t.Errorf("%s: %v", store, err)
				}
			}
		}
	})
}
