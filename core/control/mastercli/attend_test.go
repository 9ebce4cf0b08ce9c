package mastercli

import (
	"bufio"
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// hanging is a backend whose worker answers when it is told to, and otherwise when nobody waits for it any more.
func hanging() (b Backend, entered, left, answer chan struct{}) {
	entered, left, answer = make(chan struct{}), make(chan struct{}, 1), make(chan struct{})
	b = simple("3.2.0")
	b.Workers = workers{
		find: func(string) (int, bool) { return 9, true },
		hang: func(ctx context.Context, w io.Writer) {
			entered <- struct{}{}
			select {
			case <-answer:
				_, _ = io.WriteString(w, "answered\n\n")
			case <-ctx.Done():
				left <- struct{}{}
			}
		},
	}
	return b, entered, left, answer
}

func receive(t *testing.T, from <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-from:
	case <-time.After(patience):
		t.Fatalf("%s: nothing after %v", what, patience)
	}
}

func TestForwardEndsWithItsClient(t *testing.T) {
	b, entered, left, answer := hanging()
	path := serveAt(t, b, Admin)
	conn := dial(t, path)
	send(t, conn, "@1 show info\n")
	receive(t, entered, "a client that leaves")
	_ = conn.Close()
	receive(t, left, "it has left")

	conn = dial(t, path)
	send(t, conn, "@1 show info;show version\n")
	receive(t, entered, "a client that has said all")
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer <- struct{}{} // fails if its session has given up
	expect(t, conn, "answered\n\n3.2.0\n\n")
	expectEOF(t, conn)

	conn = dial(t, path)
	send(t, conn, "@1 show info\n")
	receive(t, entered, "one that is there when all ends") // serveAt's cleanup waits for it
}

func TestForwardIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, entered, _, _ := hanging()
		client, server := net.Pipe()
		done := make(chan struct{})
		go func() { newSession(b, newSessions(1).admit(server), Admin).run(); close(done) }()
		send(t, client, "@1 show info\n")
		<-entered
		began := time.Now()
		expect(t, client, "Can't connect to the target CLI!\n")
		if took := time.Since(began); took != idleTimeout {
			t.Errorf("it took %v, not %v", took, idleTimeout)
		}
		expectEOF(t, client)
		<-done
	})
}

// H-8.4: HAProxy takes ten connections, and mwlua needs some for itself.
func TestForwardsAreFew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "haproxy.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	hanging := make(chan struct{}, 2*mostForwards)
	go func() { // an HAProxy that answers for itself, while its worker hangs
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			if !strings.HasPrefix(line, "@") {
				_, _ = io.WriteString(conn, "1 master 0 [failed: 0] 0d00h00m00s 2.6.12\n\n")
				_ = conn.Close()
				continue
			}
			raw, _ := conn.(*net.UnixConn).SyscallConn()
			go func(raw syscall.RawConn) { _ = raw.Read(hungUp); _ = conn.Close() }(raw) // ends with the client
			hanging <- struct{}{}
		}
	}()
	c := NewClient(path)
	forward := func() (end func()) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { // ends with ctx
			defer close(done)
			if c.Forward(ctx, 9, "show info\n", io.Discard) {
				t.Error("it was answered")
			}
		}()
		receive(t, hanging, "a forward")
		return func() { cancel(); receive(t, done, "the end of a forward") }
	}
	var ends []func()
	for range mostForwards {
		ends = append(ends, forward())
	}
	if c.Forward(context.Background(), 9, "show info\n", io.Discard) || len(hanging) > 0 {
		t.Error("one too many went through")
	}
	if rows, err := c.rows(context.Background()); err != nil || len(rows) != 1 {
		t.Errorf("show proc: %v, %v", rows, err)
	}
	ends[0]()
	ends[0] = forward()
	for _, end := range ends {
		end()
	}
}

// T-31: those that do not read make room as idle ones do.
func TestClientsThatDoNotReadKeepNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newSessions(2)
		began := time.Now()
		for range 2 {
			client, server := net.Pipe()
			defer client.Close()
			v := all.admit(server)
			go newSession(simple("3.2.0"), v, User).run() // ends with its client
			send(t, client, "show version\n")
		}
		synctest.Wait()
		late := all.admit(&client{})
		if took := time.Since(began); took != stallTimeout {
			t.Errorf("the next one waited for %v, not %v", took, stallTimeout)
		}
		ends := late.writes()
		<-time.After(stallTimeout / 2)
		ends()
		<-time.After(stallTimeout)
		if late.since != 0 {
			t.Error("a write that ended in time made a session wait")
		}
		late.wait(true)
		late.writes()()
		if late.since == 0 {
			t.Error("a prompt ended the wait for what follows it")
		}
	})
}
