package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

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
		return s.runFor(ctx, a.Limit, c, true)
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
		ctx, cancel := context.WithTimeout(context.Background(), a.Limit)
		defer cancel()
		c.Argv = spec.StopCommand
		err = s.runFor(ctx, a.Limit, c, false)
	}
	answer := machine.StopRan{ID: a.ID, OK: err == nil}
	if err != nil {
		answer.Text = err.Error()
	}
	s.events <- answer
}

// commandVariables are what a command is told that is run for an instance.
func commandVariables(id machine.ID, pid int) []string {
	return append(variables(id), "MAINPID="+strconv.Itoa(pid))
}

// runFor runs a command for an instance, as that runs. nil says that it ended with 0; the error says how it ended otherwise, in one
// line, with the first one of its output. ctx ends it, limit is what is said of that.
func (s *supervisor) runFor(ctx context.Context, limit time.Duration, c proc.Command, attempt bool) error {
	c.Stdio = [3]string{}
	c.Group = program.OwnGroup
	e, err := newErrand(c)
	if err != nil {
		return err
	}
	defer e.close()
	e.attempt = attempt
	if err := e.bound(); err != nil {
		return fmt.Errorf("cannot bound its output: %w", err)
	}
	exit, err := s.carryOut(ctx, e)
	if err == nil && exit.Signal == 0 && exit.Code == 0 {
		return nil
	}
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
	case exit.Signal != 0:
		return fmt.Errorf("killed by %s%s", signalName(exit.Signal), text)
	}
	return fmt.Errorf("exit status %d%s", exit.Code, text)
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
