package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/internal/signals"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// Code answers for the functions and the plugins of a configuration. Its methods are called from goroutines that wait for them, but
// for Use, which is called from the loop and must return at once.
type Code interface {
	// Use says that config is in force, the one of this generation: its handlers and plugins count from now on, and no others.
	Use(config program.Config, generation uint64)
	// Status is that of the plugins. It is called from the loop, and must return at once.
	Status() []control.Plugin
	// Decide asks by. blob is what a plugin has left for the program; store and left are what a handler and a plugin leave now, nil
	// for no change. An error is one line.
	Decide(ctx context.Context, by program.Decider, ev policy.Event, blob []byte) (v policy.Verdict, store, left []byte, err error)
	// Call calls a handler.
	Call(ctx context.Context, hook machine.CallHook) error
	// Begin is called before anything else, from the loop, and must return at once: hands start processes, and carried is what Carried
	// of the image before has returned, nil if there was none.
	Begin(hands *Hands, carried []byte)
	// Carried is what the next image has to know, nil for nothing. It is called from the loop, at a hand-over that may still fail.
	Carried() []byte
	// Close ends what runs, within the deadline of ctx: mwlua leaves.
	Close(ctx context.Context)
}

// decide asks a function or a plugin, and sends what came of it.
func (s *supervisor) decide(a machine.Decide) {
	ev, err := s.question(a)
	if err != nil {
		s.events <- machine.DecideFailed{ID: a.ID, N: a.N, Text: err.Error()}
		return
	}
	s.events <- ev
}

func (s *supervisor) question(a machine.Decide) (machine.Event, error) {
	if s.Code == nil {
		return nil, errors.New("this mwlua runs no code")
	}
	ctx, cancel := context.WithTimeout(context.Background(), a.Limit)
	defer cancel()
	a.Event.Time = time.Duration(time.Now().UnixNano())
	v, store, blob, err := s.Code.Decide(ctx, a.By, a.Event, a.Blob)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("no answer within %v", a.Limit)
	case err != nil:
		return nil, err
	}
	return machine.Decided{ID: a.ID, N: a.N, Verdict: v, Store: store, Blob: blob}, nil
}

// call calls a hook, and sends what went wrong.
func (s *supervisor) call(a machine.CallHook) {
	if s.Code == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), a.Limit)
	defer cancel()
	if err := s.Code.Call(ctx, a); err != nil {
		s.events <- machine.HookFailed{Name: a.Name, Text: err.Error()}
	}
}

// useCode has the code of the configuration in force count from now on.
func (s *supervisor) useCode() {
	if s.Code != nil {
		state := s.m.State()
		s.Code.Use(state.Config, state.Generation)
	}
}

func (s *supervisor) plugins() []control.Plugin {
	if s.Code == nil {
		return nil
	}
	return s.Code.Status()
}

// beginCode gives code its hands, once there is a loop to come that lends them.
func (s *supervisor) beginCode(before *carry.Document) {
	if s.Code == nil {
		return
	}
	var carried []byte
	if before != nil {
		carried = before.Code
	}
	s.Code.Begin(&Hands{s}, carried)
}

// closeTimeout is how long code may take to end what it has started, when mwlua leaves.
const closeTimeout = 4 * time.Second

// closeCode ends what code has started, and goes on collecting children meanwhile.
func (s *supervisor) closeCode() {
	if s.Code == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	closed := make(chan struct{})
	go func() { // waits for the ends of plugins; closes closed; ends then, or after a while
		s.Code.Close(ctx)
		close(closed)
	}()
	for {
		select {
		case <-closed:
			return
		case <-ctx.Done():
			return
		case f := <-s.calls:
			f()
		case <-signals.Child:
			s.collect()
		}
	}
}
