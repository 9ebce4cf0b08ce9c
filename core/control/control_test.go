package control

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// TestMain makes this binary another process that listens, if it is told where.
func TestMain(m *testing.M) {
	if path := os.Getenv("MWLUA_TEST_LISTEN"); path != "" {
		if _, err := Listen(path, 0, -1); err != nil {
			panic(err)
		}
		os.Stdout.WriteString("listening\n")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	os.Exit(m.Run())
}

// fake is a backend that keeps what it is asked, and answers with what it is given.
type fake struct {
	mu      sync.Mutex
	asked   []machine.Request
	reloads []bool // hard?

	report   Report
	answer   func(ctx context.Context, r machine.Request) (machine.Reply, bool) // nil: OK
	changes  []machine.Change
	problems program.Problems
	gone     bool // the supervisor has left
	reload   func(conn net.Conn, hard bool)
}

func (f *fake) backend() Backend {
	return Backend{
		Status: func() (Report, bool) { return f.report, !f.gone },
		Ask: func(ctx context.Context, r machine.Request) (machine.Reply, bool) {
			f.mu.Lock()
			f.asked = append(f.asked, r)
			f.mu.Unlock()
			if f.answer != nil {
				return f.answer(ctx, r)
			}
			return machine.Reply{OK: true}, !f.gone
		},
		Plan: func(context.Context) ([]machine.Change, program.Problems, bool) {
			return f.changes, f.problems, !f.gone
		},
		Reload: func(conn net.Conn, hard bool) {
			f.mu.Lock()
			f.reloads = append(f.reloads, hard)
			f.mu.Unlock()
			if f.reload != nil {
				f.reload(conn, hard)
				return
			}
			WriteReload(conn, machine.Reply{OK: true, Changes: f.changes})()
		},
	}
}

// last returns the last request, but for who asked.
func (f *fake) last() machine.Request {
	asked := f.requests()
	if len(asked) == 0 {
		return machine.Request{}
	}
	r := asked[len(asked)-1]
	r.By = ""
	return r
}

func (f *fake) requests() []machine.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

// hard says of each reload whether it was a hard one.
func (f *fake) hard() []bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.reloads)
}

// serveFake serves f at a socket of its own until the end of the test, which waits for the last request.
func serveFake(t *testing.T, f *fake) Client { return serveWith(t, f, defaultLimits()) }

func serveWith(t *testing.T, f *fake, limits limits) Client {
	t.Helper()
	l, err := Listen(filepath.Join(t.TempDir(), "c.sock"), 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	serveListener(t, l, f, limits)
	return Client{Path: l.Path()}
}

// serveListener returns what closes l and waits for Serve, which the end of the test does too.
func serveListener(t *testing.T, l *Listener, f *fake, limits limits) (end func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { serve(l, f.backend(), limits); close(done) }()
	end = func() {
		_ = l.Close()
		select {
		case <-done:
		case <-time.After(patience):
			t.Error("Serve does not return")
		}
	}
	t.Cleanup(end)
	return end
}

func dial(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// talk sends text and returns all that is answered.
func talk(t *testing.T, path, text string) string {
	t.Helper()
	conn := dial(t, path)
	send(t, conn, text)
	answer, err := io.ReadAll(conn)
	if err != nil && !(errors.Is(err, syscall.ECONNRESET) && len(answer) > 0) { // it was closed with what nobody wanted to read
		t.Fatalf("after %q: %v", answer, err)
	}
	return string(answer)
}

// http11 is one HTTP request after which the connection ends.
func http11(method, path, body string) string {
	length := ""
	if body != "" {
		length = "Content-Length: " + strconv.Itoa(len(body)) + "\r\n"
	}
	return method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + length + "\r\n" + body
}

// head and body of an answer.
func split(answer string) (status, body string) {
	head, body, _ := strings.Cut(answer, "\r\n\r\n")
	status, _, _ = strings.Cut(head, "\r\n")
	return strings.TrimPrefix(status, "HTTP/1.1 "), strings.TrimSpace(body)
}

func failureOf(t *testing.T, err error) *Failure {
	t.Helper()
	f := new(Failure)
	if !errors.As(err, &f) {
		t.Fatalf("%v is no failure", err)
	}
	return f
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
