package control

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// limits are what a server allows its clients.
type limits struct {
	conns  int           // at a time: one more ends the one that has waited longest for its client, or ends itself if none does
	waits  int           // requests that wait for programs at a time: one more is answered at once that there are too many
	header time.Duration // to send a request line and its headers
	body   time.Duration // to send a body
	idle   time.Duration // until the next request
	write  time.Duration // to read an answer
}

func defaultLimits() limits {
	return limits{conns: 128, waits: 96, header: 10 * time.Second, body: 10 * time.Second, idle: time.Minute, write: writeTimeout}
}

const (
	writeTimeout = 30 * time.Second
	// longestHeader is about the most bytes of a request line and its headers, longestBody the most of a body.
	longestHeader = 64 << 10
	longestBody   = 64 << 10
	// mostReports is how many answers that hold all programs are made and sent at a time: there may be 100,000 programs, and
	// clients that do not read.
	mostReports = 8
	// lastAnswers is how long answers that are under way may take when the listener is closed.
	lastAnswers = time.Second
	// acceptRetry is the pause after a failed accept, as there is without free descriptors and while a listener is held.
	acceptRetry = 50 * time.Millisecond
)

// Serve answers the clients of l until l is closed. It then closes their connections, but for those that Backend.Reload has, ends
// the contexts of their requests, and returns once the last request has ended. Its caller gives it a goroutine.
func Serve(l *Listener, b Backend) { serve(l, b, defaultLimits()) }

func serve(l *Listener, b Backend, limits limits) {
	ctx, cancel := context.WithCancel(context.Background())
	all := newConns(limits.conns)
	s := &server{
		Backend: b, limits: limits, path: l.path, conns: all,
		waits: make(chan struct{}, limits.waits), reports: make(chan struct{}, mostReports), plans: make(chan struct{}, 1),
	}
	h := &http.Server{
		Handler:                      s,
		BaseContext:                  func(net.Listener) context.Context { return ctx },
		ConnContext:                  withPeer,
		ConnState:                    all.note,
		ReadHeaderTimeout:            limits.header,
		IdleTimeout:                  limits.idle,
		WriteTimeout:                 limits.write, // each answer sets it anew
		MaxHeaderBytes:               longestHeader,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(io.Discard, "", 0), // it is about clients only, and they are told
	}
	_ = h.Serve(admitting{l.net, all}) // ends with l
	last, done := context.WithTimeout(ctx, lastAnswers)
	_ = h.Shutdown(last) // who is being answered is
	done()
	cancel()
	_ = h.Close()
	all.wait()
}

// server is what the handlers of one Listener share.
type server struct {
	Backend
	limits  limits
	path    string
	conns   *conns
	waits   chan struct{} // has room for as many more as may wait
	reports chan struct{} // the same of mostReports
	plans   chan struct{} // the same of plans, of which there is one at a time
}

// admitting is a listener that accepts what its list admits.
type admitting struct {
	net.Listener
	conns *conns
}

// Accept has no error but net.ErrClosed.
func (a admitting) Accept() (net.Conn, error) {
	for {
		conn, err := a.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil, net.ErrClosed
		case err != nil:
			<-time.After(acceptRetry)
		case a.conns.admit(conn):
			return conn, nil
		default:
			_ = conn.Close()
		}
	}
}
