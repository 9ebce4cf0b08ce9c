package program

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/policy"
)

func valid() Spec {
	return Spec{Name: "web", Place: Place{"f", 3}, Command: []string{"web"}, OnReload: Replace, ReloadSignal: 10}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		change func(*Spec)
		want   string
	}{
		{func(*Spec) {}, ""},
		{func(s *Spec) { s.Name = "" }, `f:3: program "": the name is empty`},
		{func(s *Spec) { s.Command = nil }, `f:3: program "web": command: is required`},
		{func(s *Spec) { s.Command = []string{""} }, `f:3: program "web": command: is required`},
		{func(s *Spec) { s.Command = []string{"a\x00"} }, `f:3: program "web": a NUL byte cannot be passed to a program`},
		{func(s *Spec) { s.Env = []string{"A=\x00"} }, `f:3: program "web": a NUL byte cannot be passed to a program`},
		{func(s *Spec) { s.StopSignal = 65 }, `f:3: program "web": stop_signal: 65 is not a signal`},
		{func(s *Spec) { s.ReloadSignal = -1 }, `f:3: program "web": reload_signal: -1 is not a signal`},
		{func(s *Spec) { s.ReloadSignal = 0 }, `f:3: program "web": reload_signal: is required to replace an instance`},
		{func(s *Spec) { s.OnReload, s.ReloadSignal = Keep, 0 }, ""},
		{func(s *Spec) { s.OnReload = "never" }, `f:3: program "web": on_reload: unknown value "never"`},
		{func(s *Spec) { s.StopTimeout = -1 }, `f:3: program "web": a timeout cannot be negative`},
		{func(s *Spec) { s.MaxFormer = -1 }, `f:3: program "web": max_former: cannot be negative`},
		{func(s *Spec) { s.Exit.Backoff.Factor = math.Inf(1) }, `f:3: program "web": restart.factor: must be a number from 0 up`},
		{func(s *Spec) { s.Exit.Backoff.Jitter = math.NaN() }, `f:3: program "web": restart.jitter: must be 0 to 1`},
		{func(s *Spec) { s.Exit.Backoff.Base = -1 }, `f:3: program "web": restart.delay: cannot be negative`},
		{func(s *Spec) { s.Exit.When = "x" }, `f:3: program "web": restart.policy: unknown value "x"`},
		{func(s *Spec) { s.Umask = new(uint32(0o1000)) }, `f:3: program "web": umask: must be 0 to 0777`},
		{func(s *Spec) { s.Limits = []Limit{{"cpus", 1, 1}} }, `f:3: program "web": limits.cpus: unknown limit`},
		{func(s *Spec) { s.Limits = []Limit{{"cpu", 2, 1}} }, `f:3: program "web": limits.cpu: the soft limit is above the hard one`},
		{func(s *Spec) { s.Limits = []Limit{{"cpu", 1, 1}, {"cpu", 1, 1}} }, `f:3: program "web": limits.cpu: set twice`},
		{func(s *Spec) { s.Stdout = "log" }, `f:3: program "web": stdout: unknown value "log"`},
		{func(s *Spec) { s.Stdin, s.Stderr = "null", "file:/x" }, ""},
		{func(s *Spec) { s.Exit.MinInterval = -1 }, `f:3: program "web": restart.min_interval: cannot be negative`},
		{func(s *Spec) { s.Exit.OnLimit = policy.Restart }, `f:3: program "web": restart.on_limit: unknown value "restart"`},
		{func(s *Spec) { s.Exit.OnLimit, s.Exit.RetryAfter = policy.Retry, 1 }, ""},
		{func(s *Spec) { s.Exit.Limit = policy.MaxLimit + 1 }, `f:3: program "web": restart.limit: must be 0 to 1000`},
	}
	for _, test := range tests {
		s := valid()
		test.change(&s)
		if got := Problems(Config{Programs: []Spec{s}}.Validate()).Error(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
	twice := Config{Programs: []Spec{valid(), valid()}}
	if got := Problems(twice.Validate()).Error(); got != `f:3: program "web": already declared at f:3` {
		t.Error(got)
	}
	if got := (Config{Programs: make([]Spec, MaxPrograms+1)}).Validate(); !strings.Contains(got[0].Text, "100001 programs") {
		t.Error(got[0])
	}
}

func TestChanges(t *testing.T) {
	a, b := valid(), valid()
	b.Place.Line, b.StopTimeout, b.Exit.Limit = 9, 1, 5
	if got := a.Changes(b); got != nil {
		t.Errorf("what needs no restart is a change: %q", got)
	}
	b.Command, b.Dir, b.Env, b.User = []string{"web", "-v"}, "/", []string{"A=1"}, &Credential{UID: 1}
	if diff := cmp.Diff([]string{"command", "dir", "env", "user"}, a.Changes(b)); diff != "" {
		t.Error(diff)
	}
	a = b
	a.User = &Credential{UID: 1, Groups: []uint32{2}}
	if diff := cmp.Diff([]string{"user"}, a.Changes(b)); diff != "" {
		t.Error(diff)
	}
}

func TestChangesOfHowItRuns(t *testing.T) {
	a, b := valid(), valid()
	b.Description, b.Labels, b.Critical, b.NoAutostart = "x", []string{"a=b"}, true, true
	if got := a.Changes(b); got != nil {
		t.Errorf("what needs no restart is a change: %q", got)
	}
	b.Umask, b.Limits, b.Expand = new(uint32), []Limit{{"core", 0, 0}}, true
	b.Stdin, b.Stdout, b.Stderr = "null", "null", "null"
	want := []string{"umask", "limits", "stdin", "stdout", "stderr", "expand"}
	if diff := cmp.Diff(want, a.Changes(b)); diff != "" {
		t.Error(diff)
	}
	a = b
	a.Umask = new(uint32)
	if got := a.Changes(b); got != nil {
		t.Errorf("equal declarations differ in %q", got)
	}
}

func TestSettings(t *testing.T) {
	tests := []struct {
		settings Settings
		want     string
	}{
		{Settings{}, ""},
		{Settings{LogLevel: "loud"}, "supervisor: log_level: unknown value"},
		{Settings{LogFormat: "xml"}, "supervisor: log_format: unknown value"},
		{Settings{Notify: "auto"}, "supervisor: notify: unknown value"},
		{Settings{ExitWhen: "later"}, "supervisor: exit_when: unknown value"},
		{Settings{ControlMode: 0o1000}, "supervisor: control_mode: must be at most 0777"},
		{Settings{ShutdownTimeout: -1}, "supervisor: a timeout cannot be negative"},
	}
	for _, test := range tests {
		if got := Problems(Config{Settings: test.settings}.Validate()).Error(); got != test.want {
			t.Errorf("%+v: got %q, want %q", test.settings, got, test.want)
		}
	}
}

func TestExpand(t *testing.T) {
	lookup := func(name string) (string, bool) { return "<" + name + ">", name != "x" }
	tests := []struct{ text, want, err string }{
		{"", "", ""},
		{"a$b$", "a$b$", ""},
		{"${name}-${env:A}", "<name>-<env:A>", ""},
		{"$${name}", "${name}", ""},
		{"$$${name}", "$${name}", ""},
		{"a${name", "", "${ without a }"},
		{"${x}", "", "unknown ${x}"},
		{"${}", "<>", ""},
	}
	for _, test := range tests {
		got, err := Expand(test.text, lookup)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
			t.Errorf("%q: got %q, %v; want %q, %q", test.text, got, err, test.want, test.err)
		}
	}
}

func TestEnviron(t *testing.T) {
	c := Config{Env: []string{"A=1", "AB=2", "C=3"}}
	got := c.Environ(Spec{Env: []string{"A=x", "D=4", "D=5"}})
	if diff := cmp.Diff([]string{"A=x", "AB=2", "C=3", "D=5"}, got); diff != "" {
		t.Error(diff)
	}
	if c.Env[0] != "A=1" {
		t.Error("the environment that all share was changed")
	}
}

func TestProblems(t *testing.T) {
	ps := Problems{
		{Place{"b", 9}, false, "nine"}, {Place{"a", 2}, true, "two"}, {Place{"b", 0}, false, "all"},
		{Place{"a", 1}, false, "one"}, {Place{}, false, "nowhere"},
	}
	ps.Sort()
	want := "b: all\nb:9: nine\na:1: one\na:2: two\nnowhere"
	if got := ps.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if ps.Errors() == nil || slices.ContainsFunc(ps.Errors(), func(p Problem) bool { return p.Warning }) {
		t.Error("Errors has warnings")
	}
	if len(ps.Warnings()) != 1 || Problems(nil).Errors() != nil || (Problems{{Warning: true}}).Errors() != nil {
		t.Error("no problem of a kind is nil")
	}
}
