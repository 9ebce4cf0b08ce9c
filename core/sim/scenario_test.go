package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

func TestStopEscalates(t *testing.T) {
	w := newWorld(t, haproxy("good"), haproxy("slow"), haproxy("deaf"))
	w.Program("slow", Behaviour{Reactions: []Reaction{{Signal: TERM, Does: Exit, After: 20 * time.Second, Code: 3}}})
	w.Program("deaf", Behaviour{Reactions: []Reaction{{Does: Ignore}}})
	w.Boot()
	w.Settle()
	w.Stop(machine.StopAll, TERM)
	w.Advance(25 * time.Second)
	want(t, "who is left after 25s", fmt.Sprint(w.Alive()), "[deaf#1]")
	want(t, "kills before the timeout", w.Kills("deaf"), 0)
	w.Advance(5*time.Second + 10*time.Millisecond)
	want(t, "kills after it", w.Kills("deaf"), 1)
	status, quit := w.Quit()
	want(t, "quit", quit, true)
	want(t, "the status", status, 0)
}

func TestInterruptLeavesItsStatus(t *testing.T) {
	w := newWorld(t, haproxy("a"))
	w.Boot()
	w.Settle()
	w.Stop(machine.StopAll, INT)
	w.Settle()
	status, _ := w.Quit()
	want(t, "the status", status, 130)
}

func TestReloadWithHungTrialChangesNothing(t *testing.T) {
	w := newWorld(t, haproxy("a"))
	w.Boot()
	w.Settle()
	w.Trial = Answer{Never: true}
	w.SetConfig(program.Config{Programs: []program.Spec{haproxy("b")}})
	w.Reload("SIGUSR2")
	w.Advance(9 * time.Second)
	want(t, "the reload", w.State().Reload.Step, machine.Trying)
	w.Settle()
	want(t, "who runs", fmt.Sprint(w.Alive()), "[a#1]")

	w.Trial = Answer{}
	w.Reload("SIGUSR2")
	w.Settle()
	want(t, "who runs after a good one", fmt.Sprint(w.Alive()), "[b#1]")
}

func TestReloadDuringReloadIsNotLost(t *testing.T) {
	w := newWorld(t, haproxy("a"))
	w.Boot()
	w.Settle()
	w.Handover.After = time.Second
	w.Reload("SIGHUP")
	w.Advance(500 * time.Millisecond)
	second := haproxy("a")
	second.Command = []string{"/bin/a", "-v"}
	w.Advance(510 * time.Millisecond) // the first one has read the configuration
	w.SetConfig(program.Config{Programs: []program.Spec{second}})
	w.Reload("SIGHUP")
	w.Settle()
	want(t, "the generation", w.State().Generation, 3)
	want(t, "who runs", fmt.Sprint(w.Alive()), "[a#3]")
}

func TestFailedHandoverAndBrokenConfigChangeNothing(t *testing.T) {
	w := newWorld(t, haproxy("a"))
	w.Boot()
	w.Settle()
	w.Handover.Fails = "cannot execute mwlua: text file busy"
	w.Reload("SIGHUP")
	w.Settle()
	w.BreakConfig("mwlua.lua:3: unknown field")
	w.Reload("SIGHUP")
	w.Settle()
	want(t, "who runs", fmt.Sprint(w.Alive()), "[a#1]")
	want(t, "what the log says", strings.Count(w.Trace(), "note reload-failed"), 2)
}

func TestExitOnFailureStopsAll(t *testing.T) {
	w := newWorld(t, haproxy("a"), haproxy("b"), restarting("c"))
	w.Boot()
	w.Settle()
	w.Exit("c", Ending{Code: 1})
	want(t, "c", w.Phase("c"), machine.Waiting)
	w.Exit("a", Ending{Code: 7})
	w.Settle()
	status, quit := w.Quit()
	want(t, "quit", quit, true)
	want(t, "the status", status, 7)
	want(t, "starts of c", w.Spawns("c"), 1)
}

func TestBackoffGrowsAndIsForgotten(t *testing.T) {
	w := newWorld(t, restarting("a"))
	w.Boot()
	w.Settle()
	for _, delay := range []time.Duration{1, 2, 4, 8} {
		w.Exit("a", Ending{Code: 1})
		next, _ := w.Next("a")
		want(t, "the delay", next, delay*time.Second)
		w.Advance(next)
		w.Settle()
		want(t, "a", w.Phase("a"), machine.Running)
	}
	w.Advance(10 * time.Minute)
	w.Exit("a", Ending{Code: 1})
	next, _ := w.Next("a")
	want(t, "the delay after a long run", next, time.Second)
}

func TestFormerInstancesLeaveInTheirOwnTime(t *testing.T) {
	a := haproxy("a")
	a.MaxFormer = 2
	w := newWorld(t, a)
	w.Program("a", Behaviour{Reactions: []Reaction{{Signal: USR1, Does: Exit, After: 2 * time.Hour}}})
	w.Boot()
	for range 4 {
		w.Advance(time.Minute)
		w.Reload("SIGUSR2")
	}
	w.Advance(time.Minute)
	want(t, "who runs", fmt.Sprint(w.Running("a")), "[a#3 a#4 a#5]")
	w.SetConfig(program.Config{})
	w.Reload("SIGUSR2")
	w.Advance(time.Minute)
	want(t, "the phase of what was removed", w.Phase("a"), machine.Removed)
	w.Advance(2 * time.Hour)
	want(t, "who is left", len(w.Alive()), 0)
}

func TestExitDuringHandoverIsHeardAfterIt(t *testing.T) {
	for _, first := range []bool{false, true} {
		w := newWorld(t, restarting("a"))
		w.HeldFirst, w.Handover.After = first, time.Second
		w.Boot()
		w.Settle()
		w.Reload("SIGHUP")
		w.Advance(500 * time.Millisecond)
		w.Exit("a", Ending{Code: 1})
		want(t, "what the machine knows", w.Phase("a"), machine.Running)
		w.Settle()
		want(t, "what it knows later", w.Phase("a"), machine.Waiting)
	}
}
