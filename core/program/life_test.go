package program

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestValidateLife(t *testing.T) {
	probe := func(change func(*Probe)) func(*Spec) {
		return func(s *Spec) {
			s.Ready = Ready{By: ReadyProbe, Probe: Probe{Interval: time.Second}}
			change(&s.Ready.Probe)
		}
	}
	health := func(change func(*Health)) func(*Spec) {
		return func(s *Spec) {
			s.Health = &Health{Probe: Probe{TCP: ":80", Interval: time.Second}}
			change(s.Health)
		}
	}
	socket := func(name, address string) func(*Spec) {
		return func(s *Spec) { s.Sockets = []Socket{{name, address}} }
	}
	tests := []struct {
		change func(*Spec)
		want   string
	}{
		{func(s *Spec) { s.Kind = "job" }, `kind: unknown value "job"`},
		{func(s *Spec) { s.Kind, s.Instances = OneShot, 2 }, `instances: only a program has it`},
		{func(s *Spec) { s.Kind, s.Ready.By = OneShot, ReadyNotify }, `ready: only a program has it`},
		{func(s *Spec) { s.Kind, s.Watchdog = OneShot, 1 }, `watchdog: only a program has it`},
		{func(s *Spec) { s.Kind, s.Overlap = OneShot, StartFirst }, `overlap: only a program has it`},
		{func(s *Spec) { s.Run = RunReload }, `run: only a one-shot has it`},
		{func(s *Spec) { s.IgnoreFailure = true }, `on_fail: only a one-shot has it`},
		{func(s *Spec) { s.Schedule = "@daily" }, `schedule: only a cron has it`},
		{func(s *Spec) { s.Zone = "UTC" }, `timezone: only a cron has it`},
		{func(s *Spec) { s.CronOverlap = CronKill }, `overlap: only a cron has it`},
		{func(s *Spec) { s.Jitter = 1 }, `jitter: only a cron has it`},
		{func(s *Spec) { s.CatchUp = true }, `catch_up: only a cron has it`},
		{func(s *Spec) { s.Timeout = 1 }, `timeout: only a one-shot or a cron has it`},
		{func(s *Spec) { s.Kind = Cron }, `schedule: is required`},
		{func(s *Spec) { s.Kind, s.Schedule, s.Timeout, s.CronOverlap = Cron, "@daily", 1, CronAllow }, ""},
		{func(s *Spec) { s.Kind, s.Run, s.Timeout = OneShot, RunManual, 1 }, ""},
		{func(s *Spec) { s.Instances = MaxInstances + 1 }, `instances: must be 0 to 1000`},
		{func(s *Spec) { s.Instances, s.Slot = 2, 2 }, `instances: there is no instance 2`},
		{func(s *Spec) { s.Watchdog = -1 }, `a timeout cannot be negative`},
		{func(s *Spec) { s.Overlap = "later" }, `overlap: unknown value "later"`},
		{func(s *Spec) { s.Ready.By = "soon" }, `ready: unknown value "soon"`},
		{func(s *Spec) { s.Ready.FD = 3 }, `ready.fd: is not what says that it is ready`},
		{func(s *Spec) { s.Ready = Ready{By: ReadyFD, FD: 2} }, `ready.fd: must be 3 to 1023`},
		{func(s *Spec) { s.Ready, s.Sockets = Ready{By: ReadyFD, FD: 3}, []Socket{{"a", "tcp://:80"}} },
			`ready.fd: 3 is the descriptor of a socket`},
		{func(s *Spec) { s.Ready, s.Sockets = Ready{By: ReadyFD, FD: 4}, []Socket{{"a", "tcp://:80"}} }, ""},
		{func(s *Spec) { s.Ready.By = ReadyLog }, `ready.log: is the pattern of a line, or nothing`},
		{func(s *Spec) { s.Ready = Ready{By: ReadyLog, Pattern: "x"} }, ""},
		{func(s *Spec) { s.Ready.Probe.TCP = ":80" }, `ready: a probe is not what says that it is ready`},
		{probe(func(p *Probe) {}), `ready: expected one of http, tcp, unix and command, got 0`},
		{probe(func(p *Probe) { p.TCP, p.Unix = ":80", "/a" }), `ready: expected one of http, tcp, unix and command, got 2`},
		{probe(func(p *Probe) { p.TCP, p.Interval = ":80", 0 }), `ready.interval: must be at least 10ms`},
		{probe(func(p *Probe) { p.TCP, p.Timeout = ":80", -1 }), `ready.timeout: cannot be negative`},
		{probe(func(p *Probe) { p.TCP = "80" }), `ready.tcp: expected HOST:PORT, got "80"`},
		{probe(func(p *Probe) { p.TCP = "h:${env:PORT}" }), ""},
		{probe(func(p *Probe) { p.Unix = "a" }), `ready.unix: "a" is not an absolute path`},
		{probe(func(p *Probe) { p.Unix = "${env:DIR}/a" }), ""},
		{probe(func(p *Probe) { p.Command = []string{""} }), `ready.command: the program's name is empty`},
		{probe(func(p *Probe) { p.HTTP = "ftp://x" }),
			`ready.http: expected a URL such as "http://127.0.0.1:8080/healthz", got "ftp://x"`},
		{health(func(*Health) {}), ""},
		{health(func(h *Health) { h.StartDelay = -1 }), `health.start_delay: cannot be negative`},
		{health(func(h *Health) { h.Failures = -1 }), `health.failures: cannot be negative`},
		{health(func(h *Health) { h.OnFail = "fail" }), `health.on_fail: unknown value "fail"`},
		{health(func(h *Health) { h.Probe.TCP = "" }), `health: expected one of http, tcp, unix and command, got 0`},
		{socket("web", "tcp://[::1]:80"), ""},
		{socket("web", "unix:///run/web.sock"), ""},
		{socket("a:b", "tcp://:80"), `sockets.a:b: the name must be 1 to 255 printable characters of ASCII without spaces and colons`},
		{socket("web", "udp://:80"), `sockets.web: expected "tcp://HOST:PORT" or "unix:///PATH", got "udp://:80"`},
		{socket("web", "tcp://:0"), `sockets.web: the port "0" is not 1 to 65535`},
		{socket("web", "unix://run/x"), `sockets.web: "run/x" is not an absolute path: write unix:///PATH`},
		{socket("web", "unix:///${name}"), `sockets.web: ${…} is not expanded here: mwlua opens it once, for all instances`},
		{socket("web", "unix:///"+strings.Repeat("x", 107)), `sockets.web: its path is longer than 107 bytes`},
		{func(s *Spec) { s.Sockets = []Socket{{"b", "tcp://:80"}, {"a", "tcp://:81"}} }, `sockets.a: is not after b`},
		{func(s *Spec) { s.Nice = new(20) }, `nice: must be -20 to 19`},
		{func(s *Spec) { s.OOMScoreAdj = new(-1001) }, `oom_score_adj: must be -1000 to 1000`},
		{func(s *Spec) { s.Capabilities = []string{"cap_fly"} }, `capabilities: unknown capability "cap_fly"`},
		{func(s *Spec) { s.Capabilities = []string{"cap_kill", "cap_chown"} }, `capabilities: cap_chown is not after cap_kill`},
		{func(s *Spec) { s.Capabilities = []string{} }, ""},
		{func(s *Spec) { s.Chroot = "a" }, `chroot: "a" is not an absolute path`},
		{func(s *Spec) { s.Chroot = "/\x00" }, `a NUL byte cannot be passed to a program`},
		{func(s *Spec) { s.Group = "its" }, `process_group: unknown value "its"`},
		{func(s *Spec) { s.Group, s.Kill = NoGroup, KillGroup }, `kill: its process group is mwlua's own (process_group)`},
		{func(s *Spec) { s.OnMasterDeath = 65 }, `on_master_death: 65 is not a signal`},
		{func(s *Spec) { s.Kill = "all" }, `kill: unknown value "all"`},
		{func(s *Spec) { s.StopCommand = []string{""} }, `stop_command: the program's name is empty`},
		{func(s *Spec) { s.StopCommand = []string{"a\x00"} }, `a NUL byte cannot be passed to a program`},
	}
	for _, test := range tests {
		s := valid()
		test.change(&s)
		want := test.want
		if want != "" {
			want = fmt.Sprintf("f:3: %s \"web\": %s", cmp.Or(string(s.Kind), "program"), want)
		}
		if got := Problems(Config{Programs: []Spec{s}}.Validate()).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		":80": "", "localhost:1": "", "[::1]:65535": "", "[fe80::1%eth0]:80": "",
		"::1:80":   `expected HOST:PORT, got "::1:80": an IPv6 address stands in brackets, as in [::1]:80`,
		"a b:80":   `"a b" is not a host`,
		"u@h:80":   `"u@h" is not a host`,
		"h:":       `the port "" is not 1 to 65535`,
		"h:http":   `the port "http" is not 1 to 65535`,
		"h:65536":  `the port "65536" is not 1 to 65535`,
		"[::1]x:1": `expected HOST:PORT, got "[::1]x:1": an IPv6 address stands in brackets, as in [::1]:80`,
	} {
		if got := errorText(CheckTCP(address)); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
	for url, want := range map[string]string{
		"http://h": "", "https://[::1]/x": "", "http://h:80?q": "", "${env:URL}": "", "http://h:${env:P}/": "",
		"http://":      "the URL names no host",
		"http://:80/":  "the URL names no host",
		"http://h:x/":  `the port "x" is not 1 to 65535`,
		"http://h/a b": "a URL holds no spaces and no control characters",
	} {
		if got := errorText(CheckURL(url)); got != want {
			t.Errorf("%s: got %s, want %s", url, got, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// graphOf makes programs of "a: b c", each waiting for others, every second one by needs.
func graphOf(lines ...string) Config {
	var c Config
	for i, line := range lines {
		name, others, _ := strings.Cut(line, ":")
		s := valid()
		s.Name, s.Place.Line = name, i+1
		if s.After = strings.Fields(others); i%2 == 1 {
			s.After, s.Needs = nil, s.After
		}
		c.Programs = append(c.Programs, s)
	}
	return c
}

func TestValidateOrder(t *testing.T) {
	tests := []struct {
		config Config
		want   string
	}{
		{graphOf("a: b c", "b: c", "c"), ""},
		{graphOf("a: a", "b: b"), "f:1: program \"a\": after: it cannot wait for itself\nf:2: program \"b\": needs: it cannot wait for itself"},
		{graphOf("a: x", "b: y"), "f:1: program \"a\": after: unknown program \"x\"\nf:2: program \"b\": needs: unknown program \"y\""},
		{graphOf("b: c", "c: a", "a: b"), `f:1: program "b": after: "b" waits for itself: b → c → a → b`},
		{graphOf("x: c", "b: c", "c: b b"), `f:2: program "b": after: "b" waits for itself: b → c → b`},
		{graphOf("a: b", "b: a", "c: d", "d: c"), "f:1: program \"a\": after: \"a\" waits for itself: a → b → a\n" +
			"f:3: program \"c\": after: \"c\" waits for itself: c → d → c"},
	}
	for _, test := range tests {
		if got := Problems(test.config.Validate()).Error(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
	c := graphOf("a: c", "b: c", "c")
	c.Programs[2].Kind, c.Programs[2].Schedule = Cron, "@daily"
	want := "f:1: program \"a\": after: \"c\" is a cron: it is never ready\nf:2: program \"b\": needs: \"c\" is a cron: it is never ready"
	if got := Problems(c.Validate()).Error(); got != want {
		t.Error(got)
	}
}

// TestCyclesOfMany: a long chain and a dense graph end in time.
func TestCyclesOfMany(t *testing.T) {
	names := make([]string, 2000)
	for i := range names {
		names[i] = "p" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26)
	}
	var chain, dense []Spec
	for i, name := range names {
		chain = append(chain, Spec{Name: name, After: []string{names[(i+1)%len(names)]}})
		if i < 200 {
			dense = append(dense, Spec{Name: name, After: names[:200]})
		}
	}
	if got := Cycles(chain); len(got) != 1 || len(got[0]) != len(names) {
		t.Errorf("%d cycles in a ring", len(got))
	}
	if got := Cycles(dense); len(got) != maxCycles {
		t.Errorf("%d cycles are told of", len(got))
	}
}

func TestChangesOfLife(t *testing.T) {
	a, b := valid(), valid()
	b.After, b.Needs, b.Health, b.Overlap, b.Instances, b.Slot = []string{"x"}, []string{"y"}, &Health{}, StartFirst, 3, 2
	b.Kill, b.StopCommand, b.Ready = KillUnit, []string{"stop"}, Ready{By: ReadyProbe, Probe: Probe{TCP: ":80"}, Timeout: 1}
	b.Schedule, b.Timeout, b.Run = "@daily", 1, RunReload
	if got := a.Changes(b); got != nil {
		t.Errorf("what needs no restart is a change: %q", got)
	}
	b = valid()
	b.Kind, b.Ready, b.Watchdog, b.Sockets = OneShot, Ready{By: ReadyNotify}, 1, []Socket{{"a", "tcp://:80"}}
	b.Nice, b.OOMScoreAdj, b.NoNewPrivs, b.Capabilities, b.Chroot = new(0), new(0), true, []string{}, "/c"
	b.Group, b.OnMasterDeath, b.CGroup = OwnSession, 15, true
	want := []string{"kind", "ready", "watchdog", "sockets", "nice", "oom_score_adj", "no_new_privs", "capabilities", "chroot",
		"process_group", "on_master_death", "cgroup"}
	if diff := gocmp.Diff(want, a.Changes(b)); diff != "" {
		t.Error(diff)
	}
	a, b = valid(), valid()
	a.Ready, b.Ready = Ready{By: ReadyFD, FD: 3}, Ready{By: ReadyFD, FD: 4}
	if got := a.Changes(b); !slices.Equal(got, []string{"ready"}) {
		t.Errorf("another descriptor changes %q", got)
	}
	a.Ready, b.Ready = Ready{By: ReadyLog, Pattern: "a"}, Ready{By: ReadyLog, Pattern: "b"}
	if got := a.Changes(b); got != nil {
		t.Errorf("another pattern changes %q", got)
	}
}

func TestInstanceExpandsProbes(t *testing.T) {
	declared := Spec{
		Name: "web", Slot: 2, Instances: 3, Expand: true, Command: []string{"web"}, Env: []string{"PORT=808${instance}"},
		StopCommand: []string{"stop", "${name}"},
		Ready:       Ready{Probe: Probe{TCP: "h:${env:PORT}", Unix: "/run/${name}", Command: []string{"ask", "${instance}"}}},
		Health:      &Health{Probe: Probe{HTTP: "http://h:${env:PORT}/"}},
	}
	spec, _, err := Config{}.Instance(declared, declared.Slot, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := spec.Ready.Probe
	if spec.StopCommand[1] != "web" || p.TCP != "h:8082" || p.Unix != "/run/web" || p.Command[1] != "2" || spec.Health.Probe.HTTP != "http://h:8082/" {
		t.Errorf("%q, %+v, %+v", spec.StopCommand, p, *spec.Health)
	}
	if declared.StopCommand[1] != "${name}" || declared.Health.Probe.HTTP != "http://h:${env:PORT}/" || declared.Ready.Probe.Command[1] != "${instance}" {
		t.Error("the declaration was changed")
	}
	for want, change := range map[string]func(*Spec){
		"stop_command: unknown ${x}": func(s *Spec) { s.StopCommand = []string{"${x}"} },
		"ready: unknown ${x}":        func(s *Spec) { s.Ready.Probe.TCP = "${x}" },
		"health: unknown ${x}":       func(s *Spec) { s.Health = &Health{Probe: Probe{HTTP: "${x}"}} },
	} {
		s := declared
		change(&s)
		if _, _, err := (Config{}).Instance(s, 0, nil); errorText(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
