package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// withCLI has mwlua listen at master.sock.
func withCLI(w *window) { w.cmd.Args = append(w.cmd.Args, "-S", "master.sock") }

// dial connects to the master CLI.
func (w *window) dial() net.Conn {
	w.t.Helper()
	var conn net.Conn
	w.until("the master CLI", func() (ok bool) {
		var err error
		conn, err = net.Dial("unix", w.path("master.sock"))
		return err == nil
	})
	w.t.Cleanup(func() { conn.Close() })
	w.must(conn.SetDeadline(time.Now().Add(patience)))
	return conn
}

// cli sends commands, half-closes, and returns all that is answered.
func (w *window) cli(commands string) string {
	w.t.Helper()
	conn := w.dial()
	_, err := io.WriteString(conn, commands)
	w.must(err)
	w.must(conn.(*net.UnixConn).CloseWrite())
	answer, err := io.ReadAll(conn)
	w.must(err)
	return string(answer)
}

var (
	pidInLog  = regexp.MustCompile(`\(\d+\)`)
	upInTable = regexp.MustCompile(`\d+d\d\dh\d\dm\d\ds`)
	pidInRow  = regexp.MustCompile(`(?m)^\d+ +`)
)

// settles waits until the newest instance has told its start, and stops mwlua: before that a program of ours does not hear signals.
func (w *window) settles() {
	w.t.Helper()
	w.until("the newest instance to start", func() bool {
		forked := regexp.MustCompile(`New program 'a' \((\d+)\) forked`).FindAllStringSubmatch(w.read("log"), -1)
		return forked != nil && strings.Contains(w.read(eventsFile), " a["+forked[len(forked)-1][1]+"] start ")
	})
	w.stops()
}

// masked is text without pids and times.
func masked(text string) string {
	return pidInRow.ReplaceAllString(upInTable.ReplaceAllString(pidInLog.ReplaceAllString(text, "(P)"), "T"), "P ")
}

// TestReloadOverTheCLIIsAnsweredByTheNextImage: the answer has the lines of the load, and each asker gets one (H-8.16, D-7).
func TestReloadOverTheCLIIsAnsweredByTheNextImage(t *testing.T) {
	w := newWindow(t, "program a\n\tcommand ./prog name=a\n", withCLI)
	first := w.started("a#1")
	const good = "Success=1\n--\n[NOTICE]   (P) : New program 'a' (P) forked\n[NOTICE]   (P) : Loading success.\n\n"
	if got := masked(w.cli("reload\n")); got != good {
		w.t.Errorf("got %q, want %q", got, good)
	}
	w.told(first, "USR1:dies")
	w.write(configFile, "program a\n\tcomand x\n")
	got := w.cli("reload;quit\n")
	if !strings.HasPrefix(got, "Success=0\n--\n") || !strings.Contains(got, "haproxy.cfg:2") {
		w.t.Errorf("the answer to a bad configuration: %q", got)
	}
	want := "P master          1 [failed: 1]   T     3.2.0          \n# workers\n# programs\nP a               0               T     -              \n\n"
	if _, got, _ := strings.Cut(w.cli("show proc\n"), "\n"); masked(got) != want {
		w.t.Errorf("show proc: got\n%q, want\n%q", masked(got), want)
	}
	if got := w.cli("show startup-logs\n"); !strings.Contains(got, "haproxy.cfg:2") {
		w.t.Errorf("the lines of the last load: %q", got)
	}
	w.write(configFile, "program a\n\tcommand ./prog name=a\n")
	second := w.started("a#2")
	if got := masked(w.cli("hard-reload\n")); got != good {
		w.t.Errorf("got %q, want %q", got, good)
	}
	w.told(second, "TERM:dies")
	w.settles()
}

// TestEveryReloadIsAnswered: many ask at once, some leave, some send nonsense meanwhile.
func TestEveryReloadIsAnswered(t *testing.T) {
	w := newWindow(t, "program a\n\tcommand ./prog name=a\n", withCLI)
	w.logged(windowOK, 1)
	answers := make(chan string)
	const askers = 12
	for range askers {
		conn := w.dial()
		if _, err := io.WriteString(conn, "reload\n"); err != nil {
			t.Fatal(err)
		}
		go func() { // waits for the answer; sends it; ends then
			text, _ := io.ReadAll(conn)
			answers <- string(text)
		}()
	}
	gone := w.dial()
	io.WriteString(gone, "reload\n")
	gone.Close()
	half := w.dial()
	io.WriteString(half, "show pr")
	for range askers {
		select {
		case got := <-answers:
			if !strings.HasPrefix(got, "Success=1\n--\n") {
				t.Errorf("an answer is %q%s", got, w.files())
			}
		case <-time.After(patience):
			t.Fatalf("an answer is missing%s", w.files())
		}
	}
	w.until("all reloads", func() bool { return strings.Contains(w.cli("show proc\n"), "[failed: 0]") })
	w.settles()
}

