package luatest_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/lua"
	"github.com/mwlua/mwlua/lua/luatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// load is luatest.Options.Load, for Lua alone.
func load(from luatest.Source) (program.Config, *lua.Handlers, program.Problems) {
	o := lua.Options{Files: from.Lua, Direct: true, Log: from.Log, Seed: from.Seed}
	if from.Text != "" {
		o.Files = []string{from.Name}
		o.ReadFile = func(string) ([]byte, error) { return []byte(from.Text), nil }
	}
	return lua.Open(o)
}

func runFile(t *testing.T, o luatest.Options) (results []luatest.Result) {
	t.Helper()
	o.Load = load
	problems, err := luatest.Run(t.Context(), o, func(r luatest.Result, done, _ int) {
		if results = append(results, r); done != len(results) {
			t.Errorf("result %d is told as number %d", len(results), done)
		}
	})
	if len(problems) > 0 || err != nil {
		t.Fatal(problems, err)
	}
	return results
}

// TestVerbs runs a script that uses every verb, with one worker and with several.
func TestVerbs(t *testing.T) {
	for _, jobs := range []int{1, 4} {
		for _, r := range runFile(t, luatest.Options{Files: []string{"testdata/verbs_test.lua"}, Jobs: jobs}) {
			if r.Status != luatest.Passed {
				t.Errorf("%s: %v: %s\n%s\n%s", r.Name, r.Place, r.Text, strings.Join(r.Log, "\n"), r.Trace)
			}
		}
	}
	script, err := os.ReadFile("testdata/verbs_test.lua")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range luatest.SimVerbs() {
		if !regexp.MustCompile(`\bs:` + verb + `\b`).Match(script) {
			t.Errorf("no test has s:%s", verb)
		}
	}
}

