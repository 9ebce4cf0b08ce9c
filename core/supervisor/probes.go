package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/internal/probe"
	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// maxProbes bounds the attempts that are under way at one moment. The others wait for their turn: an instance has one attempt at a
// time, and those of one that hangs must not take the places of many others.
const maxProbes = 512

// maxReason bounds what is told of the output of a command, in bytes.
const maxReason = 256

// probe makes one attempt, on a goroutine of its own.
func (s *supervisor) probe(a machine.Probe) {
	err := s.attempt(a)
	answer := machine.Probed{ID: a.ID, N: a.N, OK: err == nil}
	if err != nil {
		answer.Text = err.Error()
	}
	s.events <- answer
}

func (s *supervisor) attempt(a machine.Probe) error {
	ctx, cancel := context.WithTimeout(context.Background(), a.Limit)
	defer cancel()
	select {
	case s.probing <- struct{}{}:
		defer func() { <-s.probing }()
	case <-ctx.Done():
		return fmt.Errorf("%d other probes have no answer yet", maxProbes)
	}
	what, c, err := expandedProbe(a)
	switch {
	case err != nil:
		return fmt.Errorf("cannot expand %v", err)
	case len(what.Command) > 0:
		c.Argv = what.Command
		return s.runFor(ctx, a.Limit, c, func(e *errand) { e.attempt = true })
	}
	if err = probe.Attempt(ctx, what); err == context.DeadlineExceeded {
		return fmt.Errorf("no answer within %v", a.Limit)
	}
	return err
}

// expandedProbe is what an attempt is of, with its ${…} replaced, and what the program is to proc.
func expandedProbe(a machine.Probe) (program.Probe, proc.Command, error) {
	spec, c, err := command(a.Spec, a.Env, commandVariables(a.ID, a.PID))
	if h := a.Spec.Health; h != nil && sameProbe(a.What, h.Probe) && spec.Health != nil {
		return spec.Health.Probe, c, err
	}
	if sameProbe(a.What, a.Spec.Ready.Probe) {
		return spec.Ready.Probe, c, err
	}
	return a.What, c, err
}

func sameProbe(p, q program.Probe) bool {
	return p.HTTP == q.HTTP && p.TCP == q.TCP && p.Unix == q.Unix && slices.Equal(p.Command, q.Command)
}

// runStop runs the stop command of an instance, on a goroutine of its own.
func (s *supervisor) runStop(a machine.RunStop) {
	spec, c, err := command(a.Spec, a.Env, commandVariables(a.ID, a.PID))
	if err != nil {
		err = fmt.Errorf("cannot expand %v", err)
	} else {
		ctx, stop := context.Background(), carry.Stop{Instance: a.ID}
		if a.Limit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, a.Limit)
			defer cancel()
			stop.Until = proc.Monotonic() + int64(a.Limit)
		}
		c.Argv = spec.StopCommand
		err = s.runFor(ctx, a.Limit, c, func(e *errand) { e.stop = &stop })
	}
	s.events <- stopRan(a.ID, err)
}

func stopRan(id machine.ID, err error) machine.StopRan {
	answer := machine.StopRan{ID: id, OK: err == nil}
	if err != nil {
		answer.Text = err.Error()
	}
	return answer
}

// takeStops hears the stop commands of the previous image. What became of one that it has not left is not known: it was about to be
// started.
func (s *supervisor) takeStops(d *carry.Document) {
	runs := make(map[machine.ID]bool)
	for _, stop := range d.Stops {
		runs[stop.Instance] = true
		if stop.Ended != nil {
			s.queue = append(s.queue, stopRan(stop.Instance, failure(*stop.Ended, "")))
			continue
		}
		s.stops[stop.PID] = stop
		s.helpers[stop.PID] = func(exit proc.Exit) {
			delete(s.stops, stop.PID)
			s.queue = append(s.queue, stopRan(stop.Instance, failure(exit, "")))
		}
		if stop.Until != 0 {
			time.AfterFunc(time.Duration(stop.Until-proc.Monotonic()), func() {
				s.inLoop(func() {
					if s.stops[stop.PID] == stop {
						kill(stop.PID)
					}
				})
			})
		}
	}
	for _, id := range d.Unanswered {
		s.stopping[id] = true
		if !runs[id] {
			s.queue = append(s.queue, stopRan(id, errors.New("what became of it is not known, mwlua was reloading")))
		}
	}
}

// commandVariables are what a command is told that is run for an instance.
func commandVariables(id machine.ID, pid int) []string {
	return append(variables(id), "MAINPID="+strconv.Itoa(pid))
}

// runFor runs a command for an instance, as that runs. nil says that it ended with 0; the error says how it ended otherwise, in one
// line, with the first one of its output. ctx ends it, limit is what is said of that. mark is called before it is started.
func (s *supervisor) runFor(ctx context.Context, limit time.Duration, c proc.Command, mark func(*errand)) error {
	c.Stdio = [3]string{}
	c.Group = program.OwnGroup
	e, err := newErrand(c)
	if err != nil {
		return err
	}
	defer e.close()
	mark(e)
	if err := e.bound(); err != nil {
		return fmt.Errorf("cannot bound its output: %w", err)
	}
	exit, err := s.carryOut(ctx, e)
	text := ""
	if err == nil || err == errLate {
		output, _ := e.output()
		text = firstLine(output)
	}
	var failed *proc.StartError
	switch {
	case err == errLate:
		return fmt.Errorf("no answer within %v%s", limit, text)
	case errors.As(err, &failed):
		return fmt.Errorf("cannot run it: %s: %w", failed.Step, err)
	case err != nil:
		return err
	}
	return failure(exit, text)
}

// failure says how a command has failed, with text behind it; nil if it has not.
func failure(exit proc.Exit, text string) error {
	switch {
	case exit.Signal != 0:
		return fmt.Errorf("killed by %s%s", signalName(exit.Signal), text)
	case exit.Code != 0:
		return fmt.Errorf("exit status %d%s", exit.Code, text)
	}
	return nil
}

// firstLine is ": " and the first line of output that is not empty; "" if there is none.
func firstLine(output string) string {
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); line != "" {
			return ": " + strings.ToValidUTF8(line[:min(len(line), maxReason)], "")
		}
	}
	return ""
}
