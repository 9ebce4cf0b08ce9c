package host

import (
	"sync"
	"time"
)

// The breaker's numbers.
const (
	breakAfter  = 5 // failures
	breakWithin = time.Minute
	breakFor    = 30 * time.Second
)

// breaker keeps a plugin that fails again and again from making every program wait for its fallback.
type breaker struct {
	mu       sync.Mutex
	failures []time.Time // the last ones, at most breakAfter
	until    time.Time   // nothing is asked before
}

// failed counts a failure, and says whether that began a pause.
func (b *breaker) failed(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Before(b.until) { // of a call from before the pause
		return false
	}
	b.failures = append(b.failures, now)
	if len(b.failures) < breakAfter {
		return false
	}
	oldest := b.failures[0]
	if now.Sub(oldest) > breakWithin {
		b.failures = b.failures[1:]
		return false
	}
	b.failures, b.until = nil, now.Add(breakFor)
	return true
}

// paused is how long nothing is asked from now; 0 if it may be.
func (b *breaker) paused(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(0, b.until.Sub(now))
}
