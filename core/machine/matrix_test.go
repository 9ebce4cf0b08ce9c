package machine

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// situations are scripts that bring program p, or a reload, into every (phase, step) there is.
var situations = []struct{ name, script string }{
	{"not booted", ""},
	{"first load", "boot"},
	{"waiting", "boot\nloaded 1\n  p restart=always\nspawned p#1\nexited p#1 1"},
	{"running, spawning", "boot\nloaded 1\n  p"},
	{"running, started", "boot\nloaded 1\n  p\nspawned p#1"},
	{"running, started, kept by a reload", "boot\nloaded 1\n  p on-reload=keep\nspawned p#1\nreload X\ntrial-passed 2\nboot\nloaded 2\n  p on-reload=keep"},
	{"running, spawning at a stop", "boot\nloaded 1\n  p\nstop TERM"},
	{"running, stopping", "boot\nloaded 1\n  p\nspawned p#1\nstop TERM"},
	{"running, killing", "boot\nloaded 1\n  p\nspawned p#1\nstop TERM\nadvance 30s"},
	{"running, leaving at a soft stop", "boot\nloaded 1\n  p\nspawned p#1\nsoft-stop"},
	{"running, stopping by hand", "boot\nloaded 1\n  p\nspawned p#1\nstop-program p from=1"},
	{"running, being restarted by hand", "boot\nloaded 1\n  p\nspawned p#1\nrestart p from=1"},
	{"down by hand", "boot\nloaded 1\n  p\nspawned p#1\nstop-program p from=1\nexited p#1 0"},
	{"down", "boot\nloaded 1\n  p\nspawned p#1\nexited p#1 0"},
	{"failed", "boot\nloaded 1\n  p no-exit-on-failure\nspawned p#1\nexited p#1 1"},
	{"former, leaving", "boot\nloaded 1\n  p\nspawned p#1\nreload X\ntrial-passed 2\nboot\nloaded 2\n  p\nspawned p#2"},
	{"former, stopping", "boot\nloaded 1\n  p former-timeout=1s\nspawned p#1\nreload X\ntrial-passed 2\nboot\nloaded 2\n  p\nspawned p#2\nadvance 1s"},
	{"former, killing", "boot\nloaded 1\n  p former-timeout=1s\nspawned p#1\nreload X\ntrial-passed 2\nboot\nloaded 2\n  p\nspawned p#2\nadvance 31s"},
	{"removed, leaving", "boot\nloaded 1\n  p\nspawned p#1\nreload X\ntrial-passed 2\nboot\nloaded 2\n  q\nspawned q#1"},
	{"removed, gone", "boot\nloaded 1\n  p\nspawned p#1\nreload X\ntrial-passed 2\nboot\nloaded 2\n  q\nspawned q#1\nexited p#1 0"},
	{"reload, trial", "boot\nloaded 1\n  p\nspawned p#1\nreload X"},
	{"reload, trial, spawning", "boot\nloaded 1\n  p restart=always\nspawned p#1\nexited p#1 1\nreload X\nadvance 1s"},
	{"reload, settling", "boot\nloaded 1\n  p restart=always\nspawned p#1\nexited p#1 1\nreload X\nadvance 1s\ntrial-passed 2"},
	{"reload, handover", "boot\nloaded 1\n  p\nspawned p#1\nreload X\ntrial-passed 2"},
	{"reload, loading", "boot\nloaded 1\n  p\nspawned p#1\nreload X\ntrial-passed 2\nboot"},
	{"reload, loading, waiting", "boot\nloaded 1\n  p restart=always\nspawned p#1\nexited p#1 1\nreload X\ntrial-passed 2\nboot"},
	{"reload, asking", "boot\nloaded 1\n  p on-reload=itself\nspawned p#1\nserving p#1\nreload X\ntrial-passed 2\nboot\nloaded 2\n  p on-reload=itself"},
	{"reload, starting", "boot\nloaded 1\n  p\nspawned p#1\nreload X\ntrial-passed 2\nboot\nloaded 2\n  p"},
	{"reload, one more asked for", "boot\nloaded 1\n  p\nspawned p#1\nreload X\nreload Y"},
	{"running, starting", "boot\nloaded 1\n  p ready=fd restart=\nspawned p#1"},
	{"running, starting, asked whether it is ready", "boot\nloaded 1\n  p ready=probe restart=\nspawned p#1"},
	{"running, starting at a stop", "boot\nloaded 1\n  p ready=fd restart=\nspawned p#1\nstop TERM"},
	{"running, not ready in time", "boot\nloaded 1\n  p ready=fd restart=\nspawned p#1\nadvance 30s"},
	{"running, asked for its health", "boot\nloaded 1\n  p health= restart=\nspawned p#1\nadvance 10s"},
	{"running, failed its health check", "boot\nloaded 1\n  p health= restart=\nspawned p#1\nadvance 10s\nprobed p#1 1 fail\nadvance 10s\nprobed p#1 2 fail"},
	{"running, with a watchdog", "boot\nloaded 1\n  p watchdog=10s restart=\nspawned p#1"},
	{"running, stopping by a command", "boot\nloaded 1\n  p stop-command=/bin/quit restart=\nspawned p#1\nstop-program p"},
	{"running, waits for another to stop first", "boot\nloaded 1\n  p restart=\n  q needs=p restart=\nspawned p#1\nspawned q#1\nstop-program p from=1"},
	{"running, stopping for what it needs", "boot\nloaded 1\n  q restart=\n  p needs=q restart=\nspawned q#1\nspawned p#1\nexited q#1 1"},
	{"blocked", "boot\nloaded 1\n  q ready=fd restart=\n  p after=q restart=\nspawned q#1"},
	{"emptying", "boot\nloaded 1\n  p kill=unit restart=\nspawned p#1\nexited p#1 1 left=sh:7"},
	{"emptying by hand, killed", "boot\nloaded 1\n  p kill=unit restart=\nspawned p#1\nstop-program p from=1\nexited p#1 0 left=sh:7\nadvance 30s"},
	{"emptying at a stop", "boot\nloaded 1\n  p kill=unit restart=\nspawned p#1\nstop TERM\nexited p#1 0 left=sh:7"},
	{"next, starting", "boot\nloaded 1\n  p ready=fd restart= overlap=start-first\nspawned p#1\nready p#1\nreload X from=1\ntrial-passed 2\nboot\nloaded 2\n  p ready=fd restart= overlap=start-first\nspawned p#2"},
	{"to be replaced, stopping", "boot\nloaded 1\n  p restart= overlap=stop-first\nspawned p#1\nreload X from=1\ntrial-passed 2\nboot\nloaded 2\n  p restart= overlap=stop-first"},
	{"to be replaced after another", "boot\nloaded 1\n  p ready=fd restart= overlap=start-first instances=2\nspawned p#1\nspawned p[1]#1\nready p#1\nready p[1]#1\nreload X from=1\ntrial-passed 2\nboot\nloaded 2\n  p ready=fd restart= overlap=start-first instances=2\nspawned p#2"},
	{"deciding", "boot\nloaded 1\n  p restart= on-exit=f,g\nspawned p#1\nexited p#1 1"},
	{"deciding, at a hand-over", "boot\nloaded 1\n  p restart= on-exit=f\nspawned p#1\nexited p#1 1\nreload X\ntrial-passed 2"},
	{"a one-shot, running", "boot\nloaded 1\n  p oneshot= retries=1\nspawned p#1"},
	{"a one-shot, done", "boot\nloaded 1\n  p oneshot=\nspawned p#1\nexited p#1 0"},
	{"a cron, unasked", "boot\nloaded 1\n  p cron=@hourly"},
	{"a cron, scheduled", "boot\nloaded 1\n  p cron=@hourly\ntick p 1 30m"},
	{"a cron, running", "boot\nloaded 1\n  p cron=@hourly beside=queue retries=1\ntick p 1 30m\nadvance 30m\nspawned p#1\ntick p 2 30m"},
	{"a cron, by hand down", "boot\nloaded 1\n  p cron=@hourly\ntick p 1 30m\nstop-program p"},
	{"ended", "boot\nloaded 1\n  p\nspawned p#1\nstop TERM\nexited p#1 TERM"},
}