// script writes a file of tests, with a world s of one program in each.
func script(t *testing.T, body string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x_test.lua")
	text := "local function world()\n\tlocal s = sim { text = \"program 'web' { command = { '/bin/sh' } }\" } s:start() return s\nend\n" + body
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestFailures: each ends with one clear line at the line of the script.
func TestFailures(t *testing.T) {
	for _, test := range []struct{ body, want string }{
		{`eq(1, 2)`, `got 1, want 2`},
		{`eq({ 1, { a = 2 } }, { 1, { a = 3 } })`, `got { 1, { a = 2 } }, want { 1, { a = 3 } }: they differ at [2].a`},
		{`eq("1", 1)`, `got "1", want 1`},
		{`eq(1)`, `eq: expected two values, got 1`},
		{`ok(nil)`, `got nil`},
		{`ok(false, "it is wrong")`, `got false: it is wrong`},
		{`matches("abc", "^b")`, `"abc" does not match the pattern "^b"`},
		{`matches(1, "^b")`, `matches: expected a text and a pattern, got number 1`},
		{`fails(function() end)`, `it did not fail`},
		{`fails(function() error("boom") end, "bang")`, `which does not match the pattern "bang"`},
		{`fails(1)`, `fails: expected a function`},
		{`error("boom")`, `boom`},
		{`error({})`, `an error that is no text`},
		{`local s = nil; s:start()`, `cannot take the key start of nil`},
		{`test("inner", function() end)`, `test: only outside of other tests`},
		{`program "web" { command = { "/bin/sh" } }`, `program: a script declares nothing: give sim or run a configuration`},
		{`before_each(function() end)`, `outside of tests`},
		{`eq(t.dri, 1)`, `t has no "dri"`},
		{`sim()`, `sim: expected a table, got nil`},
		{`sim {}`, `expected a configuration: config = "FILE"`},
		{`sim { confg = "x" }`, `sim: unknown key "confg" (did you mean "config"?)`},
		{`sim { config = "nowhere.lua" }`, `the configuration cannot be used: `},
		{`sim { config = 1 }`, `sim: config: expected the name of a file, got number 1`},
		{`sim { text = 1 }`, `sim: text: expected a text`},
		{`sim { text = "x = 1" }`, `the configuration cannot be used: `},
		{`sim { text = "program 'a' { comand = { 'x' } }" }`, `comand: unknown key`},
		{`sim { text = "program 'a' { command = { '/bin/sh' } }", now = "monday" }`, `now: expected a time such as`},
		{`world():expcet("web", "running")`, `a world of sim has no "expcet" (did you mean "expect"?)`},
		{`world():wobble()`, `a world of sim has no "wobble": it has advance, `},
		{`local s = world(); s.expect("web", "running")`, `expect: write it with a colon, as in s:expect(`},
		{`world():expect("wep", "running")`, `expect: there is no program "wep" (did you mean "web"?)`},
		{`world():expect("web", "runing")`, `there is no such state: "runing" (did you mean "running"?)`},
		{`world():expect("web", "failed")`, `web is running, want failed`},
		{`world():expect("web")`, `expect: expected what it should be doing, such as "running", got nil`},
		{`world():exit("web", 300)`, `exit: expected a code from 0 to 255`},
		{`world():exit("web", 1, { signl = "TERM" })`, `exit: unknown key "signl" (did you mean "signal"?)`},
		{`world():exit("web", 1, { signal = "SIGFOO" })`, `exit: expected the name of a signal such as "SIGTERM", got "SIGFOO"`},
		{`local s = world() s:exit("web", 0) s:exit("web", 0)`, `exit: web does not run: it is `},
		{`sim { text = "program 'web' { command = { '/bin/sh' } }" }:exit("web", 1)`, `was not started yet: s:start() comes first`},
		{`sim { text = "program 'web' { command = { '/bin/sh' } }" }:reload()`, `reload: mwlua was not started yet: s:start() comes first`},
		{`world():start()`, `start: mwlua was started already`},
		{`local s = world() s:shutdown() s:settle() s:exit("web", 0)`, `exit: mwlua has ended, with status 0`},
		{`world():health("web", false)`, `health: web has no health check: its configuration needs health = { … }`},
		{`world():notify("web", "READY=1")`, `notify: web has no NOTIFY_SOCKET: its configuration needs ready = "notify" or a watchdog`},
		{`sim { text = "program 'web' { command = { '/bin/sh' } }", seed = "x" }`, `sim: seed: expected a number, got string "x"`},
		{`sim { text = "program 'a' {}" }`, `x_test.lua[sim in line 5]:1: `},
		{`world():ready("web")`, `ready: web#1 is not waited for: it is running`},
		{`world():advance(5)`, `advance: expected a duration such as "5s", got number 5`},
		{`world():advance("5parsecs")`, `the units are ms, s, m, h and d, not "parsecs"`},
		{`world():on_stop("web", "sulk")`, `on_stop: expected "ignore" or "exit:0 after 3s", got "sulk"`},
		{`world():on_stop("web", "exit:x")`, `on_stop: expected a code from 0 to 255`},
		{`world():signal("SIGWINCH")`, `signal: mwlua takes SIGHUP`},
		{`world():reload { txt = "" }`, `reload: unknown key "txt" (did you mean "text"?)`},
		{`world():stub_plugin("budget", function() end)`, `the configuration has no plugin "budget"`},
		{`world():expect_log("bang")`, `no line of the log matches the pattern "bang"`},
		{`world():expect_no_log("started")`, `a line of the log matches the pattern "started": `},
		{`world():expect_exit(0)`, `mwlua runs, and should have ended with 0`},
		{`local s = world() s:shutdown() s:settle() s:expect_exit(3)`, `mwlua has ended with 0, want 3`},
		{`local s = sim { text = "program 'a' { command = { '/bin/sh' }, restart = { policy = 'always', delay = '0s', min_interval = '0s' } }" }
			s:start() s:fail_start("a", "no") s:exit("a", 1) s:advance("1d")`, `it has not ended after 1s`},
		{`forall(0, function() end)`, `forall: expected a number and a function`},
		{`forall(10, function(r) r:int(3, 1) end)`, `the smaller one first`},
		{`forall(10, function(r) ok(r:int(1, 100) > 100) end)`, `got false (try 1 of 10; -seed `},
		{`while true do end`, `it has not ended after `},
		{`fails(function() while true do end end)`, `it has not ended after `},
		{`local function f() return f() + 1 end f()`, `more than 200 deep`},
		{`run { text = "" }`, ``},
	} {
		body, _, several := strings.Cut(test.body, "\n")
		file := script(t, "test(\"it\", function()\n"+test.body+"\nend)\n")
		r := runFile(t, luatest.Options{Files: []string{file}, Mode: luatest.Sim, Timeout: time.Second, Jobs: 1})[0]
		if test.want == "" {
			if r.Status != luatest.Skipped {
				t.Errorf("%s: %s: %s", body, r.Status, r.Text)
			}
			continue
		}
		if r.Status != luatest.Failed || !strings.Contains(r.Text, test.want) || len(strings.Split(r.Text, "\n")) > 2 {
			t.Errorf("%s: %s: %s, want %q", body, r.Status, r.Text, test.want)
		}
		if r.Place.File != file || r.Place.Line != 5 && !several {
			t.Errorf("%s: at %v, want line 5", body, r.Place)
		}
	}
}

// TestFilesThatCannotBeRun: then no test is.
func TestFilesThatCannotBeRun(t *testing.T) {
	good := script(t, `test("good", function() end)`)
	for body, want := range map[string]string{
		`test("a", function() end`:  "4: ",
		`tset("a", function() end)`: `(did you mean "test"?)`,
		`test(" ", function() end)`: "test: its name is empty: say what is tested",
		`test("a")`:                 "test: expected a name and a function",
		"test('a', function() end)\ntest('a', function() end)": "there is another one of that name in line 4",
		`sim { text = "" }`:                   "sim: only in a test",
		`error("boom")`:                       "boom",
		`test("a", function() t.dri = 1 end)`: "cannot assign to t.dri",
		`local d = t.dir`:                     "t.dir: only in a test",
		`skip("outside")`:                     "outside",
		`include "nowhere.lua"`:               "no such file",
		`forall(1, function() end)`:           "in a test",
		`local x = 1 x = x + nil`:             "4: ",
		`before_each(1)`:                      "expected a function",
	} {
		ran := false
		problems, err := luatest.Run(t.Context(), luatest.Options{Files: []string{good, script(t, body)}, Load: load},
			func(luatest.Result, int, int) { ran = true })
		if err != nil || len(problems) == 0 || ran || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, %v, want %q (a test was run: %v)", body, problems, err, want, ran)
		}
	}
}

