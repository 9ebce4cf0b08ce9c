package supervisor

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/internal/signals"
	"github.com/mwlua/mwlua/core/machine"
)

// handOver replaces this image by the next one. When it returns, it failed, and everything is as before.
func (s *supervisor) handOver(n uint64) {
	err := s.tryHandOver()
	if stop := pendingStop(); stop != nil {
		s.queue = append(s.queue, stop) // it comes first, and is the reason
	}
	s.queue = append(s.queue, machine.HandoverFailed{N: n, Text: err.Error()})
}

func (s *supervisor) tryHandOver() error {
	t := s.trial
	if t == nil || t.pid == 0 {
		return errors.New("the guard of the hand-over has ended")
	}
	s.hold(true)
	defer s.hold(false)
	s.haltOutputs()
	defer s.resumeOutputs()
	s.catchUp()
	if s.trial != t || s.quit != nil {
		return errors.New("a stop was asked for")
	}
	fds, err := s.seal(t)
	if err != nil {
		return err
	}
	// From here to the end nothing may be collected: the guard opens the processes by the pids in the state.
	if err := t.ask(wordGuard, wordReady); err != nil {
		return err
	}
	for _, fd := range fds {
		if err := carry.Inherit(fd, true); err != nil {
			return err
		}
		defer carry.Inherit(fd, false)
	}
	s.finishAnswers()
	s.flushJournal()
	s.Log.Flush()
	err = proc.Exec(proc.Image{
		Path: s.path, Argv: os.Args, Env: append(os.Environ(), carry.Variable+"="+strconv.Itoa(t.file.FD())),
		IntIgnored: signals.IntIgnored, LastWord: lastWord, Back: signals.Listen,
	})
	return fmt.Errorf("cannot execute %s: %w", s.path, err)
}

// lastWord is the last look at the stops that this image was asked for.
func lastWord() error {
	if signals.StopsCaught() {
		return errors.New("a stop was asked for")
	}
	return nil
}

// seal writes the final state, and returns the descriptors that the next image gets.
func (s *supervisor) seal(t *trial) ([]int, error) {
	self, err := proc.Identify(os.Getpid())
	if err != nil {
		return nil, err
	}
	d := carry.Document{Binary: s.Version, Master: self, State: s.m.State(), Guard: carry.Guard{PID: t.pid, FD: t.fd}}
	for pid := range s.helpers {
		if pid != t.pid {
			d.Helpers = append(d.Helpers, pid)
		}
	}
	d.Attempts, d.Stops = slices.Collect(maps.Keys(s.attempts)), slices.Collect(maps.Values(s.stops))
	d.Stops = slices.AppendSeq(d.Stops, maps.Values(s.stopped))
	d.Unanswered = slices.Collect(maps.Keys(s.stopping))
	d.Lent, d.CGroups = slices.Collect(maps.Values(s.lent)), s.cgroups
	s.carried(&d)
	if s.Code != nil {
		d.Code = s.Code.Carried()
	}
	s.carriedInstances(&d)
	s.carriedOutputs(&d)
	s.carriedListeners(&d)
	if s.clock != none {
		d.Clock = s.clock
	}
	d.Journal = s.carriedJournal()
	if err := t.file.Write(d); err != nil {
		return nil, err
	}
	return append(d.FDs(), t.file.FD()), t.file.Seal()
}

// takeOver makes the children of the previous image ours, and lets its guard go.
func (s *supervisor) takeOver(d *carry.Document) {
	for _, pid := range append(d.Helpers, d.Guard.PID) {
		s.helpers[pid] = func(proc.Exit) {}
	}
	for _, pid := range d.Attempts {
		kill(pid)
	}
	s.takeStops(d)
	for _, l := range d.Lent {
		s.lent[l.PID] = l
		s.helpers[l.PID] = func(proc.Exit) { delete(s.lent, l.PID) }
	}
	s.cgroups = d.CGroups
	s.takeInstances(d)
	s.takeClock(d.Clock)
	if _, err := unix.Write(d.Guard.FD, []byte(wordUp+"\n")); err != nil {
		s.Log.Warn("cannot reach the guard of the hand-over, which may stop the programs: %v", err)
	}
	unix.Close(d.Guard.FD)
}
