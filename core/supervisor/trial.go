package supervisor

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
)

// The descriptors of a trial's process, beside 0 to 2.
const (
	trialDocument = 3 // the memory file with the state
	trialMaster   = 4 // the connection to the master
)

// answer is what a trial says, as one line of JSON. The words of the master and of the guard after it are lines, too.
type answer struct {
	OK   bool
	Text string // why not, a line a problem
}

// The words that pass between master and guard.
const (
	wordGuard = "guard" // master: the state in the file is final, watch over me
	wordReady = "ready" // guard: I know every process by a descriptor
	wordUp    = "up"    // new image: I have my handlers and my state, you may go
)

// trial is the master's side of a trial, and of the guard that it becomes.
type trial struct {
	n       uint64
	pid     int // 0 once it was collected
	file    carry.File
	fd      int      // our end of the connection
	conn    *os.File // the same
	lines   *bufio.Reader
	exited  chan proc.Exit // gets its exit, once
	closing sync.Once
}

// startTrial starts the next image as a child that tries the configuration and the state, and starts nothing.
func (s *supervisor) startTrial(n uint64) {
	s.endTrial()
	t, err := s.newTrial(n)
	if err != nil {
		s.queue = append(s.queue, machine.TrialFailed{N: n, Text: err.Error()})
		return
	}
	s.trial = t
	s.helpers[t.pid] = func(e proc.Exit) {
		t.pid = 0
		t.exited <- e
	}
	go s.awaitTrial(t) // waits for the answer or for the end of the connection; sends one event; ends then
}

func (s *supervisor) newTrial(n uint64) (*trial, error) {
	file, err := s.document()
	if err != nil {
		return nil, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot make a socket pair: %w", err)
	}
	defer unix.Close(pair[1])
	pid, err := proc.Start(proc.Command{
		Argv:    append(append([]string{s.path}, s.TrialArgs...), s.Args...),
		Env:     os.Environ(),
		NoShell: true,
		Files:   []uintptr{0, 2, 2, uintptr(file.FD()), uintptr(pair[1])},
	})
	if err != nil {
		file.Close()
		unix.Close(pair[0])
		return nil, fmt.Errorf("cannot execute %s: %w", s.path, errnoOf(err))
	}
	unix.SetNonblock(pair[0], true) // so that closing it ends a read
	conn := os.NewFile(uintptr(pair[0]), "trial")
	return &trial{n: n, pid: pid, file: file, fd: pair[0], conn: conn, lines: bufio.NewReader(conn), exited: make(chan proc.Exit, 1)}, nil
}

// errnoOf is the reason of a failed start alone.
func errnoOf(err error) error {
	var failed *proc.StartError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// document writes the state as it is now.
func (s *supervisor) document() (carry.File, error) {
	file, err := carry.Create()
	if err != nil {
		return file, err
	}
	if err := file.Write(carry.Document{Binary: s.Version, State: s.m.State()}); err != nil {
		file.Close()
		return file, err
	}
	return file, nil
}

func (s *supervisor) awaitTrial(t *trial) {
	line, err := t.lines.ReadBytes('\n')
	var a answer
	switch {
	case err != nil:
		s.events <- machine.TrialFailed{N: t.n, Text: t.fate(s.path)}
	case json.Unmarshal(line, &a) != nil:
		s.events <- machine.TrialFailed{N: t.n, Text: fmt.Sprintf("%s gave no answer but %q", s.path, line)}
	case !a.OK:
		s.events <- machine.TrialFailed{N: t.n, Text: a.Text}
	default:
		s.events <- machine.TrialPassed{N: t.n}
		return
	}
	t.close()
}

// fate says how a trial ended that gave no answer.
func (t *trial) fate(path string) string {
	text := "the trial of " + path + " gave no answer"
	select {
	case e := <-t.exited:
		if e.Signal != 0 {
			return fmt.Sprintf("%s: it was killed by %s", text, signalName(e.Signal))
		}
		return fmt.Sprintf("%s, but ended with status %d: is it mwlua, and not broken?", text, e.Code)
	case <-time.After(time.Second): // it closed the connection and lives on, or we are leaving
		return text + ", but closed the connection: is it mwlua?"
	}
}

// endTrial ends the trial, or the guard that it became, if there is one.
func (s *supervisor) endTrial() {
	t := s.trial
	if t == nil {
		return
	}
	s.trial = nil
	if t.pid != 0 {
		proc.Signal(t.pid, int(unix.SIGKILL), true)
	}
	t.close()
}

// close may be called by both goroutines that know the trial.
func (t *trial) close() {
	t.closing.Do(func() {
		t.conn.Close()
		t.file.Close()
	})
}

// ask sends the guard a word and waits for its answer. The guard answers in milliseconds, or is broken.
func (t *trial) ask(word, want string) error {
	t.conn.SetDeadline(time.Now().Add(5 * time.Second))
	defer t.conn.SetDeadline(time.Time{})
	if _, err := t.conn.WriteString(word + "\n"); err != nil {
		return fmt.Errorf("cannot reach the guard of the hand-over: %w", err)
	}
	line, err := t.lines.ReadString('\n')
	if err != nil {
		return fmt.Errorf("the guard of the hand-over does not answer: %w", err)
	}
	if line != want+"\n" {
		return fmt.Errorf("the guard of the hand-over answered %q", line)
	}
	return nil
}
