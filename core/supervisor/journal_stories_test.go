package supervisor_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/sim"
)

// story is a scenario that can be played on every stage. What its programs do they do because they are told to, or at once: no time
// passes that another machine would take longer for.
type story struct {
	name       string
	specs      []program.Spec
	behaviours map[string]sim.Behaviour // what the programs of a made-up world do by themselves
	play       func(stage)
	ordered    bool // whose lines come first is certain, also between programs
	open       bool // it has no end, and more may have happened
}

// Delays that pass on both stages, and one that never does.
const (
	shortly = 50 * time.Millisecond
	never   = time.Hour
)

const illText = "exit status 1: it is ill"

// actor is a program that is told what to do.
func actor(t *testing.T, name string, words ...string) program.Spec {
	s := doing(t, name, append(words, "up up.$MWLUA_INSTANCE", "obey")...)
	s.StopTimeout = never
	s.ReloadSignal = int(unix.SIGTERM) // Go's programs do nothing about SIGUSR1
	s.Exit = policy.Policy{When: policy.Always, Backoff: policy.Backoff{Base: 10 * time.Millisecond, Factor: 2}}
	return s
}

// speaker is an actor that has to say that it is ready.
func speaker(t *testing.T, name string, ready program.Ready) program.Spec {
	says := map[program.ReadyBy]string{program.ReadyNotify: "say READY=1", program.ReadyFD: `to 4 \n`, program.ReadyLog: `print up\n`}
	s := actor(t, name)
	s.Command[len(s.Command)-1] = "obey " + says[ready.By]
	s.Ready = ready
	s.Ready.Timeout = never
	if ready.By == program.ReadyLog {
		s.Stdout = "null"
	}
	return s
}

func notifier(t *testing.T, name string) program.Spec {
	return speaker(t, name, program.Ready{By: program.ReadyNotify})
}

func after(s program.Spec, names ...string) program.Spec {
	s.After = names
	return s
}

func needs(s program.Spec, names ...string) program.Spec {
	s.Needs = names
	return s
}

// other is the same program, started with one more variable.
func other(s program.Spec) program.Spec {
	s.Env = append(s.Env[:len(s.Env):len(s.Env)], "OTHER=1")
	return s
}

// replacedBy is s with an overlap.
func replacedBy(s program.Spec, overlap program.Overlap) program.Spec {
	s.Overlap = overlap
	return s
}

// tardy is never ready, and has to be shortly. It takes the stop signal from the first moment.
func tardy(s program.Spec) program.Spec {
	s.Command = []string{"sleep", "1000"}
	s.Ready.Timeout = shortly
	return s
}

func several(s program.Spec, n int) program.Spec {
	s.Instances = n
	return s
}

// mute never says by itself that it is ready.
var mute = sim.Behaviour{Ready: sim.Answer{Never: true}}

func stories(t *testing.T) []story {
	all := []story{order(t), levels(t), crash(t), need(t), notReady(t), unhealthy(t), oneShot(t), survivors(t), stopCommand(t), cronTwice(t)}
	return append(all, reloads(t)...)
}

// order is a boot in each way to be ready, and the stop in reverse.
func order(t *testing.T) story {
	ask := actor(t, "ask")
	ask.Ready = program.Ready{By: program.ReadyProbe, Probe: program.Probe{Command: []string{"true"}, Interval: shortly, Timeout: never}}
	return story{
		name: "boot in order, stop in reverse", ordered: true,
		specs: []program.Spec{
			after(actor(t, "web"), "ask"), after(ask, "log"), after(speaker(t, "log", program.Ready{By: program.ReadyLog, Pattern: "^up$"}), "fd"),
			after(speaker(t, "fd", program.Ready{By: program.ReadyFD, FD: 4}), "db"), notifier(t, "db"),
		},
		behaviours: map[string]sim.Behaviour{"db": mute, "fd": mute, "log": mute},
		play: func(s stage) {
			for _, name := range []string{"db", "fd", "log"} {
				s.until(name+"#1 started", 1)
				s.tell(name+"#1", "ready")
			}
			s.until("configuration loaded", 1)
			s.until("web#1 started", 1)
			s.stop()
			s.until("all programs are gone", 1)
		},
	}
}

// levels is a boot in which two go at the same time, and a third waits for both.
func levels(t *testing.T) story {
	return story{
		name:       "two at a time",
		specs:      []program.Spec{notifier(t, "a"), notifier(t, "b"), after(actor(t, "c"), "a", "b")},
		behaviours: map[string]sim.Behaviour{"a": mute, "b": mute},
		play: func(s stage) {
			s.until("b#1 started", 1)
			s.tell("b#1", "ready")
			s.until("b#1 (pid N) is ready", 1)
			s.tell("a#1", "ready")
			s.until("c#1 started", 1)
			s.stop()
			s.until("all programs are gone", 1)
		},
	}
}

func crash(t *testing.T) story {
	return story{
		name: "crash, backoff, restart", ordered: true,
		specs: []program.Spec{actor(t, "web")},
		play: func(s stage) {
			s.until("web#1 started", 1)
			s.tell("web#1", "exit 1")
			s.until("web#2 started", 1)
			s.tell("web#2", "exit 3")
			s.until("web#3 started", 1)
			s.stop()
			s.until("all programs are gone", 1)
		},
	}
}

