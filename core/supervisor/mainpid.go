package supervisor

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
)

// claim is a process that an instance says is its own (MAINPID), until the machine has heard that.
type claim struct{ exit *proc.Exit } // nil while it was not collected

// checkMain leaves in said the process that the instance names as its own only if it is another one than before, alive, and one of
// its processes.
func (s *supervisor) checkMain(in *instance, said *machine.Notified) {
	pid := said.MainPID
	if pid == 0 {
		return
	}
	said.MainPID = 0
	if s.isMine(pid) || !proc.Alive(pid) || !proc.Belongs(in.unit, pid, s.isMine) {
		return
	}
	said.MainPID = pid
	s.claims[pid] = new(claim)
}

// follow takes another process for that of an instance. The end of the old one is nobody's news from now on.
func (s *supervisor) follow(a machine.Follow) {
	in, c := s.instances[a.ID], s.claims[a.PID]
	if in == nil || c == nil {
		return
	}
	if s.owners[a.Old] == a.ID {
		delete(s.owners, a.Old)
		if proc.IsChild(a.Old) {
			s.silent[a.Old] = true
		}
	} else { // it was collected, which is said in the queue
		s.queue = slices.DeleteFunc(s.queue, func(ev machine.Event) bool {
			exited, ok := ev.(machine.Exited)
			return ok && exited.ID == a.ID
		})
		delete(s.emptying, a.ID)
	}
	s.closeMain(in)
	delete(s.silent, a.PID)
	s.owners[a.PID] = a.ID
	in.unit.Follow(a.PID)
	if c.exit != nil {
		s.ended(*c.exit)
		return
	}
	s.watchMain(in, a.PID)
}

// watchMain watches a process that is not our child: nobody tells us of its end otherwise.
func (s *supervisor) watchMain(in *instance, pid int) {
	if proc.IsChild(pid) {
		return
	}
	fd, err := proc.OpenPidfd(pid)
	if err != nil { // it has ended, and its parent has collected it
		s.ended(proc.Exit{PID: pid, Code: machine.UnknownCode})
		return
	}
	in.main = fd
	s.watchFor(in.id, int(fd), func() { s.mainEnded(in) })
}

// mainEnded is called when a process that was not our child has ended. If it has become one meanwhile, it is collected as others are.
func (s *supervisor) mainEnded(in *instance) {
	pid := in.leader()
	e, known := in.main.Exit(pid)
	s.closeMain(in)
	if s.owners[pid] != in.id || proc.IsChild(pid) {
		return
	}
	if !known {
		e.Code = machine.UnknownCode
	}
	s.ended(e)
}

func (s *supervisor) closeMain(in *instance) {
	fd := int(in.main)
	s.closeWatched(&fd)
	in.main = none
}

// signal sends a signal to the process of an instance.
func (s *supervisor) signal(a machine.Signal) {
	if s.owners[a.PID] != a.ID {
		return // it was collected, its exit is in the queue, and its number may be somebody else's by now
	}
	send := func() error { return proc.Signal(a.PID, a.Signal, a.Group) }
	if in := s.instances[a.ID]; in != nil && in.main != none {
		send = func() error { return in.main.Signal(a.Signal, a.Group && leadsGroup(a.PID)) }
	}
	if err := send(); err != nil {
		s.queue = append(s.queue, machine.SignalFailed{ID: a.ID, Signal: a.Signal, Text: err.Error()})
	}
}

// leadsGroup reports whether a process is in a group of its own: a pidfd would lead a signal to any other as well, as to mwlua's own.
func leadsGroup(pid int) bool {
	group, err := unix.Getpgid(pid)
	return err == nil && group == pid
}
