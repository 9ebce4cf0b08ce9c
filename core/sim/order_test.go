package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// happens fails unless the trace has these texts, in this order.
func happens(t *testing.T, w *World, texts ...string) {
	t.Helper()
	rest := w.Trace()
	for _, text := range texts {
		_, after, found := strings.Cut(rest, text)
		if !found {
			t.Errorf("the trace does not have %q where it should", text)
			return
		}
		rest = after
	}
}

// booted returns a world in which these programs were started, as far as nothing is in their way.
func booted(t *testing.T, specs ...program.Spec) *World {
	t.Helper()
	w := newWorld(t, specs...)
	w.Boot()
	w.Settle()
	return w
}

// reloaded gives a world these programs instead of those that it has.
func reloaded(w *World, specs ...program.Spec) {
	w.SetConfig(program.Config{Programs: specs})
	w.Reload("SIGUSR2")
	w.Settle()
}

// saying is a program that is ready when it says so.
func saying(name string) program.Spec {
	s := restarting(name)
	s.Ready = program.Ready{By: program.ReadyNotify, Timeout: 20 * time.Second}
	return s
}

func following(s program.Spec, names ...string) program.Spec {
	s.After = names
	return s
}

func needing(s program.Spec, names ...string) program.Spec {
	s.Needs = names
	return s
}

// TestOrderIsByLevels: what has no order between it starts in the same moment, and a level when the one before is ready.
func TestOrderIsByLevels(t *testing.T) {
	w := newWorld(t, following(restarting("web"), "db", "cache"), saying("db"), saying("cache"), following(restarting("proxy"), "web"))
	w.Program("db", Behaviour{Ready: Answer{After: 2 * time.Second}})
	w.Program("cache", Behaviour{Ready: Answer{After: 3 * time.Second}})
	w.Boot()
	w.Advance(2500 * time.Millisecond)
	want(t, "who runs while one is not ready", fmt.Sprint(w.Alive()), "[db#1 cache#1]")
	want(t, "what web does", w.Phase("web"), machine.Blocked)
	w.Advance(time.Second)
	want(t, "who runs after that", fmt.Sprint(len(w.Alive())), "4")
	happens(t, w, "spawn db#1", "spawn cache#1", "note ready db#1", "note ready cache#1", "spawn web#1", "spawn proxy#1")
}

// TestDependentsWaitForOneInBackoff, do not fail, and are started when it has recovered.
func TestDependentsWaitForOneInBackoff(t *testing.T) {
	w := newWorld(t, saying("db"), following(restarting("web"), "db"), needing(restarting("worker"), "db"))
	w.Program("db", Behaviour{Runs: 100 * time.Millisecond, Ends: Ending{Code: 1}, Ready: Answer{Never: true}})
	w.Boot()
	w.Advance(5 * time.Second)
	want(t, "starts of db", w.Spawns("db"), 3)
	want(t, "what web does", w.Phase("web"), machine.Blocked)
	want(t, "what worker does", w.Phase("worker"), machine.Blocked)
	want(t, "what db does", w.Phase("db"), machine.Waiting)
	w.Program("db", Behaviour{})
	w.Advance(5 * time.Second)
	want(t, "who runs in the end", fmt.Sprint(w.Alive()), "[db#4 web#1 worker#1]")
}

// TestNeedIsFollowed: who needs what has ended is stopped, who only comes after it goes on, and both are there in the end.
func TestNeedIsFollowed(t *testing.T) {
	w := booted(t, saying("db"), following(restarting("web"), "db"), needing(restarting("worker"), "db"), needing(restarting("report"), "worker"))
	w.Exit("db", Ending{Code: 1})
	w.Advance(100 * time.Millisecond)
	want(t, "who runs without db", fmt.Sprint(w.Alive()), "[web#1]")
	happens(t, w, `given-up worker#1 "db, which it needs, has ended"`, "signal report#1 TERM", "exited report#1", "signal worker#1 TERM")
	w.Advance(2 * time.Second)
	want(t, "who runs when it is back", fmt.Sprint(w.Alive()), "[db#2 web#1 worker#2 report#2]")
}

// TestWhatIsStoppedByHandTakesAlongWhoNeedsIt, before it, and its start brings them back.
func TestWhatIsStoppedByHandTakesAlongWhoNeedsIt(t *testing.T) {
	w := booted(t, restarting("db"), needing(restarting("worker"), "db"))
	w.Command(machine.StopProgram, "db", 0)
	w.Advance(time.Second)
	want(t, "who is left", len(w.Alive()), 0)
	happens(t, w, "signal worker#1 TERM", "exited worker#1", "signal db#1 TERM", "reply 1 ok")
	w.Command(machine.StartProgram, "db", 0)
	w.Advance(time.Second)
	want(t, "who runs after a start", fmt.Sprint(w.Alive()), "[db#2 worker#2]")
}

// TestStopIsInReverse: each goes before those that it waited for, and one that stays keeps them.
func TestStopIsInReverse(t *testing.T) {
	w := newWorld(t, restarting("db"), following(restarting("web"), "db"), needing(restarting("proxy"), "web"), restarting("other"))
	w.Program("web", Behaviour{Reactions: []Reaction{{Signal: TERM, Does: Exit, After: 5 * time.Second}}})
	w.Boot()
	w.Settle()
	w.Stop(machine.StopAll, TERM)
	w.Advance(2 * time.Second)
	want(t, "who is left while web takes its time", fmt.Sprint(w.Alive()), "[db#1 web#1]")
	w.Settle()
	happens(t, w, "signal proxy#1 TERM", "exited proxy#1", "signal web#1 TERM", "exited web#1", "signal db#1 TERM", "exited db#1", "quit 0")
}

// TestShutdownTimeoutEndsAStop, also for those whose turn has not come.
func TestShutdownTimeoutEndsAStop(t *testing.T) {
	w := New(1)
	config := program.Config{Programs: []program.Spec{restarting("db"), following(restarting("web"), "db")}}
	config.Settings.ShutdownTimeout = 3 * time.Second
	w.SetConfig(config)
	w.Program("web", Behaviour{Reactions: []Reaction{{Does: Ignore}}})
	w.Boot()
	w.Settle()
	w.Stop(machine.StopAll, TERM)
	w.Advance(2900 * time.Millisecond)
	want(t, "who is left before the timeout", fmt.Sprint(w.Alive()), "[db#1 web#1]")
	w.Advance(200 * time.Millisecond)
	_, quit := w.Quit()
	want(t, "quit", quit, true)
	want(t, "who was killed", w.Kills("db")+w.Kills("web"), 2)
	if w.Err() != nil {
		t.Error(w.Err())
	}
}
