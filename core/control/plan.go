package control

import (
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// Plan is the JSON of GET /v1/plan: what a reload would do now.
type Plan struct {
	Changes  []Change  `json:"changes"`  // in the order of the configuration, then what it removes
	Problems []Problem `json:"problems"` // warnings only
}

// Change is what a load does, or has done, to one program.
type Change struct {
	Name    string `json:"name"`
	NameURL string `json:"name_url,omitempty"` // as in Program
	Slot    int    `json:"slot,omitempty"`     // as in Program
	Do      string `json:"do"`                 // a machine.ChangeKind
	Signal  string `json:"signal,omitempty"`   // what a running instance is sent
	Itself  bool   `json:"itself,omitempty"`   // the running instance reads its own configuration again
	Reason  string `json:"reason"`
}

// Problem is something wrong with a configuration.
type Problem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"` // from 1; 0 means the file as a whole
	Warning bool   `json:"warning,omitempty"`
	Text    string `json:"text"`
}

// String is the problem with its place.
func (p Problem) String() string {
	return program.Problem{Place: program.Place{File: p.File, Line: p.Line}, Text: p.Text}.String()
}

// NewPlan is the Plan of what a machine says.
func NewPlan(changes []machine.Change, problems program.Problems) Plan {
	return Plan{Changes: changesOf(changes), Problems: problemsOf(problems)}
}

func changesOf(changes []machine.Change) []Change {
	out := make([]Change, 0, len(changes))
	for _, c := range changes {
		out = append(out, Change{
			Name: c.Name, NameURL: nameURL(c.Name), Slot: c.Slot, Do: string(c.Do), Signal: signalName(c.Signal), Itself: c.Itself, Reason: c.Reason,
		})
	}
	return out
}

func problemsOf(problems program.Problems) []Problem {
	out := make([]Problem, 0, len(problems))
	for _, p := range problems {
		out = append(out, Problem{File: p.Place.File, Line: p.Place.Line, Warning: p.Warning, Text: p.Text})
	}
	return out
}

func restoreChanges(changes []Change) {
	for i := range changes {
		restoreName(&changes[i].Name, changes[i].NameURL)
	}
}
