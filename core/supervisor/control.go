package supervisor

import (
	"context"
	"fmt"
	"net"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// controlPrefix is before the path of the control socket in the name by which it is carried over.
const controlPrefix = "control:"

// inheritControl goes on with the control socket of the previous image.
func (s *supervisor) inheritControl(inherited map[string]int) {
	for name, fd := range inherited {
		path, ok := strings.CutPrefix(name, controlPrefix)
		if !ok {
			continue
		}
		delete(inherited, name)
		l, err := control.Inherit(fd, path)
		if err != nil {
			s.Log.Warn("%v; it is opened again", err)
			continue
		}
		s.serveControl(l)
	}
}

// openControl makes the control socket what the configuration wants. The one before is there until another one is. The error says whether
// this mwlua can be reached.
func (s *supervisor) openControl(a machine.OpenControl) error {
	err := s.tryControl(a)
	switch {
	case err != nil && s.sockets.control == nil:
		return fmt.Errorf("%w; mwlua status and the like do not reach this mwlua", err)
	case err != nil:
		return fmt.Errorf("%w; until then mwlua status and the like reach this mwlua with -s %s", err, s.sockets.control.Path())
	}
	return nil
}

func (s *supervisor) tryControl(a machine.OpenControl) error {
	before := s.sockets.control
	if a.Path == "" {
		s.sockets.control = nil
		if before != nil {
			before.Close()
		}
		return nil
	}
	gid := -1
	if a.Group != "" {
		var err error
		if gid, err = groupID(a.Group); err != nil {
			return fmt.Errorf("control_group: %w", err)
		}
	}
	if before != nil && before.Path() == a.Path {
		return before.Permit(a.Mode, gid)
	}
	l, err := control.Listen(a.Path, a.Mode, gid)
	if err != nil {
		return err
	}
	s.serveControl(l)
	if before != nil {
		before.Close()
	}
	return nil
}

func groupID(group string) (int, error) {
	if gid, err := strconv.Atoi(group); err == nil {
		return gid, nil
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}

func (s *supervisor) serveControl(l *control.Listener) {
	s.sockets.control, s.sockets.served = l, make(chan struct{})
	served := s.sockets.served
	backend := control.Backend{
		Status: func() (control.Report, bool) {
			r, ok := s.report()
			return r.Report, ok
		},
		Ask:  s.command,
		Plan: s.plan,
		Reload: func(conn net.Conn, hard bool) {
			by := "the control socket"
			if err := s.takeConn(conn, kindControl, hard, by); err != nil {
				control.WriteReload(conn, machine.Reply{Why: machine.WhyFailed, Text: err.Error()})()
			}
		},
	}
	go func() { // waits for clients; asks the loop; ends when l is closed, or with the process
		control.Serve(l, backend)
		close(served)
	}()
}

// closeControl ends the control socket when mwlua leaves: whoever is being answered, as the one who asked for that, is.
func (s *supervisor) closeControl() {
	if s.sockets.control == nil {
		return
	}
	s.sockets.control.Close() // removes its file, by which clients see that nobody is there
	select {
	case <-s.sockets.served:
	case <-time.After(2 * time.Second):
	}
}

// command has one request carried out and waits for its answer, in the goroutine of a session.
func (s *supervisor) command(ctx context.Context, r machine.Request) (machine.Reply, bool) {
	reply := make(chan machine.Reply, 1)
	if r.By == "" {
		r.By = "the control socket"
	}
	if !s.ask(ask{request: r, reply: reply}) {
		return machine.Reply{}, false
	}
	select {
	case a := <-reply:
		return a, true
	case <-ctx.Done():
		return machine.Reply{}, true
	case <-s.sockets.left:
		return last(reply)
	}
}

// plan loads the configuration, which will not be used, and asks the loop what it would change.
func (s *supervisor) plan(context.Context) ([]machine.Change, program.Problems, bool) {
	config, problems := s.Load(s.run, false)
	if len(problems.Errors()) == 0 {
		problems = append(problems, config.Validate()...)
	}
	if len(problems.Errors()) > 0 {
		return nil, problems, true
	}
	answer := make(chan []machine.Change, 1)
	if !s.ask(ask{plan: answer, config: config}) {
		return nil, nil, false
	}
	changes, ok := await(s, answer)
	return changes, problems, ok
}
