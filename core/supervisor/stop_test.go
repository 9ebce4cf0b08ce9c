package supervisor_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/program"
)

func TestStopAsksAndLeaves(t *testing.T) {
	for _, s := range []struct {
		signal unix.Signal
		status int
	}{{unix.SIGTERM, 0}, {unix.SIGINT, 130}, {unix.SIGUSR1, 0}} {
		t.Run(s.signal.String(), func(t *testing.T) {
			r := newRun(t, programs(sleeper("a", ""), sleeper("b", "")))
			r.pid("a#1")
			r.pid("b#1")
			r.signal(s.signal)
			r.exits(s.status)
			r.alone()
			name := unix.SignalName(s.signal)
			r.checkLog(`stopping all programs \(`+name+`\)`, `a#1 \(pid \d+\) was killed by `+name+` after .*`, `all programs are gone, leaving with status \d+`)
		})
	}
}

// TestStopEscalatesToSIGKILL: a program that ignores SIGTERM gets SIGKILL when its stop timeout is over, and so does what it
// started itself in its process group; one that goes is left alone (T-6).
func TestStopEscalatesToSIGKILL(t *testing.T) {
	stubborn := shell("stubborn", `trap "" TERM; sleep 1000 & `+up+`wait`)
	r := newRun(t, programs(stubborn, sleeper("polite", "")))
	r.pid("stubborn#1")
	r.pid("polite#1")
	begin := time.Now()
	r.signal(unix.SIGTERM)
	r.exits(0)
	if took := time.Since(begin); took < stubborn.StopTimeout {
		t.Errorf("it took %v, the stop timeout is %v", took, stubborn.StopTimeout)
	}
	r.alone()
	r.checkLog(`stopping all programs \(SIGTERM\)`,
		`polite#1 \(pid \d+\) was killed by SIGTERM after .*`,
		`stubborn#1 \(pid \d+\) did not go in time \(shutdown\): sending SIGKILL to its process group`,
		`stubborn#1 \(pid \d+\) was killed by SIGKILL after .*`,
		`leaving with status 0`)
}

// A second request gives no more time, and sends the signal again.
func TestStopAskedForTwiceEscalatesAsSoon(t *testing.T) {
	stubborn := shell("stubborn", `n=0; trap "n=\$((n+1)); echo \$n >terms" TERM; `+up+`while :; do sleep 0.01; done`)
	stubborn.StopTimeout = 2 * time.Second
	r := newRun(t, programs(stubborn))
	r.pid("stubborn#1")
	r.signal(unix.SIGTERM)
	r.until("the first SIGTERM", func() bool { return r.read("terms") == "1\n" })
	r.signal(unix.SIGTERM)
	r.until("the second SIGTERM", func() bool { return r.read("terms") == "2\n" })
	r.exits(0)
	r.checkLog(`stopping .*`, `stopping .*`, `did not go in time \(shutdown\): sending SIGKILL to its process group`, `was killed by SIGKILL after .*`)
	if took := r.between("stopping", "did not go"); took > 3*time.Second {
		t.Errorf("SIGKILL came %v after the first request%s", took, r.files())
	}
}

// A soft stop has no limit of its own, but a stop after it has.
func TestStopAfterSoftStopEscalates(t *testing.T) {
	r := newRun(t, programs(sleeper("a", "USR1 TERM")))
	r.pid("a#1")
	r.signal(unix.SIGUSR1)
	r.logged(`stopping all programs (SIGUSR1)`, 1)
	r.signal(unix.SIGTERM)
	r.exits(0)
	r.checkLog(`stopping all programs \(SIGUSR1\)`, `stopping all programs \(SIGTERM\)`, `did not go in time.*`, `was killed by SIGKILL after .*`)
}

// TestFormerInstanceIsStoppedInTheEnd: SIGUSR1, after the former timeout SIGTERM, after the stop timeout SIGKILL; its successor
// is not touched.
func TestFormerInstanceIsStoppedInTheEnd(t *testing.T) {
	a := sleeper("a", "USR1 TERM")
	a.OnReload, a.FormerTimeout = program.Replace, 100*time.Millisecond
	r := newRun(t, programs(a))
	first := r.pid("a#1")
	r.reload(loaded)
	second := r.pid("a#2")
	r.logged("former a#1 (pid", 3)
	r.until("the end of a#1", func() bool { return !r.lives(first) })
	r.checkLog(`former a#1 \(pid \d+\) did not leave in time \(former_timeout\): sending SIGTERM, and SIGKILL in 200ms`,
		`former a#1 \(pid \d+\) did not go in time \(former_timeout\): sending SIGKILL to its process group`,
		`former a#1 \(pid \d+\) was killed by SIGKILL after .*`)
	if !r.lives(second) || r.isGone() {
		t.Errorf("a#2 or the supervisor is gone%s", r.files())
	}
	r.signal(unix.SIGTERM)
	r.exits(0)
	r.alone()
}

// TestFormerInstancesAreBoundedInNumber: of too many, the oldest is stopped.
func TestFormerInstancesAreBoundedInNumber(t *testing.T) {
	a := sleeper("a", "USR1")
	a.OnReload, a.MaxFormer = program.Replace, 1
	r := newRun(t, programs(a))
	first := r.pid("a#1")
	r.reload(loaded)
	second := r.pid("a#2")
	if !r.lives(first) {
		t.Errorf("a#1 is gone, and one former instance is allowed%s", r.files())
	}
	r.reload(loaded)
	third := r.pid("a#3")
	r.logged("former a#1 (pid", 2)
	if !r.lives(second) || !r.lives(third) {
		t.Errorf("a#2 or a#3 is gone%s", r.files())
	}
	r.checkLog(`former a#1 \(pid \d+\) did not leave in time \(max_former\): sending SIGTERM, and SIGKILL in 200ms`,
		`former a#1 \(pid \d+\) was killed by SIGTERM after .*`)
	r.signal(unix.SIGTERM)
	r.exits(0)
}

// TestStopDoesNotWaitForStrangers: children that somebody left to us are collected and told, but not waited for (T-35).
func TestStopDoesNotWaitForStrangers(t *testing.T) {
	r := newRun(t, programs(sleeper("a", "")), "sh", "-c", `sleep 1000 & false & exec "$@"`, "sh")
	r.pid("a#1")
	r.logged("exited with code 1 (Exit)", 1)
	r.signal(unix.SIGTERM)
	r.exits(0)
	if left := r.processes(); len(left) != 1 {
		t.Errorf("%d processes are left, want the stranger%s", len(left), r.files())
	}
	r.checkLog(`WARNING Process \d+ exited with code 1 \(Exit\)`, `leaving with status 0`)
}
