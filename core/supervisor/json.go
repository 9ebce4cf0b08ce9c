package supervisor

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/machine"
)

// jsonNote is a line of the log as an object. What does not apply is left out; delays are in milliseconds.
type jsonNote struct {
	Time     string `json:"time"`
	Level    string `json:"level"`
	Event    string `json:"event,omitempty"` // a machine.NoteKind
	Program  string `json:"program,omitempty"`
	Slot     int    `json:"slot,omitempty"` // which of the program's instances, from 0
	Instance string `json:"instance,omitempty"`
	PID      int    `json:"pid,omitempty"`
	Former   bool   `json:"former,omitempty"`
	Signal   string `json:"signal,omitempty"` // that is sent
	Code     *int   `json:"code,omitempty"`   // of an exit
	KilledBy string `json:"killed_by,omitempty"`
	RanMS    int64  `json:"ran_ms,omitempty"`
	EndedFor string `json:"ended_for,omitempty"` // a policy.Reason: why mwlua ended it, where that is a failure
	Verdict  string `json:"verdict,omitempty"`
	Reason   string `json:"reason,omitempty"`
	By       string `json:"decided_by,omitempty"` // who gave the verdict, or did not, if it was not the declared policy
	NextMS   int64  `json:"next_ms,omitempty"`    // until the next thing happens
	Message  string `json:"message"`              // as TextFormat says it
}

// jsonLine writes a note, or, without a kind, a line about the shell itself.
func jsonLine(lv level, text string, now machine.Instant, n machine.Note) string {
	j := jsonNote{
		Time: time.Now().Format("2006-01-02T15:04:05.000Z07:00"), Level: strings.ToLower(string(lv)), Event: string(n.Kind),
		Program: n.ID.Program, Slot: n.ID.Slot, PID: n.PID, Former: n.Former, Verdict: string(n.Verdict.Do), Reason: n.Verdict.Reason, By: n.By,
		RanMS: n.Exit.Ran.Milliseconds(), Message: text,
	}
	if n.ID.Seq != 0 {
		j.Instance = n.ID.String()
	}
	if n.Signal != 0 {
		j.Signal = signalName(n.Signal)
	}
	if ended := n.Kind == machine.NoteExited || n.Kind == machine.NoteLeft; ended && n.Exit.Signal != 0 {
		j.KilledBy = signalName(n.Exit.Signal)
	} else if ended && n.Exit.Code != machine.UnknownCode {
		j.Code = &n.Exit.Code
	}
	if because(n.Exit) != "" {
		j.EndedFor = string(n.Exit.Reason)
	}
	if n.Until != 0 {
		j.NextMS = time.Duration(n.Until - now).Milliseconds()
	}
	line, err := json.Marshal(j)
	if err != nil {
		panic("internal error: a line of the log: " + err.Error()) // strings and numbers only
	}
	return string(line) + "\n"
}