// TestOrder: before_each, the test, after_each, also of one that fails; each test has a directory of its own, which goes.
func TestOrder(t *testing.T) {
	file := script(t, `
		local dirs = {}
		before_each(function() print("before") end)
		after_each(function() print("after") end)
		test("one", function() print(t.dir); eq(t.dir, t.dir) end)
		test("two", function() print(t.dir); error("boom") end)
		test("three", function() skip("not now") end)
		test("four", function() local p = t.port() ok(p > 0 and p ~= t.port()) end)
	`)
	results := runFile(t, luatest.Options{Files: []string{file}, Jobs: 1})
	for i, status := range []luatest.Status{luatest.Passed, luatest.Failed, luatest.Skipped, luatest.Passed} {
		if results[i].Status != status {
			t.Errorf("%+v", results[i])
		}
		if o := results[i].Output; len(o) < 2 || o[0] != "before" || o[len(o)-1] != "after" {
			t.Errorf("%s printed %q", results[i].Name, o)
		}
	}
	for _, r := range results[:2] {
		if _, err := os.Stat(r.Output[1]); !os.IsNotExist(err) {
			t.Errorf("%s: %v", r.Output[1], err)
		}
	}
	if results[0].Output[1] == results[1].Output[1] {
		t.Error("two tests have one directory")
	}
	kept := runFile(t, luatest.Options{Files: []string{file}, Jobs: 1, Keep: true})[0].Kept
	if err := os.Remove(kept); err != nil {
		t.Error(err)
	}
}

// TestSkipThatIsHeldBack has no effect on other tests.
func TestSkipThatIsHeldBack(t *testing.T) {
	file := script(t, `
		test("x", function() pcall(skip, "why") end)
		test("y", function() error("boom") end)
		test("z", function() pcall(function() forall(1, function() error("bang") end) end) end)
	`)
	results := runFile(t, luatest.Options{Files: []string{file}, Jobs: 1})
	for i, want := range []luatest.Status{luatest.Passed, luatest.Failed, luatest.Passed} {
		if results[i].Status != want {
			t.Errorf("%+v", results[i])
		}
	}
}

// TestFileThatDoesNotEnd: the time of a test is that of its file, too.
func TestFileThatDoesNotEnd(t *testing.T) {
	o := luatest.Options{Files: []string{script(t, "while true do end")}, Load: load, Timeout: 300 * time.Millisecond}
	problems, err := luatest.Run(t.Context(), o, func(luatest.Result, int, int) {})
	if err != nil || !strings.Contains(problems.Error(), "it has not ended after 300ms") {
		t.Error(problems, err)
	}
}

// TestAfterEachIsCalledAfterATestWithoutTime.
func TestAfterEachIsCalledAfterATestWithoutTime(t *testing.T) {
	file := script(t, `
		after_each(function() print("after") end)
		test("one", function() while true do end end)
	`)
	r := runFile(t, luatest.Options{Files: []string{file}, Timeout: 300 * time.Millisecond})[0]
	if r.Status != luatest.Failed || len(r.Output) != 1 {
		t.Errorf("%+v", r)
	}
}

// TestInterrupted: no further test is begun, and the one that runs is ended.
func TestInterrupted(t *testing.T) {
	file := script(t, `
		test("one", function() end)
		test("two", function() while true do end end)
		test("three", function() end)
	`)
	ctx, cancel := context.WithCancel(t.Context())
	count := 0
	_, err := luatest.Run(ctx, luatest.Options{Files: []string{file}, Jobs: 1, Load: load}, func(luatest.Result, int, int) {
		if count++; count == 1 {
			cancel()
		}
	})
	if err == nil || count > 2 {
		t.Errorf("%v after %d results", err, count)
	}
}

// TestSeedIsTriedAgain: the seed of a failure of forall makes it fail at once.
func TestSeedIsTriedAgain(t *testing.T) {
	file := script(t, `test("it", function() forall(1000, function(r) ok(r:int(1, 50) ~= 7, "seven") end) end)`)
	r := runFile(t, luatest.Options{Files: []string{file}})[0]
	found := regexp.MustCompile(`^got false: seven \(try \d+ of 1000; -seed (\d+) tries it again\)$`).FindStringSubmatch(r.Text)
	if found == nil {
		t.Fatalf("%+v", r)
	}
	again := runFile(t, luatest.Options{Files: []string{file}, Seed: mustUint(t, found[1])})[0]
	if !strings.Contains(again.Text, "(try 1 of 1; -seed "+found[1]) {
		t.Errorf("%+v", again)
	}
}

func mustUint(t *testing.T, text string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
