package control

import (
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mwlua/mwlua/core/machine"
)

// Status is the JSON of GET /v1/status. Fields are added to these types, and never taken away or given another meaning.
type Status struct {
	Supervisor Supervisor `json:"supervisor"`
	Programs   []Program  `json:"programs"` // in the order of the configuration, then those that it has no more
}

// Supervisor is mwlua itself. A reload changes neither its pid nor when it started.
type Supervisor struct {
	PID         int       `json:"pid"`
	Version     string    `json:"version"`
	Started     time.Time `json:"started"`
	Uptime      float64   `json:"uptime_s"`
	Generation  uint64    `json:"generation"`   // the number of the last load that succeeded; 0 before the first
	FailedLoads int       `json:"failed_loads"` // since then
	Reloading   string    `json:"reloading"`    // the machine.ReloadStep of the load that runs; "" if none does
	Stopping    string    `json:"stopping"`     // stop or soft-stop; "" if it does not stop
}

// Program is one program. Instance is nil if it has no current one.
type Program struct {
	Name    string `json:"name"`
	NameURL string `json:"name_url,omitempty"` // of a name that is not UTF-8: its bytes, escaped as in a URL
	Phase   string `json:"phase"`              // a machine.Phase
	Held    bool   `json:"held"`               // it was stopped by request, and stays down until it is started so
	*Instance
	Starts    uint64     `json:"starts"`   // for whatever reason: the number of its newest instance
	Restarts  int        `json:"restarts"` // after exits, as far as they count for the limit
	Failures  int        `json:"failures"` // in a row
	NextStart *time.Time `json:"next_start,omitempty"`
	NextIn    *float64   `json:"next_start_in_s,omitempty"`
	LastExit  *Exit      `json:"last_exit,omitempty"`
	Former    []Instance `json:"former,omitempty"` // instances on their way out, oldest first
}

// Instance is one process of a program.
type Instance struct {
	ID         string     `json:"instance"` // as web#3
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
}

// Exit is how the newest instance that has ended did so. Status, Code and Signal are all missing if nobody knows.
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

func statusOf(r Report, wall time.Time) Status {
	c := clock{r.Now, wall}
	s := Status{
		Supervisor: Supervisor{
			PID: r.PID, Version: r.Version, Started: c.time(r.Started), Uptime: c.since(r.Started), Generation: r.State.Generation,
			FailedLoads: r.State.Failures, Reloading: string(r.State.Reload.Step), Stopping: string(r.State.Stop.Verb),
		},
		Programs: make([]Program, 0, len(r.State.Programs)),
	}
	for i := range r.State.Programs {
		s.Programs = append(s.Programs, c.program(&r.State.Programs[i]))
	}
	return s
}

func (c clock) program(p *machine.Program) Program {
	program := Program{
		Name: p.Name, NameURL: nameURL(p.Name), Phase: string(p.Phase), Starts: p.Seq, Restarts: len(p.Restarts), Failures: p.Failures,
		Held: p.Held, LastExit: c.exit(p.Last),
	}
	if p.Phase == machine.Waiting {
		program.NextStart, program.NextIn = c.until(p.StartAt)
	}
	for i := range p.Instances {
		instance := c.instance(p.Name, &p.Instances[i])
		if instance.Seq == p.Current {
			program.Instance = &instance
		} else {
			program.Former = append(program.Former, instance)
		}
	}
	return program
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

func (c clock) instance(name string, in *machine.Instance) Instance {
	instance := Instance{
		ID: machine.ID{Program: name, Seq: in.Seq}.String(), Seq: in.Seq, PID: in.PID, Step: string(in.Step), Cause: string(in.Cause),
		Told: signalName(in.Told), Generation: in.Generation, Since: c.time(in.Since), Uptime: c.since(in.Since),
	}
	instance.Deadline, instance.DeadlineIn = c.until(in.Deadline)
	return instance
}

// nameURL is name as it stands in a URL if JSON cannot hold it, else "".
func nameURL(name string) string {
	if utf8.ValidString(name) {
		return ""
	}
	return url.PathEscape(name)
}

// restore gives s the names that JSON could not hold.
func (s *Status) restore() {
	for i := range s.Programs {
		p := &s.Programs[i]
		if !restoreName(&p.Name, p.NameURL) {
			continue
		}
		if p.Instance != nil {
			p.Instance.ID = fmt.Sprintf("%s#%d", p.Name, p.Instance.Seq)
		}
		for j := range p.Former {
			p.Former[j].ID = fmt.Sprintf("%s#%d", p.Name, p.Former[j].Seq)
		}
	}
}

func restoreName(name *string, escaped string) bool {
	exact, err := url.PathUnescape(escaped)
	if escaped == "" || err != nil {
		return false
	}
	*name = exact
	return true
}

// pathOf is name as one word of a path, which nobody on the way takes for another: "." and ".." are escaped too.
func pathOf(name string) string {
	if strings.Trim(name, ".") == "" {
		return strings.ReplaceAll(name, ".", "%2E")
	}
	return url.PathEscape(name)
}
