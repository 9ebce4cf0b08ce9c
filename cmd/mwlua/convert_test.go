package main

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mwlua/mwlua/compat/haproxycfg"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/sim"
	"github.com/mwlua/mwlua/lua"
)

// conversion is an haproxy.cfg, and what it is read with.
type conversion struct {
	Name   string
	Config string
	Env    map[string]string
}

func (c conversion) environment() []string {
	env := []string{"HOME=/home/me", "PATH=/usr/bin:/bin", "SHELL=/bin/sh"}
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		env = program.Setenv(env, name+"="+c.Env[name])
	}
	return env
}

func (c conversion) load() (program.Config, program.Problems) {
	return haproxycfg.Load(haproxycfg.Options{
		Files: []string{"haproxy.cfg"}, Env: c.environment(), Version: "2.6.12-1+deb12u4", LocalPeer: "vm",
		ReadFile: func(string) ([]byte, error) { return []byte(c.Config), nil },
	})
}

// convert writes config and loads that, as mwlua convert and mwlua run do it.
func (c conversion) convert(t *testing.T, config program.Config) (string, program.Config) {
	t.Helper()
	text, problems := lua.Write(config, lua.Options{Env: c.environment()})
	if problems != nil {
		t.Fatal(problems)
	}
	got, problems := lua.Load(lua.Options{
		Files: []string{"mwlua.lua"}, Env: c.environment(), ReadFile: func(string) ([]byte, error) { return []byte(text), nil },
	})
	if len(problems.Errors()) > 0 {
		t.Fatalf("%v\n%s", problems, text)
	}
	return text, got
}

