package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/control/mastercli"
	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
)

// HAProxy is an HAProxy that runs as a program, with workers and a master CLI of its own.
type HAProxy struct {
	Program string // its name
	mastercli.Client
}

// masterCLI is HAProxy's master CLI: its sockets, and the clients that wait for an answer. All of it belongs to the loop, but for
// asks and left.
type masterCLI struct {
	listeners []*mastercli.Listener
	asks      chan ask      // of the sessions
	left      chan struct{} // closed when nothing is answered any more
	token     uint64        // of the last one who asked, in this image and in those before it
	waiting   map[uint64]int
	reports   map[uint64]chan<- report
	writing   sync.WaitGroup // answers to reloads that are being written
}

// ask is what a session wants to know or to be done.
type ask struct {
	request machine.Request // From is given by the loop
	conn    int             // the connection of one who wants a reload: it is the loop's from now on
	report  chan<- report   // gets the answer to a status; it has room for it
}

// report is the answer to a status.
type report struct {
	status mastercli.Status
	logs   string
}

// open makes the sockets ours: those that the previous image had, and new ones. An error means that mwlua cannot begin.
func (s *supervisor) open(before *carry.Document) error {
	s.cli = masterCLI{
		asks: make(chan ask, 16), left: make(chan struct{}), waiting: make(map[uint64]int), reports: make(map[uint64]chan<- report),
	}
	inherited := make(map[string]int)
	if before != nil {
		s.cli.token = before.Token
		for _, socket := range before.Sockets {
			inherited[socket.Name] = socket.FD
		}
		for _, w := range before.Waiting {
			unix.CloseOnExec(w.FD)
			s.cli.waiting[w.Token] = w.FD
		}
	}
	for _, address := range s.MasterCLI {
		l, err := s.listen(address, inherited)
		if err != nil && before == nil {
			return err
		}
		if err != nil { // there are programs that want a supervisor more than that
			s.Log.Warn("%v", err)
			continue
		}
		s.cli.listeners = append(s.cli.listeners, l)
		go mastercli.Serve(l, s.backend()) // waits for clients and for their sessions; asks the loop; ends with the process
	}
	for _, fd := range inherited { // of an address that is gone
		unix.Close(fd)
	}
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
		Status: func() (mastercli.Status, bool) {
			r, ok := s.report()
			if s.HAProxy != nil && ok {
				r.status.Workers = s.HAProxy.Workers(r.status.Now)
				r.status.Unlisted = s.HAProxy.Program
			}
			return r.status, ok
		},
		StartupLogs: func() string {
			r, _ := s.report()
			return r.logs
		},
		Reload: s.takeReload,
	}
	if s.HAProxy != nil {
		b.Workers = s.HAProxy
	}
	return b
}

// report asks the loop for a report, from the goroutine of a session. False says that mwlua is leaving.
func (s *supervisor) report() (report, bool) {
	answer := make(chan report, 1)
	select {
	case s.cli.asks <- ask{request: machine.Request{Verb: machine.TellState}, report: answer}:
	case <-s.cli.left:
		return report{}, false
	}
	select {
	case r := <-answer:
		return r, true
	case <-s.cli.left:
		return report{}, false
	}
}

// takeReload takes over the connection of one who wants a reload, from the goroutine of a session. What survives an execve is its
// descriptor.
func (s *supervisor) takeReload(conn net.Conn, hard bool) {
	defer conn.Close()
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return // it is closed already
	}
	fd := -1
	raw.Control(func(n uintptr) { fd, err = unix.FcntlInt(n, unix.F_DUPFD_CLOEXEC, 3) })
	if err != nil || fd < 0 {
		mastercli.WriteReload(conn, false, fmt.Sprintf("cannot keep the connection: %v", err))()
		return
	}
	request := machine.Request{Verb: machine.ReloadAll, By: "the master CLI", Hard: hard}
	select {
	case s.cli.asks <- ask{request: request, conn: fd}:
	case <-s.cli.left:
		unix.Close(fd)
	}
}

