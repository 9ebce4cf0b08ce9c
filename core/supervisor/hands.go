package supervisor

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/carry"
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
	Mark  string // NAME=VALUE of Env that no other process has but those that it starts
}

// Child is a process that was started, or taken over.
type Child struct {
	PID       int
	StartTime uint64 // field 22 of /proc/PID/stat (proc(5))
	BootID    string
	Ended     <-chan ChildEnd // gets one, for which it has room; what it has left behind is killed by then
	// Signal sends a signal to the process group, unless the child was collected. It does not wait.
	Signal func(syscall.Signal)
}

// ChildEnd is how a child ended: Code says nothing if there is a Signal.
type ChildEnd struct{ Code, Signal int }

// Start starts a child. It gets SIGTERM when mwlua dies, but not when mwlua executes its next image.
func (h *Hands) Start(o Order) (child Child, err error) {
	c := proc.Command{Path: o.Path, Argv: o.Argv, Env: o.Env, Dir: o.Dir, Files: o.Files, NoShell: true, Deathsig: sigTERM}
	if o.User != nil {
		c.User = &proc.Identity{UID: o.User.UID, GID: o.User.GID, Groups: o.User.Groups}
	}
	if !h.s.inLoop(func() {
		h.s.adopt() // what it leaves behind
		var pid int
		if pid, err = proc.Start(c); err != nil {
			return
		}
		var who proc.Process
		if who, err = proc.Identify(pid); err == nil {
			child = h.hold(carry.Lent{Process: who, Mark: o.Mark})
			return
		}
		h.s.helpers[pid] = func(proc.Exit) {}
		kill(pid)
	}) {
		return Child{}, errLeaving
	}
	return child, err
}

// Former are the children that earlier images of this process have started, and that were neither adopted nor collected. Only their
// identities are known. Begin may call it, which runs in the loop.
func (h *Hands) Former() (all []Child) {
	for _, l := range h.s.lent {
		all = append(all, Child{PID: l.PID, StartTime: l.StartTime, BootID: l.BootID})
	}
	return all
}

// Adopt takes over a child that an earlier image of this process has started.
func (h *Hands) Adopt(pid int, startTime uint64, bootID string) (child Child, err error) {
	if !h.s.inLoop(func() {
		l, ok := h.s.lent[pid]
		if !ok || l.StartTime != startTime || l.BootID != bootID {
			err = errors.New("it is no child of ours, or has ended")
			return
		}
		child = h.hold(l)
	}) {
		return Child{}, errLeaving
	}
	return child, err
}

// Kill kills a process, with its group, that is still the one that was started so, and is no child of ours. It does not wait.
func (h *Hands) Kill(pid int, startTime uint64, bootID string) {
	go h.s.inLoop(func() { // waits for the loop; sends nothing; ends with that, or when mwlua leaves
		if h.s.isMine(pid) {
			return
		}
		fd, err := proc.OpenPidfd(pid)
		if err != nil {
			return
		}
		defer unix.Close(int(fd))
		if who, err := proc.Identify(pid); err == nil && who == (proc.Process{PID: pid, StartTime: startTime, BootID: bootID}) {
			_ = fd.Signal(int(unix.SIGKILL), true) // an error says that it has ended
		}
	})
}

// hold has the end of a child heard by whoever wants it.
func (h *Hands) hold(l carry.Lent) Child {
	pid, ended := l.PID, make(chan ChildEnd, 1)
	unit := proc.NewUnit(pid, program.KillUnit, l.Mark)
	h.s.lent[pid] = l
	h.s.helpers[pid] = func(e proc.Exit) {
		delete(h.s.lent, pid)
		if err := proc.SignalUnit(unit, int(unix.SIGKILL), h.s.isMine); err != nil {
			h.s.Log.Warn("cannot kill all that child %d has left: %v", pid, err)
		}
		ended <- ChildEnd{Code: e.Code, Signal: e.Signal}
	}
	signal := func(sig syscall.Signal) {
		go h.s.inLoop(func() { // waits for the loop; sends nothing; ends with that, or when mwlua leaves
			if h.s.lent[pid] == l { // else the number may be another one's
				unix.Kill(-pid, sig)
			}
		})
	}
	return Child{PID: pid, StartTime: l.StartTime, BootID: l.BootID, Ended: ended, Signal: signal}
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
