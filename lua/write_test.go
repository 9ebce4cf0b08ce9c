package lua

import (
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// writing is where the tests write: the environment and the accounts of load.
func writing() Options { return virtual(nil) }

// written writes config, and loads that again.
func written(t *testing.T, config program.Config) (string, program.Config) {
	t.Helper()
	text, problems := Write(config, writing())
	if problems != nil {
		t.Fatal(problems)
	}
	got, problems := load(text)
	if len(problems.Errors()) > 0 {
		t.Fatalf("%v\n%s", problems, text)
	}
	return text, got
}

// TestWriteReads loads what is written of every example, of everything that has a key, and of nothing.
func TestWriteReads(t *testing.T) {
	t.Setenv("PATH", "/bin:/usr/bin")
	for _, source := range []string{
		"", "program 'a' { command = { '/bin/sh' } }", everyKey,
		"defaults { env = { A = 1, HOME = false } } program 'a' { command = { 'sh' } } program 'b' { command = { 'sh' }, env = { A = '${name}' } }",
		"defaults { env_inherit = { 'PATH' } } program 'a' { command = { 'sh' } } program 'b' { command = { 'sh' }, env_inherit = false }",
		"program 'a' { command = { 'sh' }, restart = 'always' } program 'b' { command = { 'sh' }, restart = { policy = 'always', limit = 3 } }",
		"program 'a' { command = { 'sh' }, group = 'adm' } program 'b' { command = { 'sh' }, user = 'root', env = { HOME = '/x', SHELL = false } }",
		"program 'a' { shell = 'echo ${HOME}' } program 'b' { command = { 'sh', '-c', '$${x}${name}' }, reload_signal = 'HUP', on_reload = 'keep' }",
	} {
		config, problems := load(source)
		if len(problems.Errors()) > 0 {
			t.Fatal(problems)
		}
		text, again := written(t, config)
		if second, _ := written(t, again); strings.ReplaceAll(second, "c.lua", "") != strings.ReplaceAll(text, "c.lua", "") && source != "" {
			second, text = withoutComments(second), withoutComments(text)
			if diff := cmp.Diff(text, second); diff != "" {
				t.Errorf("written again:\n%s", diff)
			}
		}
	}
}

func withoutComments(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "--") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// TestWriteText holds the form of what is written.
func TestWriteText(t *testing.T) {
	base := program.Spec{
		Place: program.Place{File: "haproxy.cfg", Line: 3}, Command: []string{"./a", "it's \"x\" \\ \xff\x01\n\té${x}"},
		OnReload: program.Replace, ReloadSignal: 10, StopTimeout: 30 * time.Second, Exit: policy.Policy{Rule: policy.ExitOnFailure},
	}
	keep := base
	base.Name, base.User = "a", &program.Credential{GID: 4}
	keep.Name, keep.Place.Line, keep.OnReload, keep.NoStartOnReload = "b", 9, program.Keep, true
	keep.Command = append(slices.Clone(base.Command), strings.Repeat("long", 20))
	text, _ := written(t, program.Config{
		Programs: []program.Spec{base, keep}, Pidfile: "/run/a.pid",
		Env: []string{"PATH=/bin:/usr/bin", "MWLUA=1", "HAPROXY_MWORKER=1", "A b=${c}", "end=2"},
	})
	const name = "testdata/written.lua"
	if *update {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Error(diff)
	}
}

// TestWriteForgetsNoField changes each field of a Spec, of its policy, of a Config and of its Settings: what is written says it, or
// Write says that it cannot.
func TestWriteForgetsNoField(t *testing.T) {
	unsaid := map[string]string{ // what Lua has no words for, on purpose
		"Programs[0].Slot":                "it is made of Instances",
		"Programs[0].Ready.Probe.Timeout": "it is 2 s",
		"Programs[0].AnswerTimeout":       "only a program that reloads itself has it",
		"Programs[0].OnExit":              "it is code",
		"Programs[0].OnStart":             "it is code",
		"Programs[0].OnStop":              "it is code",
		"Hooks":                           "they are code",
		"Sources":                         "they are code",
		"Plugins":                         "they belong to code",
	}
	fields := leaves("", reflect.TypeFor[program.Config](), nil)
	if len(fields) < 40 {
		t.Fatalf("only %d fields: %q", len(fields), fields)
	}
	for _, path := range fields {
		plain, problems := load(kindWith(path) + " program 'other' { command = { '/bin/sh' } }")
		if len(problems.Errors()) > 0 {
			t.Fatal(problems)
		}
		changed := plain
		changed.Programs = slices.Clone(plain.Programs)
		at := follow(reflect.ValueOf(&changed).Elem(), path)
		sample(t, path, at)
		complete(path, &changed.Programs[0])
		text, problems := Write(changed, writing())
		if _, ok := unsaid[path]; ok != (problems != nil) {
			t.Errorf("%s = %v: %v\n%s", path, at, problems, text)
		}
		if problems == nil && withoutComments(text) == withoutComments(mustWrite(t, plain)) && !strings.Contains(path, "Place") {
			t.Errorf("%s = %v is not written", path, at)
		}
	}
}

// kindWith declares a program of the kind that has a field.
func kindWith(path string) string {
	switch strings.TrimPrefix(path, "Programs[0].") {
	case "Run", "IgnoreFailure", "Timeout":
		return "oneshot 'a' { command = { '/bin/sh' } }"
	case "Schedule", "Zone", "CronOverlap", "Jitter", "CatchUp":
		return "cron 'a' { command = { '/bin/sh' }, schedule = '@daily' }"
	}
	return "program 'a' { command = { '/bin/sh' } }"
}

// complete adds what a field needs to mean something.
func complete(path string, p *program.Spec) {
	switch strings.TrimPrefix(path, "Programs[0].") {
	case "Expand": // which needs something to expand
		p.Command = []string{"/bin/sh", "${name}"}
	case "Exit.Rule": // which has no figures
		p.Exit = policy.Policy{Rule: p.Exit.Rule}
	case "Kind":
		p.OnReload, p.ReloadSignal, p.MaxFormer, p.Exit = program.Keep, 0, 0, policy.Policy{When: policy.Never}
	case "Ready.Timeout":
		p.Ready.By = program.ReadyNotify
	case "Ready.FD":
		p.Ready.By = program.ReadyFD
	case "Ready.Pattern":
		p.Ready.By = program.ReadyLog
	case "Ready.Probe.Interval", "Ready.Probe.Timeout":
		p.Ready.By, p.Ready.Probe.TCP, p.Ready.Probe.Interval = program.ReadyProbe, ":80", p.Ready.Probe.Interval+time.Second
	case "Ready.Probe.HTTP", "Ready.Probe.TCP", "Ready.Probe.Unix", "Ready.Probe.Command":
		p.Ready.By, p.Ready.Probe.Interval = program.ReadyProbe, time.Second
	}
}

func mustWrite(t *testing.T, config program.Config) string {
	t.Helper()
	text, problems := Write(config, writing())
	if problems != nil {
		t.Fatal(problems)
	}
	return text
}

// leaves are the paths of the fields in a type, which is a struct.
func leaves(prefix string, of reflect.Type, found []string) []string {
	for i := range of.NumField() {
		f := of.Field(i)
		path := strings.TrimPrefix(prefix+"."+f.Name, ".")
		switch {
		case path == "Programs":
			found = leaves("Programs[0]", f.Type.Elem(), found)
		case f.Type.Kind() == reflect.Struct:
			found = leaves(path, f.Type, found)
		default:
			found = append(found, path)
		}
	}
	return found
}

func follow(v reflect.Value, path string) reflect.Value {
	for name := range strings.SplitSeq(path, ".") {
		if name, ok := strings.CutSuffix(name, "[0]"); ok {
			v = v.FieldByName(name).Index(0)
			continue
		}
		v = v.FieldByName(name)
	}
	return v
}

// sample gives a field another value than it has by default, which holds for a Config.
func sample(t *testing.T, path string, at reflect.Value) {
	special := map[string]any{
		"Env":                             []string{"PATH=/bin:/usr/bin", "MWLUA=1", "X=1"},
		"Pidfile":                         "/p",
		"Programs[0].Name":                "b",
		"Programs[0].Command":             []string{"/bin/true"},
		"Programs[0].Dir":                 "/d",
		"Programs[0].Env":                 []string{"X=1"},
		"Programs[0].WholeEnv":            true,
		"Programs[0].User":                &program.Credential{GID: 4, Groups: []uint32{4}},
		"Programs[0].Labels":              []string{"a=b"},
		"Programs[0].Umask":               new(uint32(0)),
		"Programs[0].Limits":              []program.Limit{{Name: "core", Hard: program.Unlimited}},
		"Programs[0].Stdin":               "null",
		"Programs[0].Stdout":              "file:/o",
		"Programs[0].Stderr":              "file:/e",
		"Programs[0].Expand":              true,
		"Programs[0].OnReload":            program.Replace,
		"Programs[0].Exit.Rule":           policy.NoExitOnFailure,
		"Programs[0].Exit.When":           policy.Always,
		"Programs[0].Exit.OnLimit":        policy.Retry,
		"Programs[0].Exit.SuccessCodes":   []int{0, 3},
		"Programs[0].Kind":                program.OneShot,
		"Programs[0].After":               []string{"other"},
		"Programs[0].Needs":               []string{"other"},
		"Programs[0].Ready.By":            program.ReadyNotify,
		"Programs[0].Ready.Probe.HTTP":    "http://127.0.0.1/",
		"Programs[0].Ready.Probe.TCP":     ":80",
		"Programs[0].Ready.Probe.Unix":    "/s",
		"Programs[0].Ready.Probe.Command": []string{"ask"},
		"Programs[0].Health":              &program.Health{Probe: program.Probe{TCP: ":80", Interval: time.Hour, Timeout: time.Second}, Failures: 1, Successes: 1},
		"Programs[0].Overlap":             program.StopFirst,
		"Programs[0].Sockets":             []program.Socket{{Name: "a", Address: "tcp://:80"}},
		"Programs[0].Nice":                new(0),
		"Programs[0].OOMScoreAdj":         new(0),
		"Programs[0].Capabilities":        []string{},
		"Programs[0].Chroot":              "/c",
		"Programs[0].Group":               program.NoGroup,
		"Programs[0].Run":                 program.RunManual,
		"Programs[0].Schedule":            "@every 1h",
		"Programs[0].Zone":                "UTC",
		"Programs[0].CronOverlap":         program.CronKill,
		"Programs[0].StopCommand":         []string{"stop"},
		"Programs[0].Kill":                program.KillProcess,
		"Programs[0].OnExit":              []program.Decider{{By: program.ByHandler, Name: "a.on_exit[1]"}},
		"Hooks":                           []program.Hook{{On: program.OnReloaded, Name: "on.reloaded[1]"}},
		"Sources":                         []program.Source{{Path: "c.lua", Text: "return"}},
		"Plugins":                         []program.Plugin{{Name: "a", Path: "/a"}},
		"Settings.LogLevel":               "warn",
		"Settings.LogFormat":              "json",
		"Settings.Control":                "/c",
		"Settings.RuntimeDir":             "/r",
		"Settings.ExitWhen":               program.ExitNever,
		"Settings.Notify":                 "never",
		"Settings.LuaHandlerTimeout":      time.Second,
	}
	if value, ok := special[path]; ok {
		at.Set(reflect.ValueOf(value))
		return
	}
	switch at.Kind() {
	case reflect.String:
		at.SetString("x")
	case reflect.Bool:
		at.SetBool(!at.Bool())
	case reflect.Int, reflect.Int64:
		at.SetInt(at.Int() + 7)
		if at.Type() == reflect.TypeFor[time.Duration]() {
			at.SetInt(int64(26*time.Hour + 61*time.Second + 250*time.Millisecond + 1))
		}
	case reflect.Uint32:
		at.SetUint(0o640)
	case reflect.Uint64:
		at.SetUint(1<<30 + 1)
	case reflect.Float64:
		at.SetFloat(at.Float()*1.5 + 0.1)
	default:
		t.Fatalf("%s: no sample for a %v: give it one, and a key in Lua", path, at.Type())
	}
}

// TestWriteSaysWhatLuaCannot has a place in every message.
func TestWriteSaysWhatLuaCannot(t *testing.T) {
	plain, _ := load("program 'a' { command = { '/bin/sh' } }")
	tests := map[string]func(*program.Spec){
		`program "a b": Lua does not take this name: letters`: func(s *program.Spec) { s.Name = "a b" },
		`program "a": Lua has no words for what is said of Exit`: func(s *program.Spec) {
			s.Exit = policy.Policy{Rule: policy.ExitOnFailure, Limit: 3}
		},
		`cannot be said in Lua: program "a": restart`:            func(s *program.Spec) { s.Exit.Rule = policy.AnyExit },
		`cannot be said in Lua: program "a": on_reload:`:         func(s *program.Spec) { s.OnReload = program.Itself },
		`program "a": on_start is code, which cannot be written`: func(s *program.Spec) { s.OnStart = "a.on_start" },
		`program "a": on_exit is code, which cannot be written`: func(s *program.Spec) {
			s.OnExit = []program.Decider{{By: program.ByPlugin, Name: "budget"}}
		},
		`cannot be said in Lua: program "a": user: cannot`:   func(s *program.Spec) { s.User = &program.Credential{UID: 12345} },
		`cannot be said in Lua: program "a": restart.factor`: func(s *program.Spec) { s.Exit.Backoff.Factor = 0 },
		`cannot be said in Lua: program "a": max_former`:     func(s *program.Spec) { s.MaxFormer = 1e6 },
	}
	for want, change := range tests {
		config := plain
		config.Programs = slices.Clone(plain.Programs)
		config.Programs[0].Place = program.Place{File: "a.cfg", Line: 7}
		change(&config.Programs[0])
		text, problems := Write(config, writing())
		if text != "" || len(problems) != 1 || !strings.HasPrefix(problems[0].String(), "a.cfg:7: "+want) {
			t.Errorf("got %v, want %s\n%s", problems, want, text)
		}
	}
}

// TestLiteral: Lua reads any text but NUL as it was.
func TestLiteral(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	texts := []string{"it's", `a\"b\\`, "$${x}", "${name", "\x7f\u202e\u00a0é漢😀", "\r\n\v\f", "1\x012", "]]--"}
	for i := 1; i < 256; i++ {
		texts = append(texts, string([]byte{byte(i)}), string([]byte{byte(i), '7'}))
	}
	for range 500 {
		text := make([]byte, random.IntN(40))
		for i := range text {
			text[i] = byte(1 + random.IntN(255))
		}
		texts = append(texts, string(text))
	}
	var b strings.Builder
	b.WriteString("program 'a' { command = { 'sh'")
	for _, text := range texts {
		b.WriteString(", " + (&draft{}).literal(text))
	}
	b.WriteString(" } }")
	config, problems := load(b.String())
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	if diff := cmp.Diff(texts, config.Programs[0].Command[1:]); diff != "" {
		t.Error(diff)
	}
}

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: `"0s"`, 90 * time.Second: `"1m30s"`, 48 * time.Hour: `"2d"`, 1500 * time.Millisecond: `"1s500ms"`, time.Microsecond: `"0.001ms"`,
	} {
		if got := durationText(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		d := time.Duration(random.Int64N(int64(maxDuration)) >> random.IntN(60))
		if got, problem := parseDuration(strings.Trim(durationText(d), `"`)); got != d || problem != "" {
			t.Fatalf("%v is written %s and read as %v, %s", d, durationText(d), got, problem)
		}
	}
}

func TestSignalText(t *testing.T) {
	for n := 1; n <= 64; n++ {
		source := fmt.Sprintf("program 'a' { command = { 'sh' }, stop_signal = %s }", signalText(n))
		if got := one(t, source); got.StopSignal != n {
			t.Errorf("%d is written %s and read as %d", n, signalText(n), got.StopSignal)
		}
	}
}
