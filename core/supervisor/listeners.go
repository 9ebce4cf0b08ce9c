package supervisor

import (
	"fmt"
	"slices"

	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/internal/listen"
	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// listenerName is by what a binary that knows nothing of sockets for programs finds one of them among the sockets that it inherits: it
// closes it.
const listenerName = "program"

// openSockets makes the listening sockets those that are declared. One that goes from one program to another, or gets another name, is
// not closed in between.
func (s *supervisor) openSockets(a machine.OpenSockets) {
	var leaving []machine.ProgramSocket
	for key := range s.listeners {
		if !slices.Contains(a.Sockets, key) {
			leaving = append(leaving, key)
		}
	}
	var missing []machine.ProgramSocket
	for _, key := range a.Sockets {
		if s.listeners[key] != nil {
			continue
		}
		moves := func(other machine.ProgramSocket) bool { return other.Address == key.Address }
		if i := slices.IndexFunc(leaving, moves); i >= 0 {
			s.listeners[key] = s.listeners[leaving[i]]
			delete(s.listeners, leaving[i])
			leaving = slices.Delete(leaving, i, i+1)
			continue
		}
		missing = append(missing, key)
	}
	s.closeListeners(leaving)
	for _, key := range missing {
		if err := s.openSocket(key); err != nil {
			s.queue = append(s.queue, machine.SocketFailed{Program: key.Program, Name: key.Name, Text: err.Error()})
		}
	}
}

// openSocket opens a socket that is not open. The error names it.
func (s *supervisor) openSocket(key machine.ProgramSocket) error {
	l, err := listen.Open(key.Address)
	if err != nil {
		return fmt.Errorf("%s (%s): %w", key.Name, key.Address, err)
	}
	s.listeners[key] = l
	return nil
}

func (s *supervisor) closeListeners(keys []machine.ProgramSocket) {
	for _, key := range keys {
		s.listeners[key].Close()
		delete(s.listeners, key)
	}
}

// closeAllListeners is for the end of mwlua.
func (s *supervisor) closeAllListeners() {
	for key := range s.listeners {
		s.closeListeners([]machine.ProgramSocket{key})
	}
}

// passSockets gives a program its sockets. One that could not be opened before is tried again.
func (s *supervisor) passSockets(spec program.Spec, c *proc.Command) error {
	for _, socket := range spec.Sockets {
		key := machine.ProgramSocket{Program: spec.Name, Socket: socket}
		if s.listeners[key] == nil {
			if err := s.openSocket(key); err != nil {
				return &failedStep{"sockets", err.Error()}
			}
		}
		c.Listen = append(c.Listen, uintptr(s.listeners[key].FD))
		c.ListenNames = append(c.ListenNames, socket.Name)
	}
	return nil
}

// carriedListeners adds the sockets that the next image gets.
func (s *supervisor) carriedListeners(d *carry.Document) {
	for key, l := range s.listeners {
		d.Sockets = append(d.Sockets, carry.Socket{Name: listenerName, FD: l.FD, Of: &key})
	}
}
