package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// many is a report that does not fit into the buffers of a socket.
func many() Report {
	r := Report{State: machine.State{Programs: make([]machine.Program, 20_000)}}
	for i := range r.State.Programs {
		r.State.Programs[i] = machine.Program{Name: fmt.Sprintf("program-%d", i), Phase: machine.Down}
	}
	return r
}

// brief is a limit that is worth waiting for.
const brief = 250 * time.Millisecond

func TestCloseEndsWhatWaits(t *testing.T) {
	asked := make(chan struct{})
	f := &fake{answer: func(ctx context.Context, r machine.Request) (machine.Reply, bool) {
		close(asked)
		<-ctx.Done() // a supervisor that does nothing more
		return machine.Reply{}, false
	}}
	l, err := Listen(t.TempDir()+"/c.sock", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	end := serveListener(t, l, f, defaultLimits())
	idle, waits := dial(t, l.Path()), make(chan error, 1)
	go func() {
		_, err := Client{Path: l.Path()}.Do(testContext(t), Order{Verb: machine.StopProgram, Program: "web"})
		waits <- err
	}()
	<-asked
	end()
	if n, err := idle.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes", n)
	}
	if err := <-waits; err == nil {
		t.Error("it was answered")
	}
	if _, err := os.Lstat(l.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of the socket is there: %v", err)
	}
}

func TestClientThatLeavesEndsTheContext(t *testing.T) {
	asked, ended := make(chan struct{}), make(chan struct{})
	c := serveFake(t, &fake{answer: func(ctx context.Context, r machine.Request) (machine.Reply, bool) {
		close(asked)
		<-ctx.Done()
		close(ended)
		return machine.Reply{}, false
	}})
	conn := dial(t, c.Path)
	send(t, conn, "POST /v1/programs/web/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
	<-asked
	_ = conn.Close()
	<-ended
}

func TestLongWaitOutlastsTheLimits(t *testing.T) {
	limits := limits{conns: 4, waits: 4, header: brief, body: brief, idle: brief, write: brief}
	c := serveWith(t, &fake{answer: func(ctx context.Context, r machine.Request) (machine.Reply, bool) {
		select {
		case <-ctx.Done():
			return machine.Reply{Why: machine.WhyFailed, Text: "the context ended"}, true
		case <-time.After(4 * limits.write):
			return machine.Reply{OK: true}, true
		}
	}}, limits)
	if _, err := c.Do(testContext(t), Order{Verb: machine.StopProgram, Program: "web"}); err != nil {
		t.Error(err)
	}
}

func TestSlowClientsAreSentAway(t *testing.T) {
	short := limits{conns: 4, waits: 4, header: brief, body: brief, idle: brief, write: brief}
	for name, test := range map[string]struct{ request, want string }{
		"says nothing":            {"", ""},
		"half a header":           {"GET /v1/status HTTP/1.1\r\nHost", ""},
		"half a body":             {"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{", "the body did not come in time"},
		"nothing after the first": {"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n", `"programs"`},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{}
			if got := talk(t, serveWith(t, f, short).Path, test.request); !strings.Contains(got, test.want) {
				t.Errorf("got %q", got)
			}
			if len(f.hard()) > 0 {
				t.Error("it was reloaded")
			}
		})
	}
}