// need is a crash of what another needs, and a third only comes after.
func need(t *testing.T) story {
	return story{
		name:       "what is needed crashes",
		specs:      []program.Spec{needs(actor(t, "worker"), "db"), after(actor(t, "web"), "db"), notifier(t, "db")},
		behaviours: map[string]sim.Behaviour{"db": mute},
		play: func(s stage) {
			s.until("db#1 started", 1)
			s.tell("db#1", "ready")
			s.until("worker#1 started", 1)
			s.until("web#1 started", 1)
			s.tell("db#1", "exit 1")
			s.until("worker#1 (pid N) was killed", 1)
			s.until("db#2 started", 1)
			s.tell("db#2", "ready")
			s.until("worker#2 started", 1)
			s.stop()
			s.until("all programs are gone", 1)
		},
	}
}

// notReady is one that is not ready in time; the next reload gives it more.
func notReady(t *testing.T) story {
	db := notifier(t, "db")
	db.Exit.Backoff.Base = never
	return story{
		name: "not ready in time", ordered: true,
		specs:      []program.Spec{tardy(db), after(actor(t, "web"), "db")},
		behaviours: map[string]sim.Behaviour{"db": mute},
		play: func(s stage) {
			s.until("db#1 (pid N) was killed", 1)
			s.reload(db, after(actor(t, "web"), "db"))
			s.until("db#2 started", 1)
			s.tell("db#2", "ready")
			s.until("web#1 started", 1)
			s.until("configuration loaded", 2)
			s.stop()
			s.until("all programs are gone", 1)
		},
	}
}

func unhealthy(t *testing.T) story {
	web := actor(t, "web")
	check := "test ! -e ill.$MWLUA_INSTANCE || { echo it is ill; exit 1; }"
	web.Health = &program.Health{Probe: program.Probe{Command: []string{"sh", "-c", check}, Interval: 10 * time.Millisecond, Timeout: never}, Failures: 2}
	return story{
		name: "unhealthy, restarted", ordered: true,
		specs: []program.Spec{web},
		play: func(s stage) {
			s.until("web#1 started", 1)
			s.ill("web#1", true)
			s.until("web#1 (pid N) was killed", 1)
			s.ill("web#1", false)
			s.until("web#2 started", 1)
			s.stop()
			s.until("all programs are gone", 1)
		},
	}
}

func oneShot(t *testing.T) story {
	migrate := actor(t, "migrate")
	migrate.Kind = program.OneShot
	migrate.Exit = policy.Policy{Limit: 2, Backoff: policy.Backoff{Base: shortly, Factor: 1}}
	return story{
		name: "a one-shot fails, succeeds, and another follows", ordered: true,
		specs: []program.Spec{migrate, after(actor(t, "web"), "migrate")},
		play: func(s stage) {
			s.until("migrate#1 started", 1)
			s.tell("migrate#1", "exit 1")
			s.until("migrate#2 started", 1)
			s.tell("migrate#2", "exit 0")
			s.until("web#1 started", 1)
			s.until("configuration loaded", 1)
			s.stop()
			s.until("all programs are gone", 1)
		},
	}
}

// survivors are children that ignore the stop signal, after a crash and at the stop.
func survivors(t *testing.T) story {
	web := actor(t, "web", "daemon ignore, up child.$MWLUA_INSTANCE, sleep", "wait child.$MWLUA_INSTANCE")
	web.Kill, web.StopTimeout = program.KillUnit, 500*time.Millisecond
	return story{
		name: "survivors of a crash and of a stop", ordered: true,
		specs:      []program.Spec{web},
		behaviours: map[string]sim.Behaviour{"web": {Leaves: sim.Others{Count: 1, Ignore: true}}},
		play: func(s stage) {
			s.until("web#1 started", 1)
			s.tell("web#1", "exit 1")
			s.until("web#2 started", 1)
			s.stop()
			s.until("all programs are gone", 1)
		},
	}
}

// stopCommand has one that works, and one that fails.
func stopCommand(t *testing.T) story {
	good, bad := actor(t, "good"), actor(t, "bad")
	good.StopCommand = []string{"sh", "-c", "echo exit 0 >new && mv new do.$MWLUA_INSTANCE.1"}
	bad.StopCommand = []string{"sh", "-c", "exit 1"}
	bad.After = []string{"good"}
	return story{
		name: "stop commands", ordered: true,
		specs:      []program.Spec{good, bad},
		behaviours: map[string]sim.Behaviour{"bad": {Stop: sim.Answer{Fails: "exit status 1"}}},
		play: func(s stage) {
			s.until("bad#1 started", 1)
			s.stop()
			s.until("all programs are gone", 1)
		},
	}
}

// cronTwice has no end: while the second run is looked at, the third may begin.
func cronTwice(t *testing.T) story {
	a := doing(t, "a", "exit 0")
	a.Kind, a.Schedule, a.OnReload, a.ReloadSignal = program.Cron, "@every 1s", program.Keep, 0
	return story{
		name: "a cron runs twice", open: true,
		specs:      []program.Spec{a},
		behaviours: map[string]sim.Behaviour{"a": {Runs: time.Millisecond}},
		play:       func(s stage) { s.until("a#2 (pid N) exited", 1) },
	}
}
