package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mwlua/mwlua/core/policy"
)

// decide asks the plugin within its own deadline, which begins now, or within that of ctx.
func (m *member) decide(ctx context.Context, ev policy.Event, blob []byte) (policy.Verdict, []byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, m.timeout(), fmt.Errorf("no verdict within %v", m.timeout()))
	defer cancel()
	leave, err := m.enter(ctx)
	if err != nil {
		m.count(func(c *Counters) { c.Refused++ })
		return policy.Verdict{}, nil, err
	}
	defer leave()
	run, err := m.running(ctx)
	if err != nil {
		m.count(func(c *Counters) { c.Refused++ })
		return policy.Verdict{}, nil, err
	}
	m.count(func(c *Counters) { c.Calls++ })
	v, state, err := run.OnExit(ctx, ev, blob)
	if err != nil {
		return policy.Verdict{}, nil, m.judge(ctx, err)
	}
	if len(state) > 0 {
		m.mu.Lock()
		m.state = state
		m.mu.Unlock()
	}
	return v, state, nil
}

// enter waits for one of the places.
func (m *member) enter(ctx context.Context) (leave func(), err error) {
	if d := m.breaker.paused(time.Now()); d > 0 {
		return nil, fmt.Errorf("it failed %d times within %v and is not asked for %v", breakAfter, breakWithin, d.Round(time.Second))
	}
	if !m.queue() {
		return nil, fmt.Errorf("%d other calls wait for it", mostWaiting)
	}
	defer m.unqueue()
	select {
	case m.places <- struct{}{}:
		return func() { <-m.places }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-m.over:
		return nil, errEnded
	}
}

func (m *member) queue() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.waiting >= mostWaiting {
		return false
	}
	m.waiting++
	return true
}

func (m *member) unqueue() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting--
}

// running waits for a run that can be asked, unless there will be none in time.
func (m *member) running(ctx context.Context) (*Run, error) {
	for {
		m.mu.Lock()
		run, changed, retry, why := m.run, m.changed, m.retry, m.why
		m.mu.Unlock()
		if run != nil && run.connected() {
			return run, nil
		}
		if run != nil { // it has ended, and that is not known yet
			m.doubt()
		}
		if deadline, ok := ctx.Deadline(); ok && retry.After(deadline) {
			return nil, why
		}
		select {
		case <-changed:
		case <-m.over:
			return nil, errEnded
		case <-ctx.Done():
			if why != nil {
				return nil, why
			}
			return nil, context.Cause(ctx)
		}
	}
}

// judge counts a call that went wrong, and says what is told of it.
func (m *member) judge(ctx context.Context, err error) error {
	var answer *answerError
	switch {
	case errors.Is(err, ErrGarbage):
		m.fail(failedGarbage)
		return err
	case errors.Is(context.Cause(ctx), context.Canceled): // nobody wants to know any more
		return err
	case ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded):
		m.fail(failedLate)
		m.doubt()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("no verdict within %v", m.timeout())
	case errors.As(err, &answer) && (answer.code == codes.Unavailable || answer.code == codes.Canceled): // closed already
		m.doubt() // its end counts, once for all the calls that were under way
		m.count(func(c *Counters) { c.Lost++ })
		return errors.New("it was gone before it answered")
	}
	m.fail(failedError)
	return fmt.Errorf("it answered an error: %w", err)
}

// doubt has the plugin looked at, now.
func (m *member) doubt() {
	select {
	case m.suspect <- struct{}{}:
	default:
	}
}

// failure is a way to fail.
type failure int

const (
	failedRun failure = iota
	failedError
	failedLate
	failedGarbage
)

// fail counts a failure.
func (m *member) fail(f failure) {
	m.count(func(c *Counters) {
		switch f {
		case failedRun:
			c.Ends++
		case failedError:
			c.Errors++
		case failedLate:
			c.Late++
		case failedGarbage:
			c.Garbage++
		}
	})
	if m.breaker.failed(time.Now()) {
		m.count(func(c *Counters) { c.Pauses++ })
		m.place.Log(Line{m.declared.Name, "error", fmt.Sprintf("it failed %d times within %v: it is not asked for %v", breakAfter, breakWithin, breakFor)})
	}
}

func (m *member) count(f func(*Counters)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.counted)
}
