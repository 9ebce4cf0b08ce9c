package machine

import (
	"fmt"
	"slices"
	"time"

	"github.com/mwlua/mwlua/core/policy"
)

// Step is what an instance is doing.
type Step string

const (
	Spawning Step = "spawning" // Spawn has no answer yet
	Unready  Step = "starting" // it runs, and is not ready yet
	Started  Step = "started"  // it runs, and is ready
	Leaving  Step = "leaving"  // it was told to finish and go, in its own time: by a reload, or by a soft stop
	Stopping Step = "stopping" // it was asked to go
	Killing  Step = "killing"  // it got SIGKILL
	Emptying Step = "emptying" // its process has ended, others of it have not
)

// Cause says why an instance is to end, or was told something that may end it.
type Cause string

const (
	NoCause         Cause = ""
	ByReload        Cause = "reload"         // a reload replaced or removed it, or only signalled it
	ByShutdown      Cause = "shutdown"       // mwlua is stopping
	ByRequest       Cause = "request"        // somebody asked for it
	ByFormerLimit   Cause = "max_former"     // too many former instances
	ByFormerTimeout Cause = "former_timeout" // a former one for too long
	ByReplace       Cause = "replace"        // a reload stops it before it starts the next
	ByNeed          Cause = "needs"          // one that it needs has ended, or is about to
	ByNotReady      Cause = "not-ready"      // it was not ready in time
	ByHealth        Cause = "health"         // it is unhealthy
	ByWatchdog      Cause = "watchdog"       // it did not say WATCHDOG=1 in time
	ByTimeout       Cause = "timeout"        // it took too long
	ByTick          Cause = "tick"           // the next run of a cron does not wait for it
)

// Instance is one run of a program, from Spawn to Exited.
type Instance struct {
	Seq        uint64
	Generation uint64 // of the load under which it was spawned
	PID        int    `json:",omitempty"` // 0 while spawning
	Step       Step
	Cause      Cause   `json:",omitempty"`
	Told       int     `json:",omitempty"` // the last signal sent to it
	Since      Instant // when it was spawned
	Deadline   Instant `json:",omitempty"` // when the next, harder means is used; 0 means never
	Health     Health  `json:",omitzero"`
	Said       Said    `json:",omitzero"`
	// Left are those that have outlived its process, in step Emptying, which ended as Ended says, and Early before it was ready.
	Left  []Survivor   `json:",omitempty"`
	Ended *policy.Exit `json:",omitempty"`
	Early bool         `json:",omitempty"`
	// What is needed of its Spec, which may be gone:
	ReloadSignal int   `json:",omitempty"`
	StopSignal   int   `json:",omitempty"`
	StopTimeout  int64 `json:",omitempty"` // ns
}

// Health is what probes have found out about an instance: whether it is ready, then whether it still serves.
type Health struct {
	N         uint64  `json:",omitempty"` // of the last Probe
	Due       Instant `json:",omitempty"` // when the next one is sent, or, if Out, when its answer is given up; 0 means never
	Out       bool    `json:",omitempty"` // a Probe has no answer yet
	Failures  int     `json:",omitempty"` // in a row
	Successes int     `json:",omitempty"` // in a row
	Ill       bool    `json:",omitempty"` // it is unhealthy
	Text      string  `json:",omitempty"` // why the last one failed
}

// Said is what an instance has said over its NOTIFY_SOCKET.
type Said struct {
	Status        string        `json:",omitempty"`
	Doing         Doing         `json:",omitempty"` // IsReloading or IsStopping
	WatchdogDue   Instant       `json:",omitempty"` // when the next WATCHDOG=1 is missed; 0 means never
	WatchdogEvery time.Duration `json:",omitempty"` // what it wants instead of Spec.Watchdog
	Refused       bool          `json:",omitempty"` // a stranger has said something, and that was told
}

func (in Instance) check(current, stopping bool, newest uint64) error {
	switch {
	case !slices.Contains([]Step{Spawning, Unready, Started, Leaving, Stopping, Killing, Emptying}, in.Step):
		return fmt.Errorf("unknown step %q", in.Step)
	case in.Seq == 0 || in.Seq > newest:
		return fmt.Errorf("the newest is %d", newest)
	case (in.PID == 0) != (in.Step == Spawning):
		return fmt.Errorf("step %s with pid %d", in.Step, in.PID)
	case current && in.Step == Leaving && !stopping:
		return fmt.Errorf("the current one is leaving")
	case !current && (in.Step == Spawning || in.Step == Unready || in.Step == Started):
		return fmt.Errorf("a former one is %s", in.Step)
	case in.Deadline != 0 && in.Step == Killing:
		return fmt.Errorf("step %s with a deadline", in.Step)
	case in.Early && in.Step != Emptying:
		return fmt.Errorf("step %s, and its process has ended too early", in.Step)
	case (in.Ended != nil) != (in.Step == Emptying):
		return fmt.Errorf("step %s, and its process has ended is %v", in.Step, in.Ended != nil)
	case in.Health.Due != 0 && in.Step != Unready && in.Step != Started:
		return fmt.Errorf("step %s with a probe at %d", in.Step, in.Health.Due)
	case in.Health.Out && in.Health.Due == 0:
		return fmt.Errorf("a probe may be out for ever")
	case in.Said.WatchdogDue != 0 && in.Step != Started:
		return fmt.Errorf("step %s with a watchdog", in.Step)
	}
	return nil
}

// early says that its process has ended before it was ready.
func (in *Instance) early() bool { return in.Step == Unready || in.Early }

// deadlines are the moments at which something is due with an instance; 0 is none.
func (in *Instance) deadlines() [3]Instant {
	return [3]Instant{in.Deadline, in.Health.Due, in.Said.WatchdogDue}
}

func (in *Instance) isDue(at Instant) bool {
	return at == in.Deadline || at == in.Health.Due || at == in.Said.WatchdogDue
}

// quiet ends whatever is asked and expected of an instance that is about to end.
func (in *Instance) quiet() { in.Health.Due, in.Health.Out, in.Said.WatchdogDue = 0, false, 0 }
