package control

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// Status is the JSON of GET /v1/status. Fields are added to these types, and never taken away or given another meaning.
type Status struct {
	Supervisor Supervisor `json:"supervisor"`
	Programs   []Program  `json:"programs"`          // in the order of the configuration, then those that it has no more
	Plugins    []Plugin   `json:"plugins,omitempty"` // in the order of the configuration
}

// Plugin is a declared plugin, and its counters since it was declared so, in this image of mwlua.
type Plugin struct {
	Name     string     `json:"name"`
	Path     string     `json:"path"`
	State    string     `json:"state"` // up, starting, paused or waiting
	Since    time.Time  `json:"since"`
	PID      int        `json:"pid,omitempty"`
	Version  string     `json:"version,omitempty"`    // as it says itself
	Error    string     `json:"error,omitempty"`      // why its last run has ended, or its last start failed
	Next     *time.Time `json:"next_start,omitempty"` // in state waiting
	Starts   uint64     `json:"starts"`
	Ends     uint64     `json:"ends"`     // of runs that were not to end, and failed starts
	Calls    uint64     `json:"calls"`    // that it got
	Refused  uint64     `json:"refused"`  // that it did not get: it was not up in time, was paused, or too many waited
	Errors   uint64     `json:"errors"`   // that it answered
	Late     uint64     `json:"late"`     // calls that it did not answer in time
	Garbage  uint64     `json:"garbage"`  // answers that are no verdict
	Lost     uint64     `json:"lost"`     // calls in which it ended
	Pauses   uint64     `json:"pauses"`   // times in which it was not asked, after many failures
	Waiting  int        `json:"waiting"`  // calls for their turn
	UnderWay int        `json:"underway"` // calls without an answer yet
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

// Program is one program, or, of one with several instances, one slot of it. Instance is nil if it has no current one.
type Program struct {
	Name      string   `json:"name"`
	NameURL   string   `json:"name_url,omitempty"`  // of a name that is not UTF-8: its bytes, escaped as in a URL
	Slot      int      `json:"slot,omitempty"`      // which of its instances, from 0
	Instances int      `json:"instances,omitempty"` // how many are declared, where that is more than one
	Kind      string   `json:"kind,omitempty"`      // program, oneshot or cron; "" if it is removed
	Phase     string   `json:"phase"`               // a machine.Phase
	Held      bool     `json:"held"`                // it was stopped by request, and stays down until it is started so
	Ready     bool     `json:"ready"`               // its current instance is; of a one-shot: it has succeeded
	WaitsFor  []string `json:"waits_for,omitempty"` // in phase blocked: the programs that are not ready
	*Instance
	Next      *Instance  `json:"next,omitempty"` // the one that is to follow the current one, once it is ready
	Starts    uint64     `json:"starts"`         // for whatever reason: the number of its newest instance
	Restarts  int        `json:"restarts"`       // after exits, as far as they count for the limit
	Failures  int        `json:"failures"`       // in a row
	NextStart *time.Time `json:"next_start,omitempty"`
	NextIn    *float64   `json:"next_start_in_s,omitempty"`
	NextTick  *time.Time `json:"next_tick,omitempty"`      // of a cron, without its jitter
	TickIn    *float64   `json:"next_tick_in_s,omitempty"` // with it
	Queued    bool       `json:"queued,omitempty"`         // one more run of a cron follows the one that goes on
	Rolling   bool       `json:"rolling,omitempty"`        // its instance is replaced when that of the slot before is done
	Stale     bool       `json:"stale,omitempty"`          // a reload could not replace its instance
	LastExit  *Exit      `json:"last_exit,omitempty"`
	Former    []Instance `json:"former,omitempty"` // instances on their way out, oldest first
}

// StatusOf is the status for a report that was made at wall.
func StatusOf(r Report, wall time.Time) Status {
	c := clock{r.Now, wall}
	s := Status{
		Supervisor: Supervisor{
			PID: r.PID, Version: r.Version, Started: c.time(r.Started), Uptime: c.since(r.Started), Generation: r.State.Generation,
			FailedLoads: r.State.Failures, Reloading: string(r.State.Reload.Step), Stopping: string(r.State.Stop.Verb),
		},
		Programs: make([]Program, 0, len(r.State.Programs)),
		Plugins:  r.Plugins,
	}
	waits := r.State.Waits()
	for i := range r.State.Programs {
		p := c.program(&r.State.Programs[i])
		if i < len(r.State.Config.Programs) {
			spec := &r.State.Config.Programs[i]
			p.Kind, p.WaitsFor = kindOf(spec), waits[i]
			if n := spec.Number(); n > 1 {
				p.Instances = n
			}
		}
		s.Programs = append(s.Programs, p)
	}
	return s
}

// Word is what p does, in the one word that mwlua status has for it: a machine.Phase, a machine.Step of its current instance, or
// stopped, starting or unhealthy.
func (p Program) Word() string {
	switch {
	case p.Phase == string(machine.Failed), p.Phase == string(machine.Waiting), p.Phase == string(machine.Blocked):
		return p.Phase
	case p.Held && p.Instance == nil:
		return "stopped"
	case p.Instance != nil && p.Step == string(machine.Spawning):
		return "starting"
	case p.Instance != nil && p.Step != string(machine.Started):
		return p.Step
	case p.Instance != nil && p.Health != nil && p.Health.Ill:
		return "unhealthy"
	}
	return p.Phase
}

// kindOf is the word for a program.Kind.
func kindOf(spec *program.Spec) string {
	if spec.Kind == program.Service {
		return "program"
	}
	return string(spec.Kind)
}

// program is what p itself says; its declaration says the rest.
func (c clock) program(p *machine.Program) Program {
	program := Program{
		Name: p.Name, NameURL: nameURL(p.Name), Slot: p.Slot, Phase: string(p.Phase), Held: p.Held, Ready: p.Phase == machine.Done,
		Starts: p.Seq, Restarts: len(p.Restarts), Failures: p.Failures, Queued: p.Queued, Rolling: p.Roll, Stale: p.Stale,
		LastExit: c.exit(p.Last),
	}
	if p.Phase == machine.Waiting {
		program.NextStart, program.NextIn = c.until(p.StartAt)
	}
	program.NextTick, program.TickIn = c.until(p.TickAt)
	if program.NextTick != nil && p.TickWall != 0 {
		program.NextTick = new(time.Unix(0, p.TickWall).UTC().Truncate(time.Millisecond))
	}
	for i := range p.Instances {
		in := &p.Instances[i]
		instance := c.instance(machine.ID{Program: p.Name, Slot: p.Slot, Seq: in.Seq}, in)
		switch in.Seq {
		case p.Current:
			program.Instance, program.Ready = &instance, in.Step == machine.Started
		case p.Next:
			program.Next = &instance
		default:
			program.Former = append(program.Former, instance)
		}
	}
	return program
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
		for _, in := range p.All() {
			in.ID = machine.ID{Program: p.Name, Slot: p.Slot, Seq: in.Seq}.String()
		}
	}
}

// All are the instances of p, oldest first.
func (p *Program) All() []*Instance {
	var all []*Instance
	for i := range p.Former {
		all = append(all, &p.Former[i])
	}
	for _, in := range []*Instance{p.Instance, p.Next} {
		if in != nil {
			all = append(all, in)
		}
	}
	return all
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