// stimuli are all events, in the forms that make a difference. N and S stand for the load under way and for p's newest
// instance.
var stimuli = []string{
	"boot", "reload Z", "stop TERM", "soft-stop", "start p from=9", "stop-program p from=9", "restart p from=9", "signal p HUP from=9", "trial-passed N", "trial-failed N", "handover-failed N",
	"loaded N\n  p", "loaded N\n  q", "load-failed N", "reloaded-itself N p#S", "reload-refused N p#S", "serving p#S", "not-serving p#S", "master-ended TERM", "master-ended KILL", "spawned p#S", "spawn-failed p#S",
	"exited p#S 0", "exited p#S 1", "exited p#S USR1", "exited p#1 1", "signal-failed p#1", "wake", "advance 1h",
	"ready p#S", "exited p#S 1 left=sh:7", "emptied p#S", "notified p#S READY STATUS=x", "notified p#S WATCHDOG=trigger MAINPID=5", "notify-refused p#S",
	"probed p#S 1 ok", "probed p#S 1 fail", "stop-ran p#S failed", "decided p#S 1 restart in=1s", "decided p#S 1 default", "decide-failed p#S 1", "tick p 1 1m", "clock-set 1h", "socket-failed p",
}

// TestMatrix answers every event in every situation. "ignored" is a valid answer, an answer nobody has looked at is not: the
// table is kept in testdata, and a difference to it is a decision to be made.
func TestMatrix(t *testing.T) {
	var b strings.Builder
	for _, s := range situations {
		fmt.Fprintf(&b, "## %s\n", s.name)
		for _, stimulus := range stimuli {
			d := &driver{t: t, m: New(1), now: Instant(time.Second)}
			if s.script != "" {
				d.run(s.script)
			}
			before := encode(t, d.m)
			fmt.Fprintf(&b, "%s: %s\n", strings.ReplaceAll(stimulus, "\n ", ""), d.answer(stimulus, before))
		}
		b.WriteString("\n")
	}
	const file = "testdata/matrix.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the table differs (-file +machine); look at each line, then go test ./core/machine -update:\n%s", diff)
	}
}

