package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// Format is the version of what is written. A reader takes its own version only.
const Format = 1

// Head begins a segment.
type Head struct {
	Format  int             `json:"mwlua-journal"`
	Version string          `json:"version"` // of the mwlua that has written it
	Run     string          `json:"run"`     // a life of mwlua, over every re-exec; what has the same hash in one was the same
	N       uint64          `json:"n"`       // the steps of that life before this segment
	Begins  Begins          `json:"begins"`
	At      machine.Instant `json:"at"`
	Wall    time.Time       `json:"wall"` // the same moment
	State   machine.State   `json:"state"`
}

// Begins says why a segment begins.
type Begins string

const (
	AtStart    Begins = "start"    // of mwlua
	AtHandover Begins = "handover" // the next image goes on
	AtRotation Begins = "rotation" // the file before is full
	AtGap      Begins = "gap"      // what was before could not be recorded
)

// Step is one step of the machine.
type Step struct {
	At    machine.Instant
	Event machine.Event
	Ends  []Outcome  // what the machine said about ends of instances
	Asked []Question // about what follows an end
	Quit  *int       // the status that mwlua left with; nil means that it did not
}

// Outcome is an end and what follows it: the part of a machine.Note that is compared. Without a Verdict nothing depended on that end.
type Outcome struct {
	Kind    machine.NoteKind // machine.NoteExited or machine.NoteSpawnFailed
	ID      machine.ID
	PID     int             `json:",omitempty"`
	Former  bool            `json:",omitempty"`
	Exit    policy.Exit     `json:",omitzero"`
	Verdict policy.Verdict  `json:",omitzero"`
	By      string          `json:",omitempty"`
	Until   machine.Instant `json:",omitempty"`
	Text    string          `json:",omitempty"`
}

// Note is o as the machine said it.
func (o Outcome) Note() machine.Note {
	return machine.Note{
		Kind: o.Kind, ID: o.ID, PID: o.PID, Former: o.Former, Exit: o.Exit, Verdict: o.Verdict, By: o.By, Until: o.Until, Text: o.Text,
	}
}

// Question is a machine.Decide, by which its answer is told from others.
type Question struct {
	ID machine.ID
	N  uint64
	By program.Decider
}

// Line is a line of a journal: a Head or a Step.
type Line struct {
	Place string // FILE:LINE
	Head  *Head
	Step  *Step
}

// stepLine is the JSON of a Step.
type stepLine struct {
	At    machine.Instant `json:"at"`
	Event string          `json:"ev"`
	Is    json.RawMessage `json:"is,omitempty"`
	Ends  []Outcome       `json:"ends,omitempty"`
	Asked []Question      `json:"asked,omitempty"`
	Quit  *int            `json:"quit,omitempty"`
}

// newStep is what of a step is recorded.
func newStep(at machine.Instant, ev machine.Event, actions []machine.Action) Step {
	s := Step{At: at, Event: ev}
	for _, a := range actions {
		switch a := a.(type) {
		case machine.Note:
			if o, ok := outcomeOf(a); ok {
				s.Ends = append(s.Ends, o)
			}
		case machine.Decide:
			s.Asked = append(s.Asked, Question{ID: a.ID, N: a.N, By: a.By})
		case machine.Quit:
			s.Quit = &a.Status
		}
	}
	return s
}

// outcomeOf is n, if it tells of an end.
func outcomeOf(n machine.Note) (Outcome, bool) {
	if n.Kind != machine.NoteExited && n.Kind != machine.NoteSpawnFailed {
		return Outcome{}, false
	}
	return Outcome{
		Kind: n.Kind, ID: n.ID, PID: n.PID, Former: n.Former, Exit: n.Exit, Verdict: n.Verdict, By: n.By, Until: n.Until, Text: n.Text,
	}, true
}

// step is s with other texts.
func (w words) step(s Step) Step {
	s.Event = w.event(s.Event)
	ends, asked := s.Ends, s.Asked
	s.Ends, s.Asked = nil, nil
	for _, o := range ends {
		o.ID, o.Exit.Program, o.By = w.id(o.ID), w.name(o.Exit.Program), w.name(o.By)
		o.Verdict.Reason, o.Text = w.text(o.Verdict.Reason), w.text(o.Text)
		s.Ends = append(s.Ends, o)
	}
	for _, q := range asked {
		q.ID, q.By.Name = w.id(q.ID), w.name(q.By.Name)
		s.Asked = append(s.Asked, q)
	}
	return s
}

// encodeStep writes a line of what words have made of a step.
func encodeStep(s Step) ([]byte, error) {
	is, err := encodeEvent(s.Event)
	if err != nil {
		return nil, err
	}
	if string(is) == "{}" {
		is = nil
	}
	return encodeLine(stepLine{At: s.At, Event: nameOf(s.Event), Is: is, Ends: s.Ends, Asked: s.Asked, Quit: s.Quit})
}

func encodeLine(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	return append(data, '\n'), err
}

// headMark is what a Head begins with.
var headMark = []byte(`{"mwlua-journal":`)

func isHead(data []byte) bool { return bytes.HasPrefix(data, headMark) }

// decodeLine reads a line. The error does not say where.
func decodeLine(data []byte) (Line, error) {
	if isHead(data) {
		h, err := decodeHead(data)
		return Line{Head: h}, err
	}
	var l stepLine
	if err := strictly(data, &l); err != nil {
		return Line{}, notALine(err)
	}
	if l.Is == nil {
		l.Is = json.RawMessage("{}")
	}
	ev, err := decodeEvent(l.Event, l.Is)
	if err != nil {
		return Line{}, fmt.Errorf("%w: replay it with the mwlua that has written it, or a newer one", notALine(err))
	}
	plain := words{name: machine.Unescape, text: machine.Unescape, data: func(b []byte) []byte { return b },
		config: func(c program.Config) program.Config { return c }}
	s := plain.step(Step{At: l.At, Event: ev, Ends: l.Ends, Asked: l.Asked, Quit: l.Quit})
	return Line{Step: &s}, nil
}

func decodeHead(data []byte) (*Head, error) {
	var of struct {
		Format  int    `json:"mwlua-journal"`
		Version string `json:"version"`
	}
	if err := json.Unmarshal(data, &of); err != nil {
		return nil, notALine(err)
	}
	if of.Format != Format {
		return nil, fmt.Errorf("a journal of format %d, by mwlua %.40q, and this mwlua reads format %d: replay it with one that reads that",
			of.Format, of.Version, Format)
	}
	h := new(Head)
	if err := strictly(data, h); err != nil {
		return nil, fmt.Errorf("a snapshot of mwlua %.40q that this mwlua cannot read (%w): replay it with that one", of.Version, notALine(err))
	}
	return h, nil
}

// errDamaged says that a line is not what it was.
var errDamaged = errors.New("the line is damaged")

// errCut says that a line ends too early.
var errCut = errors.New("the line is cut off")

// notALine is err in one line, errCut among others.
func notALine(err error) error {
	const end = "unexpected end of JSON input"
	syntax := new(json.SyntaxError)
	isSyntax := errors.As(err, &syntax)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || isSyntax && syntax.Error() == end:
		return errCut
	case isSyntax:
		return fmt.Errorf("%w (%.200v)", errDamaged, err)
	}
	return fmt.Errorf("%.200v", err)
}