// heard gives one who asked a number, and makes an event of the question.
func (s *supervisor) heard(a ask) machine.Event {
	s.cli.token++
	a.request.From = s.cli.token
	if a.report != nil {
		s.cli.reports[s.cli.token] = a.report
	} else {
		s.cli.waiting[s.cli.token] = a.conn
	}
	return a.request
}

// tell sends a report.
func (s *supervisor) tell(now machine.Instant, to uint64) {
	s.cli.reports[to] <- report{
		status: mastercli.Status{State: s.m.Snapshot(), Now: now, PID: os.Getpid(), Started: s.started},
		logs:   s.Log.Startup(),
	}
	delete(s.cli.reports, to)
}

// answer tells a client how its reload ended.
func (s *supervisor) answer(a machine.Reply) {
	fd, ok := s.cli.waiting[a.To]
	if !ok {
		return
	}
	delete(s.cli.waiting, a.To)
	logs := s.Log.Startup()
	if a.Why == machine.WhyDropped {
		logs = a.Text
	}
	file := os.NewFile(uintptr(fd), "reload")
	conn, err := net.FileConn(file)
	file.Close()
	if err != nil {
		return // it is no socket any more, as one that was shut down
	}
	s.cli.writing.Add(1)
	go func() { // waits for the client to read and to leave; sends nothing; ends then, or after half a minute
		closing := mastercli.WriteReload(conn, a.OK, logs)
		s.cli.writing.Done()
		closing()
	}()
}

// reloadItself has a program read its own configuration again, from a goroutine of its own. Only an HAProxy can be asked to.
func (s *supervisor) reloadItself(a machine.ReloadItself) {
	err := errors.New("nobody knows how it is asked to reload itself")
	if s.HAProxy != nil && s.HAProxy.Program == a.ID.Program {
		ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
		defer cancel()
		err = s.HAProxy.Reload(ctx, a.Hard)
	}
	if err != nil {
		s.events <- machine.ReloadRefused{N: a.N, ID: a.ID, Text: err.Error()}
		return
	}
	s.events <- machine.ReloadedItself{N: a.N, ID: a.ID}
}

// askTimeout ends that goroutine. The machine's own patience ends sooner.
const askTimeout = 10 * time.Minute

// hold keeps clients from being accepted, or lets them in again: those who come during a hand-over are the next image's.
func (s *supervisor) hold(hold bool) {
	for _, l := range s.cli.listeners {
		l.Hold(hold)
	}
}

// catchUp takes what sessions have asked for so far: after a hand-over nobody would know of it.
func (s *supervisor) catchUp() {
	for {
		select {
		case a := <-s.cli.asks:
			s.step(s.heard(a))
		default:
			return
		}
	}
}

// finishAnswers waits until the answers that are being written are out, but no longer than a second.
func (s *supervisor) finishAnswers() {
	written := make(chan struct{})
	go func() { // waits for the writers; ends with them
		s.cli.writing.Wait()
		close(written)
	}()
	select {
	case <-written:
	case <-time.After(time.Second):
	}
}

// carried lists the descriptors that the next image gets.
func (s *supervisor) carried(d *carry.Document) {
	d.Token, d.Started = s.cli.token, int64(s.started)
	for _, l := range s.cli.listeners {
		d.Sockets = append(d.Sockets, carry.Socket{Name: l.Address().MasterCLI(), FD: l.FD()})
	}
	for token, fd := range s.cli.waiting {
		d.Waiting = append(d.Waiting, carry.Waiting{Token: token, FD: fd})
	}
}

// start is when mwlua started: this image, or the first of those before it.
func start(before *carry.Document) machine.Instant {
	if before != nil && before.Started != 0 {
		return machine.Instant(before.Started)
	}
	return machine.Instant(proc.Monotonic())
}