// TestClientsThatComeDuringAReloadAreServed: the socket is never closed, so nobody is refused.
func TestClientsThatComeDuringAReloadAreServed(t *testing.T) {
	w := newWindow(t, "program a\n\tcommand ./prog name=a\n", withCLI)
	w.logged(windowOK, 1)
	done := make(chan struct{})
	refused := make(chan error, 1)
	go func() { // connects until done is closed; sends the first refusal, or nil; ends then
		var first error
		tick := time.NewTicker(2 * time.Millisecond) // the backlog is 128
		defer tick.Stop()
		for {
			select {
			case <-done:
				refused <- first
				return
			case <-tick.C:
			}
			conn, err := net.Dial("unix", w.path("master.sock"))
			if err != nil && first == nil {
				first = err
			}
			if err == nil {
				conn.Close()
			}
		}
	}()
	for range 5 {
		w.reload(windowOK)
	}
	close(done)
	if err := <-refused; err != nil {
		t.Errorf("a client was refused: %v%s", err, w.files())
	}
	w.settles()
}

// TestHugeRequestIsRefused: a client that sends a mebibyte without a newline gets an error, and nobody else notices.
func TestHugeRequestIsRefused(t *testing.T) {
	w := newWindow(t, "program a\n\tcommand ./prog name=a\n", withCLI)
	w.logged(windowOK, 1)
	conn := w.dial()
	go io.WriteString(conn, strings.Repeat("x", 1<<20)) // waits for mwlua to read; ends with the connection
	answer, _ := io.ReadAll(conn)
	if !strings.Contains(string(answer), "longer than 16384 bytes") {
		t.Errorf("the answer is %q", answer)
	}
	if got := w.cli("show version\n"); got != "3.2.0\n\n" {
		t.Errorf("show version: %q", got)
	}
	w.settles()
}

// TestSecondMasterOnOneSocketIsRefused: HAProxy would take it away from the first (H-8.2).
func TestSecondMasterOnOneSocketIsRefused(t *testing.T) {
	w := newWindow(t, "program a\n\tcommand ./prog name=a\n", withCLI)
	pid := w.started("a#1")
	w.logged(windowOK, 1)
	second := exec.Command(w.cmd.Args[0], w.cmd.Args[1:]...)
	second.Dir, second.Env = w.dir, w.cmd.Env
	out, err := second.CombinedOutput()
	want := fmt.Sprintf("master.sock\": process %d does: stop it, or use another path\n", w.pid())
	if err == nil || second.ProcessState.ExitCode() != 1 || !strings.HasSuffix(string(out), want) {
		t.Errorf("the second one ended with %v and said %q, want %q", err, out, want)
	}
	w.reload(windowOK) // the first one finds its own socket there
	w.told(pid, "USR1:dies")
	if got := w.cli("show version\n"); got != "3.2.0\n\n" {
		t.Errorf("show version: %q", got)
	}
	w.signal(unix.SIGKILL)
	<-w.ended
	w.until("the end of a#2", func() bool {
		for _, pid := range processesIn(w.dir) {
			unix.Kill(pid, unix.SIGKILL)
		}
		return len(processesIn(w.dir)) == 0
	})
	w.must(errors.Join(os.Remove(w.path("log")), os.Remove(w.path(eventsFile))))
	third := newWindowIn(t, w.dir, withCLI) // nobody listens there any more
	third.logged(windowOK, 1)
	third.settles()
}

// TestLevelsOverTheSocket: a user's socket does not reload.
func TestLevelsOverTheSocket(t *testing.T) {
	w := newWindow(t, "program a\n\tcommand ./prog name=a\n", func(w *window) {
		w.cmd.Args = append(w.cmd.Args, "-S", "master.sock,mode,600,level,user", "-haproxy-version", "2.6.12-1+deb12u4")
	})
	w.logged(windowOK, 1)
	if got := w.cli("reload;show cli level;show version;@1 show info;quit\n"); got != "Permission denied\n\nuser\n\n2.6.12-1+deb12u4\n\n"+
		"Can't find the target PID matching the prefix '@1'\n" {
		t.Errorf("got %q", got)
	}
	info, err := os.Stat(w.path("master.sock"))
	w.must(err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v", info.Mode())
	}
	w.settles()
}
