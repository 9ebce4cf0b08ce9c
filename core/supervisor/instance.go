package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// none is no descriptor.
const none = -1

// instance is what the shell holds of one that is more than a process. Most are not.
type instance struct {
	id      machine.ID
	unit    proc.Unit     // its processes
	notify  int           // the socket at which it is heard, or none
	ready   int           // our end of the pipe to which it says that it is ready, or none
	main    proc.Pidfd    // its process, if that is not our child, or none
	refused bool          // a process that is none of its own was heard, and that was told
	left    []proc.Member // of its processes, once the one that counts was collected
}

func newInstance(id machine.ID) *instance {
	return &instance{id: id, notify: none, ready: none, main: none}
}

// leader is the pid of its process, or of the last one that was.
func (in *instance) leader() int { return in.unit.Leaders[len(in.unit.Leaders)-1].PID }

// keep makes an instance that has just been started one of those that the shell holds something of. mark is a variable that no other
// process has but its own.
func (s *supervisor) keep(in *instance, pid int, spec program.Spec, mark string) {
	group := in.unit.CGroup
	in.unit = proc.NewUnit(pid, spec.Kill, mark)
	in.unit.CGroup = group
	s.instances[in.id] = in
	s.watchInstance(in)
}

// watchInstance hears what an instance says from now on.
func (s *supervisor) watchInstance(in *instance) {
	s.watchFor(in.id, in.notify, func() { s.hear(in, maxDatagrams) })
	s.watchFor(in.id, in.ready, func() { s.hearReady(in) })
	s.watchFor(in.id, int(in.main), func() { s.mainEnded(in) })
}

func (s *supervisor) watchFor(id machine.ID, fd int, handle func()) {
	if fd == none {
		return
	}
	if err := s.watch.Add(fd, handle); err != nil { // of memory, or of fs.epoll.max_user_watches
		s.Log.Warn("%v is not heard: %v", id, err)
	}
}

// closeWatched closes a descriptor of an instance, if it is one.
func (s *supervisor) closeWatched(fd *int) {
	if *fd != none {
		s.watch.Remove(*fd)
		unix.Close(*fd)
		*fd = none
	}
}

// release is for the moment in which the machine hears that the process of an instance has ended.
func (s *supervisor) release(id machine.ID) {
	if in := s.instances[id]; in != nil && s.emptying[id] == nil {
		s.forget(in)
	} else if in != nil {
		s.closeInstance(in)
	}
}

// forget is for the moment in which nothing is left of an instance.
func (s *supervisor) forget(in *instance) {
	s.closeInstance(in)
	delete(s.instances, in.id)
	delete(s.emptying, in.id)
	if in.unit.CGroup != "" {
		s.cgroups = append(s.cgroups, in.unit.CGroup)
		s.removeCGroups()
	}
}

// closeInstance hears nothing more of an instance.
func (s *supervisor) closeInstance(in *instance) {
	s.closeWatched(&in.notify)
	s.closeWatched(&in.ready)
	s.closeMain(in)
}

// carriedInstances adds what the next image gets of instances.
func (s *supervisor) carriedInstances(d *carry.Document) {
	for _, in := range s.instances {
		d.Units = append(d.Units, carry.Unit{Instance: in.id, Unit: in.unit, Refused: in.refused})
		for kind, fd := range map[carry.Kind]int{
			carry.NotifySocket: in.notify, carry.ReadyPipe: in.ready, carry.MainProcess: int(in.main),
		} {
			if fd != none {
				d.Descriptors = append(d.Descriptors, carry.Descriptor{Instance: in.id, Kind: kind, FD: fd})
			}
		}
	}
	for pid := range s.silent {
		d.Silent = append(d.Silent, pid)
	}
}

// takeInstances makes the instances of the previous image ours.
func (s *supervisor) takeInstances(d *carry.Document) {
	for _, u := range d.Units {
		in := newInstance(u.Instance)
		in.unit, in.refused = u.Unit, u.Refused
		s.instances[u.Instance] = in
	}
	for _, held := range d.Descriptors {
		unix.CloseOnExec(held.FD)
		in := s.instances[held.Instance]
		switch {
		case held.Kind == carry.OutputPipe && held.Output != nil:
			s.takeOutput(held)
		case in != nil && held.Kind == carry.NotifySocket:
			in.notify = held.FD
		case in != nil && held.Kind == carry.ReadyPipe:
			in.ready = held.FD
		case in != nil && held.Kind == carry.MainProcess:
			in.main = proc.Pidfd(held.FD)
		default: // a later binary has more kinds
			unix.Close(held.FD)
		}
	}
	for _, p := range d.State.Programs {
		for _, i := range p.Instances {
			s.takeProcess(machine.ID{Program: p.Name, Slot: p.Slot, Seq: i.Seq}, i)
		}
	}
	for _, in := range s.instances {
		s.watchInstance(in)
	}
	for _, pid := range d.Silent {
		s.silent[pid] = true
	}
}

// takeProcess makes the process of an instance ours.
func (s *supervisor) takeProcess(id machine.ID, i machine.Instance) {
	in := s.instances[id]
	if i.Step != machine.Emptying {
		s.owners[i.PID] = id
		return
	}
	if in == nil { // it cannot be told any more what is left of it
		in = newInstance(id)
		s.instances[id] = in
	}
	s.emptying[id] = in
}
