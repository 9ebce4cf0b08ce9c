package supervisor

import (
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/control/mastercli"
	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/internal/listen"
	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// sockets are those through which somebody asks something: HAProxy's master CLI, and the control socket. All of it belongs to
// the loop, but for asks and left.
type sockets struct {
	mastercli []*mastercli.Listener
	control   *control.Listener // nil when there is none
	served    chan struct{}     // closed when the last client of control was served
	asks      chan ask          // of the sessions
	left      chan struct{}     // closed when nothing is answered any more
	token     uint64            // of the last one who asked, in this image and in those before it
	waiting   map[uint64]waiting
	replies   map[uint64]chan<- machine.Reply
	reports   map[uint64]chan<- report
	writing   sync.WaitGroup // answers to reloads that are being written
}

// ask is what a session wants to know or to be done. Each asks for one of these: something that is answered over conn, a reply,
// a report, or a plan. The channels have room for their answer.
type ask struct {
	request machine.Request // From is given by the loop
	conn    *waiting        // it is the loop's from now on
	reply   chan<- machine.Reply
	report  chan<- report
	plan    chan<- []machine.Change
	config  program.Config // with plan
}

// report is the answer to a status.
type report struct {
	control.Report
	logs string // of the last load
}

// waiting is the connection of one who waits for the end of a reload. What survives an execve is its descriptor.
type waiting struct {
	fd   int
	kind string // what it speaks, as carry.Waiting has it
}

// Kinds of connections.
const (
	kindMasterCLI = ""
	kindControl   = "control"
)

func newSockets() sockets {
	return sockets{
		asks: make(chan ask, 16), left: make(chan struct{}),
		waiting: make(map[uint64]waiting), replies: make(map[uint64]chan<- machine.Reply), reports: make(map[uint64]chan<- report),
	}
}

// inherit makes ours what the previous image had.
func (s *supervisor) inherit(before *carry.Document) (listening map[string]int) {
	listening = make(map[string]int)
	if before == nil {
		return listening
	}
	s.sockets.token = before.Token
	for _, socket := range before.Sockets {
		if socket.Of != nil {
			s.listeners[*socket.Of] = listen.Inherit(socket.FD, socket.Of.Address)
			continue
		}
		listening[socket.Name] = socket.FD
	}
	for _, w := range before.Waiting {
		unix.CloseOnExec(w.FD)
		s.sockets.waiting[w.Token] = waiting{fd: w.FD, kind: w.Kind}
	}
	return listening
}

// open makes the sockets ours: those that the previous image had, and new ones. An error means that mwlua cannot begin.
func (s *supervisor) open(before *carry.Document) error {
	inherited := s.inherit(before)
	for _, address := range s.MasterCLI {
		if err := s.openMasterCLI(address, inherited); err != nil && before == nil {
			return err
		} else if err != nil { // there are programs that want a supervisor more than that
			s.Log.Warn("%v", err)
		}
	}
	s.inheritControl(inherited)
	for _, fd := range inherited { // of an address that is gone
		unix.Close(fd)
	}
	return nil
}

// ask asks the loop, from the goroutine of a session. False says that mwlua is leaving.
func (s *supervisor) ask(a ask) bool {
	select {
	case s.sockets.asks <- a:
		return true
	case <-s.sockets.left:
		return false
	}
}

// report asks the loop for a report.
func (s *supervisor) report() (report, bool) {
	answer := make(chan report, 1)
	if !s.ask(ask{report: answer}) {
		return report{}, false
	}
	return await(s, answer)
}

// await waits for an answer of the loop, from the goroutine of a session.
func await[T any](s *supervisor, answer <-chan T) (T, bool) {
	select {
	case a := <-answer:
		return a, true
	case <-s.sockets.left:
		return last(answer)
	}
}

// last is an answer that was given before the loop ended, if it was.
func last[T any](answer <-chan T) (a T, ok bool) {
	select {
	case a = <-answer:
		return a, true
	default:
		return a, false
	}
}

// takeConn takes the connection of one who wants a reload, from the goroutine of a session.
func (s *supervisor) takeConn(conn net.Conn, kind string, hard bool, by string) error {
	defer conn.Close()
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil // it is closed already, and nobody could be told
	}
	w := &waiting{fd: -1, kind: kind}
	if closed := raw.Control(func(n uintptr) { w.fd, err = unix.FcntlInt(n, unix.F_DUPFD_CLOEXEC, 3) }); closed != nil || err != nil {
		return err
	}
	if !s.ask(ask{request: machine.Request{Verb: machine.ReloadAll, By: by, Hard: hard}, conn: w}) {
		unix.Close(w.fd)
	}
	return nil
}

