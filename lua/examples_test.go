package lua

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/sim"
)

// TestExamples loads every example and lives a short life of it in a simulated world: all is started in its order, something fails
// and comes back, a reload changes nothing, and in the end all is stopped.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../examples/*.lua")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	files = slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, "_test.lua") })
	for _, file := range append(files, "../examples/modules/main.lua") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			config, problems := Load(Options{Files: []string{file}, Env: []string{"PATH=/bin:/usr/bin"}, Lookup: accounts{}})
			if len(problems.Errors()) > 0 || len(config.Programs) < 3 {
				t.Fatalf("%d programs; %v", len(config.Programs), problems)
			}
			live(t, config)
		})
	}
}

func live(t *testing.T, config program.Config) {
	w := sim.New(1)
	first := ""
	for i := range config.Programs {
		p := &config.Programs[i]
		p.Watchdog = 0 // here nobody says WATCHDOG=1
		switch {
		case p.Kind == program.OneShot:
			w.Program(p.Name, sim.Behaviour{Runs: time.Second})
		case p.Kind == program.Service && first == "":
			first = p.Name
		}
	}
	w.SetConfig(config)
	w.Boot()
	w.Advance(time.Minute)
	phases := map[program.Kind]machine.Phase{program.Service: machine.Running, program.OneShot: machine.Done, program.Cron: machine.Scheduled}
	for _, p := range config.Programs {
		if got := w.Phase(p.Name); got != phases[p.Kind] {
			t.Errorf("%s is %s after the start", p.Name, got)
		}
	}
	w.Exit(first, sim.Ending{Code: 1})
	w.Advance(2 * time.Minute)
	if got := w.Running(first); len(got) != 1 {
		t.Errorf("%s did not come back: %v", first, got)
	}
	w.Reload("a test")
	w.Advance(time.Minute)
	w.Stop(machine.StopAll, 15)
	w.Advance(time.Minute)
	if _, quit := w.Quit(); !quit || len(w.Alive()) > 0 {
		t.Errorf("after a stop %v are alive", w.Alive())
	}
	if err := w.Err(); err != nil {
		t.Errorf("%v\n%s", err, w.Trace())
	}
}

// TestPolicyExample asks the functions of examples/policy.lua what their comments promise.
func TestPolicyExample(t *testing.T) {
	var said []string
	o := Options{Files: []string{"../examples/policy.lua"}, Env: []string{"PATH=/bin"}, Log: func(level, text string) { said = append(said, level+": "+text) }}
	_, h, problems := Open(o)
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	defer h.Close()
	short := []policy.Past{{Ran: time.Second}, {Ran: 2 * time.Second}}
	again := policy.Verdict{Do: policy.Restart, Delay: time.Second, Reason: "attempt 3"}
	tests := []struct {
		handler string
		event   policy.Event
		want    policy.Verdict
		store   string
	}{
		{"api.on_exit[1]", policy.Event{Exit: policy.Exit{Code: 78, Failures: 1}}, policy.Verdict{Do: policy.Fail, Reason: "its configuration is wrong"}, ""},
		{"api.on_exit[1]", policy.Event{Exit: policy.Exit{Code: 1, Failures: 1}}, policy.Verdict{Do: policy.Default}, ""},
		{"worker-2.on_exit[1]", policy.Event{Exit: policy.Exit{OOM: true}, Store: []byte(`{"rests":2}`)},
			policy.Verdict{Do: policy.Restart, Delay: 15 * time.Second, Reason: "out of memory, rest 3 of 12"}, `{"rests":3}`},
		{"worker-1.on_exit[1]", policy.Event{}, policy.Verdict{Do: policy.Default}, ""},
		{"worker-1.on_exit[2]", policy.Event{Exit: policy.Exit{Failures: 3}, History: short, Default: again},
			policy.Verdict{Do: policy.Restart, Delay: time.Minute, Reason: "three times within ten seconds"}, ""},
		{"worker-1.on_exit[2]", policy.Event{Exit: policy.Exit{Failures: 2}, History: short[1:], Default: again}, policy.Verdict{Do: policy.Default}, ""},
		{"import.on_exit[1]", policy.Event{Exit: policy.Exit{Failures: 3}, Default: policy.Verdict{Do: policy.Fail}},
			policy.Verdict{Do: policy.Shutdown, ExitCode: 65, Reason: "no import, no service"}, ""},
		{"import.on_exit[1]", policy.Event{Exit: policy.Exit{Failures: 1}, Default: again}, policy.Verdict{Do: policy.Default}, ""},
	}
	for _, test := range tests {
		got, store, err := decide(t, h, test.handler, test.event, patient)
		if err != nil || got != test.want || string(store) != test.store {
			t.Errorf("%s: %+v, %s, %v", test.handler, got, store, err)
		}
	}
	ev := policy.Event{Exit: policy.Exit{Ran: 90 * time.Second}, Instance: "leader#1", PID: 7}
	for _, err := range []error{h.Call(t.Context(), "leader.on_start", OnStart, ev, ""), h.Call(t.Context(), "leader.on_stop", OnStop, ev, ""),
		h.Call(t.Context(), "on.reloaded[1]", "reloaded", ev, ""), h.Call(t.Context(), "on.reloaded[1]", "reloaded", ev, "x.lua:1: no")} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{"info: leader#1 leads now, pid 7", "warn: leader#1 led for 90 s", "error: still the old configuration: x.lua:1: no"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}
