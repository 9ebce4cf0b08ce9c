package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/mwlua/mwlua/core/control/mastercli"
	"github.com/mwlua/mwlua/core/machine"
)

// HAProxy is an HAProxy that runs as a program, with workers and a master CLI of its own.
type HAProxy struct {
	Program string // its name
	mastercli.Client
	// Reload has it read its configuration again, and waits until it serves with that, or says why not.
	Reload func(ctx context.Context, hard bool) error
}

// openMasterCLI opens HAProxy's master CLI at an address, or goes on with what the previous image had there.
func (s *supervisor) openMasterCLI(address mastercli.Address, inherited map[string]int) error {
	l, err := s.listen(address, inherited)
	if err != nil {
		return err
	}
	s.sockets.mastercli = append(s.sockets.mastercli, l)
	go mastercli.Serve(l, s.backend()) // waits for clients and for their sessions; asks the loop; ends with the process
	return nil
}

func (s *supervisor) listen(address mastercli.Address, inherited map[string]int) (*mastercli.Listener, error) {
	name := address.MasterCLI()
	if fd, ok := inherited[name]; ok {
		delete(inherited, name)
		l, err := mastercli.Inherit(fd, address)
		if err == nil {
			return l, nil
		}
		s.Log.Warn("%v; it is opened again", err)
	}
	return mastercli.Listen(address)
}

func (s *supervisor) backend() mastercli.Backend {
	b := mastercli.Backend{
		Version: s.HAProxyVersion,
		Status:  s.status,
		StartupLogs: func() string {
			r, _ := s.report()
			return r.logs
		},
		Reload: func(conn net.Conn, hard bool) {
			if err := s.takeConn(conn, kindMasterCLI, hard, "the master CLI"); err != nil {
				mastercli.WriteReload(conn, false, fmt.Sprintf("cannot keep the connection: %v", err))()
			}
		},
	}
	if s.HAProxy != nil {
		b.Workers = s.HAProxy
	}
	return b
}

// status is what `show proc` tells, asked by the goroutine of a session.
func (s *supervisor) status() (mastercli.Status, bool) {
	r, ok := s.report()
	status := mastercli.Status{State: r.State, Now: r.Now, PID: r.PID, Started: r.Started}
	if s.HAProxy != nil && ok {
		status.Workers, status.Unlisted = s.HAProxy.Workers(r.Now), s.HAProxy.Program
	}
	return status, ok
}

// writeMasterCLI answers a reload in the words of HAProxy's master CLI.
func writeMasterCLI(conn net.Conn, a machine.Reply, logs string) (closing func()) {
	if a.Why == machine.WhyDropped {
		logs = a.Text
	}
	return mastercli.WriteReload(conn, a.OK, logs)
}

// reloadItself has a program read its own configuration again, from a goroutine of its own. Only an HAProxy can be asked to.
func (s *supervisor) reloadItself(a machine.ReloadItself) {
	err := errors.New("nobody knows how it is asked to reload itself")
	if s.HAProxy != nil && s.HAProxy.Program == a.ID.Program {
		ctx, cancel := context.WithTimeout(context.Background(), sooner(a.Limit))
		defer cancel()
		err = s.HAProxy.Reload(ctx, a.Hard)
	}
	if err != nil {
		s.events <- machine.ReloadRefused{N: a.N, ID: a.ID, Text: err.Error()}
		return
	}
	s.events <- machine.ReloadedItself{N: a.N, ID: a.ID}
}

// sooner is less than the machine's patience: what is known of the reason is worth more than that nothing came.
func sooner(limit time.Duration) time.Duration { return limit - limit/20 }

// awaitServing says when an HAProxy has a worker, from a goroutine of its own.
func (s *supervisor) awaitServing(a machine.AwaitServing) {
	err := errors.New("nobody knows how to see that")
	if s.HAProxy != nil && s.HAProxy.Program == a.ID.Program {
		ctx, cancel := context.WithTimeout(context.Background(), sooner(a.Limit))
		defer cancel()
		err = s.HAProxy.Serves(ctx)
	}
	if err != nil {
		s.events <- machine.NotServing{ID: a.ID, Text: fmt.Sprintf("%v runs, but whether it serves is not known: %v", a.ID, err)}
		return
	}
	s.events <- machine.Serving{ID: a.ID}
}
