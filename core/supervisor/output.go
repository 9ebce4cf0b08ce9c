package supervisor

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/internal/pump"
	"github.com/mwlua/mwlua/core/machine"
)

// patienceWithPumps is how long a hand-over, and the end of mwlua, wait for pumps that are to stop.
const patienceWithPumps = time.Second

// output is a pump that takes what an instance writes to where it leads. It may outlive the instance, as whatever else holds the pipe.
type output struct {
	id machine.ID
	*pump.Pump
}

// pumpOutput starts a pump, and owns the pipe from now on.
func (s *supervisor) pumpOutput(id machine.ID, pipe pump.Pipe, state pump.State) {
	s.outputs = slices.DeleteFunc(s.outputs, func(o output) bool { return o.Ended() })
	p, err := pump.Start(pipe, state, func(halted <-chan struct{}) bool {
		select {
		case s.events <- machine.Ready{ID: id}:
			return true
		case <-s.sockets.left: // nobody wants to know any more
			return true
		case <-halted:
			return false
		}
	})
	if err != nil { // a pattern that another release has taken
		s.Log.Warn("nothing is looked for in what %v writes: %v", id, err)
		state.Pattern = ""
		p, _ = pump.Start(pipe, state, nil)
	}
	s.outputs = append(s.outputs, output{id, p})
}

// ignoreOutput looks for nothing more in what an instance writes.
func (s *supervisor) ignoreOutput(id machine.ID) {
	for _, o := range s.outputs {
		if o.id == id {
			o.Ignore()
		}
	}
}

// haltOutputs stops all pumps, so that their state is what it is.
func (s *supervisor) haltOutputs() {
	for _, o := range s.outputs {
		o.Halt()
	}
	s.awaitOutputs()
}

func (s *supervisor) resumeOutputs() {
	for _, o := range s.outputs {
		o.Resume()
	}
}

// finishOutputs takes over what programs have written, at the end of mwlua. Who holds a pipe open is not waited for.
func (s *supervisor) finishOutputs() {
	for _, o := range s.outputs {
		o.Finish()
	}
	s.awaitOutputs()
}

func (s *supervisor) awaitOutputs() {
	ctx, cancel := context.WithTimeout(context.Background(), patienceWithPumps)
	defer cancel()
	for _, o := range s.outputs {
		o.Await(ctx.Done())
	}
}

// carriedOutputs adds what the next image gets of pumps, which are halted.
func (s *supervisor) carriedOutputs(d *carry.Document) {
	late := make(chan struct{})
	close(late) // haltOutputs has waited
	for _, o := range s.outputs {
		if o.Ended() {
			continue
		}
		state := o.Await(late)
		d.Descriptors = append(d.Descriptors, carry.Descriptor{
			Instance: o.id, Kind: carry.OutputPipe, FD: o.In,
			Output: &carry.Output{To: o.Out, Pattern: state.Pattern, Line: state.Line, Rest: state.Rest},
		})
	}
}

// takeOutput goes on with a pump of the previous image.
func (s *supervisor) takeOutput(d carry.Descriptor) {
	if d.Output.To > 2 {
		unix.CloseOnExec(d.Output.To)
	}
	s.pumpOutput(d.Instance, pump.Pipe{In: d.FD, Out: d.Output.To},
		pump.State{Pattern: d.Output.Pattern, Line: d.Output.Line, Rest: d.Output.Rest})
}

// drain is where a stream of a program leads that a pump comes before: a descriptor above 2 is the pump's own.
func drain(stream int, path string) (int, error) {
	if path == "" {
		return stream, nil
	}
	return proc.OpenOutput(stream, path)
}

// sameFile reports whether two descriptors lead to the same file.
func sameFile(a, b int) bool {
	var x, y unix.Stat_t
	return unix.Fstat(a, &x) == nil && unix.Fstat(b, &y) == nil && x.Dev == y.Dev && x.Ino == y.Ino
}