// heard is the loop's part of a question. What the machine has to know becomes an event.
func (s *supervisor) heard(a ask) {
	if a.plan != nil {
		a.plan <- s.m.Plan(a.config)
		return
	}
	s.sockets.token++
	a.request.From = s.sockets.token
	switch {
	case a.report != nil:
		a.request.Verb = machine.TellState
		s.sockets.reports[s.sockets.token] = a.report
	case a.conn != nil:
		s.sockets.waiting[s.sockets.token] = *a.conn
	default:
		s.sockets.replies[s.sockets.token] = a.reply
	}
	s.queue = append(s.queue, a.request)
}

// tell sends a report.
func (s *supervisor) tell(now machine.Instant, to uint64) {
	s.sockets.reports[to] <- report{
		Report: control.Report{State: s.m.Snapshot(), Now: now, PID: os.Getpid(), Started: s.started, Version: s.Version, Plugins: s.plugins()},
		logs:   s.Log.Startup(),
	}
	delete(s.sockets.reports, to)
}

// answer tells one who asked how it ended.
func (s *supervisor) answer(a machine.Reply) {
	if reply, ok := s.sockets.replies[a.To]; ok {
		delete(s.sockets.replies, a.To)
		reply <- a
		return
	}
	w, ok := s.sockets.waiting[a.To]
	if !ok {
		return
	}
	delete(s.sockets.waiting, a.To)
	file := os.NewFile(uintptr(w.fd), "reload")
	conn, err := net.FileConn(file)
	file.Close()
	if err != nil {
		return // it is no socket any more, as one that was shut down
	}
	logs := s.Log.Startup()
	s.sockets.writing.Add(1)
	go func() { // waits for the client to read and to leave; sends nothing; ends then, or after half a minute
		var closing func()
		if w.kind == kindControl {
			closing = control.WriteReload(conn, a)
		} else {
			closing = writeMasterCLI(conn, a, logs)
		}
		s.sockets.writing.Done()
		closing()
	}()
}

// hold keeps clients from being accepted, or lets them in again: those who come during a hand-over are the next image's.
func (s *supervisor) hold(hold bool) {
	for _, l := range s.sockets.mastercli {
		l.Hold(hold)
	}
	if s.sockets.control != nil {
		s.sockets.control.Hold(hold)
	}
}

// catchUp takes what sessions have asked for, and what goroutines have sent so far: after a hand-over nobody would know of it.
func (s *supervisor) catchUp() {
	for {
		select {
		case a := <-s.sockets.asks:
			s.heard(a)
		case ev := <-s.events:
			s.happened(ev)
		default:
			for len(s.queue) > 0 {
				ev := s.queue[0]
				s.queue = s.queue[1:]
				s.step(ev)
			}
			return
		}
	}
}

// finishAnswers waits until the answers that are being written are out, but no longer than a second.
func (s *supervisor) finishAnswers() {
	written := make(chan struct{})
	go func() { // waits for the writers; ends with them
		s.sockets.writing.Wait()
		close(written)
	}()
	select {
	case <-written:
	case <-time.After(time.Second):
	}
}

// carried lists the descriptors that the next image gets.
func (s *supervisor) carried(d *carry.Document) {
	d.Token, d.Started = s.sockets.token, int64(s.started)
	for _, l := range s.sockets.mastercli {
		d.Sockets = append(d.Sockets, carry.Socket{Name: l.Address().MasterCLI(), FD: l.FD()})
	}
	if l := s.sockets.control; l != nil {
		d.Sockets = append(d.Sockets, carry.Socket{Name: controlPrefix + l.Path(), FD: l.FD()})
	}
	for token, w := range s.sockets.waiting {
		d.Waiting = append(d.Waiting, carry.Waiting{Token: token, FD: w.fd, Kind: w.kind})
	}
}

// start is when mwlua started: this image, or the first of those before it.
func start(before *carry.Document) machine.Instant {
	if before != nil && before.Started != 0 {
		return machine.Instant(before.Started)
	}
	return machine.Instant(proc.Monotonic())
}
