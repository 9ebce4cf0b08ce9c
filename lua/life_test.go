package lua

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

func TestKinds(t *testing.T) {
	config, problems := load(everyKey)
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	plain := program.Spec{
		Place: program.Place{File: "c.lua"}, Command: []string{"/bin/sh"}, StopSignal: 15, StopTimeout: 10 * time.Second, Kill: program.KillUnit,
		OnReload: program.Keep, FormerTimeout: 30 * time.Minute, Exit: policy.Policy{When: policy.Never},
	}
	retry := func(n int, delay time.Duration) policy.Policy {
		return policy.Policy{When: policy.OnFailure, Limit: n, Backoff: policy.Backoff{Base: delay, Factor: 1}}
	}
	migrate, seed, tidy := plain, plain, plain
	migrate.Name, migrate.Kind, migrate.Timeout, migrate.Run, migrate.Critical = "migrate", program.OneShot, 5*time.Minute, program.RunChange, true
	migrate.Exit, migrate.After = retry(3, 2*time.Second), []string{"db"}
	migrate.Exit.SuccessCodes = []int{0, 3}
	seed.Name, seed.Kind, seed.IgnoreFailure = "seed", program.OneShot, true
	tidy.Name, tidy.Kind, tidy.Schedule, tidy.Zone, tidy.CronOverlap = "tidy", program.Cron, "15 3 * * *", "UTC", program.CronQueue
	tidy.Jitter, tidy.CatchUp, tidy.Timeout, tidy.NoAutostart, tidy.Critical = time.Minute, true, time.Hour, true, true
	tidy.Exit = retry(1, time.Second)
	for i, want := range []program.Spec{migrate, seed, tidy} {
		got := config.Programs[2+i]
		want.Place.Line = got.Place.Line
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestDefaultsReachTheKindsThatHaveThem sets keys of every kind at once.
func TestDefaultsReachTheKindsThatHaveThem(t *testing.T) {
	config, problems := load(`
		defaults { timeout = "1m", retries = 2, run = "reload", on_fail = "ignore", timezone = "UTC", jitter = "1s", catch_up = true,
			instances = 2, ready = "notify", health = { tcp = ":80" }, watchdog = "1s", sockets = { a = "tcp://:80" }, restart = "always",
			on_reload = "replace", overlap = "start-first", autostart = false, critical = true, nice = 3, max_former = 7, former_timeout = "1s" }
		defaults { overlap = "kill" }
		program "p" { command = { "/bin/sh" } }
		oneshot "o" { command = { "/bin/sh" } }
		cron "c" { command = { "/bin/sh" }, schedule = "@daily" }`)
	if len(problems.Errors()) > 0 || len(config.Programs) != 3 {
		t.Fatal(problems)
	}
	p, o, c := config.Programs[0], config.Programs[1], config.Programs[2]
	if p.Timeout != 0 || p.Run != "" || p.Zone != "" || p.CronOverlap != "" || p.IgnoreFailure || p.Exit.When != policy.Always ||
		p.Overlap != program.StartFirst || p.Instances != 2 || p.Ready.By != program.ReadyNotify || p.Health == nil || !p.Critical {
		t.Errorf("%+v", p)
	}
	if o.Timeout != time.Minute || o.Run != program.RunReload || !o.IgnoreFailure || o.Exit.Limit != 2 || o.Zone != "" || o.NoAutostart ||
		o.Critical || o.OnReload != program.Keep || o.Instances != 0 || *o.Nice != 3 {
		t.Errorf("%+v", o)
	}
	if c.Timeout != time.Minute || c.Run != "" || c.Zone != "UTC" || c.CronOverlap != program.CronKill || !c.CatchUp || !c.NoAutostart ||
		!c.Critical || c.Ready.By != "" || c.Health != nil || c.Sockets != nil || c.Overlap != "" {
		t.Errorf("%+v", c)
	}
}

func TestReady(t *testing.T) {
	probe := func(p program.Probe) program.Ready {
		p.Interval = 200 * time.Millisecond
		return program.Ready{By: program.ReadyProbe, Probe: p, Timeout: 30 * time.Second}
	}
	dir, _ := directory("c.lua")
	tests := map[string]program.Ready{
		`nil`:                                 {},
		`"immediate"`:                         {},
		`"notify"`:                            {By: program.ReadyNotify, Timeout: 30 * time.Second},
		`{ notify = true, timeout = false }`:  {By: program.ReadyNotify},
		`{ fd = 3 }`:                          {By: program.ReadyFD, FD: 3, Timeout: 30 * time.Second},
		`{ log = "^listening", timeout="1s"}`: {By: program.ReadyLog, Pattern: "^listening", Timeout: time.Second},
		`{ tcp = "127.0.0.1:80" }`:            probe(program.Probe{TCP: "127.0.0.1:80"}),
		`{ unix = "web.sock" }`:               probe(program.Probe{Unix: dir + "/web.sock"}),
		`{ http = "https://localhost/up" }`:   probe(program.Probe{HTTP: "https://localhost/up"}),
		`{ command = { "up", 8080 } }`:        probe(program.Probe{Command: []string{"up", "8080"}}),
	}
	for text, want := range tests {
		got := one(t, "program 'a' { command = { '/bin/sh' }, ready = "+text+" }")
		if diff := cmp.Diff(want, got.Ready); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
		if again := one(t, "defaults { ready = { http = 'http://x/' } } program 'a' { command = { '/bin/sh' }, ready = "+text+" }"); text != "nil" {
			if diff := cmp.Diff(want, again.Ready); diff != "" {
				t.Errorf("%s over a default:\n%s", text, diff)
			}
		}
	}
}

// TestHealthIsNotShared: what one program says of health changes no other's, and a part of it is enough where defaults say the rest.
func TestHealthIsNotShared(t *testing.T) {
	config, problems := load(`defaults { health = { tcp = ":80", interval = "5s" } }
		program "a" { command = { "/bin/sh" }, health = { failures = 7 } }
		program "b" { command = { "/bin/sh" }, health = { http = "http://localhost/" } }
		program "c" { command = { "/bin/sh" } }`)
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	want := program.Health{Probe: program.Probe{TCP: ":80", Interval: 5 * time.Second, Timeout: 2 * time.Second}, Failures: 3, Successes: 1}
	if diff := cmp.Diff(want, *config.Programs[2].Health); diff != "" {
		t.Error(diff)
	}
	a, b := want, want
	a.Failures, b.Probe.TCP, b.Probe.HTTP = 7, "", "http://localhost/"
	if diff := cmp.Diff([]program.Health{a, b}, []program.Health{*config.Programs[0].Health, *config.Programs[1].Health}); diff != "" {
		t.Error(diff)
	}
}

// TestWhatIsLeftOutIsNotWaitedFor: nor do those count that wait for each other and are left out.
func TestWhatIsLeftOutIsNotWaitedFor(t *testing.T) {
	config, problems := load(`
		program "a" { command = { "/bin/sh" }, after = { "off", "none", "b" } }
		program "b" { command = { "/bin/sh" }, needs = { "a2" } }
		program "a2" { command = { "/bin/sh" } }
		program "off" { command = { "/bin/sh" }, enabled = false, after = { "a" } }
		program "none" { command = { "/bin/sh" }, instances = 0, needs = { "a" } }`)
	if len(problems.Errors()) > 0 || len(config.Programs) != 3 {
		t.Fatal(problems)
	}
	if diff := cmp.Diff([]string{"b"}, config.Programs[0].After); diff != "" {
		t.Error(diff)
	}
}

// TestOverrideOfHAProxysPrograms gives one of them a life.
func TestOverrideOfHAProxysPrograms(t *testing.T) {
	base := program.Spec{
		Name: "api", Place: program.Place{File: "h.cfg", Line: 1}, Command: []string{"api", "${x}"}, OnReload: program.Replace, ReloadSignal: 10,
		Exit: policy.Policy{Rule: policy.ExitOnFailure},
	}
	o := virtual(map[string]string{"c.lua": `
		local db = program "db" { command = { "/bin/sh" } }
		override "api" { after = db, ready = { http = "http://localhost:${env:PORT}/" }, instances = 2, overlap = "start-first", kill = "unit",
			stop_command = { "stop", "${name}" }, oom_score_adj = 1 }`}, "c.lua")
	o.Base = &program.Config{Programs: []program.Spec{base}}
	config, problems := Load(o)
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	want := base
	want.Command, want.Expand = []string{"api", "$${x}"}, true
	want.After, want.Instances, want.Overlap, want.Kill = []string{"db"}, 2, program.StartFirst, program.KillUnit
	want.Ready = program.Ready{By: program.ReadyProbe, Timeout: 30 * time.Second,
		Probe: program.Probe{HTTP: "http://localhost:${env:PORT}/", Interval: 200 * time.Millisecond}}
	want.StopCommand, want.OOMScoreAdj = []string{"stop", "${name}"}, new(1)
	if diff := cmp.Diff(want, config.Programs[0]); diff != "" {
		t.Error(diff)
	}
}

// TestHandlesOfEveryKind are shown by what they are.
func TestHandlesOfEveryKind(t *testing.T) {
	var said []string
	o := virtual(map[string]string{"c.lua": `
		local job, tick = oneshot "job" { command = { "/bin/sh" } }, cron("tick", { command = { "/bin/sh" }, schedule = "@daily" })
		print(tostring(job)) print(tostring(tick)) print(job.name)`}, "c.lua")
	o.Log = func(_, text string) { said = append(said, text) }
	if _, problems := Load(o); len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	if got := strings.Join(said, "\n"); got != "oneshot \"job\"\ncron \"tick\"\njob" {
		t.Errorf("%q", got)
	}
}

// TestCommandsInAChrootAreNotLookedFor outside of it.
func TestCommandsInAChrootAreNotLookedFor(t *testing.T) {
	_, problems := load(`program "a" { command = { "/only/in/there" }, chroot = "/jail" }`)
	if len(problems) > 0 {
		t.Error(problems)
	}
}
