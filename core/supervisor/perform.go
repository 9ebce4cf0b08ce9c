package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/google/renameio/v2"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// The signals that ask for a stop.
const (
	sigINT  = 2
	sigUSR1 = 10
	sigTERM = 15
)

// trimAfter is when what a load took is given back: not while programs start.
const trimAfter = 500 * time.Millisecond

// stopRequest is what a signal asks for.
func stopRequest(signal int) machine.Event {
	switch signal {
	case sigUSR1:
		return machine.Request{Verb: machine.SoftStop, By: "SIGUSR1", Signal: signal}
	case sigINT:
		return machine.Request{Verb: machine.StopAll, By: "SIGINT", Signal: signal}
	default:
		return machine.Request{Verb: machine.StopAll, By: "SIGTERM", Signal: sigTERM}
	}
}

// performAll carries out the actions of a step. Before some of them whom they are about to signal is looked at, because nobody can tell
// whose a process is once its parents are gone.
func (s *supervisor) performAll(now machine.Instant, actions []machine.Action) {
	for some := range slices.Chunk(actions, 2048) {
		s.remember(some)
		for some = s.spawnAll(some); len(some) > 0; some = s.spawnAll(some[1:]) {
			s.perform(now, some[0])
		}
	}
}

// perform carries out one action. What comes of it goes to the queue, or later to the channel.
func (s *supervisor) perform(now machine.Instant, a machine.Action) {
	switch a := a.(type) {
	case machine.Load:
		go s.load(a.N) // waits for the loader; sends what it returns; ends then
	case machine.Trial:
		s.startTrial(a.N)
	case machine.EndTrial:
		s.endTrial()
	case machine.Handover:
		s.handOver(a.N)
	case machine.Spawn:
		s.queue = append(s.queue, s.spawn(a))
	case machine.Signal:
		s.signal(a)
	case machine.SignalUnit:
		s.signalUnit(a)
	case machine.Follow:
		s.follow(a)
	case machine.Probe:
		go s.probe(a) // waits for its turn, then for the program's answer; sends it; ends then, or at its limit
	case machine.RunStop:
		s.stopping[a.ID] = true
		go s.runStop(a) // waits for the command's end; sends it; ends then, or at its limit
	case machine.Decide:
		go s.decide(a) // waits for the answer; sends it; ends then, or at its limit
	case machine.CallHook:
		go s.call(a) // waits for the function; sends what went wrong; ends then, or after a while
	case machine.UseCode:
		s.useCode()
	case machine.NextTick:
		s.nextTick(now, a)
	case machine.OpenSockets:
		s.openSockets(a)
	case machine.ReloadItself:
		go s.reloadItself(a) // waits for the program's answer; sends it; ends then
	case machine.AwaitServing:
		go s.awaitServing(a) // waits for the program; sends what came of it; ends then, or after a while
	case machine.WritePidfile:
		if err := writePidfile(a.Path); err != nil {
			s.queue = append(s.queue, machine.PidfileFailed{Text: err.Error()})
		}
	case machine.OpenControl:
		if err := s.openControl(a); err != nil {
			s.queue = append(s.queue, machine.ControlFailed{Text: err.Error()})
		}
	case machine.Reply:
		s.answer(a)
	case machine.Report:
		s.tell(now, a.To)
	case machine.Notify:
		s.notify(a.Doing)
		if a.Doing == machine.IsReady {
			if s.Ready != nil {
				s.Ready()
			}
			time.AfterFunc(trimAfter, proc.Trim) // on a goroutine that ends after some milliseconds
		}
	case machine.Note:
		s.Log.Note(now, a)
	case machine.Quit:
		s.endTrial()
		s.quit = &a.Status
	}
}

// load reads the configuration, on a goroutine of its own: a configuration that is code may take its time.
func (s *supervisor) load(n uint64) {
	config, problems := s.Load(s.run, true)
	s.events <- loadAnswer(n, config, problems)
}

// loadAnswer is the event for what a loader returned.
func loadAnswer(n uint64, config program.Config, problems program.Problems) machine.Event {
	failed := problems.Errors()
	if len(failed) == 0 {
		failed = config.Validate()
	}
	if len(failed) > 0 {
		return machine.LoadFailed{N: n, Text: failed.Error()}
	}
	ev := machine.Loaded{N: n, Config: config}
	for _, w := range problems.Warnings() {
		ev.Warnings = append(ev.Warnings, w.String())
	}
	return ev
}

// writePidfile replaces the file in one go, so that nobody reads half a number (H-4.9: mode 0644, a newline at the end).
func writePidfile(path string) error {
	err := renameio.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644, renameio.WithTempDir(filepath.Dir(path)))
	if err != nil {
		return fmt.Errorf("cannot write pidfile %q: %w", path, err)
	}
	return nil
}
