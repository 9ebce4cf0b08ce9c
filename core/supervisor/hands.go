package supervisor

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/program"
)

// Hands start and collect processes for code outside of this package, because nothing else in this process may. Its methods may be
// called from any goroutine but the loop's, which carries them out; they fail once mwlua leaves.
type Hands struct{ s *supervisor }

// Order is a process to start: in a process group of its own, with these descriptors and no others.
type Order struct {
	Path  string // of the executable
	Argv  []string
	Env   []string // the whole environment
	Dir   string   // "" means ours
	User  *program.Credential
	Files []uintptr
}

// Child is a process that was started, or taken over.
type Child struct {
	PID       int
	StartTime uint64 // field 22 of /proc/PID/stat (proc(5))
	BootID    string
	Ended     <-chan ChildEnd // gets one, for which it has room; what is left of the process group is killed by then
	// Signal sends a signal to the process group, unless the child was collected. It does not wait.
	Signal func(syscall.Signal)
}

// ChildEnd is how a child ended: Code says nothing if there is a Signal.
type ChildEnd struct{ Code, Signal int }

// Start starts a child.
func (h *Hands) Start(o Order) (child Child, err error) {
	c := proc.Command{Path: o.Path, Argv: o.Argv, Env: o.Env, Dir: o.Dir, Files: o.Files, NoShell: true}
	if o.User != nil {
		c.User = &proc.Identity{UID: o.User.UID, GID: o.User.GID, Groups: o.User.Groups}
	}
	if !h.s.inLoop(func() {
		var pid int
		if pid, err = proc.Start(c); err != nil {
			return
		}
		var who proc.Process
		if who, err = proc.Identify(pid); err == nil {
			child = h.hold(who)
			return
		}
		h.s.helpers[pid] = func(proc.Exit) {}
		kill(pid)
	}) {
		return Child{}, errLeaving
	}
	return child, err
}

// Adopt takes over a child that an earlier image of this process has started.
func (h *Hands) Adopt(pid int, startTime uint64, bootID string) (child Child, err error) {
	if !h.s.inLoop(func() {
		if h.s.helpers[pid] == nil {
			err = errors.New("it is no child of ours, or has ended")
			return
		}
		var who proc.Process
		switch who, err = proc.Identify(pid); {
		case err != nil:
		case who.StartTime != startTime || who.BootID != bootID:
			err = errors.New("its number is another one's by now")
		default:
			child = h.hold(who)
		}
	}) {
		return Child{}, errLeaving
	}
	return child, err
}

// hold has the end of a child heard by whoever wants it.
func (h *Hands) hold(who proc.Process) Child {
	pid, ended := who.PID, make(chan ChildEnd, 1)
	h.s.helpers[pid] = func(e proc.Exit) {
		unix.Kill(-pid, unix.SIGKILL) // what is left of its group, in the moment in which it is collected
		ended <- ChildEnd{Code: e.Code, Signal: e.Signal}
	}
	signal := func(sig syscall.Signal) {
		go h.s.inLoop(func() { // waits for the loop; sends nothing; ends with that, or when mwlua leaves
			if h.s.helpers[pid] != nil {
				unix.Kill(-pid, sig)
			}
		})
	}
	return Child{PID: pid, StartTime: who.StartTime, BootID: who.BootID, Ended: ended, Signal: signal}
}

// inLoop has the loop call f, and waits for that. False says that there is no loop any more.
func (s *supervisor) inLoop(f func()) bool {
	done := make(chan struct{})
	select {
	case s.calls <- func() { f(); close(done) }:
	case <-s.sockets.left:
		return false
	}
	select {
	case <-done:
		return true
	case <-s.sockets.left:
		return false
	}
}
