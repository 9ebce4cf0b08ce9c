package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// whole is a program that has stopped when nothing of it is left.
func whole(name string) program.Spec {
	s := restarting(name)
	s.Kill = program.KillUnit
	return s
}

// TestSurvivorsOfACrash get the stop signal, and the next instance waits for their end.
func TestSurvivorsOfACrash(t *testing.T) {
	w := newWorld(t, whole("web"))
	w.Program("web", Behaviour{Leaves: Others{Count: 2}, Dies: 5 * time.Second})
	w.Boot()
	w.Settle()
	w.Exit("web", Ending{Code: 1})
	w.Advance(4 * time.Second)
	want(t, "starts while some are left", w.Spawns("web"), 1)
	w.Advance(3 * time.Second)
	want(t, "starts after that", w.Spawns("web"), 2)
	happens(t, w, "note left web#1 code 1", `"child (`, "signal web#1 TERM to what is left of it", "note exited web#1 code 1", "spawn web#2")
}

// TestSurvivorsThatIgnoreTheSignal are killed after the stop timeout, and it does not count as stopped before.
func TestSurvivorsThatIgnoreTheSignal(t *testing.T) {
	w := newWorld(t, whole("web"))
	w.Program("web", Behaviour{Leaves: Others{Count: 1, Ignore: true}})
	w.Boot()
	w.Settle()
	w.Command(machine.StopProgram, "web", 0)
	w.Advance(29 * time.Second)
	want(t, "what it does", w.State().Programs[0].Instances[0].Step, machine.Emptying)
	w.Advance(2 * time.Second)
	want(t, "what it does after the timeout", w.Phase("web"), machine.Down)
	happens(t, w, "signal web#1 TERM", "note left web#1", "note kill-rest web#1", "signal web#1 KILL to what is left of it", "reply 1 ok")
}

// TestSurvivorsAtAStop: mwlua leaves when nothing is left, and not before.
func TestSurvivorsAtAStop(t *testing.T) {
	w := newWorld(t, whole("web"), restarting("other"))
	w.Program("web", Behaviour{Leaves: Others{Count: 3, Ignore: true}})
	w.Boot()
	w.Settle()
	w.Stop(machine.StopAll, TERM)
	w.Advance(29 * time.Second)
	_, quit := w.Quit()
	want(t, "quit while some are left", quit, false)
	w.Advance(2 * time.Second)
	_, quit = w.Quit()
	want(t, "quit", quit, true)
}

// TestProcessIsAllThatCounts, if it is declared so: what it leaves behind is nobody's business.
func TestProcessIsAllThatCounts(t *testing.T) {
	w := newWorld(t, restarting("web"))
	w.Program("web", Behaviour{Leaves: Others{Count: 3, Ignore: true}})
	w.Boot()
	w.Settle()
	w.Stop(machine.StopAll, TERM)
	w.Settle()
	_, quit := w.Quit()
	want(t, "quit", quit, true)
}

// quitting is a program with a stop command.
func quitting(name string) program.Spec {
	s := restarting(name)
	s.StopCommand = []string{"/bin/quit"}
	return s
}

// TestStopCommand: one that works is all that happens, one that fails is followed by the signal, one that hangs by SIGKILL.
func TestStopCommand(t *testing.T) {
	for _, test := range []struct {
		answer Answer
		after  time.Duration // from the stop to the end of it
		texts  []string
	}{
		{Answer{After: 5 * time.Second}, 5 * time.Second, []string{"run-stop web#1 /bin/quit", "exited web#1 code 0", "reply 1 ok"}},
		{Answer{After: 5 * time.Second, Fails: "exit status 1"}, 5 * time.Second,
			[]string{"run-stop web#1", `note stop-command web#1 TERM "exit status 1"`, "signal web#1 TERM", "exited web#1 TERM", "reply 1 ok"}},
		{Answer{Never: true}, 30 * time.Second, []string{"run-stop web#1", "note kill web#1", "signal web#1 KILL", "exited web#1 KILL", "reply 1 ok"}},
	} {
		w := newWorld(t, quitting("web"))
		w.Program("web", Behaviour{Stop: test.answer})
		w.Boot()
		w.Settle()
		w.Command(machine.StopProgram, "web", 0)
		w.Advance(test.after - 100*time.Millisecond)
		want(t, "who runs before its time", fmt.Sprint(w.Alive()), "[web#1]")
		w.Advance(200 * time.Millisecond)
		want(t, "who runs after it", fmt.Sprint(w.Alive()), "[]")
		happens(t, w, test.texts...)
	}
}

// TestStopCommandHasNoLimitOfItsOwn: without a stop timeout it may take as long as it takes, over a reload, too.
func TestStopCommandHasNoLimitOfItsOwn(t *testing.T) {
	s := quitting("web")
	s.StopTimeout, s.OnReload = 0, program.Keep
	w := newWorld(t, s)
	w.Program("web", Behaviour{Stop: Answer{After: time.Hour, Fails: "exit status 1"}})
	w.Boot()
	w.Settle()
	w.Command(machine.StopProgram, "web", 0)
	w.Advance(time.Minute)
	w.Reload("SIGUSR2")
	w.Advance(58 * time.Minute)
	want(t, "who runs before its time", fmt.Sprint(w.Alive()), "[web#1]")
	w.Advance(2 * time.Minute)
	want(t, "who runs after it", fmt.Sprint(w.Alive()), "[]")
	happens(t, w, "run-stop web#1 /bin/quit", "note loaded", `note stop-command web#1 TERM "exit status 1"`, "signal web#1 TERM", "exited web#1 TERM", "reply 1 ok")
}
