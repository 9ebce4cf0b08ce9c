package journal

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// Result is what came of a replay.
type Result struct {
	Events int           // that were run, until the first difference
	Exits  int           // of these, ends of instances, failed starts among them
	From   time.Time     // of the first segment
	To     time.Time     // of the last event
	Over   time.Duration // the time that was recorded, without gaps and the time between two lives
	Lives  int           // of mwlua
	Gaps   []Gap
	Cut    int // lines that a crash has cut off
	// Difference is the first one; nil when there is none.
	Difference *Difference
	Remarks    []string // what could not be done as it would have been, a line each
}

// Gap is where events are missing.
type Gap struct {
	Until time.Time // what follows was recorded from then on
	Lost  uint64    // events
}

// Difference is something that would be otherwise now.
type Difference struct {
	Place string // FILE:LINE
	At    time.Time
	ID    machine.ID // of the instance that has ended; the zero one when mwlua itself leaves
	// Then and Now are what the machine said; nil means that it said nothing of that end.
	Then, Now *Outcome
	// ThenAt and NowAt are the instants of that.
	ThenAt, NowAt machine.Instant
	// QuitThen and QuitNow are the statuses that mwlua left with, and would; nil means that it did not, or would not.
	QuitThen, QuitNow *int
}

// ErrEmpty says that a journal has no whole segment.
var ErrEmpty = errors.New("nothing was recorded yet")

// slack is by how much a deadline may be passed in a history until it is said to be one that only another configuration has.
const slack = machine.Instant(100 * time.Millisecond)

// replayer runs a history again.
type replayer struct {
	Result
	conf   Conf
	m      *machine.Machine
	quit   bool // the machine has left, with status
	status int
	last   machine.Instant
	head   *Head // of the segment
	n      uint64
	line   Line
	// Wall time of the instant at.
	wall time.Time
	at   machine.Instant
	// then is what was said of ends, and not yet now; now the same the other way round.
	then, now []said
	// asked are the questions of the history that have no verdict yet, pending those that plugins are asked now.
	asked   map[machine.ID][]Question
	pending map[machine.ID]Question
	remarks map[string]bool
	failed  map[string]bool // functions
	names   map[string]bool // of programs that were declared
}

// said is an Outcome, and when and where.
type said struct {
	Outcome
	place string
	at    machine.Instant
	wall  time.Time
	// undecided says that somebody was asked and something else came first: a stop, or a reload.
	undecided bool
}

// Replay runs the history of a journal again, each step at its instant, and stops at the first difference. Functions of conf are called
// when the machine asks them, and have answered in the same instant. An error says where the journal cannot be read or run, and what to do.
func Replay(in *Reader, conf Conf) (Result, error) {
	r := &replayer{conf: conf, remarks: make(map[string]bool), failed: make(map[string]bool), names: make(map[string]bool)}
	for r.Difference == nil {
		line, err := in.Next()
		r.Cut = in.Cut
		if err == io.EOF {
			r.end()
			break
		}
		if err == nil {
			err = r.take(line)
		}
		if err != nil {
			return r.Result, err
		}
	}
	if r.head == nil {
		return r.Result, ErrEmpty
	}
	r.pause()
	if !r.shares() {
		return r.Result, fmt.Errorf("%s: no program of the configuration is in the journal, which has %s: name the configuration of this mwlua",
			in.name, strings.Join(slices.Sorted(maps.Keys(r.names)), ", "))
	}
	r.remarkPrograms()
	return r.Result, nil
}

func (r *replayer) take(line Line) (err error) {
	r.line = line
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("%s: the machine cannot go on from here (%.200v): was the journal changed?", line.Place, broken)
		}
	}()
	if line.Head != nil {
		return r.begin(line.Head)
	}
	if r.n++; r.quit && line.Step.Quit == nil {
		return nil // it was said already, and nothing follows
	}
	r.step(line.Step)
	return nil
}

