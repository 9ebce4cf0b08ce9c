package supervisor

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// collect takes every child that has ended. What is neither an instance nor a helper of ours was left to us by somebody, as
// pid 1 is left all orphans: it is told and forgotten, and nobody waits for it (T-35).
func (s *supervisor) collect() {
	var exits []proc.Exit // of instances
	proc.Collect(s.lastWords, func(e proc.Exit) {
		_, ours := s.owners[e.PID]
		switch {
		case ours:
			exits = append(exits, e)
		case s.helpers[e.PID] != nil:
			s.helpers[e.PID](e)
			delete(s.helpers, e.PID)
		case s.claims[e.PID] != nil:
			s.claims[e.PID].exit = &e
		case s.silent[e.PID]:
			delete(s.silent, e.PID)
		case !s.isSurvivor(e.PID):
			s.Log.Orphan(e.PID, exitStatus(e.Code, e.Signal))
		}
	})
	s.ended(exits...)
	s.removeCGroups()
}

// lastWords hears an instance whose process has ended: it may have said that it was ready, or who is its process from now on. Whoever
// has said it for it may be gone, too, and is told by what /proc has of the process.
func (s *supervisor) lastWords(pid int) {
	if in := s.instances[s.owners[pid]]; in != nil {
		s.hear(in, maxLastWords)
		s.hearReady(in)
	}
}

// ended says that these processes of instances have ended, and what they leave, and which instances before them have nothing left.
func (s *supervisor) ended(exits ...proc.Exit) {
	events := make([]machine.Exited, len(exits))
	for i, e := range exits {
		id := s.owners[e.PID]
		delete(s.owners, e.PID)
		events[i] = machine.Exited{ID: id, Code: e.Code, Signal: e.Signal, CoreDumped: e.CoreDumped}
		if in := s.instances[id]; in != nil && in.unit.CGroup != "" {
			events[i].OOM = proc.WasShortOfMemory(in.unit.CGroup)
		}
		if in := s.instances[id]; in != nil && in.unit.Kill != program.KillProcess {
			s.emptying[id] = in
		}
	}
	s.look()
	for _, ev := range events {
		if in := s.emptying[ev.ID]; in != nil && len(in.left) == 0 {
			delete(s.emptying, ev.ID)
		} else if in != nil {
			ev.Left = survivors(in.left)
		}
		s.queue = append(s.queue, ev)
	}
	for id, in := range s.emptying {
		if len(in.left) == 0 {
			s.forget(in)
			s.queue = append(s.queue, machine.Emptied{ID: id})
		}
	}
}

// lookEvery is how often it is looked at what instances have left, whether a child of ours has ended or not: a process group may become
// empty otherwise, and a child in the midst of an execve cannot be told from others (proc.Survivors).
const lookEvery = time.Second

// lookDue is for the moment in which that is to be done next; nil while nothing is left of any.
func (s *supervisor) lookDue() <-chan time.Time {
	if len(s.emptying) == 0 {
		return nil
	}
	return time.After(max(0, time.Duration(s.looked+int64(lookEvery)-proc.Monotonic())))
}

// look finds out what is left of the instances whose process has ended.
func (s *supervisor) look() {
	if len(s.emptying) == 0 {
		return
	}
	s.looked = proc.Monotonic()
	var ended []*instance
	var units []proc.Unit
	for _, in := range s.emptying {
		ended, units = append(ended, in), append(units, in.unit)
	}
	for i, left := range proc.Survivors(units, s.isMine) {
		if len(left) == 0 {
			s.silence(ended[i].left)
		}
		ended[i].left = left
	}
}

// silence makes the ends of those that were left, and that nobody has collected yet, nobody's news.
func (s *supervisor) silence(left []proc.Member) {
	for _, m := range left {
		if proc.IsChild(m.PID) {
			s.silent[m.PID] = true
		}
	}
}

// survivors are as many of these as the machine wants to know.
func survivors(left []proc.Member) []machine.Survivor {
	var all []machine.Survivor
	for _, m := range left[:min(len(left), machine.MaxSurvivors)] {
		all = append(all, machine.Survivor{PID: m.PID, Name: m.Name})
	}
	return all
}

// isSurvivor reports whether a process is one of those that an instance has left.
func (s *supervisor) isSurvivor(pid int) bool {
	for _, in := range s.emptying {
		if slices.ContainsFunc(in.left, func(m proc.Member) bool { return m.PID == pid }) {
			return true
		}
	}
	return false
}

// signalUnit sends a signal to what is left of an instance.
func (s *supervisor) signalUnit(a machine.SignalUnit) {
	s.ended() // what is left may have ended in the hands of others
	in := s.emptying[a.ID]
	if in == nil {
		return
	}
	if err := proc.SignalUnit(in.unit, a.Signal, s.isMine); err != nil {
		s.Log.Warn("cannot send %s to all that is left of %v: %v", signalName(a.Signal), a.ID, err)
	}
}

// remember takes down whom the instances have that are about to get a signal, before it ends those who would tell.
func (s *supervisor) remember(actions []machine.Action) {
	var units []*proc.Unit
	for _, a := range actions {
		a, ok := a.(machine.Signal)
		if !ok || s.owners[a.PID] != a.ID {
			continue
		}
		if in := s.instances[a.ID]; in != nil && in.unit.Kill == program.KillUnit && in.unit.CGroup == "" {
			units = append(units, &in.unit)
		}
	}
	proc.Remember(units, s.isMine)
}

// adopt makes orphans of programs our children, once there is a program whose processes must be known. It stays so over an execve.
func (s *supervisor) adopt() {
	if s.adopts {
		return
	}
	s.adopts = true
	if err := proc.Subreaper(); err != nil {
		s.Log.Warn("what programs leave behind is not found: cannot become its parent: %v", err)
	}
}

// makeCGroup makes the control group that an instance is born in, where one can be made.
func (s *supervisor) makeCGroup(spec program.Spec, b *birth, c *proc.Command) {
	if !spec.CGroup {
		return
	}
	root, err := proc.CGroupRoot()
	if err == nil {
		b.unit.CGroup, c.CGroup, err = proc.MakeCGroup(root, b.id.String())
	}
	if err == nil {
		b.theirs = append(b.theirs, c.CGroup)
	} else if !s.ungrouped {
		s.ungrouped = true
		s.Log.Warn("%v runs without a control group of its own, and so do others: %v", b.id, err)
	}
}

// removeCGroups removes the control groups of instances that are gone. The kernel may say for a moment that a process is in one that
// was collected already; then it is tried again when children are collected, and at the end.
func (s *supervisor) removeCGroups() {
	s.cgroups = slices.DeleteFunc(s.cgroups, func(dir string) bool { return proc.RemoveCGroup(dir) == nil })
}

// kill ends what a helper has in its process group.
func kill(pid int) { _ = proc.Signal(pid, int(unix.SIGKILL), true) } // an error says that it is not there
