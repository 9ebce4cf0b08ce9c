package control

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

func TestClientReadsStatus(t *testing.T) {
	f := &fake{report: sample()}
	s, err := serveFake(t, f).Status(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	want := StatusOf(f.report, s.Supervisor.Started.Add(90*time.Second))
	want.Programs[4].NameURL = "%FF%231"
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
	if p := s.Programs[4]; p.Name != "\xff#1" || p.Former[0].ID != "\xff#1#1" {
		t.Errorf("the name that is no UTF-8 is %q, its instance %q", p.Name, p.Former[0].ID)
	}
}

func TestClientGivesOrders(t *testing.T) {
	for _, name := range []string{"web", "", ".", "..", "...", "a/b", "\xff%2F #?", "a\nb", "%"} {
		for verb, order := range map[machine.Verb]Order{
			machine.StartProgram: {}, machine.StopProgram: {NoWait: true}, machine.RestartProgram: {}, machine.SignalProgram: {Signal: "USR2"},
		} {
			f := &fake{}
			order.Verb, order.Program = verb, name
			if r, err := serveFake(t, f).Do(testContext(t), order); err != nil || !r.OK {
				t.Errorf("%q %s: %v", name, verb, err)
			}
			want := machine.Request{Verb: verb, Program: name, NoWait: order.NoWait}
			if order.Signal != "" {
				want.Signal = 12
			}
			if diff := cmp.Diff(want, f.last()); diff != "" {
				t.Errorf("%q %s: %s", name, verb, diff)
			}
		}
	}
	if _, err := serveFake(t, &fake{}).Do(testContext(t), Order{Verb: machine.StopAll}); err == nil {
		t.Error("a stop of all is no order for a program")
	}
}

func TestClientPlansReloadsAndShutsDown(t *testing.T) {
	f := &fake{
		changes:  []machine.Change{{Name: "\xff", Do: machine.StartIt, Reason: "new"}, {Name: "h", Slot: 2, Do: machine.KeepIt, Itself: true, Signal: 1}},
		problems: program.Problems{{Place: program.Place{File: "a.lua", Line: 2}, Warning: true, Text: "odd"}},
	}
	c, ctx := serveFake(t, f), testContext(t)
	changes := []Change{{Name: "\xff", NameURL: "%FF", Do: "start", Reason: "new"}, {Name: "h", Slot: 2, Do: "keep", Signal: "HUP", Itself: true}}
	p, err := c.Plan(ctx)
	if diff := cmp.Diff(Plan{Changes: changes, Problems: []Problem{{File: "a.lua", Line: 2, Warning: true, Text: "odd"}}}, p); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got := p.Problems[0].String(); got != "a.lua:2: odd" {
		t.Error(got)
	}
	r, err := c.Reload(ctx, true)
	if diff := cmp.Diff(Result{OK: true, Changes: changes}, r); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := c.BeginReload(ctx, false); err != nil || !cmp.Equal(f.hard(), []bool{true, false}) {
		t.Errorf("reloads %v, %v", f.hard(), err)
	}
	err = errors.Join(c.Shutdown(ctx, false), c.Shutdown(ctx, true))
	if asked := f.requests(); err != nil || asked[0].Verb != machine.StopAll || asked[1].Verb != machine.SoftStop {
		t.Errorf("asked %v, %v", asked, err)
	}
}

func TestUnreachable(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"):   "no such file or directory",
		filepath.Join(dir, "file"):   "connection refused",
		stale:                        "connection refused",
		filepath.Join(dir, "file/x"): "not a directory",
		filepath.Join(dir, strings.Repeat("x", 1000)): "invalid argument",
	} {
		_, err := Client{Path: path}.Status(testContext(t))
		u := new(Unreachable)
		if !errors.As(err, &u) || u.Path != path || !strings.Contains(u.Error(), want) || !strings.Contains(u.Hint(), "-s PATH or MWLUA_SOCKET") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestStrangers(t *testing.T) {
	for name, answer := range map[string]string{
		"no HTTP":          "220 mail.example ESMTP\r\n",
		"another server":   "HTTP/1.1 404 Not Found\r\nContent-Length: 22\r\nConnection: close\r\n\r\n{\"message\":\"not found\"}",
		"success of HTML":  "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
		"a page that ends": "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n<html>",
	} {
		t.Run(name, func(t *testing.T) {
			c := scripted(t, answer)
			_, err := c.Status(testContext(t))
			if f := failureOf(t, err); f.Why != WhyStrange || !strings.Contains(f.Text, c.Path) {
				t.Errorf("%+v", f)
			}
		})
	}
}

// scripted is a socket at which each connection in its turn gets such an answer when its request has come, and is closed then.
func scripted(t *testing.T, answers ...string) Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for i, answer := range answers {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 64<<10))
			_, _ = io.WriteString(conn, answer)
			if i == len(answers)-1 {
				_ = l.Close() // before anyone can ask again
			}
			_ = conn.Close()
		}
	}()
	return Client{Path: path}
}

func TestCutConnections(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"
	half := ok[:len(ok)-3]
	calls := map[string]func(Client, context.Context) error{
		"status": func(c Client, ctx context.Context) error { _, err := c.Status(ctx); return err },
		"plan":   func(c Client, ctx context.Context) error { _, err := c.Plan(ctx); return err },
		"start": func(c Client, ctx context.Context) error {
			_, err := c.Do(ctx, Order{Verb: machine.StartProgram})
			return err
		},
		"stop": func(c Client, ctx context.Context) error {
			_, err := c.Do(ctx, Order{Verb: machine.StopProgram})
			return err
		},
		"restart": func(c Client, ctx context.Context) error {
			_, err := c.Do(ctx, Order{Verb: machine.RestartProgram})
			return err
		},
		"signal": func(c Client, ctx context.Context) error {
			_, err := c.Do(ctx, Order{Verb: machine.SignalProgram})
			return err
		},
		"reload":   func(c Client, ctx context.Context) error { _, err := c.Reload(ctx, false); return err },
		"shutdown": func(c Client, ctx context.Context) error { return c.Shutdown(ctx, false) },
	}
	again := map[string]bool{"status": true, "plan": true, "start": true, "stop": true}
	for name, call := range calls {
		for _, cut := range []string{"", half} {
			err := call(scripted(t, cut, ok), testContext(t))
			if again[name] && err != nil {
				t.Errorf("%s is not repeated: %v", name, err)
			}
			if !again[name] && failureOf(t, err).Why != WhyCut {
				t.Errorf("%s: %v", name, err)
			}
			if err := call(scripted(t, cut, cut, ok), testContext(t)); failureOf(t, err).Why != WhyCut {
				t.Errorf("%s, cut twice: %v", name, err)
			}
		}
		var u *Unreachable
		if err := call(scripted(t, ""), testContext(t)); again[name] && !errors.As(err, &u) {
			t.Errorf("%s, and then nobody is there: %v", name, err)
		}
	}
}

func TestDeadline(t *testing.T) {
	f := &fake{answer: func(ctx context.Context, _ machine.Request) (machine.Reply, bool) {
		<-ctx.Done()
		return machine.Reply{}, false
	}}
	c := serveFake(t, f)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Do(ctx, Order{Verb: machine.StopProgram, Program: "web"})
	if asked := f.requests(); !errors.Is(err, context.DeadlineExceeded) || len(asked) != 1 {
		t.Errorf("%v after %d requests", err, len(asked))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Status(ended); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
