package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// askingProgram is a program that asks a function and then a plugin what follows its end.
func askingProgram(name string) program.Spec {
	s := restarting(name)
	s.OnExit = []program.Decider{{By: program.ByHandler, Name: "f"}, {By: program.ByPlugin, Name: "p"}}
	return s
}

// TestVerdictCounts, whatever is declared, and only for the program that it is about.
func TestVerdictCounts(t *testing.T) {
	w := newWorld(t, askingProgram("web"), restarting("other"))
	w.Program("web", Behaviour{Runs: time.Second, Ends: Ending{Code: 3}, Verdict: policy.Verdict{Do: policy.Fail, Reason: "enough"}})
	w.Program("other", fails)
	w.Boot()
	w.Advance(5 * time.Second)
	want(t, "what web does", w.Phase("web"), machine.Failed)
	want(t, "starts of web", w.Spawns("web"), 1)
	want(t, "whether other went on", w.Spawns("other") > 1, true)
}

// TestSilenceLeavesItToTheDeclaration when the time of all is up: 0.5 s and 2 s, and a second each for the shell.
func TestSilenceLeavesItToTheDeclaration(t *testing.T) {
	w := newWorld(t, askingProgram("web"))
	w.Program("web", Behaviour{Runs: time.Second, Ends: Ending{Code: 3}, Decide: Answer{Never: true}})
	w.Boot()
	w.Advance(5400 * time.Millisecond)
	want(t, "what it does", w.Phase("web"), machine.Deciding)
	w.Advance(200 * time.Millisecond)
	want(t, "what it does then", w.Phase("web"), machine.Waiting)
	w.Advance(time.Second)
	want(t, "starts", w.Spawns("web"), 2)
	happens(t, w, "no-verdict web#1", "no-verdict web#1", "exited web#1", "spawn web#2")
}

// TestReloadWhileAProgramIsDecidedAbout asks again in the new image, and what the old one would have heard counts for nothing.
func TestReloadWhileAProgramIsDecidedAbout(t *testing.T) {
	w := newWorld(t, askingProgram("web"), restarting("other"))
	w.Program("web", Behaviour{Runs: time.Second, Ends: Ending{Code: 3}, Decide: Answer{After: 400 * time.Millisecond}, Verdict: policy.Verdict{Do: policy.Restart}})
	w.Boot()
	w.Advance(1200 * time.Millisecond)
	want(t, "what it does", w.Phase("web"), machine.Deciding)
	w.Program("web", Behaviour{Verdict: policy.Verdict{Do: policy.Restart}})
	w.Reload("SIGUSR2")
	w.Settle()
	w.Advance(5 * time.Second)
	want(t, "generation", w.State().Generation, 2)
	want(t, "who runs", fmt.Sprint(w.Alive()), "[web#2 other#1]")
	happens(t, w, "decide 1 web#1 by handler f", "handover 2", "decide 2 web#1 by handler f", "decided 2 web#1 restart", "spawn web#2", "decided 1 web#1 restart")
}

// TestStopDoesNotWaitForVerdicts.
func TestStopDoesNotWaitForVerdicts(t *testing.T) {
	w := newWorld(t, askingProgram("web"), restarting("other"))
	w.Program("web", Behaviour{Runs: time.Second, Ends: Ending{Code: 3}, Decide: Answer{Never: true}})
	w.Boot()
	w.Advance(1100 * time.Millisecond)
	want(t, "what it does", w.Phase("web"), machine.Deciding)
	w.Stop(machine.StopAll, TERM)
	w.Advance(100 * time.Millisecond)
	_, quit := w.Quit()
	want(t, "whether mwlua has left", quit, true)
	want(t, "starts", w.Spawns("web"), 1)
}
