package control

import (
	"math"
	"time"

	"github.com/mwlua/mwlua/core/machine"
)

// Instance is one process of a program.
type Instance struct {
	ID         string     `json:"instance"` // as web#3, or web[2]#3
	Seq        uint64     `json:"seq"`
	PID        int        `json:"pid,omitempty"` // 0 while it is being started
	Step       string     `json:"step"`          // a machine.Step
	Cause      string     `json:"cause,omitempty"`
	Told       string     `json:"told,omitempty"` // the last signal sent to it
	Generation uint64     `json:"generation"`     // of the load under which it was started
	Since      time.Time  `json:"since"`
	Uptime     float64    `json:"uptime_s"`
	Deadline   *time.Time `json:"deadline,omitempty"` // when the next, harder means is used
	DeadlineIn *float64   `json:"deadline_in_s,omitempty"`
	Health     *Health    `json:"health,omitempty"` // what probes say; nil before the first
	Says       string     `json:"says,omitempty"`   // by its NOTIFY_SOCKET: that it is reloading, or stopping
	StatusText string     `json:"status_text,omitempty"`
	Watchdog   *time.Time `json:"watchdog,omitempty"` // when it must have said WATCHDOG=1
	WatchdogIn *float64   `json:"watchdog_in_s,omitempty"`
	Ended      *Exit      `json:"ended,omitempty"` // in step emptying: how its process ended, pid being that one's
	Survivors  []Survivor `json:"survivors,omitempty"`
}

// Health is what probes have found out: until an instance is ready those of its readiness, then those of its health.
type Health struct {
	Ill      bool       `json:"ill"`            // it was ready, and does not serve any more
	Failures int        `json:"failures"`       // in a row
	Text     string     `json:"text,omitempty"` // why the last one failed
	Next     *time.Time `json:"next,omitempty"` // when the next one is due, or the one under way is given up
	NextIn   *float64   `json:"next_in_s,omitempty"`
}

// Survivor is a process that has outlived the one that was started.
type Survivor struct {
	PID  int    `json:"pid"`
	Name string `json:"name"`
}

// Exit is how an instance that has ended did so. Status, Code and Signal are all missing if nobody knows.
type Exit struct {
	Seq    uint64    `json:"seq"`
	Status *int      `json:"status,omitempty"` // as a shell reports it: the code, or 128 + the signal
	Code   *int      `json:"code,omitempty"`
	Signal string    `json:"signal,omitempty"` // instead of a code
	At     time.Time `json:"at"`
	Ago    float64   `json:"ago_s"`
}

// clock turns instants into times. One that is in the future comes out so, and one that never comes is far away.
type clock struct {
	now  machine.Instant
	wall time.Time // at now
}

func (c clock) time(at machine.Instant) time.Time {
	return c.wall.Add(time.Duration(at - c.now)).UTC().Truncate(time.Millisecond)
}

func (c clock) since(at machine.Instant) float64 { return seconds(time.Duration(c.now - at)) }

// until is when at is, and in how many seconds; nils for the zero Instant.
func (c clock) until(at machine.Instant) (*time.Time, *float64) {
	if at == 0 {
		return nil, nil
	}
	return new(c.time(at)), new(seconds(time.Duration(at - c.now)))
}

// seconds is d to the millisecond.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

func (c clock) instance(id machine.ID, in *machine.Instance) Instance {
	instance := Instance{
		ID: id.String(), Seq: in.Seq, PID: in.PID, Step: string(in.Step), Cause: string(in.Cause), Told: signalName(in.Told),
		Generation: in.Generation, Since: c.time(in.Since), Uptime: c.since(in.Since), Health: c.health(in.Health),
		Says: string(in.Said.Doing), StatusText: in.Said.Status, Ended: c.ended(in),
	}
	instance.Deadline, instance.DeadlineIn = c.until(in.Deadline)
	instance.Watchdog, instance.WatchdogIn = c.until(in.Said.WatchdogDue)
	for _, left := range in.Left {
		instance.Survivors = append(instance.Survivors, Survivor{left.PID, left.Name})
	}
	return instance
}

// health is nil before the first probe.
func (c clock) health(h machine.Health) *Health {
	if h.N == 0 {
		return nil
	}
	health := &Health{Ill: h.Ill, Failures: h.Failures, Text: h.Text}
	health.Next, health.NextIn = c.until(h.Due)
	return health
}

// ended is how the process of an instance ended that others have outlived, else nil.
func (c clock) ended(in *machine.Instance) *Exit {
	if in.Ended == nil {
		return nil
	}
	return c.exit(machine.Ending{
		Seq: in.Seq, Code: in.Ended.Code, Signal: in.Ended.Signal, At: in.Since + machine.Instant(in.Ended.Ran),
	})
}

func (c clock) exit(e machine.Ending) *Exit {
	if e.Seq == 0 {
		return nil
	}
	exit := Exit{Seq: e.Seq, Signal: signalName(e.Signal), At: c.time(e.At), Ago: c.since(e.At)}
	if e.Signal == 0 && e.Code != machine.UnknownCode {
		exit.Code = new(e.Code)
	}
	if exit.Code != nil || e.Signal != 0 {
		exit.Status = new(e.Status())
	}
	return &exit
}
