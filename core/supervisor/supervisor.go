package supervisor

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mwlua/mwlua/core/control/mastercli"
	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/internal/listen"
	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/internal/signals"
	"github.com/mwlua/mwlua/core/internal/watch"
	"github.com/mwlua/mwlua/core/journal"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// Options is what a supervisor is made of.
type Options struct {
	// Load reads the configuration. It is called for every load, on a goroutine of its own, and in the process of a trial. What it
	// needs to have run it has run by the Runner, and it changes nothing that a program could notice.
	// With use, the configuration is going to be in force if it is good; without, it is only looked at.
	Load func(run Runner, use bool) (program.Config, program.Problems)
	Log  *Log
	// Ready is called whenever a load has succeeded and its programs were started, in the goroutine of the loop: it must not take
	// long. nil means that nobody wants to know.
	Ready func()
	// Args are the arguments of this process, without its name: the next image gets the same.
	Args []string
	// TrialArgs come before Args in a trial of the next image.
	TrialArgs []string
	// Version is that of this binary, for messages between images.
	Version string
	// MasterCLI are the addresses at which HAProxy's master CLI listens (-S), and HAProxyVersion returns the release that it answers as.
	MasterCLI      []mastercli.Address
	HAProxyVersion func() string
	// Code answers for functions and plugins; nil means that there are none.
	Code Code
	// HAProxy is the one of the programs that is an HAProxy; nil when there is none.
	HAProxy *HAProxy
	// Journal is where all steps of the machine are recorded; the zero one is nowhere.
	Journal journal.File
}

// supervisor is the state of the shell. It holds handles, no decisions.
type supervisor struct {
	Options
	m       *machine.Machine
	path    string                  // the binary to execute at a reload
	queue   []machine.Event         // what performing actions brought about, in order
	events  chan machine.Event      // what goroutines bring about
	owners  map[int]machine.ID      // pid → instance, for each child that is one
	helpers map[int]func(proc.Exit) // who hears of the end of a trial, a guard, an errand
	errands chan *errand
	nursery *proc.Nursery
	calls   chan func()     // what others want to be done in the loop
	trial   *trial          // under way, or passed and waiting to guard; nil when there is none
	quit    *int            // status, once Quit was performed
	deaf    bool            // the service manager could not be reached, and that was said
	started machine.Instant // when the first image started
	sockets sockets

	watch     *watch.Watch // of what instances say, and of the clock
	mailbox   *mailbox
	instances map[machine.ID]*instance  // those that are more than a process
	emptying  map[machine.ID]*instance  // of these, whose process was collected while others of it live
	looked    int64                     // when it was looked at them, as proc.Monotonic has it
	claims    map[int]*claim            // pid → what an instance says is its process, until the machine has heard it
	silent    map[int]bool              // pids of children that were the process of an instance once
	attempts  map[int]bool              // pids of commands of probes
	stops     map[int]carry.Stop        // stop commands that run, by their pids
	stopping  map[machine.ID]bool       // instances whose stop command has no answer yet
	stopped   map[machine.ID]carry.Stop // of these, whose stop command has ended
	lent      map[int]carry.Lent        // what code has started, by pid
	outputs   []output
	probing   chan struct{} // has one entry for each probe that is under way
	listeners map[machine.ProgramSocket]*listen.Socket
	clock     int             // tells when the wall clock is set; none before anybody needs to know
	adopts    bool            // orphans of programs become our children
	cgroups   []string        // of instances that are gone, to be removed
	ungrouped bool            // a control group could not be made, and that was said
	recorder  *journal.Writer // nil when nothing is recorded
}

// newSupervisor returns one without a machine. An error means that it could not be made.
func newSupervisor(o Options) (*supervisor, error) {
	w, err := watch.New()
	if err != nil {
		return nil, err
	}
	return &supervisor{
		nursery: proc.NewNursery(),
		Options: o, events: make(chan machine.Event, 16), errands: make(chan *errand), calls: make(chan func()), sockets: newSockets(),
		owners: make(map[int]machine.ID), helpers: make(map[int]func(proc.Exit)),
		watch: w, mailbox: newMailbox(), instances: make(map[machine.ID]*instance), emptying: make(map[machine.ID]*instance),
		claims: make(map[int]*claim), silent: make(map[int]bool), attempts: make(map[int]bool), stops: make(map[int]carry.Stop), stopping: make(map[machine.ID]bool), stopped: make(map[machine.ID]carry.Stop), lent: make(map[int]carry.Lent),
		probing: make(chan struct{}, maxProbes), listeners: make(map[machine.ProgramSocket]*listen.Socket), clock: none,
	}, nil
}

