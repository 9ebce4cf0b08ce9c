package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// oneshot is one that is tried again so often, a second later.
func oneshot(name string, retries int) program.Spec {
	s := restarting(name)
	s.Kind, s.Exit = program.OneShot, policy.Policy{When: policy.Never}
	if retries > 0 {
		s.Exit = policy.Policy{Limit: retries, Backoff: policy.Backoff{Base: time.Second, Factor: 1}}
	}
	return s
}

// cron is started by the clock.
func cron(name, schedule string) program.Spec {
	s := restarting(name)
	s.Kind, s.Schedule, s.Exit = program.Cron, schedule, policy.Policy{When: policy.Never}
	return s
}

var (
	succeeds = Behaviour{Runs: time.Second}
	fails    = Behaviour{Runs: time.Second, Ends: Ending{Code: 3}}
)

// TestOneShotIsTriedAgain until it succeeds, and then those who wait for it are started, and the load ends.
func TestOneShotIsTriedAgain(t *testing.T) {
	w := newWorld(t, oneshot("migrate", 3), following(restarting("web"), "migrate"))
	w.Program("migrate", fails)
	w.Boot()
	w.Advance(2500 * time.Millisecond)
	want(t, "starts", w.Spawns("migrate"), 2)
	want(t, "what web does", w.Phase("web"), machine.Blocked)
	want(t, "the load", w.State().Reload.Step, machine.Starting)
	w.Program("migrate", succeeds)
	w.Advance(3500 * time.Millisecond)
	want(t, "what it does", w.Phase("migrate"), machine.Done)
	want(t, "who runs", fmt.Sprint(w.Alive()), "[web#1]")
	happens(t, w, "exited migrate#1 code 3", "exited migrate#2 code 3", "exited migrate#3 code 0", "spawn web#1", "note loaded")
}

// TestOneShotThatFails keeps back those who wait for it, or does not, or ends mwlua.
func TestOneShotThatFails(t *testing.T) {
	for _, test := range []struct {
		change func(*program.Spec)
		alive  string
		status int
	}{
		{func(*program.Spec) {}, "[other#1]", 0},
		{func(s *program.Spec) { s.IgnoreFailure = true }, "[web#1 other#1]", 0},
		{func(s *program.Spec) { s.Critical = true }, "[]", 3},
	} {
		migrate := oneshot("migrate", 0)
		test.change(&migrate)
		w := newWorld(t, migrate, following(restarting("web"), "migrate"), restarting("other"))
		w.Program("migrate", fails)
		w.Boot()
		w.Advance(5 * time.Second)
		status, _ := w.Quit()
		want(t, "who runs", fmt.Sprint(w.Alive()), test.alive)
		want(t, "the status", status, test.status)
	}
}

// TestOneShotThatHasFailedIsTriedByAReload, and by hand.
func TestOneShotThatHasFailedIsTriedByAReload(t *testing.T) {
	specs := []program.Spec{oneshot("migrate", 0), following(restarting("web"), "migrate")}
	w := newWorld(t, specs...)
	w.Program("migrate", fails)
	w.Boot()
	w.Advance(5 * time.Second)
	w.Command(machine.StartProgram, "migrate", 0)
	w.Advance(5 * time.Second)
	want(t, "starts by hand", w.Spawns("migrate"), 2)
	want(t, "what web does", w.Phase("web"), machine.Blocked)
	w.Program("migrate", succeeds)
	reloaded(w, specs...)
	w.Advance(5 * time.Second)
	want(t, "who runs after a reload", fmt.Sprint(w.Alive()), "[web#1]")
	happens(t, w, "reply 1 failed")
}

// TestWhichLoadsRunAOneShot: the boot, each, each that changes it, none.
func TestWhichLoadsRunAOneShot(t *testing.T) {
	for run, runs := range map[program.Run]string{program.RunBoot: "111", program.RunReload: "123", program.RunChange: "112", program.RunManual: "000"} {
		s := oneshot("a", 0)
		s.Run = run
		w := newWorld(t, s)
		w.Program("a", succeeds)
		w.Boot()
		w.Advance(5 * time.Second)
		got := fmt.Sprint(w.Spawns("a"))
		for _, command := range []string{"/bin/a", "/bin/new"} {
			s.Command = []string{command}
			reloaded(w, s)
			w.Advance(5 * time.Second)
			got += fmt.Sprint(w.Spawns("a"))
		}
		want(t, fmt.Sprintf("how often %q has run", run), got, runs)
	}
}