func TestClientsThatDoNotReadHoldNobodyUp(t *testing.T) {
	f, short := &fake{report: many()}, defaultLimits()
	short.write = 2 * time.Second // for the one that reads too, on a machine that has other things to do
	c := serveWith(t, f, short)
	for range mostReports {
		send(t, dial(t, c.Path), "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	s, err := c.Status(testContext(t))
	if err != nil || len(s.Programs) != len(f.report.State.Programs) {
		t.Errorf("%d programs, %v", len(s.Programs), err)
	}
}

func TestIdleClientMakesRoom(t *testing.T) {
	few := defaultLimits()
	few.conns = 3
	c := serveWith(t, &fake{}, few)
	first, reader := dial(t, c.Path), []*bufio.Reader{}
	conns := []net.Conn{first}
	for range few.conns - 1 {
		conns = append(conns, dial(t, c.Path))
	}
	for _, conn := range conns { // all are known to the server, the first one is the longest there
		send(t, conn, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
		r := bufio.NewReader(conn)
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		reader = append(reader, r)
	}
	if _, err := c.Status(testContext(t)); err != nil {
		t.Fatal(err)
	}
	closed := 0 // which one it was depends on when the server noted that they wait
	for i, conn := range conns {
		_, _ = io.WriteString(conn, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := http.ReadResponse(reader[i], nil); err != nil {
			closed++
		}
	}
	if closed != 1 {
		t.Errorf("%d of those that waited were closed, want one", closed)
	}
}

func TestTooManyAtWorkAreTurnedAway(t *testing.T) {
	few := defaultLimits()
	few.waits = 2
	asked, free := make(chan struct{}, few.waits), make(chan struct{})
	c := serveWith(t, &fake{answer: func(context.Context, machine.Request) (machine.Reply, bool) {
		asked <- struct{}{}
		<-free
		return machine.Reply{OK: true}, true
	}}, few)
	var all sync.WaitGroup
	stop := Order{Verb: machine.StopProgram, Program: "web"}
	for range few.waits {
		all.Go(func() {
			if _, err := c.Do(testContext(t), stop); err != nil {
				t.Error(err)
			}
		})
		<-asked
	}
	_, err := c.Do(testContext(t), stop)
	if f := failureOf(t, err); f.Why != WhyBusy || f.Text != "2 others wait for programs already" {
		t.Errorf("%+v", f)
	}
	if _, err := c.Status(testContext(t)); err != nil {
		t.Errorf("who does not wait for programs: %v", err)
	}
	close(free)
	all.Wait()
}

func TestOneConnectionTooManyIsClosed(t *testing.T) {
	few := defaultLimits()
	few.conns = 1
	asked, free := make(chan struct{}), make(chan struct{})
	c := serveWith(t, &fake{answer: func(context.Context, machine.Request) (machine.Reply, bool) {
		close(asked)
		<-free
		return machine.Reply{OK: true}, true
	}}, few)
	conn := dial(t, c.Path)
	send(t, conn, http11("POST", "/v1/programs/web/stop", ""))
	<-asked
	_, err := c.Status(testContext(t))
	if f := failureOf(t, err); f.Why != WhyCut {
		t.Errorf("%+v", f)
	}
	close(free)
	if answer, err := io.ReadAll(conn); err != nil || !strings.Contains(string(answer), "200 OK") {
		t.Errorf("%q, %v", answer, err)
	}
}

func TestOnePlanAtATime(t *testing.T) {
	var at, most atomic.Int32
	b := (&fake{}).backend()
	b.Plan = func(context.Context) ([]machine.Change, program.Problems, bool) {
		n := at.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-time.After(5 * time.Millisecond)
		at.Add(-1)
		return nil, nil, true
	}
	l, err := Listen(t.TempDir()+"/c.sock", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { Serve(l, b); close(done) }()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := (Client{Path: l.Path()}).Plan(testContext(t)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	_ = l.Close()
	<-done
	if most.Load() != 1 {
		t.Errorf("%d plans at a time", most.Load())
	}
}

func TestHeldClientsAreAnsweredLater(t *testing.T) {
	l, err := Listen(t.TempDir()+"/c.sock", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	l.Hold(true)
	serveListener(t, l, &fake{}, defaultLimits())
	conn := dial(t, l.Path())
	send(t, conn, http11("GET", "/v1/status", ""))
	_ = conn.SetReadDeadline(time.Now().Add(2 * acceptRetry))
	if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read %d bytes, %v", n, err)
	}
	l.Hold(false)
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if answer, err := io.ReadAll(conn); err != nil || !strings.Contains(string(answer), "200 OK") {
		t.Errorf("%q, %v", answer, err)
	}
}

func TestWhoMay(t *testing.T) {
	l, err := Listen(t.TempDir()+"/c.sock", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	own, root, other, unknown := peer{uid: os.Geteuid(), known: true}, peer{known: true}, peer{uid: 54321, known: true}, peer{}
	for mode, others := range map[os.FileMode]bool{0o600: false, 0o644: false, 0o660: true, 0o620: true, 0o666: true} {
		if err := os.Chmod(l.Path(), mode); err != nil {
			t.Fatal(err)
		}
		if !own.may(l.Path()) || !root.may(l.Path()) || other.may(l.Path()) != others || unknown.may(l.Path()) != others {
			t.Errorf("mode %o: own %v, root %v, other %v, unknown %v", mode, own.may(l.Path()), root.may(l.Path()), other.may(l.Path()),
				unknown.may(l.Path()))
		}
	}
	if other.may(l.Path() + ".gone") {
		t.Error("without the file")
	}
}
