package machine

import (
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

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
	// SignalUnit asks to send a signal to all that is left of an instance whose process has ended. Nothing answers it: Emptied comes
	// when nothing is left.
	SignalUnit struct {
		ID     ID
		Signal int
	}
	// RunStop asks to run Spec.StopCommand, as the program runs, with MAINPID in its environment: StopRan within Limit, or, if that is
	// 0, whenever it ends.
	RunStop struct {
		ID    ID
		PID   int
		Spec  program.Spec
		Env   []string
		Limit time.Duration
	}
	// Decide asks By what follows an exit: Decided or DecideFailed within Limit. Blob is what By, a plugin, has left for Event.Program
	// with its last verdict.
	Decide struct {
		ID    ID
		N     uint64
		By    program.Decider
		Event policy.Event // but for its Time
		Blob  []byte
		Limit time.Duration
	}
	// CallHook asks to call a handler: HookFailed, or nothing. On is what for: a program.HookOn, "start" or "stop".
	CallHook struct {
		Name string
		On   string
		ID   ID // of the instance, with "start" and "stop"
		PID  int
		Exit policy.Exit // with "stop"
		Text string      // what the Note of this moment says
		// Limit is how long it may take.
		Limit time.Duration
	}
	// UseCode asks to have the handlers and the plugins of the configuration that is in force now, and no others. Nothing answers it:
	// whoever asks one that cannot be had is told.
	UseCode struct{}
	// Probe asks for one attempt of What on an instance: Probed within Limit. What is that of Spec, as declared.
	Probe struct {
		ID    ID
		PID   int
		N     uint64
		What  program.Probe
		Spec  program.Spec
		Env   []string
		Limit time.Duration
	}
	// Follow asks to take PID for the process of an instance from now on, instead of Old. Nothing answers it: Exited is that of PID.
	Follow struct {
		ID       ID
		Old, PID int
	}
	// NextTick asks when a cron is due next after Wall, nanoseconds since 1970; 0 is now: Tick, which is not in the past.
	NextTick struct {
		Program string
		N       uint64
		Spec    program.Spec
		Wall    int64
	}
	// OpenSockets asks to have these listening sockets open, those that are open already as they are, and no others: SocketFailed, or
	// nothing.
	OpenSockets struct{ Sockets []ProgramSocket }
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
	// program.Settings. ControlFailed, and the one before stays if there was one, or nothing.
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
		By      string         // who gave the verdict, if it was not the declared policy, as "plugin budget"
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
func (SignalUnit) action()   {}
func (RunStop) action()      {}
func (Decide) action()       {}
func (CallHook) action()     {}
func (UseCode) action()      {}
func (Probe) action()        {}
func (Follow) action()       {}
func (NextTick) action()     {}
func (OpenSockets) action()  {}
func (ReloadItself) action() {}
func (AwaitServing) action() {}
func (WritePidfile) action() {}
func (OpenControl) action()  {}
func (Reply) action()        {}
func (Report) action()       {}
func (Notify) action()       {}
func (Note) action()         {}
func (Quit) action()         {}

// ProgramSocket is a socket of a program.
type ProgramSocket struct {
	Program string
	program.Socket
}

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
	NoteReady          NoteKind = "ready"          // it says that it is; not told of one that is ready at once
	NoteNoVerdict      NoteKind = "no-verdict"     // By was asked what follows, and gave no answer that can be used, Text says why
	NoteHook           NoteKind = "hook"           // a handler failed, Text says which and why
	NoteBlocked        NoteKind = "blocked"        // its start waits, Text says for what
	NoteGivenUp        NoteKind = "given-up"       // it is stopped, by Signal if that is not 0, Text says why, Until is when SIGKILL comes
	NoteUnhealthy      NoteKind = "unhealthy"      // Text says why, and what becomes of it
	NoteHealthy        NoteKind = "healthy"        // again
	NoteLeft           NoteKind = "left"           // its process has ended as Exit says, Text names those that live on; Signal and Until as above
	NoteStays          NoteKind = "stays"          // a reload could not replace it, Text says why
	NoteTick           NoteKind = "tick"           // a cron is due, and is not just started, Text says why
	NoteNoTick         NoteKind = "no-tick"        // nobody can say when a cron is due, Text says why
	NoteNotifyRefused  NoteKind = "notify-refused" // PID, which is none of its processes, sent something to its NOTIFY_SOCKET
	NoteMainPID        NoteKind = "main-pid"       // PID is its process from now on
	NoteStopCommand    NoteKind = "stop-command"   // it failed, Text says why; Signal is sent instead
	NoteSocket         NoteKind = "socket"         // one of the sockets of a program cannot be opened, Text says which and why
	NoteKill           NoteKind = "kill"           // the stop timeout is over: SIGKILL
	NoteKillRest       NoteKind = "kill-rest"      // the same for those that outlived its process, Text names them
	NoteLeftTooLate    NoteKind = "left-too-late"  // one that was to leave in its own time is stopped, Text says why
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