// begin begins a segment. One that follows the one before without a gap changes nothing under another configuration, which may have
// counted otherwise since.
func (r *replayer) begin(h *Head) error {
	before := r.head
	follows := before != nil && before.Run == h.Run && r.n == h.N
	switch {
	case before == nil:
		r.From = h.Wall
		r.Lives = 1
	case before.Run != h.Run:
		r.Lives++
	case h.N > r.n:
		r.Gaps = append(r.Gaps, Gap{Until: h.Wall, Lost: h.N - r.n})
	}
	if follows {
		r.Over += time.Duration(max(h.At-before.At, 0))
	} else {
		r.pause()
	}
	r.head, r.n, r.wall, r.at = h, h.N, h.Wall, h.At
	r.To = h.Wall
	if follows && r.conf.Config != nil {
		return nil
	}
	if !follows {
		r.end()
		r.then, r.now = nil, nil
		r.asked, r.pending = make(map[machine.ID][]Question), make(map[machine.ID]Question)
	}
	for _, text := range r.conf.remarks(h.State) {
		r.remark("%s", text)
	}
	r.declared(h.State.Config)
	var err error
	if r.m, err = machine.Restore(r.conf.overState(h.State)); err != nil {
		return fmt.Errorf("%s: %w: was the journal changed?", r.line.Place, err)
	}
	r.quit, r.last = h.State.Stop.Done, h.At
	r.underWay(h.State)
	return nil
}

// underWay takes the questions that a snapshot has.
func (r *replayer) underWay(s machine.State) {
	for i := range s.Programs {
		p := &s.Programs[i]
		if p.Deciding == nil {
			continue
		}
		q := Question{ID: machine.ID{Program: p.Name, Slot: p.Slot, Seq: p.Deciding.Seq}, N: p.Asked, By: p.Deciding.By}
		r.asked[q.ID] = append(r.asked[q.ID], q)
		if r.conf.spec(p.Name) != nil {
			r.pending[q.ID] = q
		}
	}
}

// pause ends the time of a segment that nothing follows at once.
func (r *replayer) pause() {
	if r.head != nil && r.last > r.head.At {
		r.Over += time.Duration(r.last - r.head.At)
	}
}

func (r *replayer) timeOf(at machine.Instant) time.Time { return r.wall.Add(time.Duration(at - r.at)) }

// remark keeps a text, once.
func (r *replayer) remark(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !r.remarks[text] {
		r.remarks[text] = true
		r.Remarks = append(r.Remarks, text)
	}
}

// declared takes the names of the programs of a recorded configuration.
func (r *replayer) declared(c program.Config) {
	for i := range c.Programs {
		r.names[c.Programs[i].Name] = true
	}
}

// shares says that there is a program of the configuration in the journal, if either has one, or that there is no other configuration.
func (r *replayer) shares() bool {
	if r.conf.Config == nil || len(r.names) == 0 {
		return true
	}
	return slices.ContainsFunc(r.conf.Config.Programs, func(p program.Spec) bool { return r.names[p.Name] })
}

