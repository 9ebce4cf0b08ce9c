package lua

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
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
