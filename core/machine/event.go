package machine

import (
	"strconv"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// Instant is a time: nanoseconds of CLOCK_MONOTONIC, which goes on over an execve. The zero Instant means none.
type Instant int64

// ID names an instance: the run number Seq of a program, from 1. It is printed web#3.
type ID struct {
	Program string
	Seq     uint64
}

func (id ID) String() string { return id.Program + "#" + strconv.FormatUint(id.Seq, 10) }

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
	// Exited says that the process of an instance has ended and was collected. Code and Signal as in policy.Exit.
	Exited struct {
		ID           ID
		Code, Signal int
		CoreDumped   bool
	}
	// SignalFailed answers Signal, unless the process is already gone, which Exited says.
	SignalFailed struct {
		ID     ID
		Signal int
		Text   string
	}
	// PidfileFailed answers WritePidfile.
	PidfileFailed struct{ Text string }
	// ControlFailed answers OpenControl: there is no control socket.
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
func (SignalFailed) event()   {}
func (PidfileFailed) event()  {}
func (ControlFailed) event()  {}
func (Wake) event()           {}

// Action is what to do next. None is assumed to work: the event named in its comment says what came of it.
type Action interface{ action() }

type (
	// Load asks for the configuration: Loaded or LoadFailed.
	Load struct{ N uint64 }
	// Trial asks for a trial of the next image: TrialPassed or TrialFailed.
	Trial struct{ N uint64 }
	// EndTrial asks to end the process of a trial that is no longer wanted, if there is one. Nothing answers it.
	EndTrial struct{ N uint64 }
	// Handover asks to replace this image by the next one, with the state that the machine has now. It is the last action of
	// its step. Booted comes in the new image, HandoverFailed in this one.
	Handover struct{ N uint64 }
	// Spawn asks to start an instance: Spawned or SpawnFailed. Env is what all programs share, under Spec.Env.
	Spawn struct {
		ID   ID
		Spec program.Spec
		Env  []string
	}
	// Signal asks to send a signal to an instance: SignalFailed, or nothing. Group sends it to the whole process group.
	Signal struct {
		ID     ID
		PID    int
		Signal int
		Group  bool
	}
	// ReloadItself asks to have an instance read its own configuration again: ReloadedItself or ReloadRefused. Hard is that of
	// the Request.
	ReloadItself struct {
		N    uint64
		ID   ID
		PID  int
		Hard bool
		// Limit is how long it may take.
		Limit time.Duration
	}
	// AwaitServing asks to say when an instance serves that a load has started: Serving, or NotServing when it does not say so
	// within Limit.
	AwaitServing struct {
		ID    ID
		PID   int
		Limit time.Duration
	}
	// WritePidfile asks to write our pid to that file: PidfileFailed, or nothing.
	WritePidfile struct{ Path string }
	// OpenControl asks to have the control socket at Path, and nowhere else; "" is none. Mode and Group are those of
	// program.Settings. ControlFailed, or nothing.
	OpenControl struct {
		Path  string
		Mode  uint32
		Group string
	}
	// Reply asks to tell who waits how its request ended. Nothing answers it.
	Reply struct {
		To      uint64
		OK      bool
		Why     Why      // why not
		Text    string   // the same for people, a line a problem
		Changes []Change // of a reload that worked
	}
	// Report asks to tell who waits what the machine's State is at this moment. Nothing answers it.
	Report struct{ To uint64 }
	// Notify asks to tell whoever runs mwlua what it is doing (sd_notify(3)). Nothing answers it.
	Notify struct{ Doing Doing }
	// Note is for the operator. Nothing answers it.
	Note struct {
		Kind    NoteKind
		ID      ID             // the instance it is about, if any
		PID     int            // of that instance; 0 when it has none
		Former  bool           // the instance is a former one
		Signal  int            // a signal that was or will be sent; with NoteReload, SIGTERM for a hard one
		Exit    policy.Exit    // with NoteExited
		Verdict policy.Verdict // with NoteExited and NoteSpawnFailed
		Until   Instant        // when the next thing happens, if it is known
		Text    string         // why
	}
	// Quit asks to leave with Status. It is the last action of a machine.
	Quit struct{ Status int }
)

func (Load) action()         {}
func (Trial) action()        {}
func (EndTrial) action()     {}
func (Handover) action()     {}
func (Spawn) action()        {}
func (Signal) action()       {}
func (ReloadItself) action() {}
func (AwaitServing) action() {}
func (WritePidfile) action() {}
func (OpenControl) action()  {}
func (Reply) action()        {}
func (Report) action()       {}
func (Notify) action()       {}
func (Note) action()         {}
func (Quit) action()         {}

// Why says why a request was not carried out.
type Why string

const (
	WhyFailed     Why = "failed"          // it was tried
	WhyDropped    Why = "dropped"         // it was refused, or given up: mwlua is stopping, or not up yet
	WhyUnknown    Why = "unknown-program" // there is no such program
	WhyNotRunning Why = "not-running"     // the program has no instance that runs
	WhySuperseded Why = "superseded"      // somebody asked for the opposite
)

// Doing is what a service manager is told.
type Doing string

const (
	IsReady      Doing = "ready"
	IsReloading  Doing = "reloading"
	ReloadFailed Doing = "reload-failed" // and ready, as before
	IsStopping   Doing = "stopping"
)

// NoteKind says what a Note tells.
type NoteKind string

const (
	NoteSpawned        NoteKind = "spawned"
	NoteSpawnFailed    NoteKind = "spawn-failed"
	NoteExited         NoteKind = "exited"
	NoteKill           NoteKind = "kill"          // the stop timeout is over: SIGKILL
	NoteLeftTooLate    NoteKind = "left-too-late" // one that was to leave in its own time is stopped, Text says why
	NoteSignalFailed   NoteKind = "signal-failed"
	NoteChange         NoteKind = "change"         // one change of a plan that leaves no other trace, Text says which and why
	NoteAsked          NoteKind = "asked"          // somebody asks something of a program, Text says what
	NoteReload         NoteKind = "reload"         // a reload begins
	NoteReloadQueued   NoteKind = "reload-queued"  // one more reload will follow the one that runs
	NoteReloadRefused  NoteKind = "reload-refused" // mwlua is stopping
	NoteReloadFailed   NoteKind = "reload-failed"  // nothing changed
	NoteReloadAborted  NoteKind = "reload-aborted" // a stop came first
	NoteLoaded         NoteKind = "loaded"         // all that the load starts was started
	NoteFirstLoadError NoteKind = "first-load-failed"
	NoteStopping       NoteKind = "stopping" // Text says why
	NoteWarning        NoteKind = "warning"  // about the configuration
	NotePidfile        NoteKind = "pidfile"  // it could not be written
	NoteControl        NoteKind = "control"  // there is no control socket, Text says why
	NoteStandIn        NoteKind = "stand-in" // the supervisor, PID, ended between two images, Signal says by what: its guard stops the programs
	NoteOrphaned       NoteKind = "orphaned" // the same, by SIGKILL: the programs run on
	NoteStopped        NoteKind = "stopped"  // the last line of a life
)
