package host

import "time"

// State is what a declared plugin is doing.
type State string

const (
	Starting State = "starting" // its verdicts are waited for
	Up       State = "up"       // it is asked
	Paused   State = "paused"   // it failed too often, and is not asked for a while
	Waiting  State = "waiting"  // it could not be started or has ended, and is started again later
)

// Counters count since the plugin was declared.
type Counters struct {
	Starts  uint64
	Ends    uint64 // of runs that were not to end, and starts that failed
	Calls   uint64 // that the plugin got
	Refused uint64 // calls that it did not get: it was not up in time, or too many waited
	Errors  uint64 // it answered with an error
	Late    uint64 // it did not answer in time
	Garbage uint64 // it answered with what is no verdict
	Lost    uint64 // it was gone before it answered
	Pauses  uint64
}

// Status is what can be said of a declared plugin.
type Status struct {
	Name, Path string
	State      State
	Since      time.Time // of the state
	PID        int       // 0 unless it is up
	Version    string    // of the plugin, while it is up
	Error      string    // of the last end or failed start; "" if there was none
	Retry      time.Time // of the next start, for Waiting
	Waiting    int       // calls that wait for their turn
	UnderWay   int       // calls that it did not answer yet
	Counters
}

func (m *member) status() Status {
	paused := m.breaker.paused(time.Now())
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Status{
		Name: m.declared.Name, Path: m.declared.Path, State: Starting, Since: m.since, Retry: m.retry,
		Waiting: m.waiting, UnderWay: len(m.places), Counters: m.counted,
	}
	if m.why != nil {
		s.Error = m.why.Error()
	}
	switch {
	case m.run != nil:
		s.State, s.PID, s.Version = Up, m.run.Identity().PID, m.run.Version
	case !m.retry.IsZero():
		s.State = Waiting
	}
	if paused > 0 {
		s.State = Paused
	}
	return s
}
