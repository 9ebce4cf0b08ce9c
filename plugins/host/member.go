package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// Limits of a declared plugin.
const (
	verdictTimeout = 2 * time.Second // if the declaration does not say
	atOnce         = 8               // calls under way
	mostWaiting    = 4096            // calls that wait for their turn
	healthEvery    = 15 * time.Second
	shortestDelay  = 500 * time.Millisecond // before it is started again
	longestDelay   = time.Minute
	ranWell        = time.Minute // a run of this length makes the next delay the shortest one
)

var errEnded = errors.New("it was ended")

// member is a declared plugin. Its goroutine, live, is the only one that starts and ends runs of it.
type member struct {
	declared program.Plugin
	place    Place
	asker    func() Asker
	end      context.CancelFunc // ends live
	over     <-chan struct{}    // closed when it is to end
	ended    chan struct{}      // closed when live has ended
	places   chan struct{}      // a value in it is a call that is under way
	suspect  chan struct{}      // a call was not answered: is it alive?
	breaker  breaker

	mu       sync.Mutex
	run      *Run          // nil while none can be asked
	stopping *Run          // it is not asked any more, and is being ended
	changed  chan struct{} // closed when run or starting changes
	retry    time.Time     // of the next start, while it waits for that
	why      error         // of the last run's end or the last start's failure
	state    []byte        // of the last verdict
	waiting  int           // calls that have no place yet
	counted  Counters
	since    time.Time // of the state that it is in
}

func newMember(ctx context.Context, declared program.Plugin, place Place, asker func() Asker, state []byte) *member {
	ctx, end := context.WithCancel(ctx)
	m := &member{
		declared: declared, place: place, asker: asker, end: end, over: ctx.Done(), ended: make(chan struct{}), state: state,
		since: time.Now(), places: make(chan struct{}, atOnce), suspect: make(chan struct{}, 1), changed: make(chan struct{}),
	}
	// It waits for the ends of runs and for the next start, tells the callers by m.change, and ends with ctx.
	go m.live(ctx)
	return m
}

// live starts the plugin, and starts it again when it has ended.
func (m *member) live(ctx context.Context) {
	defer close(m.ended)
	delay := time.Duration(0)
	for ctx.Err() == nil {
		began := time.Now()
		run, err := m.start(ctx)
		if err == nil {
			m.change(run, nil, time.Time{})
			err = m.attend(ctx, run)
		}
		if time.Since(began) >= ranWell {
			delay = 0
		}
		delay = min(max(2*delay, shortestDelay), longestDelay)
		m.stop(run)
		m.change(nil, err, time.Now().Add(delay))
		if run != nil {
			m.drain(ctx)
			run.Stop()
			m.stop(nil)
		}
		if ctx.Err() == nil {
			m.fail(failedRun)
			m.place.Log(Line{m.declared.Name, "warn", fmt.Sprintf("%v; it is started again in %v", err, delay)})
			m.rest(ctx, delay)
		}
	}
	m.change(nil, errEnded, time.Time{})
}

// stop notes who is being ended.
func (m *member) stop(run *Run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopping = run
}

// rest waits until it is time to start again.
func (m *member) rest(ctx context.Context, delay time.Duration) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		m.change(nil, nil, time.Time{})
	case <-ctx.Done():
	}
}

// start is one attempt to get a run that can be asked.
func (m *member) start(ctx context.Context) (*Run, error) {
	m.count(func(c *Counters) { c.Starts++ })
	m.mu.Lock()
	state := m.state
	m.mu.Unlock()
	return m.place.Ready(ctx, m.declared, state, m.asker())
}

// attend waits until a run has to be given up, and says why.
func (m *member) attend(ctx context.Context, run *Run) error {
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-run.Ended():
			return endOf(run.Exit())
		case <-tick.C:
		case <-m.suspect:
		}
		if err := run.Healthy(ctx); err != nil && ctx.Err() == nil {
			if run.endsWithin(endsItself) { // its connection may be seen to break before its end is collected
				return endOf(run.Exit())
			}
			return err
		}
		m.change(run, nil, time.Time{}) // for who had doubts
	}
}

func endOf(exit Exit) error {
	if exit.Signal != 0 {
		return fmt.Errorf("it was killed by signal %d", exit.Signal)
	}
	return fmt.Errorf("it ended with status %d", exit.Code)
}

// drain lets the calls end that are under way when the plugin is ended, but not for longer than a stop takes.
func (m *member) drain(ctx context.Context) {
	if ctx.Err() == nil { // the run is of no use any more
		return
	}
	limit := time.NewTimer(stopTimeout)
	defer limit.Stop()
	for range atOnce {
		select {
		case m.places <- struct{}{}: // and never given back: nobody is asked from here on
		case <-limit.C:
			return
		}
	}
}

// change says what callers meet from now on.
func (m *member) change(run *Run, why error, retry time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if run == nil || run != m.run {
		m.since = time.Now()
	}
	m.run, m.retry = run, retry
	if why != nil {
		m.why = why
	}
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *member) timeout() time.Duration {
	if m.declared.Timeout > 0 {
		return min(m.declared.Timeout, policy.MaxDeadline)
	}
	return verdictTimeout
}
