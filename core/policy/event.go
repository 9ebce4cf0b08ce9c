package policy

import (
	"context"
	"time"
)

// Event is an exit and all that is known around it: what a Decider is asked about.
type Event struct {
	Exit
	ID            string        // names this question; two questions never have the same, even under another mwlua
	Instance      string        // as web#3
	Slot          int           // which of the program's instances it is, from 0
	PID           int           // 0 if nothing ever ran
	Kind          string        // program, oneshot or cron
	TotalRestarts uint64        // starts since the program was first started, less one
	History       []Past        // ends before this one, newest first, at most MaxHistory
	Default       Verdict       // what the declared policy says
	Labels        []string      // NAME=VALUE, sorted
	Store         []byte        // a JSON object that a Lua function of this program has left, or nil
	Time          time.Duration // of the end, since 1970
}

// Past is an end before this one.
type Past struct {
	Seq          uint64
	Code, Signal int // as in Exit
	Reason       Reason
	Ran          time.Duration
}

// Bounds of what is asked and answered.
const (
	MaxHistory  = 10
	MaxStore    = 16 << 10         // bytes of Event.Store
	MaxReason   = 1 << 10          // bytes of Verdict.Reason
	MaxDelay    = 24 * time.Hour   // of a Verdict
	MaxDeadline = 30 * time.Second // of a decision
)

// Decider says what follows an end. An error, or no answer within the deadline of ctx, means that the next one is asked, and in
// the end the declared policy: nothing that a Decider does can keep a program from being dealt with. Decide may be called from
// several goroutines at once, for different programs.
type Decider interface {
	Decide(ctx context.Context, ev Event) (Verdict, error)
}
