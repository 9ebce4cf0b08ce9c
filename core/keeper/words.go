package keeper

import (
	"fmt"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/internal/proc"
)

// Command is a process to start, in a process group of its own.
type Command struct {
	Path string // of the executable
	Argv []string
	Env  []string // the whole environment
	Dir  string
	// Output and Errors are absolute paths of files that 1 and 2 are appended to; "" means those of the keeper.
	Output, Errors string
}

// End is how a process ended: Code says nothing if there is a Signal.
type End struct{ Code, Signal int }

// Status is how a shell reports it.
func (e End) Status() int {
	if e.Signal != 0 {
		return 128 + e.Signal
	}
	return e.Code
}

// Process is one that was left.
type Process struct {
	PID  int
	Name string // as in /proc/PID/stat
}

func (p Process) String() string { return fmt.Sprintf("%s (%d)", p.Name, p.PID) }

// Finish is how all is to be ended.
type Finish struct {
	PID   int           // is told to go first, by SIGTERM; 0 means nobody
	Limit time.Duration // for that: then it is killed
	Grace time.Duration // for the rest to go, which may have been told just then; what is left then counts as Left
}

// Report is what came of it.
type Report struct {
	Late bool      // Limit was not enough; then there is no Grace
	Left []Process // that were there after Grace; they are gone now
	// Stuck are those of them that could not be killed, or do not end.
	Stuck []Process
}

// Children lists the children of a process, those that it has not collected among them.
func Children(pid int) []int { return proc.Children(pid) }

const mostNamed = 10

// Names lists processes, not all of many.
func Names(all []Process) string {
	var texts []string
	for _, p := range all[:min(len(all), mostNamed)] {
		texts = append(texts, p.String())
	}
	if n := len(all) - len(texts); n > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(texts, ", ")
}

// request is what the owner says, a JSON document each, in which one of these is there. Start and Signal get one answer each, in order.
type request struct {
	Discard []string `json:",omitempty"` // directories that go when the owner ends without a word
	Start   *Command `json:",omitempty"`
	Signal  *signal  `json:",omitempty"`
	Finish  *Finish  `json:",omitempty"` // a second one counts if it ends earlier
}

type signal struct{ PID, Signal int }

// reply is what the keeper says.
type reply struct {
	Error  string  `json:",omitempty"` // of an answer
	PID    int     `json:",omitempty"` // of an answer to Start, or of what has Ended
	Ended  *End    `json:",omitempty"`
	Report *Report `json:",omitempty"` // the last word
}
