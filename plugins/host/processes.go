package host

import (
	"syscall"

	"github.com/mwlua/mwlua/core/program"
)

// Processes is the hand that starts and collects processes. Its methods are called from any goroutine, and may wait for whoever owns
// the children of this process, but for no child. There are two: the supervisor's, and Alone.
type Processes interface {
	// Start starts c, in a process group of its own. It returns when the executable runs: c's descriptors may be closed then.
	Start(c Command) (Process, error)
	// Adopt finds a child that an earlier image of this process has started. The error says that it is not there any more.
	Adopt(Identity) (Process, error)
}

// Command is a plugin to start.
type Command struct {
	Path  string   // what is executed, of the form /proc/self/fd/N: N is one of our descriptors, or of its own
	Args  []string // the first word included
	Env   []string // the whole environment
	Dir   string
	User  *program.Credential // nil means ours
	Files []uintptr           // its descriptors, from 0; there are no others
	Mark  string              // NAME=VALUE of Env that no other process has but those that it starts
}

// Process is one that was started or adopted.
type Process struct {
	Identity
	// Ended gets one Exit, for which it has room. What is left of the process group is killed by then, and by the supervisor also what
	// has left the group.
	Ended <-chan Exit
	// Signal sends a signal to the process group. It does nothing once the process was collected, and does not wait.
	Signal func(syscall.Signal)
}

// Identity names a process for ever: a PID alone is given to others.
type Identity struct {
	PID       int
	StartTime uint64 // field 22 of /proc/PID/stat (proc(5))
	BootID    string // of /proc/sys/kernel/random/boot_id
}

// Exit is how a process ended.
type Exit struct {
	Code, Signal int // Code says nothing if there is a Signal
}
