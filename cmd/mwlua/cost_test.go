package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestIdleMwluaOfEveryKindSleeps: what it waits for costs nothing until it comes.
func TestIdleMwluaOfEveryKindSleeps(t *testing.T) {
	w := newWindow(t, "", func(w *window) {
		w.write(luaFile, `
defaults { on_reload = "if-changed" }
program "many" { command = { "sleep", "1000" }, instances = 40 }
for i = 1, 40 do
	program("unit" .. i) { command = { "sleep", "1000" } }
	program("fd" .. i) { command = { "sh", "-c", "echo >&3; exec sleep 1000" }, ready = { fd = 3 } }
	cron("daily" .. i) { command = { "true" }, schedule = "@daily", jitter = "1h" }
end
for i = 1, 10 do
	program("log" .. i) { command = { "sh", "-c", "echo up; exec sleep 1000" }, ready = { log = "^up$" } }
	program("ill" .. i) { command = { "sleep", "1000" }, health = { command = { "true" }, interval = "1h" } }
	oneshot("once" .. i) { command = { "true" } }
	program("after" .. i) { command = { "sleep", "1000" }, after = { "once" .. i, "log" .. i } }
end
for i = 1, 3 do
	program("web" .. i) { command = { "./prog", "web", "name=web" }, ready = "notify", sockets = { http = "unix://`+w.dir+`/web" .. i } }
end
`)
		w.cmd.Args = []string{w.path("mwlua"), "run", luaFile}
	})
	w.logged(luaLoaded, 1)
	w.signal(unix.SIGUSR2) // so that what survives a hand-over sleeps, too
	w.logged(luaLoaded, 2)
	w.sleeps()
	w.stops()
}

// cost is what it takes to start and to stop some programs.
type cost struct{ start, stop, cpu time.Duration }

func costOf(t *testing.T, programs int, kill string) cost {
	w := newWindowIn(t, t.TempDir(), func(w *window) {
		w.write(luaFile, fmt.Sprintf(`for i = 1, %d do program("p" .. i) { command = { "sleep", "1000" }, kill = %q } end`, programs, kill))
		w.cmd.Args = []string{w.path("mwlua"), "run", luaFile}
	})
	began := time.Now()
	w.logged(luaLoaded, 1)
	c := cost{start: time.Since(began)}
	began = time.Now()
	w.signal(unix.SIGTERM)
	w.until("the end of mwlua", w.isGone)
	c.stop = time.Since(began)
	c.cpu = w.cmd.ProcessState.SystemTime() + w.cmd.ProcessState.UserTime()
	return c
}

// TestUnitsCostWhatProcessesDo: that a program counts as stopped when nothing of it is left is not paid for by those that leave nothing.
func TestUnitsCostWhatProcessesDo(t *testing.T) {
	t.Parallel()
	programs := 100
	if os.Getenv("CI") != "" && !underRace {
		programs = 1000
	}
	least := map[string]time.Duration{}
	for range 3 { // the least of them is what the machine had no other work beside
		for _, kill := range []string{"process", "unit"} {
			c := costOf(t, programs, kill)
			t.Logf("%d programs, kill = %q: started in %v, stopped in %v, %v of the processor", programs, kill, c.start, c.stop, c.cpu)
			if least[kill] == 0 || c.cpu < least[kill] {
				least[kill] = c.cpu
			}
		}
	}
	ratio := float64(least["unit"]) / float64(least["process"])
	t.Logf("ratio %.2f", ratio)
	if ratio > 2 {
		t.Errorf("units cost %.2f times what processes do", ratio)
	}
}
