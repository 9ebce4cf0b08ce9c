package machine

import (
	"strconv"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// Instant is a time: nanoseconds of CLOCK_MONOTONIC, which goes on over an execve. The zero Instant means none.
type Instant int64

// ID names an instance: the run number Seq, from 1, of a slot of a program. It is printed web#3, or web[2]#3 for slot 2; slot 0 is
// the only one, or the first of several. Seq 0 is no instance, but the slot itself.
type ID struct {
	Program string
	Slot    int `json:",omitempty"`
	Seq     uint64
}

func (id ID) String() string {
	if id.Seq == 0 {
		return slotName(id.Program, id.Slot)
	}
	return slotName(id.Program, id.Slot) + "#" + strconv.FormatUint(id.Seq, 10)
}

// SlotName is the slot that id is an instance of, as it is printed: web, or web[2].
func (id ID) SlotName() string { return slotName(id.Program, id.Slot) }

// slotName is a slot of a program as it is printed.
func slotName(name string, slot int) string {
	if slot == 0 {
		return name
	}
	return name + "[" + strconv.Itoa(slot) + "]"
}

// Event is what happened. An event that answers an action carries what the action named, and one that fits nothing is
// ignored: answers may come late, twice, or after the machine has changed its mind.
type Event interface{ event() }

// UnknownCode is Exited.Code when nobody can say how the process ended: it was not our child.
const UnknownCode = -1

// Verb is what a request asks of the whole supervisor.
type Verb string

const (
	ReloadAll Verb = "reload"    // read the configuration again and carry out the plan
	StopAll   Verb = "stop"      // stop every program, then leave
	SoftStop  Verb = "soft-stop" // SIGUSR1 to every instance, leave when all are gone, kill nobody
	TellState Verb = "status"    // say what is: Report
)

// What a request asks of one program.
const (
	StartProgram   Verb = "start-program"   // start it, if it does not run, and forget its failures
	StopProgram    Verb = "stop-program"    // stop all its instances; it stays down, over reloads too, until it is started
	RestartProgram Verb = "restart-program" // stop it, and start it when it has ended
	SignalProgram  Verb = "signal-program"  // send Signal to its current instance
)

type (
	// Booted says that this image is up: at the very first start, and after every hand-over.
	Booted struct{}
	// Request asks for something. By says who asked, for the log. Signal is the one that a StopAll passes on to programs
	// without a stop signal of their own. Hard makes a reload send SIGTERM where it would send the reload signal to what it
	// replaces. From names who waits for an answer, a number that is never used twice; 0 is nobody. A reload, and what is asked
	// of the program of that name, is answered by Reply when it is done, or at once with NoWait; a status by Report.
	Request struct {
		Verb    Verb
		By      string
		Program string
		Signal  int
		Hard    bool
		NoWait  bool
		From    uint64
	}
	// TrialPassed answers Trial: the new image loads the configuration and can take the state over.
	TrialPassed struct{ N uint64 }
	// TrialFailed answers Trial; Text says why, a line a problem.
	TrialFailed struct {
		N    uint64
		Text string
	}
	// HandoverFailed answers Handover: the execve did not happen, and this image goes on.
	HandoverFailed struct {
		N    uint64
		Text string
	}
	// MasterEnded says that the supervisor itself has ended between two images, and that this machine, of the guard, stands in
	// for it. Signal is what killed it; 0 means that nobody knows.
	MasterEnded struct{ PID, Signal int }
	// Loaded answers Load.
	Loaded struct {
		N        uint64
		Config   program.Config
		Warnings []string // what is wrong with it and does not keep it from being used, a line each
	}
	// LoadFailed answers Load; Text says why, a line a problem.
	LoadFailed struct {
		N    uint64
		Text string
	}
	// ReloadedItself answers ReloadItself: the instance runs with its new configuration.
	ReloadedItself struct {
		N  uint64
		ID ID
	}
	// ReloadRefused answers ReloadItself: the instance goes on as before. Text says why, a line a problem.
	ReloadRefused struct {
		N    uint64
		ID   ID
		Text string
	}
	// Serving answers AwaitServing.
	Serving struct{ ID ID }
	// NotServing answers AwaitServing: it is not known whether it serves. Text says why, in one line.
	NotServing struct {
		ID   ID
		Text string
	}
	// Spawned answers Spawn: the program's executable runs (execve succeeded).
	Spawned struct {
		ID  ID
		PID int
	}
	// SpawnFailed answers Spawn: nothing runs. Step is what failed (verbOf has the list), Text the reason.
	SpawnFailed struct {
		ID         ID
		Step, Text string
	}
	// Exited says that the process of an instance has ended and was collected. Code and Signal as in policy.Exit. Left are others
	// of what its Spec.Kill names that live on: then Emptied follows when the last of them is gone.
	Exited struct {
		ID           ID
		Code, Signal int
		CoreDumped   bool
		OOM          bool // as policy.Exit has it
		Left         []Survivor
	}
	// Emptied says that nothing is left of an instance whose process has ended before.
	Emptied struct{ ID ID }
	// Ready says that an instance says that it is ready: by a descriptor or a line of its output. By Notified too, and a Probe that
	// succeeds is the same.
	Ready struct{ ID ID }
	// Notified is what an instance said over its NOTIFY_SOCKET (sd_notify(3)), several messages taken together; what is not said is
	// zero. MainPID is one of its processes, and not the one that it has now.
	Notified struct {
		ID                         ID
		Ready, Reloading, Stopping bool
		Watchdog, Trigger          bool          // WATCHDOG=1, WATCHDOG=trigger
		WatchdogEvery              time.Duration // WATCHDOG_USEC
		Extend                     time.Duration // EXTEND_TIMEOUT_USEC
		MainPID                    int
		Status                     string // at most MaxStatus bytes, of printable characters
	}
	// NotifyRefused says that a process that is none of the instance's sent something to its NOTIFY_SOCKET. It is said once for each
	// instance.
	NotifyRefused struct {
		ID  ID
		PID int
	}
	// Probed answers Probe. Text says why it failed, in one line.
	Probed struct {
		ID   ID
		N    uint64
		OK   bool
		Text string
	}
	// StopRan answers RunStop. Text says why it failed, in one line.
	StopRan struct {
		ID   ID
		OK   bool
		Text string
	}
	// Decided answers Decide. Verdict has passed its Check. Store is what the function leaves for the next time, nil if it leaves it
	// as it is; Blob the same of a plugin.
	Decided struct {
		ID          ID
		N           uint64
		Verdict     policy.Verdict
		Store, Blob []byte
	}
	// DecideFailed answers Decide: there is no verdict. Text says why, in one line.
	DecideFailed struct {
		ID   ID
		N    uint64
		Text string
	}
	// HookFailed answers CallHook, if something went wrong. Text says what, in one line.
	HookFailed struct {
		Name string
		Text string
	}
	// Tick answers NextTick: the next one is at At; Wall is the same as nanoseconds since 1970. Text says why there is none.
	Tick struct {
		Program string
		N       uint64
		At      Instant
		Wall    int64
		Text    string
	}
	// ClockSet says that the wall clock was set. Wall is what it is now, nanoseconds since 1970.
	ClockSet struct{ Wall int64 }
	// SocketFailed answers OpenSockets, once for each that could not be opened.
	SocketFailed struct{ Program, Name, Text string }
	// SignalFailed answers Signal, unless the process is already gone, which Exited says.
	SignalFailed struct {
		ID     ID
		Signal int
		Text   string
	}
	// PidfileFailed answers WritePidfile.
	PidfileFailed struct{ Text string }
	// ControlFailed answers OpenControl: there is no control socket but the one before, if there was one.
	ControlFailed struct{ Text string }
	// Wake says that the time that Deadline named has come. It may come too early or too often.
	Wake struct{}
)

func (Booted) event()         {}
func (Request) event()        {}
func (TrialPassed) event()    {}
func (TrialFailed) event()    {}
func (HandoverFailed) event() {}
func (MasterEnded) event()    {}
func (Loaded) event()         {}
func (LoadFailed) event()     {}
func (ReloadedItself) event() {}
func (ReloadRefused) event()  {}
func (Serving) event()        {}
func (NotServing) event()     {}
func (Spawned) event()        {}
func (SpawnFailed) event()    {}
func (Exited) event()         {}
func (Emptied) event()        {}
func (Ready) event()          {}
func (Notified) event()       {}
func (NotifyRefused) event()  {}
func (Probed) event()         {}
func (StopRan) event()        {}
func (Decided) event()        {}
func (DecideFailed) event()   {}
func (HookFailed) event()     {}
func (Tick) event()           {}
func (ClockSet) event()       {}
func (SocketFailed) event()   {}
func (SignalFailed) event()   {}
func (PidfileFailed) event()  {}
func (ControlFailed) event()  {}
func (Wake) event()           {}

// Survivor is a process of an instance that outlives the one that was started.
type Survivor struct {
	PID  int
	Name string // as in /proc/PID/comm
}

// Bounds of what an instance can say of itself.
const (
	MaxStatus    = 256 // bytes of Notified.Status
	MaxSurvivors = 16  // of Exited.Left: one more is as good as many
)
