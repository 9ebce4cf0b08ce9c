package sim

import (
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// World is a made-up world around one machine. It belongs to one goroutine. Its verbs say what happens, and time passes only
// in Advance and Settle. The exported fields may be set between any two calls, and count from then on.
type World struct {
	Trial, Load, Handover Answer
	Itself                Answer        // of programs that are asked to reload themselves
	Warnings              []string      // of every load that works
	PidfileFails          string        // why no pid file can be written; "" means that it works
	WakeLate              time.Duration // from the machine's deadline to its Wake
	// HeldFirst delivers what happened during a hand-over before Booted, not after it.
	HeldFirst bool
	// Code answers for functions and plugins; nil means that behaviours do.
	Code Code
	// Tick says when a schedule is due next after a moment, both in ns since 1970; nil means that @every, @hourly and @daily are known.
	Tick func(schedule, zone string, from int64) (int64, error)
	// Told gets what the machine tells the operator, when it does; nil means that nobody listens.
	Told func(machine.Instant, machine.Note)
	// Born is the time of the wall clock at which the world begins, ns since 1970; 0 means the first of January 2026.
	Born int64
	// Unchecked leaves out the checks of the machine whose cost grows with the programs, and Bare keeps no trace either, for benchmarks.
	Unchecked, Bare bool

	m      *machine.Machine
	now    machine.Instant
	queue  queue
	config program.Config // what the next load reads
	broken string         // what is wrong with it; "" means nothing

	programs   map[key]*tally       // for look-ups only
	behaviours map[string]Behaviour // of the instances that are spawned from now on, by program
	order      []*tally             // the same, in the order in which they were first mentioned
	pid        int                  // the last one given
	clockSet   int64                // by how much the wall clock was set, ns

	trial   trial
	load    load
	asking  asking
	handing bool            // the old image is gone, the new one is not up
	image   []byte          // the state on its way
	held    []machine.Event // what happened meanwhile
	quit    bool
	status  int

	watcher Watcher // nil when nobody watches
	carry   carrier
	expect  expectations
	trace   trace
	err     error
}

// Code is what answers for the functions and the plugins of a configuration.
type Code interface {
	// Decide says what follows an end, and after how long.
	Decide(machine.Decide) Decision
	// Call calls a hook. The error is what it fails with.
	Call(machine.CallHook) error
	// Use says that the code of the configuration that was loaded last counts from now on.
	Use()
}

// Decision is an answer of Code.
type Decision struct {
	Answer
	Verdict     policy.Verdict
	Store, Blob []byte // as machine.Decided has them
}

// birth is the instant at which every world begins. It is not 0, which means none.
const birth = machine.Instant(time.Hour)

// New returns a world in which nothing has happened yet: give it a configuration and Boot it. seed is the machine's.
func New(seed uint64) *World {
	return &World{m: machine.New(seed), now: birth, pid: 1, programs: make(map[key]*tally), behaviours: make(map[string]Behaviour), expect: expectations{seed: seed}}
}

// SetConfig says what the next load reads. The caller no longer changes c.
func (w *World) SetConfig(c program.Config) { w.config, w.broken = c, "" }

// BreakConfig says that the next load fails, and why. SetConfig mends it.
func (w *World) BreakConfig(text string) { w.broken = text }

// Program says how the instances of a program behave that are spawned from now on.
func (w *World) Program(name string, b Behaviour) { w.behaviours[name] = b }

// Boot says that mwlua is up: the first load begins.
func (w *World) Boot() { w.happen(machine.Booted{}) }

// Reload asks for a reload. by says who asks and is not empty.
func (w *World) Reload(by string) { w.happen(machine.Request{Verb: machine.ReloadAll, By: by}) }

// Stop asks mwlua to stop: machine.StopAll or machine.SoftStop, and the signal that asked for it, 0 if none did.
func (w *World) Stop(verb machine.Verb, signal int) {
	w.happen(machine.Request{Verb: verb, By: signalName(signal), Signal: signal})
}

// Exit ends the current instance of a program. It returns false if there is none that runs.
func (w *World) Exit(program string, end Ending) bool {
	p := w.program(program)
	return p != nil && p.Current != 0 && w.ExitInstance(machine.ID{Program: program, Seq: p.Current}, end)
}

// ExitInstance ends an instance, current or former. It returns false if it does not run.
func (w *World) ExitInstance(id machine.ID, end Ending) bool {
	p := w.process(id)
	if p == nil || !p.running || p.dead {
		return false
	}
	w.dies(p, w.now, end, false)
	w.run(w.now, maxSteps)
	return true
}

// Advance lets time pass. It returns false, with the time where it got to, if more happened than a World is prepared for:
// programs that crash and restart without a delay.
func (w *World) Advance(d time.Duration) bool { return w.run(w.now+machine.Instant(d), maxSteps) }

// AdvanceBy is Advance in pieces: it returns false after so many steps, with the time where it got to.
func (w *World) AdvanceBy(d time.Duration, steps int) bool {
	return w.run(w.now+machine.Instant(d), steps)
}

// Settle lets time pass until nothing is under way: no load, no spawn, no process that was told to end, and after a stop
// nothing at all. It does not wait for what processes do by themselves, nor for a restart that is due later. It returns
// false if that does not come, because a program never goes or restarts without a delay.
func (w *World) Settle() bool { return w.settle(maxSteps) }

func (w *World) settle(steps int) bool {
	for ; steps > 0 && w.going() && !w.settled(); steps-- {
		at, ok := w.next()
		if !ok || at > w.now+machine.Instant(maxSettle) {
			return false
		}
		w.run(at, 1)
	}
	w.expectSettled()
	return w.quit || w.settled()
}

// Quiet lets time pass until no answer is under way that is due so soon. It does not wait for what processes do by themselves, nor for
// those that take longer to end.
func (w *World) Quiet(soon time.Duration) {
	for until := w.now + machine.Instant(soon); w.going(); {
		at, ok := w.queue.nextAnswer()
		if due, isDue := w.m.Deadline(); isDue && due <= w.now {
			at, ok = w.now, true
		}
		if !ok || at > until || !w.run(max(at, w.now), maxSteps) {
			return
		}
	}
}

const (
	maxSteps  = 1_000_000 // of one call
	maxSettle = 24 * time.Hour
)

// settled says that no answer is under way.
func (w *World) settled() bool {
	s := w.m.State()
	at, due := w.m.Deadline()
	return w.queue.answers == 0 && s.Reload.Step == machine.Idle && s.Stop.Verb == "" && !(due && at <= w.now)
}