// remarkPrograms says which programs only one side knows.
func (r *replayer) remarkPrograms() {
	if r.conf.Config == nil {
		return
	}
	for i := range r.conf.Config.Programs {
		if name := r.conf.Config.Programs[i].Name; !r.names[name] {
			r.remark("program %q is not in the journal: nothing can be said about it", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.names)) {
		if r.conf.spec(name) == nil {
			r.remark("program %q is not in the configuration: what was declared then counts", name)
		}
	}
}

// step runs one step again.
func (r *replayer) step(s *Step) {
	now := max(s.At, r.last)
	r.passTime(now)
	r.Events++
	r.To = r.timeOf(now)
	if set, ok := s.Event.(machine.ClockSet); ok {
		r.wall, r.at = time.Unix(0, set.Wall).In(r.wall.Location()), now
	}
	left := r.quit
	r.do(now, r.translated(s.Event))
	for _, q := range s.Asked {
		r.asked[q.ID] = append(r.asked[q.ID], q)
	}
	for _, o := range s.Ends {
		r.Exits++
		undecided := o.Verdict.Do == "" && len(r.asked[o.ID]) > 0
		delete(r.asked, o.ID)
		r.giveUp(now, o.ID)
		r.then = append(r.then, r.said(now, o, undecided))
	}
	r.compare()
	if r.Difference == nil {
		r.compareQuit(s.Quit, left)
	}
}

func (r *replayer) said(at machine.Instant, o Outcome, undecided bool) said {
	return said{Outcome: o, place: r.line.Place, at: at, wall: r.timeOf(at), undecided: undecided}
}

// passTime wakes the machine for deadlines that only the other configuration has: in the history something has happened at each of
// the others, a little later.
func (r *replayer) passTime(now machine.Instant) {
	for range 1000 {
		at, ok := r.m.Deadline()
		if r.conf.Config == nil || !ok || at+slack >= now || r.quit {
			return
		}
		r.do(max(at, r.last), machine.Wake{})
	}
}

// do steps the machine, and answers what it asks of functions.
func (r *replayer) do(now machine.Instant, ev machine.Event) {
	r.last = now
	var questions []machine.Decide
	for _, a := range r.m.Step(now, ev) {
		switch a := a.(type) {
		case machine.Note:
			if o, ok := outcomeOf(a); ok {
				r.now = append(r.now, r.said(now, o, false))
				delete(r.pending, o.ID)
			}
		case machine.Decide:
			questions = append(questions, a)
		case machine.Quit:
			r.quit, r.status = true, a.Status
		}
	}
	for _, a := range questions {
		r.decide(now, a)
	}
}

// decide answers a question, or has it wait for what was recorded.
func (r *replayer) decide(now machine.Instant, a machine.Decide) {
	switch {
	case r.conf.spec(a.ID.Program) == nil: // the answer is in the history
	case a.By.By == program.ByHandler:
		a.Event.Time = time.Duration(r.timeOf(now).UnixNano())
		v, store, err := r.conf.Decide(a.By, a.Event, a.Limit)
		if err != nil {
			r.remarkFailed(a, err)
			r.do(now, machine.DecideFailed{ID: a.ID, N: a.N, Text: err.Error()})
			return
		}
		r.do(now, machine.Decided{ID: a.ID, N: a.N, Verdict: v, Store: store})
	default:
		r.pending[a.ID] = Question{ID: a.ID, N: a.N, By: a.By}
	}
}

// remarkFailed says that a function has not answered, the first time that it has not.
func (r *replayer) remarkFailed(a machine.Decide, err error) {
	if r.failed[a.By.Name] {
		return
	}
	r.failed[a.By.Name] = true
	r.remark("%s %s has failed, first at the end of %v, so the declared policy counts: %v", a.By.By, a.By.Name, a.ID, err)
}

// translated is an event as it is now: an answer is that to the question which is asked now, if it is to the same plugin.
func (r *replayer) translated(ev machine.Event) machine.Event {
	switch ev := ev.(type) {
	case machine.Loaded:
		r.declared(ev.Config)
		ev.Config = r.conf.over(ev.Config)
		return ev
	case machine.Decided:
		if r.conf.spec(ev.ID.Program) == nil {
			return ev
		}
		n, ok := r.answered(ev.ID, ev.N)
		if ev.N = n; ok {
			return ev
		}
		return machine.Wake{}
	case machine.DecideFailed:
		if r.conf.spec(ev.ID.Program) == nil {
			return ev
		}
		n, ok := r.answered(ev.ID, ev.N)
		if ev.N = n; ok {
			return ev
		}
		return machine.Wake{}
	}
	return ev
}

// answered returns the number of the question that an answer to question n is for now.
func (r *replayer) answered(id machine.ID, n uint64) (uint64, bool) {
	i := slices.IndexFunc(r.asked[id], func(q Question) bool { return q.N == n })
	now, ok := r.pending[id]
	if i < 0 || !ok || r.asked[id][i].By.By != now.By.By || r.asked[id][i].By.Name != now.By.Name {
		return 0, false
	}
	delete(r.pending, id)
	if now.By.By == program.ByPlugin {
		r.remark("plugin %s answers as it did then, whatever its configuration is now", now.By.Name)
	}
	return now.N, true
}

// giveUp has those who are asked about an end not answer: the history has its verdict without them.
func (r *replayer) giveUp(now machine.Instant, id machine.ID) {
	for {
		q, ok := r.pending[id]
		if !ok || r.quit {
			return
		}
		delete(r.pending, id)
		r.remark("what %s %s would answer is not known: it was not asked then, so the declared policy counts", q.By.By, q.By.Name)
		r.do(now, machine.DecideFailed{ID: id, N: q.N, Text: "the journal does not have its answer"})
	}
}
