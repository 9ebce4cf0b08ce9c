package supervisor_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/program"
)

// TestReloadDoesWhatThePlanSays: an unchanged program keeps its instance, a changed one is replaced, one that is no longer
// declared goes, a new one starts; the supervisor keeps its pid.
func TestReloadDoesWhatThePlanSays(t *testing.T) {
	changed := sleeper("changed", "")
	r := newRun(t, programs(sleeper("same", ""), changed, sleeper("removed", "")))
	same, old, removed := r.pid("same#1"), r.pid("changed#1"), r.pid("removed#1")
	changed.Env = []string{"A=1"}
	r.configure(programs(sleeper("same", ""), changed, sleeper("added", "")))
	r.reload(loaded)
	r.pid("added#1")
	r.pid("changed#2")
	r.until("the end of two", func() bool { return !r.lives(old) && !r.lives(removed) })
	if !r.lives(same) || r.isGone() {
		t.Errorf("the unchanged program or the supervisor is gone%s", r.files())
	}
	r.signal(unix.SIGTERM)
	r.exits(0)
	r.alone()
}

// TestReloadThatFailsChangesNothing: whatever is wrong with the configuration, and wherever it shows.
func TestReloadThatFailsChangesNothing(t *testing.T) {
	for fault, text := range map[string]string{
		"trial fails":  `ALERT   config.json:7: it is no good`,
		"trial panics": `ALERT   the trial of .*/supervisor gave no answer, but ended with status \d+: is it mwlua, and not broken\?`,
		"trial exits":  `ALERT   the trial of .*/supervisor gave no answer, but ended with status \d+: is it mwlua, and not broken\?`,
		"image fails":  `ALERT   config.json:7: it is no good`, // it was changed after the trial had read it
		"":             `ALERT   program "a": command: is required`,
	} {
		t.Run(fault, func(t *testing.T) {
			a := sleeper("a", "")
			r := newRun(t, programs(a))
			first := r.pid("a#1")
			bad := programs(sleeper("b", ""))
			bad.Fault = fault
			if fault == "" {
				bad = programs(program.Spec{Name: "a", OnReload: program.Keep})
			}
			r.configure(bad)
			r.reload(notLoaded)
			r.reload(notLoaded)
			r.checkLog(`reloading \(SIGUSR2\)`, text, `ALERT   `+notLoaded+`, the programs run on`)

			a.Env = []string{"A=1"}
			r.configure(programs(a))
			r.reload(loaded)
			r.pid("a#2")
			r.until("the end of a#1", func() bool { return !r.lives(first) })
			if r.read("up.b#1") != "" {
				t.Errorf("b was started%s", r.files())
			}
			r.signal(unix.SIGTERM)
			r.exits(0)
			r.alone()
		})
	}
}

// TestFirstLoadThatFailsStartsNothing.
func TestFirstLoadThatFailsStartsNothing(t *testing.T) {
	bad := programs(sleeper("a", ""))
	bad.Fault = "image fails"
	r := newRun(t, bad)
	r.exits(1)
	r.checkLog(`ALERT   config.json:7: it is no good`, `ALERT   nothing was started`)
	if r.read("up.a#1") != "" || len(r.processes()) != 0 {
		t.Errorf("something was started%s", r.files())
	}
}

// TestReloadTakesUpTheBinaryThatIsThere: the path that the supervisor was called by counts, not the file that it was.
func TestReloadTakesUpTheBinaryThatIsThere(t *testing.T) {
	r := newRun(t, programs(sleeper("a", "")))
	first := r.pid("a#1")
	r.write("supervisor", "#!/bin/sh\necho \"$@\" >>arguments\nexec "+testBinary(t)+" \"$@\"\n", 0o755)
	r.reload(loaded)
	if got := r.read("arguments"); got != "trial run\nrun\n" {
		t.Errorf("the new binary got %q, want \"trial run\" and then \"run\"", got)
	}
	if !r.lives(first) {
		t.Errorf("a#1 is gone%s", r.files())
	}
	r.signal(unix.SIGTERM)
	r.exits(0)
}
