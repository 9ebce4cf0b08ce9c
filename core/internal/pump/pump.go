// Package pump takes what a program writes into a pipe to where it is to go, and looks for a line in it.
//
// It never keeps anybody waiting who has to stop it: not for a destination that takes nothing, and not for a pipe that some
// process holds open. What it has read and not written then is part of its State, so that no byte is lost or written twice.
package pump

import (
	"bytes"
	"encoding/binary"
	"os"
	"regexp"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// bufferSize is what is read at once, in bytes.
	bufferSize = 8 << 10
	// chunkSize is PIPE_BUF: what is written to a pipe at once is written whole or not at all (pipe(7)).
	chunkSize = 4 << 10
	// maxAhead is how much waits to be written, in bytes, when the pump reads on, because it looks for something.
	maxAhead = 64 << 10
	// maxLine is how much of a line is looked at, in bytes.
	maxLine = 64 << 10
	// maxLast bounds what Finish still takes out of the pipe, in bytes: more than one holds (pipe(7)).
	maxLast = 1 << 20
)

// Pipe is the two ends of a pump.
type Pipe struct {
	In  int // the pump's own end of the pipe
	Out int // where it leads; the pump closes it at the end, as In, if it is above 2
}

// State is what a pump knows at one moment, as plain data.
type State struct {
	Pattern string // what it looks for, in RE2; "" means nothing, or nothing any more
	Line    []byte // what it has read and not searched to the end
	Rest    []byte // what it has read and not written
}

// Pump is one such pipe. Its methods belong to one goroutine.
type Pump struct {
	Pipe
	in     *os.File // In, in the runtime's poller
	found  func(halted <-chan struct{}) bool
	halted chan struct{} // closed by Halt
	finish chan struct{} // closed by Finish
	done   chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex     // guards what follows, for an Await that has waited long enough
	pattern *regexp.Regexp // nil once it was found
	line    []byte
	rest    []byte
	wake    int  // an eventfd(2) that ends a wait for Out; -1 while there is none
	ended   bool // both ends are closed
}

// Start starts a pump, new or from the state of one that was halted. It owns the pipe from now on; in case of an error, which says
// that Pattern is none, it does not. found is called from the pump's goroutine when a line matches, until it returns true; false
// says that halted was closed before anybody heard it.
func Start(pipe Pipe, state State, found func(halted <-chan struct{}) bool) (*Pump, error) {
	p := &Pump{Pipe: pipe, found: found, finish: make(chan struct{}), done: make(chan struct{}), line: state.Line, rest: state.Rest, wake: -1}
	if state.Pattern != "" {
		var err error
		if p.pattern, err = regexp.Compile(state.Pattern); err != nil {
			return nil, err
		}
	}
	_ = unix.SetNonblock(pipe.In, true) // cannot fail for a pipe; it makes os.NewFile give it to the poller
	p.in = os.NewFile(uintptr(pipe.In), "output")
	close(p.done)
	p.Resume()
	return p, nil
}

// Resume goes on after Halt.
func (p *Pump) Resume() {
	before, done := p.done, make(chan struct{})
	p.halted, p.done = make(chan struct{}), done
	r := run{Pump: p, halted: p.halted}
	go func() { // waits for output of the program, and for room for it; calls found; ends when that is all, or halted
		defer close(done)
		<-before // of which at most a write is left
		r.run()
	}()
}

// Halt asks the pump to stop, which Await waits for.
func (p *Pump) Halt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.halted)
	_ = p.in.SetReadDeadline(time.Unix(1, 0)) // fails only if it has ended
	if p.wake >= 0 {
		_, _ = unix.Write(p.wake, binary.NativeEndian.AppendUint64(nil, 1)) // fails only if somebody else has filled its counter
	}
}

// Finish asks the pump to stop when it has taken over what is in the pipe by now.
func (p *Pump) Finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.finish)
	_ = p.in.SetReadDeadline(time.Unix(1, 0)) // as above
}

// Await waits until a pump that was asked to has stopped, but no longer than until late is closed, and returns its state. One that
// does not stop is in a write to a pipe that another process has filled in the same moment: nothing of that is written before the
// whole of it is, and it is part of the state.
func (p *Pump) Await(late <-chan struct{}) State {
	select {
	case <-p.done:
	case <-late:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := State{Line: bytes.Clone(p.line), Rest: bytes.Clone(p.rest)}
	if p.pattern != nil {
		s.Pattern = p.pattern.String()
	}
	return s
}

// Ignore makes the pump look for nothing any more.
func (p *Pump) Ignore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pattern, p.line = nil, nil
}

// Ended reports whether the pump has come to the end of the pipe, and has closed both ends of its own.
func (p *Pump) Ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}
