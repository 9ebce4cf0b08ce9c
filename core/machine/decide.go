package machine

import (
	"fmt"
	"slices"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// Defaults of how long an answer may take, and what the shell has beyond that until the machine gives it up.
const (
	handlerTimeout = 500 * time.Millisecond
	pluginTimeout  = 2 * time.Second
	decideGrace    = time.Second
)

// deliberate asks those who are declared for it what follows an end.
func (m *Machine) deliberate(now Instant, place int, note Note) {
	p := &m.s.Programs[place]
	p.Phase = Deciding
	p.Deciding = &Decision{
		Seq: note.ID.Seq, Exit: note.Exit, PID: note.PID, Failed: note.Kind == NoteSpawnFailed, Text: note.Text,
	}
	m.askDecider(now, place)
}

// askDecider asks the next one, or lets the declared policy decide when there is none left.
func (m *Machine) askDecider(now Instant, place int) {
	p, spec := &m.s.Programs[place], &m.s.Config.Programs[place]
	d := p.Deciding
	if d.At >= len(spec.OnExit) {
		m.decide(now, place, m.declared(place, d.Exit), "")
		return
	}
	by := spec.OnExit[d.At]
	limit := limitOf(by)
	d.By = by
	p.Asked++
	d.Deadline = after(now, limit+decideGrace)
	m.asks.add(entry{at: d.Deadline, place: place})
	a := Decide{ID: p.id(d.Seq), N: p.Asked, By: by, Event: m.event(place), Limit: limit}
	if by.By == program.ByPlugin {
		a.Blob = p.blob(by.Name)
	}
	m.do(a)
}

func limitOf(by program.Decider) time.Duration {
	switch {
	case by.Timeout > 0:
		return min(by.Timeout, policy.MaxDeadline)
	case by.By == program.ByPlugin:
		return pluginTimeout
	default:
		return handlerTimeout
	}
}

// event is all that is known around the end that is decided about.
func (m *Machine) event(place int) policy.Event {
	p, spec := &m.s.Programs[place], &m.s.Config.Programs[place]
	d := p.Deciding
	id := p.id(d.Seq)
	return policy.Event{
		Exit: d.Exit, ID: fmt.Sprintf("%016x-%v-%d", m.s.Seed, id, p.LastStart), Instance: id.String(), Slot: p.Slot, PID: d.PID,
		Kind: kindName(spec.Kind), TotalRestarts: p.Seq - 1, History: slices.Clone(p.History), Default: m.declared(place, d.Exit), Labels: spec.Labels,
		Store: p.Store,
	}
}

func kindName(k program.Kind) string {
	if k == program.Service {
		return "program"
	}
	return string(k)
}

// question returns the program that an answer is about; nil if it fits nothing.
func (m *Machine) question(id ID, n uint64) (*Program, int) {
	p, place := m.program(id.Program, id.Slot)
	if p == nil || p.Deciding == nil || p.Deciding.Seq != id.Seq || p.Asked != n {
		return nil, 0
	}
	return p, place
}

func (m *Machine) decided(now Instant, ev Decided) {
	p, place := m.question(ev.ID, ev.N)
	if p == nil {
		return
	}
	if text := ev.Verdict.Check(); text != "" {
		m.noVerdict(now, place, "it answers with "+text)
		return
	}
	by := p.Deciding.By
	if ev.Store != nil && len(ev.Store) <= policy.MaxStore {
		p.Store = ev.Store
	}
	if by.By == program.ByPlugin && ev.Blob != nil {
		p.setBlob(by.Name, ev.Blob)
	}
	if ev.Verdict.Do == policy.Default {
		p.Deciding.At++
		m.askDecider(now, place)
		return
	}
	m.decide(now, place, ev.Verdict, deciderName(by))
	m.loadEnds(now)
}

func (m *Machine) decideFailed(now Instant, ev DecideFailed) {
	if p, place := m.question(ev.ID, ev.N); p != nil {
		m.noVerdict(now, place, ev.Text)
	}
}

// undecidedInTime gives an answer up.
func (m *Machine) undecidedInTime(now Instant, place int) {
	m.noVerdict(now, place, fmt.Sprintf("no answer within %v", limitOf(m.s.Programs[place].Deciding.By)))
}

// noVerdict says that one that was asked has no verdict, and asks the next one.
func (m *Machine) noVerdict(now Instant, place int, text string) {
	p := &m.s.Programs[place]
	d := p.Deciding
	m.do(Note{Kind: NoteNoVerdict, ID: p.id(d.Seq), PID: d.PID, By: deciderName(d.By), Text: text})
	d.At++
	m.askDecider(now, place)
	m.loadEnds(now)
}

func deciderName(by program.Decider) string { return string(by.By) + " " + by.Name }

// decide ends the question under way with a verdict.
func (m *Machine) decide(now Instant, place int, v policy.Verdict, by string) {
	p := &m.s.Programs[place]
	note := p.endNote()
	note.By = by
	p.remember()
	p.Deciding, p.Phase = nil, Down
	m.conclude(now, place, v, note)
	if p.Phase != Waiting {
		m.answered(p)
	}
}

// endNote is what is told of the end that is decided about.
func (p *Program) endNote() Note {
	d := p.Deciding
	note := Note{Kind: NoteExited, ID: p.id(d.Seq), PID: d.PID, Exit: d.Exit}
	if d.Failed {
		note.Kind, note.Text = NoteSpawnFailed, d.Text
	}
	return note
}

// undecided drops a question because something else has come to be wanted: the end is told without a verdict.
func (m *Machine) undecided(p *Program) {
	if p.Deciding == nil {
		return
	}
	m.do(p.endNote())
	p.remember()
	p.Deciding, p.Phase = nil, Down
}

// remember puts the end that was decided about into the history.
func (p *Program) remember() {
	e := p.Deciding.Exit
	past := policy.Past{Seq: e.Seq, Code: e.Code, Signal: e.Signal, Reason: e.Reason, Ran: e.Ran}
	p.History = append([]policy.Past{past}, p.History[:min(len(p.History), policy.MaxHistory-1)]...)
}

func (p *Program) blob(plugin string) []byte {
	for _, b := range p.Blobs {
		if b.Plugin == plugin {
			return b.Data
		}
	}
	return nil
}

func (p *Program) setBlob(plugin string, data []byte) {
	p.Blobs = slices.DeleteFunc(slices.Clone(p.Blobs), func(b Blob) bool { return b.Plugin == plugin })
	if len(data) > 0 {
		p.Blobs = append(p.Blobs, Blob{Plugin: plugin, Data: data})
	}
}
