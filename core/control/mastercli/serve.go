package mastercli

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Limits of a listener (T-31).
const (
	// mostSessions is how many connections there are at a time, 10 in HAProxy. One more ends the one that has waited longest for
	// its client, so that idle clients cannot keep an administrator out.
	mostSessions = 64
	// idleTimeout is how long a client may take for its next request.
	idleTimeout = 5 * time.Minute
	// writeTimeout is how long a client may take to read what is written at once. After stallTimeout the session counts as one that
	// waits, so that clients that do not read cannot keep an administrator out either.
	writeTimeout = 30 * time.Second
	stallTimeout = time.Second
	// lingerTimeout is how long, and lingerBytes how much, a client may go on to send after the last answer. A connection that is
	// closed with unread bytes can take the answer with it.
	lingerTimeout = time.Second
	lingerBytes   = 1 << 20
	// acceptRetry is the pause after a failed accept, as there is without free descriptors.
	acceptRetry = 100 * time.Millisecond
)

// Serve answers the clients of l until l is closed. It then closes their connections, but for those that Backend.Reload has,
// and returns once the last session has ended. Its caller gives it a goroutine.
func Serve(l *Listener, b Backend) {
	serve(l.net, l.addr.Level, b, newSessions(mostSessions))
}

func serve(listener net.Listener, level Level, b Backend, all *sessions) {
	var running sync.WaitGroup
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err != nil {
			<-time.After(acceptRetry)
			continue
		}
		v := all.admit(conn)
		running.Add(1)
		// It waits for requests of its client and for the Backend, sends answers, and ends with the connection, when Reload has
		// taken that, or when all is closed.
		go func() {
			defer running.Done()
			defer v.leave()
			newSession(b, v, level).run()
		}()
	}
	all.close()
	running.Wait()
}

// sessions is the list of connections of one listener.
type sessions struct {
	mu    sync.Mutex
	room  sync.Cond // one left, or began to wait
	most  int
	open  map[*visit]bool
	ticks uint64 // counts the waits
}

func newSessions(most int) *sessions {
	s := &sessions{most: most, open: map[*visit]bool{}}
	s.room.L = &s.mu
	return s
}

// visit is a connection in that list. sessions.mu guards what can change.
type visit struct {
	conn  net.Conn
	all   *sessions
	since uint64 // the tick of the beginning of its wait; 0 is one at work
	count uint64 // of its writes, begun and ended
}

// admit adds conn, in the place of the one that waits longest if there are too many. As long as all are at work, it waits: what
// they do is bounded.
func (s *sessions) admit(conn net.Conn) *visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.open) >= s.most {
		if longest := s.longest(); longest != nil {
			delete(s.open, longest)
			_ = longest.conn.Close()
		} else {
			s.room.Wait()
		}
	}
	v := &visit{conn: conn, all: s}
	s.open[v] = true
	return v
}

// longest returns the one that waits longest, nil if all are at work.
func (s *sessions) longest() *visit {
	var longest *visit
	for v := range s.open {
		if v.since > 0 && (longest == nil || v.since < longest.since) {
			longest = v
		}
	}
	return longest
}

// close closes all that is in the list.
func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for v := range s.open {
		_ = v.conn.Close()
	}
	clear(s.open)
}

// wait notes that v begins or ends to wait for its client. False says that it is not in the list any more, and closed.
func (v *visit) wait(begins bool) bool {
	v.all.mu.Lock()
	defer v.all.mu.Unlock()
	v.since = 0
	if begins {
		v.waits()
	}
	return v.all.open[v]
}

// waits begins a wait, under sessions.mu.
func (v *visit) waits() {
	v.all.ticks++
	v.since = v.all.ticks
	v.all.room.Signal()
}

// writes notes that v begins to write, and returns what notes that it ends to.
func (v *visit) writes() (ends func()) {
	v.all.mu.Lock()
	defer v.all.mu.Unlock()
	if v.since > 0 { // a wait goes on
		return func() {}
	}
	v.count++
	number := v.count
	stall := time.AfterFunc(stallTimeout, func() {
		v.all.mu.Lock()
		defer v.all.mu.Unlock()
		if v.count == number {
			v.waits()
		}
	})
	return func() {
		stall.Stop()
		v.all.mu.Lock()
		defer v.all.mu.Unlock()
		v.count++
		v.since = 0
	}
}

// leave takes v from the list, and does nothing if it is not there.
func (v *visit) leave() {
	v.all.mu.Lock()
	defer v.all.mu.Unlock()
	delete(v.all.open, v)
	v.all.room.Signal()
}

// finish closes conn so that the client gets all that was written.
func finish(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil &&
		conn.SetReadDeadline(time.Now().Add(lingerTimeout)) == nil {
		_, _ = io.CopyN(io.Discard, conn, lingerBytes)
	}
	_ = conn.Close()
}