// recordedConversions are the cases of compat/haproxycfg, recorded from HAProxy.
func recordedConversions(t *testing.T) []conversion {
	t.Helper()
	var all []conversion
	for _, name := range []string{"lexer.json", "conditions.json"} {
		var some []conversion
		if err := json.Unmarshal([]byte(readFile(t, "compat/haproxycfg/testdata/"+name)), &some); err != nil {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	return all
}

// ownConversions have what the recorded cases do not.
func ownConversions(t *testing.T) []conversion {
	return []conversion{
		{Name: "example", Config: readFile(t, "examples/haproxy.cfg")},
		{Name: "no program", Config: "global\n master-worker\n"},
		{Name: "one program", Config: "program a\n command /bin/sh\n"},
		{Name: "global", Config: "global\n master-worker no-exit-on-failure\n hard-stop-after 90500us\n mworker-max-reloads 3\n pidfile run/a.pid\n" +
			" quiet\n localpeer me\n stats socket /run/haproxy.sock\nprogram a\n command /bin/sh\nprogram b\n command /bin/sh\n"},
		{Name: "options", Config: "program a\n command /bin/sh\nprogram b\n command /bin/sh\n no option start-on-reload\nprogram c\n" +
			" command /bin/sh\n no option start-on-reload\n"},
		{Name: "identities", Config: "program a\n command /bin/sh\n user nobody\nprogram b\n command /bin/sh\n group daemon\n" +
			"program c\n command /bin/sh\n user nobody\n group daemon\nprogram d\n command /bin/sh\n user root\nprogram e\n command /bin/sh\n" +
			" user root\n group root\n"},
		{Name: "login set", Config: "global\n setenv HOME /x\n setenv USER nobody\n unsetenv SHELL\nprogram a\n command /bin/sh\n user nobody\n" +
			"program b\n command /bin/sh\n"},
		{Name: "login odd", Config: "program a\n command /bin/sh\n user nobody\n", Env: map[string]string{"USER": "a${b}"}},
		{Name: "environment", Config: "global\n setenv A \"x y\"\n presetenv B new\n unsetenv C D\n setenv Q '\"$${x}\\ ${name}é\xff'\n" +
			"program a\n command /bin/sh \"$A\"\nprogram b\n command /bin/sh '${name}' '$${' \"it's\" é \\xff \\\"\n",
			Env: map[string]string{"B": "old", "C": "1", "HAPROXY_PROCESSES": "x", "NOTIFY_SOCKET": "/n", "OLD": "${x}"}},
		{Name: "resetenv", Config: "global\n resetenv PATH A\nprogram a\n command /bin/sh\n user nobody\nprogram b\n command /bin/sh\n",
			Env: map[string]string{"A": "1", "B": "1", "C": "1", "D": "1", "E": "${"}},
		{Name: "resetenv all", Config: "global\n resetenv\nprogram a\n command /bin/sh\n"},
	}
}

// TestConvertMeansTheSame: what is converted has the same programs, environments and settings, and lives the same life.
func TestConvertMeansTheSame(t *testing.T) {
	odd := regexp.MustCompile(`^[^\w]|[^\w.@-]|.{65}`)
	converted := 0
	for _, c := range slices.Concat(recordedConversions(t), ownConversions(t)) {
		want, problems := c.load()
		if len(problems.Errors()) > 0 {
			continue
		}
		converted++
		t.Run(c.Name, func(t *testing.T) {
			if i := slices.IndexFunc(want.Programs, func(s program.Spec) bool { return odd.MatchString(s.Name) }); i >= 0 {
				text, problems := lua.Write(want, lua.Options{Env: c.environment()})
				if text != "" || problems == nil || problems[0].Place != want.Programs[i].Place {
					t.Errorf("%q: %v\n%s", want.Programs[i].Name, problems, text)
				}
				return
			}
			text, got := c.convert(t, want)
			if diff := cmp.Diff(declared(want), declared(got), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-haproxy.cfg +Lua)\n%s\n%s", diff, text)
			}
			comparePlans(t, want, got)
		})
	}
	if converted < 150 {
		t.Errorf("only %d cases are configurations", converted)
	}
}

// declared is config as it is to be the same: without places, each program with its whole environment.
func declared(config program.Config) program.Config {
	programs := slices.Clone(config.Programs)
	for i := range programs {
		s := &programs[i]
		s.Env = slices.Sorted(slices.Values(config.Environ(*s)))
		s.Place, s.WholeEnv = program.Place{}, false
	}
	config.Programs, config.Env = programs, nil
	return config
}

// comparePlans looks at what a machine would do: a new one, one that runs the same, and one that runs something else.
func comparePlans(t *testing.T, want, got program.Config) {
	t.Helper()
	plans := func(config program.Config) [][]machine.Change {
		return [][]machine.Change{machine.New(1).Plan(config), machineOf(t, config).Plan(config), machineOf(t, former(want)).Plan(config)}
	}
	if diff := cmp.Diff(plans(want)[:2], plans(got)[:2]); diff != "" {
		t.Errorf("plans (-haproxy.cfg +Lua)\n%s", diff)
	}
	// Which of an environment's two places has changed is all the same.
	reason := cmpopts.IgnoreFields(machine.Change{}, "Reason")
	if diff := cmp.Diff(plans(want)[2], plans(got)[2], reason); diff != "" {
		t.Errorf("plans (-haproxy.cfg +Lua)\n%s", diff)
	}
	if diff := cmp.Diff(life(t, want), life(t, got)); diff != "" {
		t.Errorf("lives (-haproxy.cfg +Lua)\n%s", diff)
	}
}

// former is a configuration that config may have been made of: without its first program, with another one, and a changed one.
func former(config program.Config) program.Config {
	if len(config.Programs) == 0 {
		return config
	}
	gone := config.Programs[0]
	gone.Name = "gone"
	config.Programs = append([]program.Spec{gone}, config.Programs[1:]...)
	if len(config.Programs) > 1 {
		config.Programs[1].Command = append(slices.Clone(config.Programs[1].Command), "former")
	}
	return config
}

// machineOf is a machine that runs config.
func machineOf(t *testing.T, config program.Config) *machine.Machine {
	t.Helper()
	w := sim.New(1)
	w.SetConfig(config)
	w.Boot()
	w.Settle()
	m, err := machine.Restore(w.State())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// life is all that happens to config: a start, an end that is well, a reload, a failure of what is left, a stop by SIGINT.
func life(t *testing.T, config program.Config) []string {
	t.Helper()
	w := sim.New(1)
	w.SetConfig(config)
	w.Boot()
	w.Settle()
	if n := len(config.Programs); n > 0 {
		w.Exit(config.Programs[n-1].Name, sim.Ending{})
		w.Reload("a test")
		w.Settle()
		w.Advance(2 * time.Minute)
		w.Exit(config.Programs[0].Name, sim.Ending{Code: 3})
		w.Settle()
	}
	w.Stop(machine.StopAll, 2)
	w.Settle()
	if err := w.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Split(w.Trace(), "\n")
}

// TestConvertAsDocumented converts the example of docs/haproxy.md.
func TestConvertAsDocumented(t *testing.T) {
	_, section, _ := strings.Cut(readFile(t, "docs/haproxy.md"), "\n## Moving to Lua\n")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := indentedBlocks(section)
	if len(blocks) != 3 { // the commands, the configuration, what is made of it
		t.Fatalf("found %d examples", len(blocks))
	}
	c := conversion{Config: blocks[1]}
	config, problems := haproxycfg.Load(haproxycfg.Options{
		Files: []string{"/etc/haproxy/haproxy.cfg"}, Env: c.environment(), LocalPeer: "lb1",
		ReadFile: func(string) ([]byte, error) { return []byte(c.Config), nil },
	})
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	text, _ := c.convert(t, config)
	if diff := cmp.Diff(text, blocks[2]); diff != "" {
		t.Errorf("(-converted +docs)\n%s\n%s", diff, text)
	}
}

// indentedBlocks are the blocks of text that is four blanks to the right. An empty line ends one unless the next line is indented.
func indentedBlocks(text string) []string {
	var blocks []string
	within, empty := false, ""
	for line := range strings.Lines(text) {
		code, indented := strings.CutPrefix(line, "    ")
		switch {
		case indented && within:
			blocks[len(blocks)-1] += empty + code
			empty = ""
		case indented:
			blocks, within, empty = append(blocks, code), true, ""
		case line == "\n":
			empty += line
		default:
			within = false
		}
	}
	return blocks
}
