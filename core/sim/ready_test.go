package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// waysToBeReady are all that take some time.
var waysToBeReady = []program.Ready{
	{By: program.ReadyNotify},
	{By: program.ReadyFD, FD: 3},
	{By: program.ReadyLog, Pattern: "up"},
	{By: program.ReadyProbe, Probe: program.Probe{TCP: "127.0.0.1:80", Interval: 100 * time.Millisecond}},
	{By: program.ReadyProbe, Probe: program.Probe{HTTP: "http://127.0.0.1/", Interval: 100 * time.Millisecond}},
	{By: program.ReadyProbe, Probe: program.Probe{Unix: "/run/x", Interval: 100 * time.Millisecond}},
	{By: program.ReadyProbe, Probe: program.Probe{Command: []string{"/bin/ask"}, Interval: 100 * time.Millisecond}},
}

// TestReadyInEachWay: a load ends, and those who wait go on, when it is ready, in whatever way it says so.
func TestReadyInEachWay(t *testing.T) {
	for _, ready := range waysToBeReady {
		web := restarting("web")
		web.Ready = ready
		web.Ready.Timeout = 20 * time.Second
		w := newWorld(t, web, following(restarting("next"), "web"))
		w.Program("web", Behaviour{Ready: Answer{After: 5 * time.Second}})
		w.Boot()
		w.Advance(4900 * time.Millisecond)
		want(t, "the load before it is ready", w.State().Reload.Step, machine.Starting)
		want(t, "starts of who waits", w.Spawns("next"), 0)
		w.Advance(300 * time.Millisecond)
		want(t, "the load after it is ready", w.State().Reload.Step, machine.Idle)
		happens(t, w, "spawned web#1", "note ready web#1", "spawn next#1", "note loaded")
	}
}

// TestNotReadyIsAFailure, in each way: it is stopped, tried again by its policy, and those who wait for it go on when it is ready.
func TestNotReadyIsAFailure(t *testing.T) {
	for _, ready := range waysToBeReady {
		web := restarting("web")
		web.Ready = ready
		web.Ready.Timeout = 20 * time.Second
		w := newWorld(t, web, following(restarting("next"), "web"))
		w.Program("web", Behaviour{Ready: Answer{Never: true}})
		w.Boot()
		w.Advance(19 * time.Second)
		want(t, "who runs in time", fmt.Sprint(w.Alive()), "[web#1]")
		w.Advance(1200 * time.Millisecond)
		want(t, "what it does then", w.Phase("web"), machine.Waiting)
		want(t, "the load then", w.State().Reload.Step, machine.Idle)
		happens(t, w, "note given-up web#1 TERM", "not-ready", "restart in 1s")
		w.Program("web", Behaviour{})
		w.Advance(2 * time.Second)
		want(t, "who runs in the end", fmt.Sprint(w.Alive()), "[web#2 next#1]")
	}
}

// TestMoreTimeToBeReady: a program that asks for more time gets it, and no more than that.
func TestMoreTimeToBeReady(t *testing.T) {
	w := newWorld(t, saying("web"))
	w.Program("web", Behaviour{Ready: Answer{Never: true}})
	w.Boot()
	w.Advance(19 * time.Second)
	w.Notify("web", machine.Notified{Extend: 30 * time.Second, Status: "reading a large file"})
	w.Advance(29 * time.Second)
	want(t, "who runs with more time", fmt.Sprint(w.Alive()), "[web#1]")
	w.Notify("web", machine.Notified{Ready: true})
	want(t, "what it is", w.State().Programs[0].Instances[0].Step, machine.Started)

	w.Exit("web", Ending{Code: 1})
	w.Advance(2 * time.Second)
	w.Notify("web", machine.Notified{Extend: 30 * time.Second})
	w.Advance(31 * time.Second)
	happens(t, w, "note ready web#1", "note given-up web#2")
}

// watched is a program with a health check every ten seconds, of which two must fail.
func watched(name string, onFail program.OnUnhealthy) program.Spec {
	s := restarting(name)
	s.Health = &program.Health{
		Probe:    program.Probe{TCP: "127.0.0.1:80", Interval: 10 * time.Second, Timeout: 2 * time.Second},
		Failures: 2, Successes: 2, OnFail: onFail,
	}
	return s
}

// TestUnhealthy is stopped and restarted, or stays down, or is only told of.
func TestUnhealthy(t *testing.T) {
	for _, test := range []struct {
		onFail program.OnUnhealthy
		alive  string
		phase  machine.Phase
	}{
		{program.RestartUnhealthy, "[web#2]", machine.Running},
		{program.StopUnhealthy, "[]", machine.Failed},
		{program.LogUnhealthy, "[web#1]", machine.Running},
	} {
		w := booted(t, watched("web", test.onFail))
		w.Advance(25 * time.Second)
		w.Program("web", Behaviour{Health: Answer{Fails: "connection refused"}})
		w.Advance(6 * time.Second)
		want(t, "who runs after one failure", fmt.Sprint(w.Alive()), "[web#1]")
		w.Advance(10 * time.Second)
		w.Program("web", Behaviour{})
		w.Advance(time.Minute)
		want(t, "who runs in the end", fmt.Sprint(w.Alive()), test.alive)
		want(t, "what it does", w.Phase("web"), test.phase)
		happens(t, w, "its health check has failed 2 times in a row: connection refused")
		if test.onFail == program.LogUnhealthy {
			happens(t, w, "note unhealthy web#1", "note healthy web#1")
		}
	}
}

// TestHealthCheckThatHangs has failed when its time is over.
func TestHealthCheckThatHangs(t *testing.T) {
	w := booted(t, watched("web", program.RestartUnhealthy))
	w.Program("web", Behaviour{Health: Answer{Never: true}})
	w.Advance(30 * time.Second)
	happens(t, w, "note given-up web#1", "no answer within 2s", "exited web#1 TERM "+string(policy.Health), "spawn web#2")
}

// TestWatchdog: a program that goes on saying so stays, one that stops is stopped for its core file, and one may ask for that.
func TestWatchdog(t *testing.T) {
	web := saying("web")
	web.Watchdog = 10 * time.Second
	w := newWorld(t, web)
	w.Program("web", Behaviour{Pets: 4 * time.Second})
	w.Boot()
	w.Advance(time.Hour)
	want(t, "starts of one that says so", w.Spawns("web"), 1)

	w.Program("web", Behaviour{})
	w.Notify("web", machine.Notified{Trigger: true})
	w.Advance(9 * time.Second)
	want(t, "starts after it asked", w.Spawns("web"), 2)
	w.Advance(3 * time.Second)
	happens(t, w, "asks its watchdog", "signal web#1 ABRT", string(policy.Watchdog), "spawn web#2",
		"it did not say WATCHDOG=1 within 10s", "signal web#2 ABRT")
}