// Run runs the supervisor until it is asked to stop, and returns the status to exit with. It must be called from the main
// goroutine: it keeps its thread for good. An error means that it could not begin.
func Run(o Options) (int, error) {
	s, err := newSupervisor(o)
	if err != nil {
		return 1, err
	}
	s.path = executable()
	before, err := s.receive()
	if err != nil {
		return 1, err
	}
	if err := proc.CloseOnExec(); err != nil {
		s.Log.Warn("descriptors that mwlua inherited reach programs: cannot close them: %v", err)
	}
	if err := proc.Own(); err != nil {
		return 1, fmt.Errorf("cannot clear the signal mask: %w", err)
	}
	proc.DefaultIgnored()
	s.started = start(before)
	s.beginJournal(before)
	if before != nil {
		s.takeOver(before)
	}
	if err := s.open(before); err != nil {
		return 1, err
	}
	s.beginCode(before)
	s.collect()
	s.queue = append(s.queue, machine.Booted{})
	status := s.loop()
	s.endJournal()
	s.closeCode()
	s.endErrands()
	close(s.sockets.left)
	s.closeControl()
	s.closeAllListeners()
	s.finishAnswers()
	s.finishOutputs()
	o.Log.Flush()
	s.removeCGroups()
	return status, nil
}

// ReleaseSignals gives signals back their default effect, for commands that are no supervisor: Ctrl-C ends them.
func ReleaseSignals() { signals.Release() }

// loop is the only place that steps the machine.
func (s *supervisor) loop() int {
	timer := time.NewTimer(time.Hour)
	s.Log.gathers = true
	defer func() { // after a defect of ours, too
		s.Log.gathers = false
		s.Log.Flush()
	}()
	for s.quit == nil {
		if len(s.queue) > 0 {
			ev := s.queue[0]
			s.queue = s.queue[1:]
			s.step(ev)
			continue
		}
		s.Log.push()
		s.next(timer)
	}
	return *s.quit
}

// next waits for something to happen and puts it into the queue. Stops come first.
func (s *supervisor) next(timer *time.Timer) {
	if ev := pendingStop(); ev != nil {
		s.queue = append(s.queue, ev)
		return
	}
	timer.Stop()
	var wake <-chan time.Time
	if at, ok := s.m.Deadline(); ok {
		timer.Reset(max(0, time.Duration(int64(at)-proc.Monotonic())))
		wake = timer.C
	}
	select {
	case <-signals.Term:
		s.queue = append(s.queue, stopRequest(sigTERM))
	case <-signals.Int:
		s.queue = append(s.queue, stopRequest(sigINT))
	case <-signals.Usr1:
		s.queue = append(s.queue, stopRequest(sigUSR1))
	case <-signals.Usr2:
		s.queue = append(s.queue, machine.Request{Verb: machine.ReloadAll, By: "SIGUSR2"})
	case <-signals.Hup:
		s.queue = append(s.queue, machine.Request{Verb: machine.ReloadAll, By: "SIGHUP"})
	case <-signals.Child:
		s.collect()
	case f := <-s.calls:
		f()
	case e := <-s.errands:
		s.serve(e)
	case a := <-s.sockets.asks:
		s.heard(a)
	case <-s.lookDue():
		s.ended()
	case e := <-s.watch.Events():
		s.watch.Handle(e)
	case ev := <-s.events:
		s.happened(ev)
	case <-wake:
		s.queue = append(s.queue, machine.Wake{})
	}
}

// pendingStop is a stop that was asked for and not heard yet; nil when there is none.
func pendingStop() machine.Event {
	select {
	case <-signals.Term:
		return stopRequest(sigTERM)
	case <-signals.Int:
		return stopRequest(sigINT)
	case <-signals.Usr1:
		return stopRequest(sigUSR1)
	default:
		return nil
	}
}

// happened takes an event of another goroutine.
func (s *supervisor) happened(ev machine.Event) {
	s.queue = append(s.queue, ev)
	if ready, ok := ev.(machine.Ready); ok {
		s.ignoreOutput(ready.ID)
	}
}

// step sends one event to the machine and performs its answer.
func (s *supervisor) step(ev machine.Event) {
	now := machine.Instant(proc.Monotonic())
	s.performAll(now, s.stepMachine(now, ev))
	switch ev := ev.(type) {
	case machine.Notified:
		delete(s.claims, ev.MainPID)
	case machine.StopRan:
		delete(s.stopping, ev.ID)
		delete(s.stopped, ev.ID)
	case machine.Exited:
		s.release(ev.ID)
	}
}

// stepMachine is a step, which is recorded before anything of it is performed.
func (s *supervisor) stepMachine(now machine.Instant, ev machine.Event) []machine.Action {
	if s.recorder == nil {
		return s.m.Step(now, ev)
	}
	s.recorder.Before(now, s.m)
	actions := s.m.Step(now, ev)
	s.recorder.After(now, ev, actions)
	return actions
}

// receive makes the machine: from what the previous image left, or a new one.
func (s *supervisor) receive() (*carry.Document, error) {
	d, err := carry.Received()
	if errors.Is(err, carry.ErrNotOurs) {
		s.Log.Warn("%v", err)
		d, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	if d == nil {
		s.m = machine.New(uint64(proc.Monotonic()) ^ uint64(os.Getpid())<<32)
		return nil, nil
	}
	s.m, err = machine.Restore(d.State)
	return d, err
}
