package mastercli

import (
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// serveAt serves b at a socket of its own until the end of the test, and returns its path.
func serveAt(t *testing.T, b Backend, level Level) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.sock")
	a, err := ParseAddress(path+",level,"+level.String(), Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(a)
	if err != nil {
		t.Fatal(err)
	}
	serveListener(t, l, b)
	return path
}

// serveListener serves b until the end of the test, which waits for the last session.
func serveListener(t *testing.T, l *Listener, b Backend) {
	t.Helper()
	done := make(chan struct{})
	go func() { Serve(l, b); close(done) }()
	t.Cleanup(func() {
		_ = l.Close()
		select {
		case <-done:
		case <-time.After(patience):
			t.Error("Serve does not return")
		}
	})
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

func expect(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v, want %q", got[:n], err, want)
	}
}

func expectEOF(t *testing.T, conn net.Conn) {
	t.Helper()
	if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
		t.Fatalf("got %q, %v instead of the end", rest, err)
	}
}