// answer runs one stimulus and says what came of it in one line.
func (d *driver) answer(stimulus, before string) string {
	seq := uint64(0)
	if p, _ := d.m.program("p", 0); p != nil {
		seq = p.Seq
	}
	stimulus = strings.ReplaceAll(stimulus, "#S", fmt.Sprintf("#%d", max(seq, 1)))
	stimulus = strings.ReplaceAll(stimulus, " N", fmt.Sprintf(" %d", d.m.s.Reload.N))
	out := strings.TrimSpace(d.run(stimulus))
	switch {
	case out != "":
		return strings.ReplaceAll(out, "\n", " | ")
	case encode(d.t, d.m) != before:
		return "noted"
	default:
		return "ignored"
	}
}

// TestMatrixIsComplete keeps the table honest: every phase, step, cause and reload step appears in some situation.
func TestMatrixIsComplete(t *testing.T) {
	missing := map[string]bool{}
	for _, v := range []Phase{Down, Failed, Waiting, Blocked, Running, Deciding, Done, Scheduled, Removed} {
		missing["phase "+string(v)] = true
	}
	for _, v := range []Step{Spawning, Unready, Started, Leaving, Stopping, Killing, Emptying} {
		missing["step "+string(v)] = true
	}
	for _, v := range []ReloadStep{Idle, Trying, Settling, Handing, Loading, Asking, Starting} {
		missing["reload "+string(v)] = true
	}
	for _, s := range situations {
		d := &driver{t: t, m: New(1), now: Instant(time.Second)}
		if s.script != "" {
			d.run(s.script)
		}
		delete(missing, "reload "+string(d.m.s.Reload.Step))
		for _, p := range d.m.s.Programs {
			delete(missing, "phase "+string(p.Phase))
			for _, in := range p.Instances {
				delete(missing, "step "+string(in.Step))
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("no situation has %v", missing)
	}
}
