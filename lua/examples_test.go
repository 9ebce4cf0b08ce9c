package lua

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/sim"
)

// TestExamples loads every example and lives a short life of it in a simulated world: all is started, something fails and comes
// back, a reload changes nothing, and in the end all is stopped.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../examples/*.lua")
	if err != nil || len(files) < 3 {
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
	w.SetConfig(config)
	w.Boot()
	w.Settle()
	for _, p := range config.Programs {
		if w.Phase(p.Name) != "running" {
			t.Errorf("%s is %s after the start", p.Name, w.Phase(p.Name))
		}
	}
	first := config.Programs[0].Name
	w.Exit(first, sim.Ending{Code: 1})
	w.Advance(2 * time.Minute)
	w.Settle()
	if got := w.Running(first); len(got) != 1 {
		t.Errorf("%s did not come back: %v", first, got)
	}
	w.Reload("a test")
	w.Settle()
	w.Stop(machine.StopAll, 15)
	w.Settle()
	if _, quit := w.Quit(); !quit || len(w.Alive()) > 0 {
		t.Errorf("after a stop %v are alive", w.Alive())
	}
	if err := w.Err(); err != nil {
		t.Errorf("%v\n%s", err, w.Trace())
	}
}
