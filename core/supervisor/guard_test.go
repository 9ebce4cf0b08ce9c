package supervisor_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func testBinary(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	must(t, err)
	return path
}

// replaceImage makes the next image one that passes its trial, and then does what script says before it is a supervisor.
func (r *run) replaceImage(script string) {
	r.t.Helper()
	r.write("supervisor", fmt.Sprintf("#!/bin/sh\n[ \"$1\" = trial ] || { %s; }\nexec %s \"$@\"\n", script, testBinary(r.t)), 0o755)
}

// TestGuardStandsIn: what happens to the process between its two images is fatal or waits, and nothing is lost (H-6.14, T-2).
func TestGuardStandsIn(t *testing.T) {
	for _, test := range []struct {
		name   string
		script string
		ends   func(*run)  // how the supervisor ends
		ended  unix.Signal // by what the programs are ended, by the guard or the new image; 0: they live
		log    []string
	}{{
		name:   "SIGTERM",
		script: "kill -TERM $$",
		ends:   func(r *run) { r.dies(unix.SIGTERM) },
		ended:  unix.SIGTERM,
		log: []string{`mwlua \(\d+\) got SIGTERM between two images; this process stops its programs in its place`,
			`stopping all programs \(SIGTERM\)`, `stubborn#1 \(pid \d+\) did not go in time \(shutdown\): sending SIGKILL to its process group`,
			`stubborn#1 \(pid \d+\) was killed by SIGKILL after .*`, `leaving with status 0`},
	}, {
		name:   "SIGINT",
		script: "kill -INT $$",
		ends:   func(r *run) { r.dies(unix.SIGINT) },
		ended:  unix.SIGINT,
		log:    []string{`mwlua \(\d+\) got SIGINT between two images; this process stops its programs in its place`},
	}, {
		name:   "SIGUSR1",
		script: "kill -USR1 $$",
		ends:   func(r *run) { r.exits(0) },
		ended:  unix.SIGUSR1,
		log:    []string{`stopping all programs \(SIGUSR1\)`},
	}, {
		name:   "SIGHUP",
		script: "kill -HUP $$",
		log:    []string{loaded},
	}, {
		name:   "SIGUSR2",
		script: "kill -USR2 $$",
		log:    []string{loaded},
	}, {
		name:   "SIGQUIT",
		script: "kill -QUIT $$",
		log:    []string{loaded},
	}, {
		name:   "SIGKILL",
		script: "kill -KILL $$",
		ends:   func(r *run) { r.dies(unix.SIGKILL) },
		log:    []string{`mwlua \(\d+\) was killed between two images; its programs run on`},
	}, {
		name:   "death by another signal",
		script: "kill -SEGV $$",
		ends:   func(r *run) { r.dies(unix.SIGSEGV) },
		ended:  unix.SIGTERM,
		log:    []string{`mwlua \(\d+\) got SIGSEGV between two images; this process stops its programs in its place`},
	}, {
		name:   "exit",
		script: "exit 0",
		ends:   func(r *run) { r.exits(0) },
		ended:  unix.SIGTERM,
		log:    []string{`mwlua \(\d+\) ended between two images; this process stops its programs in its place`},
	}} {
		t.Run(test.name, func(t *testing.T) {
			r := newRun(t, programs(sleeper("polite", ""), sleeper("stubborn", "TERM")))
			pids := []int{r.pid("polite#1"), r.pid("stubborn#1")}
			r.replaceImage(test.script)
			r.signal(unix.SIGUSR2)
			if test.ends != nil {
				test.ends(r)
			}
			r.until("the last line", func() bool { return r.missing(test.log) == "" })
			switch {
			case test.ended != 0:
				r.alone()
				r.checkLog(fmt.Sprintf(`polite#1 \(pid \d+\) was killed by %s after .*`, unix.SignalName(test.ended)))
			case !r.lives(pids[0]) || !r.lives(pids[1]):
				t.Errorf("a program is gone%s", r.files())
			}
			if test.ends == nil {
				r.signal(unix.SIGTERM)
				r.exits(0)
				r.alone()
			}
			if log := r.read("log"); strings.Contains(log, "Process ") {
				t.Errorf("a stranger was collected%s", r.files())
			}
		})
	}
}

// TestGuardHearsAHarderStop: a soft stop that the guard carries out has no end of its own, so it must be possible to ask for more.
func TestGuardHearsAHarderStop(t *testing.T) {
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			if _, err := exec.LookPath("perl"); err != nil {
				t.Skip(err) // SIGUSR1 is blocked there, and a shell cannot change that
			}
			r := newRun(t, programs(sleeper("a", "USR1")))
			a := r.pid("a#1")
			r.replaceImage(`exec perl -MPOSIX -e 'sigprocmask(SIG_SETMASK, POSIX::SigSet->new); kill USR1 => $$'`)
			r.signal(unix.SIGUSR2)
			r.dies(unix.SIGUSR1)
			r.logged(`stopping all programs (SIGUSR1)`, 1)
			for _, pid := range r.processes() {
				if pid != a {
					must(t, unix.Kill(pid, s))
				}
			}
			r.alone()
			r.checkLog(`mwlua \(\d+\) got SIGUSR1 between two images; this process stops its programs in its place`,
				`stopping all programs \(`+unix.SignalName(s)+`\)`, `a#1 \(pid \d+\) was killed by `+unix.SignalName(s)+` after .*`)
		})
	}
}
