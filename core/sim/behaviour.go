package sim

import (
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
)

// Answer is how the world answers something that the machine asks for.
type Answer struct {
	After time.Duration // 0 means a millisecond: nothing takes no time
	Fails string        // why it fails; "" means that it works
	// Never means that no answer comes. Only what the machine gives a deadline can do this: a trial, a load, readiness, a probe, a
	// stop command.
	Never bool
}

// Ending is how a process ends: with Code, or by Signal if that is not 0.
type Ending struct {
	Code, Signal int
	OOM          bool // the kernel killed it for want of memory
}

// Behaviour is what the instances of a program do. The zero Behaviour starts, runs for ever, and dies of any signal.
type Behaviour struct {
	Spawn     Answer         // Never is ignored: a fork and exec always comes to an end
	Runs      time.Duration  // from the spawn's answer until it ends by itself; 0 means for ever
	Ends      Ending         // how it ends by itself
	Reactions []Reaction     // the first one to a signal counts; without one it dies of the signal
	Ready     Answer         // how it becomes ready, if that is not at once; with Fails or Never it does not
	Health    Answer         // how a health check ends; of the newest behaviour of the program
	Pets      time.Duration  // how often it says WATCHDOG=1; 0 means never
	Stop      Answer         // how its stop command ends; of the newest behaviour of the program
	Decide    Answer         // how a function or a plugin answers that is asked what follows its end; of the newest behaviour
	Verdict   policy.Verdict // its answer; the zero one leaves it to the declared policy
	Leaves    Others         // who outlives it
	Frozen    bool           // it does nothing: no signal but SIGKILL reaches it, and it answers no probe
	Dies      time.Duration  // from a signal it dies of, SIGKILL too, to its end; 0 means a millisecond
}

// Reaction is what a process does on Signal. There is none to SIGKILL.
type Reaction struct {
	Signal int // 0 means any
	Does   Do
	After  time.Duration // with Exit: 0 means a millisecond
	Code   int           // with Exit
}

// Do is what a process does about a signal.
type Do string

const (
	Die    Do = ""       // it is killed by the signal
	Ignore Do = "ignore" // nothing happens
	Exit   Do = "exit"   // it ends with a code, after a while
	Refuse Do = "refuse" // the signal cannot be sent, and the machine is told so
)

// The numbers of the signals that tests use most, as Linux has them.
const (
	HUP  = 1
	INT  = 2
	KILL = 9
	USR1 = 10
	TERM = 15
)

const soon = time.Millisecond

// later is now + d, or a little later for a d of 0.
func (w *World) later(d time.Duration) machine.Instant {
	if d <= 0 {
		d = soon
	}
	return w.now + machine.Instant(d)
}

func (b Behaviour) reaction(signal int) Reaction {
	if b.Frozen {
		return Reaction{Does: Ignore}
	}
	for _, r := range b.Reactions {
		if r.Signal == signal || r.Signal == 0 {
			return r
		}
	}
	return Reaction{}
}
