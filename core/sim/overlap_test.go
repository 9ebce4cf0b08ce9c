package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// overlapping is a program that says when it is ready, and is replaced in that way.
func overlapping(name string, overlap program.Overlap) program.Spec {
	s := saying(name)
	s.Overlap = overlap
	return s
}

// changed is the same program with another command.
func changed(s program.Spec) program.Spec {
	s.Command = []string{"/bin/new"}
	return s
}

func scaled(s program.Spec, n int) program.Spec {
	s.Instances = n
	return s
}

// TestScalingLeavesTheOthersAlone: a reload with another number starts or stops the difference.
func TestScalingLeavesTheOthersAlone(t *testing.T) {
	web := restarting("web")
	w := booted(t, scaled(web, 2))
	reloaded(w, scaled(web, 4))
	want(t, "who runs of four", fmt.Sprint(w.Alive()), "[web#1 web[1]#1 web[2]#1 web[3]#1]")
	reloaded(w, scaled(web, 1))
	want(t, "who runs of one", fmt.Sprint(w.Alive()), "[web#1]")
	reloaded(w, scaled(web, 2))
	want(t, "who runs of two", fmt.Sprint(w.Alive()), "[web#1 web[1]#2]")
}

// TestAllInstancesAreAwaited: a program is ready when each of its instances is.
func TestAllInstancesAreAwaited(t *testing.T) {
	w := newWorld(t, scaled(saying("db"), 3), following(restarting("web"), "db"))
	w.Program("db", Behaviour{Ready: Answer{Never: true}})
	w.Boot()
	w.Advance(time.Second)
	w.Ready("db") // one of them
	want(t, "what web does", w.Phase("web"), machine.Blocked)
	w.Advance(18500 * time.Millisecond) // those that did not say so are stopped
	w.Program("db", Behaviour{})
	w.Advance(5 * time.Second)
	want(t, "what web does in the end", w.Phase("web"), machine.Running)
}

// TestStopFirst: there are never two, and who needs it goes before and comes back after it.
func TestStopFirst(t *testing.T) {
	db := overlapping("db", program.StopFirst)
	w := booted(t, db, needing(restarting("worker"), "db"))
	w.Program("db", Behaviour{Ready: Answer{After: time.Second}})
	reloaded(w, changed(db), needing(restarting("worker"), "db"))
	w.Advance(3 * time.Second)
	want(t, "who runs", fmt.Sprint(w.Alive()), "[db#2 worker#2]")
	happens(t, w, "signal worker#1 TERM", "exited worker#1", "signal db#1 TERM", "exited db#1", "spawn db#2", "note ready db#2", "spawn worker#2")
}

// TestStartFirst: the old one is told to go when the new one is ready.
func TestStartFirst(t *testing.T) {
	web := overlapping("web", program.StartFirst)
	w := booted(t, web)
	w.Program("web", Behaviour{Ready: Answer{After: 5 * time.Second}})
	w.SetConfig(program.Config{Programs: []program.Spec{changed(web)}})
	w.Ask("somebody", false)
	w.Advance(4 * time.Second)
	want(t, "who runs meanwhile", fmt.Sprint(w.Alive()), "[web#1 web#2]")
	w.Settle()
	want(t, "who runs in the end", fmt.Sprint(w.Alive()), "[web#2]")
	happens(t, w, "spawn web#2", "note ready web#2", "signal web#1 USR1", "reply 1 ok")
}

// TestStartFirstThatIsNeverReady changes nothing, says so, and the next reload tries again.
func TestStartFirstThatIsNeverReady(t *testing.T) {
	web := overlapping("web", program.StartFirst)
	for why, bad := range map[string]Behaviour{
		"was not ready":   {Ready: Answer{Never: true}},
		"ended before":    {Runs: time.Second, Ends: Ending{Code: 1}, Ready: Answer{Never: true}},
		"did not start: ": {Spawn: Answer{Fails: "no such file or directory"}},
	} {
		w := booted(t, web)
		w.Program("web", bad)
		w.SetConfig(program.Config{Programs: []program.Spec{changed(web)}})
		w.Ask("somebody", false)
		w.Settle()
		w.Advance(time.Minute)
		want(t, why+": who runs", fmt.Sprint(w.Alive()), "[web#1]")
		happens(t, w, "spawn web#2", "note stays web#1", why, "reply 1 failed web#2")
		w.Program("web", Behaviour{})
		w.Ask("somebody", false)
		w.Settle()
		w.Advance(time.Minute)
		want(t, why+": who runs after the next one", fmt.Sprint(w.Alive()), "[web#3]")
	}
}

// TestRolling: of several, one is replaced after the other; where one does not get ready, the rest stay.
func TestRolling(t *testing.T) {
	web := scaled(overlapping("web", program.StartFirst), 3)
	w := booted(t, web)
	w.Program("web", Behaviour{Ready: Answer{After: 5 * time.Second}})
	w.SetConfig(program.Config{Programs: []program.Spec{changed(web)}})
	w.Reload("SIGUSR2")
	w.Advance(7 * time.Second)
	want(t, "who runs on the way", fmt.Sprint(w.Alive()), "[web#2 web[1]#1 web[1]#2 web[2]#1]")
	w.Program("web", Behaviour{Ready: Answer{Never: true}})
	w.Settle()
	w.Advance(time.Minute)
	want(t, "who runs when the last one fails", fmt.Sprint(w.Alive()), "[web#2 web[1]#2 web[2]#1]")
	w.Program("web", Behaviour{})
	w.Reload("SIGUSR2")
	w.Settle()
	want(t, "who runs after the next reload", fmt.Sprint(w.Alive()), "[web#2 web[1]#2 web[2]#3]")
}

// TestRollingOneAtATime: with stop-first never more than one is missing.
func TestRollingOneAtATime(t *testing.T) {
	web := scaled(overlapping("web", program.StopFirst), 3)
	w := booted(t, web)
	w.Program("web", Behaviour{Ready: Answer{After: time.Second}})
	w.SetConfig(program.Config{Programs: []program.Spec{changed(web)}})
	w.Reload("SIGUSR2")
	for range 50 {
		w.Advance(100 * time.Millisecond)
		ready := 0
		for _, p := range w.State().Programs {
			for _, in := range p.Instances {
				if in.Step == machine.Started {
					ready++
				}
			}
		}
		if ready < 2 {
			t.Errorf("%d are ready: %v", ready, w.Alive())
		}
	}
	want(t, "who runs in the end", fmt.Sprint(w.Alive()), "[web#2 web[1]#2 web[2]#2]")
}
