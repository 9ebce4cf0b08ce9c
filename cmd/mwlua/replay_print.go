package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/mwlua/mwlua/core/journal"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/supervisor"
)

// replayed is what mwlua replay -o json prints. docs/replay.md describes it.
type replayed struct {
	Same       bool        `json:"same"`
	Events     int         `json:"events"`
	Exits      int         `json:"exits"`
	Over       string      `json:"over"` // the time that was recorded
	From       string      `json:"from"`
	To         string      `json:"to"`
	Lives      int         `json:"lives"`
	Gaps       []replayGap `json:"gaps"`
	Cut        int         `json:"cut"` // lines that a crash has cut off
	Difference *differing  `json:"difference"`
	Remarks    []string    `json:"remarks"`
}

type replayGap struct {
	Until string `json:"until"`
	Lost  uint64 `json:"lost"`
}

// differing is the first difference.
type differing struct {
	Place    string   `json:"place"` // FILE:LINE of the journal
	Time     string   `json:"time"`
	Program  string   `json:"program,omitempty"`
	Instance string   `json:"instance,omitempty"`
	Event    string   `json:"event"` // how it ended, as the log says it
	Then     followed `json:"then"`
	Now      followed `json:"now"`
}

// followed is what follows an end. Without a verdict nothing depended on it, or the instance did not run, or mwlua itself is meant.
type followed struct {
	Text     string    `json:"text"` // as the log says it
	Verdict  policy.Do `json:"verdict,omitempty"`
	Delay    string    `json:"delay,omitempty"` // until it starts again
	Reason   string    `json:"reason,omitempty"`
	By       string    `json:"decided_by,omitempty"`
	ExitCode int       `json:"exit_code,omitempty"`
	Status   *int      `json:"status,omitempty"` // that mwlua leaves with
}

// logTime is a time as the log has it.
func logTime(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z07:00") }

func (r *replay) print(result journal.Result) {
	for _, text := range result.Remarks {
		r.warn("%s", text)
	}
	for _, g := range result.Gaps {
		r.warn("a gap: %s before %s are not in the journal", counted(int(g.Lost), "event"), logTime(g.Until))
	}
	if result.Cut > 0 {
		r.warn("%s cut off, by a crash of mwlua or of the machine", counted(result.Cut, "line"))
	}
	var d *differing
	if result.Difference != nil {
		d = describeDifference(*result.Difference)
	}
	if r.form.chosen == jsonForm {
		r.printJSON(result, d)
		return
	}
	all := fmt.Sprintf("%s over %v, %s", counted(result.Events, "event"), brief(result.Over), counted(result.Exits, "exit"))
	switch {
	case d == nil && result.Exits == 0:
		fmt.Fprintf(r.out, "%s: there is no verdict to compare\n", all)
		return
	case d == nil:
		fmt.Fprintf(r.out, "%s, the verdicts are the same\n", all)
		return
	}
	fmt.Fprintf(r.out, "%s, and then a verdict differs:\n%s %s\n  then: %s\n  now:  %s\n", all, d.Time, d.Event, d.Then.Text, d.Now.Text)
}

func (r *replay) warn(format string, args ...any) {
	fmt.Fprintf(r.talk, "mwlua: warning: "+format+"\n", args...)
}

func (r *replay) printJSON(result journal.Result, d *differing) {
	out := replayed{
		Same: d == nil, Events: result.Events, Exits: result.Exits, Over: result.Over.String(), From: logTime(result.From), To: logTime(result.To),
		Lives: result.Lives, Gaps: []replayGap{}, Cut: result.Cut, Difference: d, Remarks: append([]string{}, result.Remarks...),
	}
	for _, g := range result.Gaps {
		out.Gaps = append(out.Gaps, replayGap{Until: logTime(g.Until), Lost: g.Lost})
	}
	e := json.NewEncoder(r.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(out) // an error is that nobody reads
}

// counted is a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// brief leaves out what nobody wants to know of a long time.
func brief(d time.Duration) time.Duration {
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(time.Millisecond)
}

func describeDifference(d journal.Difference) *differing {
	out := &differing{Place: d.Place, Time: logTime(d.At)}
	if d.Then == nil {
		out.Event = "mwlua leaves, or does not"
		out.Then, out.Now = leaving(d.QuitThen, "left", "ran on"), leaving(d.QuitNow, "leaves", "runs on")
		return out
	}
	out.Program, out.Instance = d.ID.Program, d.ID.String()
	out.Event, _ = supervisor.EndText(d.ThenAt, d.Then.Note())
	out.Then, out.Now = following(d.Then, d.ThenAt), following(d.Now, d.NowAt)
	return out
}

func leaving(status *int, leaves, stays string) followed {
	if status == nil {
		return followed{Text: "mwlua " + stays}
	}
	return followed{Text: fmt.Sprintf("mwlua %s with status %d", leaves, *status), Status: status}
}

func following(o *journal.Outcome, at machine.Instant) followed {
	if o == nil {
		return followed{Text: "it does not run any more by then"}
	}
	_, text := supervisor.EndText(at, o.Note())
	if text == "" {
		text = "nothing depends on it"
	}
	f := followed{Text: text, Verdict: o.Verdict.Do, Reason: o.Verdict.Reason, By: o.By, ExitCode: o.Verdict.ExitCode}
	if o.Verdict.Do == policy.Restart {
		f.Delay = time.Duration(o.Until - at).String()
	}
	return f
}
