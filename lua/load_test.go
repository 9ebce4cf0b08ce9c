package lua

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// one loads a source that declares one program and has no errors.
func one(t *testing.T, source string) program.Spec {
	t.Helper()
	config, problems := load(source)
	if len(problems.Errors()) > 0 || len(config.Programs) != 1 {
		t.Fatalf("%d programs; %v", len(config.Programs), problems)
	}
	return config.Programs[0]
}

func TestDefaultsOfAProgram(t *testing.T) {
	got := one(t, "\nprogram 'web' { command = { '/bin/sh', 8080 } }")
	want := program.Spec{
		Name: "web", Place: program.Place{File: "c.lua", Line: 2}, Command: []string{"/bin/sh", "8080"},
		StopSignal: 15, StopTimeout: 10 * time.Second, Kill: program.KillUnit,
		OnReload: program.IfChanged, ReloadSignal: 10, MaxFormer: 2, FormerTimeout: 30 * time.Minute,
		Exit: policy.Policy{
			Backoff: policy.Backoff{
				Base: time.Second, Max: 30 * time.Second, Factor: 2, Jitter: 0.1, ResetAfter: time.Minute,
			},
			Window: time.Minute, RetryAfter: 5 * time.Minute, MinInterval: 100 * time.Millisecond,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// everyKey declares a program with every key but shell, env_inherit and env_file.
const everyKey = `program("web", {
		command = { "${name}", "-i", "${instance}", "$${x}", 1.5 }, description = "d", labels = { b = "2", a = 1 },
		dir = "sub", umask = "0027", user = "root", group = "adm", groups = { "adm", 4 },
		env = { A = "1", HOME = "/x", Z = "${env:A}" }, stdin = "null", stdout = "file:/log/${name}", stderr = "inherit",
		limits = { nofile = { 1024, "unlimited" }, core = 0, memlock = "64MiB" }, autostart = false, critical = true,
		stop_signal = "SIGRTMIN+3", stop_timeout = false, success_codes = { 0, 3 }, on_reload = "replace", reload_signal = "hup",
		start_on_reload = false, max_former = 0, former_timeout = "1d",
		restart = { policy = "always", delay = "250ms", max_delay = "1h30m", factor = 1, jitter = 0, reset_after = "0s", limit = 5,
			window = "2m", on_limit = "retry", retry_after = "1m", min_interval = "0s" },
		instances = 3, after = { program("db", { command = { "/bin/sh" } }), "migrate" }, needs = "db",
		ready = { http = "http://127.0.0.1:808${instance}/", interval = "1s", timeout = "1m" },
		health = { command = { "check", "${name}" }, interval = "5s", timeout = "1s", start_delay = "3s", failures = 2, successes = 4,
			on_fail = "log" },
		watchdog = "20s", overlap = "start-first", sockets = { web = "tcp://:80", admin = "unix:///run/admin" },
		nice = -5, oom_score_adj = 100, no_new_privs = true, capabilities = { "NET_BIND_SERVICE", "cap_chown" }, chroot = "root",
		process_group = "session", on_master_death = "SIGTERM", cgroup = true, stop_command = { "stop", "${name}" }, kill = "group",
	})
	oneshot "migrate" { command = { "/bin/sh" }, timeout = "5m", retries = 3, retry_delay = "2s", run = "change", on_fail = "shutdown",
		success_codes = { 0, 3 }, after = { "db" } }
	oneshot "seed" { command = { "/bin/sh" }, on_fail = "ignore" }
	cron "tidy" { command = { "/bin/sh" }, schedule = "15 3 * * *", timezone = "UTC", overlap = "queue", jitter = "1m", catch_up = true,
		timeout = "1h", retries = 1, autostart = false, critical = true }`

func TestEveryKey(t *testing.T) {
	config, problems := load(everyKey)
	if len(problems.Errors()) > 0 || len(config.Programs) != 5 {
		t.Fatal(problems)
	}
	got := config.Programs[1]
	dir, _ := directory("c.lua")
	want := program.Spec{
		Name: "web", Place: program.Place{File: "c.lua", Line: 1}, Command: []string{"${name}", "-i", "${instance}", "$${x}", "1.5"},
		Description: "d", Labels: []string{"a=1", "b=2"}, Dir: dir + "/sub", Umask: new(uint32(0o27)),
		User: &program.Credential{GID: 4, Groups: []uint32{4, 4}},
		Env:  []string{"USER=root", "LOGNAME=root", "HOME=/x", "SHELL=/bin/bash", "A=1", "Z=${env:A}"}, Expand: true,
		Stdin: "null", Stdout: "file:/log/${name}",
		Limits:      []program.Limit{{Name: "core"}, {Name: "memlock", Soft: 64 << 20, Hard: 64 << 20}, {Name: "nofile", Soft: 1024, Hard: program.Unlimited}},
		NoAutostart: true, Critical: true, StopSignal: 37, OnReload: program.Replace, ReloadSignal: 1, NoStartOnReload: true,
		FormerTimeout: 24 * time.Hour,
		Instances:     3, After: []string{"db", "migrate"}, Needs: []string{"db"},
		Ready: program.Ready{By: program.ReadyProbe, Timeout: time.Minute,
			Probe: program.Probe{HTTP: "http://127.0.0.1:808${instance}/", Interval: time.Second}},
		Health: &program.Health{Probe: program.Probe{Command: []string{"check", "${name}"}, Interval: 5 * time.Second, Timeout: time.Second},
			StartDelay: 3 * time.Second, Failures: 2, Successes: 4, OnFail: program.LogUnhealthy},
		Watchdog: 20 * time.Second, Overlap: program.StartFirst,
		Sockets: []program.Socket{{Name: "admin", Address: "unix:///run/admin"}, {Name: "web", Address: "tcp://:80"}},
		Nice:    new(-5), OOMScoreAdj: new(100), NoNewPrivs: true, Capabilities: []string{"cap_chown", "cap_net_bind_service"},
		Chroot: dir + "/root", Group: program.OwnSession, OnMasterDeath: 15, CGroup: true,
		StopCommand: []string{"stop", "${name}"}, Kill: program.KillGroup,
		Exit: policy.Policy{
			When: policy.Always, SuccessCodes: []int{0, 3},
			Backoff: policy.Backoff{Base: 250 * time.Millisecond, Max: 90 * time.Minute, Factor: 1},
			Limit:   5, Window: 2 * time.Minute, OnLimit: policy.Retry, RetryAfter: time.Minute,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReload(t *testing.T) {
	tests := []struct {
		keys   string
		want   program.Reload
		signal syscall.Signal
	}{
		{"", program.IfChanged, syscall.SIGUSR1},
		{"on_reload = 'replace'", program.Replace, syscall.SIGUSR1},
		{"on_reload = 'keep'", program.Keep, 0},
		{"on_reload = 'keep', reload_signal = 'USR1'", program.Keep, syscall.SIGUSR1},
		{"on_reload = 'signal'", program.Keep, syscall.SIGHUP},
		{"on_reload = 'signal', reload_signal = 12", program.Keep, syscall.SIGUSR2},
	}
	for _, test := range tests {
		s := one(t, "program 'a' { command = { '/bin/sh' }, "+test.keys+" }")
		if s.OnReload != test.want || s.ReloadSignal != int(test.signal) {
			t.Errorf("%s: %s with signal %d", test.keys, s.OnReload, s.ReloadSignal)
		}
	}
}

// TestHAProxysRules: what an haproxy.cfg says about the life of a program can be said in Lua.
func TestHAProxysRules(t *testing.T) {
	for _, restart := range []string{`"exit-on-failure"`, `{ policy = "exit-on-failure" }`} {
		got := one(t, `defaults { restart = { policy = "always", limit = 3 }, success_codes = { 0, 7 }, stop_signal = "HUP" }
			program "a" { command = { "/bin/sh" }, stop_signal = "same", restart = `+restart+` }`)
		if diff := cmp.Diff(policy.Policy{Rule: policy.ExitOnFailure}, got.Exit); diff != "" || got.StopSignal != 0 {
			t.Error(diff, got.StopSignal)
		}
	}
	got := one(t, `defaults { restart = "no-exit-on-failure" } program "a" { command = { "/bin/sh" } }`)
	if diff := cmp.Diff(policy.Policy{Rule: policy.NoExitOnFailure}, got.Exit); diff != "" {
		t.Error(diff)
	}
	got = one(t, `defaults { restart = "no-exit-on-failure" } program "a" { command = { "/bin/sh" }, restart = { limit = 3 } }`)
	want := defaultPolicy()
	want.Limit = 3
	if diff := cmp.Diff(want, got.Exit); diff != "" {
		t.Error(diff)
	}
}

func TestShell(t *testing.T) {
	if got := one(t, "program 'a' { shell = 'echo ${HOME}' }"); got.Command[2] != "echo ${HOME}" || got.Expand {
		t.Errorf("%q", got.Command)
	}
	got := one(t, "program 'a' { shell = 'echo ${HOME}', env = { A = '${name}' } }")
	if !slices.Equal(got.Command, []string{"/bin/sh", "-c", "echo $${HOME}"}) || !got.Expand {
		t.Errorf("%q", got.Command)
	}
}

func TestEnvironment(t *testing.T) {
	load := func(keys string) []string {
		o := virtual(map[string]string{
			"c.lua": "program 'a' { command = { '/bin/sh' }, " + keys + " }", "e.env": "A=file\nB=${x}\n",
		}, "c.lua")
		o.Env = []string{"PATH=/bin", "X=${x}", "NOTIFY_SOCKET=/s"}
		config, problems := Load(o)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return config.Environ(config.Programs[0])
	}
	tests := []struct {
		keys string
		want []string
	}{
		{"", []string{"PATH=/bin", "X=${x}", "MWLUA=1"}},
		{"env = { PATH = '/x', Y = 1 }", []string{"PATH=/x", "X=${x}", "MWLUA=1", "Y=1"}},
		{"env = { X = false, Y = 1 }", []string{"PATH=/bin", "MWLUA=1", "Y=1"}},
		{"env_inherit = false, env = { Y = 1 }", []string{"Y=1"}},
		{"env_inherit = { 'PATH', 'NONE' }, env = { PATH = false }", nil},
		{"env_inherit = { 'X' }", []string{"X=${x}"}},
		{"env_inherit = { 'X' }, env = { Y = '${name}' }", []string{"X=$${x}", "Y=${name}"}},
		{"env_file = 'e.env', env = { A = 1 }", []string{"PATH=/bin", "X=${x}", "MWLUA=1", "A=1", "B=${x}"}},
		{"env_file = 'e.env', env = { A = '${name}' }", []string{"PATH=/bin", "X=${x}", "MWLUA=1", "A=${name}", "B=$${x}"}},
		{"user = 'root', env = { HOME = false }", []string{"PATH=/bin", "X=${x}", "MWLUA=1", "USER=root", "LOGNAME=root", "SHELL=/bin/bash"}},
	}
	for _, test := range tests {
		got, want := load(test.keys), slices.Clone(test.want)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", test.keys, diff)
		}
	}
}

func TestDefaultsAndMerge(t *testing.T) {
	config, problems := load(`
		program "before" { command = { "/bin/sh" } }
		defaults { restart = { delay = "3s", limit = 4 }, env = { A = 1 }, limits = { core = 0 }, dir = "/d" }
		defaults { env = { B = 2 }, on_reload = "keep" }
		program "a" { command = { "/bin/sh" }, restart = "always", env = { C = 3 }, limits = { nproc = 1 } }
		local base = { command = { "/bin/sh" }, env = { A = 5, B = false }, success_codes = { 0, 1, 2 } }
		program "b" (merge(base, { env = { D = 4 }, success_codes = { 7 } }))
		assert(base.env.D == nil and #base.success_codes == 3)
		program "off" { command = { "/bin/sh" }, enabled = false }
	`)
	if len(problems) > 0 || len(config.Programs) != 3 {
		t.Fatal(problems)
	}
	before, a, b := config.Programs[0], config.Programs[1], config.Programs[2]
	if before.Dir != "" || before.Env != nil || before.Exit.Limit != 0 {
		t.Errorf("defaults count for what is declared before: %+v", before)
	}
	if a.Exit.When != policy.Always || a.Exit.Backoff.Base != 3*time.Second || a.Exit.Limit != 4 || a.OnReload != program.Keep ||
		!slices.Equal(a.Env, []string{"A=1", "B=2", "C=3"}) || len(a.Limits) != 2 {
		t.Errorf("%+v", a)
	}
	if !b.WholeEnv || !slices.Contains(b.Env, "D=4") || !slices.Contains(b.Env, "A=5") || len(b.Limits) != 1 ||
		!slices.Equal(b.Exit.SuccessCodes, []int{7}) {
		t.Errorf("%+v", b)
	}
}

func TestOverrideOfAnotherLanguage(t *testing.T) {
	base := program.Config{
		Env: []string{"PATH=/bin", "HAPROXY_MWORKER=1"}, Pidfile: "/p",
		Programs: []program.Spec{
			{Name: "an odd id", Command: []string{"/bin/sh", "${x}"}, OnReload: program.Replace, ReloadSignal: 10,
				StopTimeout: time.Minute, Exit: policy.Policy{Rule: policy.ExitOnFailure}},
			{Name: "other", Command: []string{"/bin/sh", "${x}"}, OnReload: program.Replace, ReloadSignal: 10},
		},
	}
	o := virtual(map[string]string{"c.lua": `
		override "an odd id" { restart = "always", env = { A = "${name}" } }
		override "other" { reload_signal = "HUP" }
		program "mine" { command = { "/bin/sh" } }
	`}, "c.lua")
	o.Base = &base
	config, problems := Load(o)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	odd, other := config.Programs[0], config.Programs[1]
	if odd.Exit.Rule != policy.RestartRule || odd.Exit.When != policy.Always || odd.Exit.Backoff.Base != time.Second ||
		odd.StopTimeout != time.Minute || odd.Command[1] != "$${x}" || !odd.Expand {
		t.Errorf("%+v", odd)
	}
	if other.ReloadSignal != 1 || other.Expand || other.Command[1] != "${x}" || other.OnReload != program.Replace {
		t.Errorf("%+v", other)
	}
	if config.Pidfile != "/p" || !slices.Equal(config.Env, base.Env) || config.Programs[2].Name != "mine" {
		t.Errorf("%+v", config)
	}
	if base.Programs[0].Command[1] != "${x}" || base.Programs[0].Env != nil {
		t.Error("the base was changed")
	}
	o.ReadFile = virtual(map[string]string{"c.lua": "supervisor { pidfile = '/q' }"}).ReadFile
	if config, _ = Load(o); config.Pidfile != "/q" {
		t.Errorf("the pidfile is %s", config.Pidfile)
	}
	o.ReadFile = virtual(map[string]string{"c.lua": "program 'other' { command = { 'x' } }"}).ReadFile
	if _, problems = Load(o); !strings.Contains(problems.Error(), "already declared") {
		t.Error(problems)
	}
}

func TestSettings(t *testing.T) {
	config, problems := load(`supervisor {
		log_level = "debug", log_format = "json", control = "c.sock", control_mode = "0660", control_group = "adm",
		runtime_dir = "/run/x", exit_when = "never", shutdown_timeout = false, reload_timeout = "20s", notify = "never",
		lua = { load_timeout = "20s", memory = "256MiB" }, pidfile = "a.pid", quiet = true,
	}`)
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	dir, _ := directory("c.lua")
	want := program.Settings{
		LogLevel: "debug", LogFormat: "json", Control: dir + "/c.sock", ControlMode: 0o660, ControlGroup: "adm",
		RuntimeDir: "/run/x", ExitWhen: program.ExitNever, Notify: "never",
		LuaLoadTimeout: 20 * time.Second, LuaMemory: 256 << 20,
	}
	if diff := cmp.Diff(want, config.Settings); diff != "" || config.ReloadTimeout != 20*time.Second ||
		config.Pidfile != dir+"/a.pid" || !config.Quiet {
		t.Errorf("%s%+v", diff, config)
	}
	config, _ = load("program 'a' { command = { '/bin/sh' } }")
	if diff := cmp.Diff(program.Settings{ShutdownTimeout: 30 * time.Second}, config.Settings); diff != "" {
		t.Error(diff)
	}
}

// TestLoadTimeoutCountsFromWhereItIsSet: a configuration that needs longer can say so itself.
func TestLoadTimeoutCountsFromWhereItIsSet(t *testing.T) {
	o := virtual(map[string]string{"c.lua": `supervisor { lua = { load_timeout = "1ms" } } while true do end`}, "c.lua")
	if _, problems := Load(o); !strings.Contains(problems.Error(), "not loaded after 1ms") {
		t.Error(problems)
	}
}

func TestLog(t *testing.T) {
	var got []string
	o := virtual(map[string]string{"c.lua": `
		log.info("%s has %d programs", mwlua.hostname ~= "" and "it", 3)
		log.warn("100%") log.debug("a\nb") print("x", nil, 1.5, {} ~= nil)
		log.error(tostring(mwlua.is_check) .. mwlua.version .. tostring(mwlua.cpus > 0))
	`}, "c.lua")
	o.Log, o.Check = func(level, text string) { got = append(got, level+": "+text) }, true
	if _, problems := Load(o); len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	want := []string{"info: it has 3 programs", "warn: 100%", `debug: a\nb`, "info: x\\tnil\\t1.5\\ttrue", "error: truedeveltrue"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestLanguage runs Lua's own ways: what gopher-lua has wrong, and what the sandbox must not break.
func TestLanguage(t *testing.T) {
	source := `
		local function same(got, want)
			if got ~= want then error(("got %s, want %s"):format(tostring(got), tostring(want)), 2) end
		end
		same(("hello world"):find("o w"), 5) same(("a.b"):find(".", 1, true), 2) same(("abc"):find("b", -1), nil)
		same(("x=1, y=2"):gsub("(%w)=(%w)", "%2=%1"), "1=x, 2=y") same(("THE (quick) fox"):find("%((%a+)%)"), 5)
		same(("THE (quick) fox"):gsub("%f[%a]%a+", function(w) return #w end), "3 (5) 3")
		same(("key = value"):match("^(%w+)%s*=%s*(%w+)$"), "key") same((("abc"):gsub("", "-")), "-a-b-c-")
		same((("hello"):gsub("l", { l = "L" })), "heLLo") same(("f(a(b)c)d"):match("%b()"), "(a(b)c)")
		same(("  x "):match("^%s*(.-)%s*$"), "x") same(("aXb"):find("%u"), 2) same(("a]b"):find("[]]"), 2)
		same(("01abc45de3"):gsub("%f[%d]", "."), ".01abc.45de.3") same(("function"):gsub("%f[^\1-\255]", "."), "function.")
		same(("alo alo"):gsub("((.)(.?))", { al = "AA", o = false }), "AAo AAo") same(("abc"):find("c", -1), 3)
		same(("2024-01-02"):match("(%d+)-(%d+)-(%d+)"), "2024") same(("abab"):match("(ab)%1"), "ab") same(("x"):match("()"), 1)
		same(("a-b"):gsub("[a%-]", "."), "..b") same(("äx"):len(), 3) same(("%d"):gsub("%%d", "%%"), "%")
		local words = {} for w in ("one two  three"):gmatch("%a+") do words[#words + 1] = w end
		same(table.concat(words, "|"), "one|two|three") same(table.concat({}, ","), "") same(table.concat({ 1, 2, 3 }, "-", 2), "2-3")
		same(("%5.1f|%-4d|%04x|%q|%s|%c|%%"):format(3.14159, 7, 255, 'a"b', nil, 65), '  3.1|7   |00ff|"a\\"b"|nil|A|%')
		same(math.huge, 1/0) same(#{ 1, 2, nil, 4 }, 4) same(select("#", unpack({ 1, nil, 3 }, 1, 3)), 3)
		same(("x"):rep(3), "xxx") same(("x"):rep(-1), "") same(("abc"):byte(-1), 99) same(("abc"):byte(10), nil) same(("abc"):sub(-2), "bc")
		local ok, e = pcall(error, { code = 1 }) same(e.code, 1) same(select("#", pcall(function() return 1, nil, nil end)), 4)
		local n = 0 local function inc() n = n + 1 end pcall(error, "x") inc() same(n, 1)
		local _, e = pcall(function() error("plain", 0) end) same(e, "plain")
		local _, e = xpcall(function() error("x", 0) end, function(m) return m .. "!" end) same(e, "x!")
		same(getmetatable({}), nil) same(getmetatable("").__index, string) same(getmetatable(_G), false)
		local function tagged() return { a = { b = { 1, 2 } } } end same(tagged().a.b[2], 2) same(#{ { 1 }, { 2 } }, 2)
		local function pair() return {}, 2 end local t, n = pair() same(n, 2) same(type(t), "table")
		local calls = 0 local p = setmetatable({}, { __call = function() calls = calls + 1 end, __len = 1 }) p() same(calls, 1)
		goto skip error("not skipped") ::skip::
		local function vararg(...) local t = { ... } return #t, (...) end same(vararg(7, 8, 9), 3) same(select(2, vararg(7)), 7)
		local h = program("web", { command = { "/bin/sh" } }) same(tostring(h), 'program "web"') same(h.name, "web")
		for i = 3, 1, -1 do if i == 2 then break end end
	`
	if _, problems := load(source); len(problems) > 0 {
		t.Error(problems)
	}
}

// TestLongFilesMeanTheSame: above longBlock statements each gets a function of its own, which must change nothing.
func TestLongFilesMeanTheSame(t *testing.T) {
	var b strings.Builder
	b.WriteString("local count, t = 0, {} local function add(n) count = count + n return add end\n")
	for range longBlock + 10 {
		b.WriteString("add(1)\nt[#t + 1] = { count, n = count }\ncount, t.last = count + 1, t[#t]\n")
	}
	b.WriteString("local list = {\n")
	for range longBlock + 10 {
		b.WriteString("{ count, name = 'x' },\n")
	}
	b.WriteString("}\nassert(count == 420 and #t == 210 and t.last.n == 419 and #list == 210 and list[210].name == 'x', count .. ' ' .. t.last.n)\n")
	b.WriteString("local many = { 'first', function() end,\n")
	for i := range 3 * longBlock {
		fmt.Fprintf(&b, "k%d = %d, (select(2, 'x', 'a%d')), select(2, 'x', 'b', 'c'),\n", i, i, i)
	}
	b.WriteString("nil, select(2, 'x', 'y', 'z') }\n")
	b.WriteString("assert(many[3] == 'a0' and many[4] == 'b' and many[5] == 'a1' and many.k599 == 599 and many[1201] == 'a599')\n")
	b.WriteString("assert(many[1203] == nil and many[1204] == 'y' and many[1205] == 'z' and #many == 1205, #many)\n")
	b.WriteString("local mixed = { [3] = 'x', 'a'")
	b.WriteString(strings.Repeat(", 'y'", longBlock))
	b.WriteString("} assert(mixed[3] == 'y' and #mixed == 201)\n")
	b.WriteString("local function spread(...) return { " + strings.Repeat("...,", longBlock+10) + " } end\n")
	b.WriteString("assert(#spread(1, 2) == 211)\n")
	b.WriteString("error('here')")
	_, problems := load(b.String())
	want := "c.lua:1452: here"
	if got := problems.Error(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestNothingToExpand: where every ${ is escaped, the declaration is what it would be without one.
func TestNothingToExpand(t *testing.T) {
	got := one(t, `program 'a' { command = { '/bin/sh', '$${x}', '$$${name}' }, env = { A = '$${', B = '$' }, stdout = 'file:/$${x}' }`)
	if got.Expand || !slices.Equal(got.Command, []string{"/bin/sh", "${x}", "$${name}"}) || !slices.Equal(got.Env, []string{"A=${", "B=$"}) ||
		got.Stdout != "file:/${x}" {
		t.Errorf("%+v", got)
	}
	got = one(t, `program 'a' { command = { '/bin/sh', '$${x}' }, env = { A = '${name}' } }`)
	if !got.Expand || got.Command[1] != "$${x}" {
		t.Errorf("%+v", got)
	}
}