// TestTimeoutOfARun ends it, which is a failure.
func TestTimeoutOfARun(t *testing.T) {
	s := oneshot("a", 1)
	s.Timeout = 10 * time.Second
	w := booted(t, s)
	w.Advance(30 * time.Second)
	want(t, "starts", w.Spawns("a"), 2)
	want(t, "what it does", w.Phase("a"), machine.Failed)
	happens(t, w, "it took longer than 10s", "signal a#1 TERM", "restart in 1s", "it took longer than 10s", "fail")
}

// TestCronWhoseRunGoesOn at its next tick: it is left out, follows, takes its place, or goes beside it.
func TestCronWhoseRunGoesOn(t *testing.T) {
	for _, test := range []struct {
		overlap program.CronOverlap
		alive   string // after two ticks
		later   string // when the first has ended
	}{
		{program.CronSkip, "[a#1]", "[]"},
		{program.CronQueue, "[a#1]", "[a#2]"},
		{program.CronKill, "[a#2]", "[a#2]"},
		{program.CronAllow, "[a#1 a#2]", "[a#2]"},
	} {
		s := cron("a", "@hourly")
		s.CronOverlap = test.overlap
		w := booted(t, s)
		w.Program("a", Behaviour{Runs: 90 * time.Minute})
		w.Advance(time.Hour + time.Minute)
		w.Advance(time.Hour)
		want(t, fmt.Sprintf("%q: who runs after two ticks", test.overlap), fmt.Sprint(w.Alive()), test.alive)
		w.Advance(35 * time.Minute)
		want(t, fmt.Sprintf("%q: who runs after the end of the first", test.overlap), fmt.Sprint(w.Alive()), test.later)
	}
}

// TestCronAndAClockThatIsSet: forward past its time that run is left out, or caught up; back it comes again.
func TestCronAndAClockThatIsSet(t *testing.T) {
	for _, catchUp := range []bool{false, true} {
		s := cron("a", "@daily")
		s.CatchUp = catchUp
		w := newWorld(t, s)
		w.Program("a", succeeds)
		w.Boot()
		w.Settle()
		w.Advance(time.Hour)
		w.SetClock(30 * time.Hour)
		w.Advance(time.Minute)
		runs := map[bool]int{false: 0, true: 1}[catchUp]
		want(t, "runs after a jump", w.Spawns("a"), runs)
		want(t, "what the log says of it", strings.Contains(w.Trace(), "the clock was set past its time"), !catchUp)
		w.Advance(24 * time.Hour)
		want(t, "runs a day later", w.Spawns("a"), runs+1)
		w.SetClock(-24 * time.Hour)
		w.Advance(24 * time.Hour)
		want(t, "runs on the day that comes again", w.Spawns("a"), runs+2)
	}
}

// TestCronThatCountsForItself does not look at the clock.
func TestCronThatCountsForItself(t *testing.T) {
	w := newWorld(t, cron("a", "@every 1h"))
	w.Program("a", succeeds)
	w.Boot()
	w.Advance(30 * time.Minute)
	w.SetClock(100 * time.Hour)
	w.Advance(4 * time.Hour)
	want(t, "runs", w.Spawns("a"), 4)
}

// TestCronJitter puts each run off, by another while, and none is lost or early.
func TestCronJitter(t *testing.T) {
	s := cron("a", "@hourly")
	s.Jitter = 10 * time.Minute
	w := newWorld(t, s)
	w.Program("a", succeeds)
	w.Boot()
	spreads := map[time.Duration]bool{}
	for hour := range 12 {
		w.Settle()
		p := w.State().Programs[0]
		off := time.Duration(p.TickAt-birth) - time.Duration(hour+1)*time.Hour
		if off < 0 || off > 10*time.Minute {
			t.Errorf("tick %d is put off by %v", hour, off)
		}
		spreads[off] = true
		w.Advance(time.Duration(p.TickAt-w.now) + 2*time.Second)
		want(t, "runs", w.Spawns("a"), hour+1)
	}
	if len(spreads) < 11 {
		t.Errorf("12 ticks are put off by %v", spreads)
	}
}

// TestCronAfterAnother is due as it is, and its run waits.
func TestCronAfterAnother(t *testing.T) {
	w := newWorld(t, oneshot("migrate", 0), following(cron("a", "@hourly"), "migrate"))
	w.Program("migrate", Behaviour{Runs: 90 * time.Minute})
	w.Program("a", succeeds)
	w.Boot()
	w.Advance(80 * time.Minute)
	want(t, "runs before", w.Spawns("a"), 0)
	want(t, "what it does", w.Phase("a"), machine.Blocked)
	w.Advance(15 * time.Minute)
	want(t, "runs after", w.Spawns("a"), 1)
}
