package supervisor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
)

// Runner runs a command to its end and returns all that it wrote, its standard error included, and the status that it ended with, as
// a shell has it. An error says that it could not be started, or did not end within three minutes. It is how a loader runs something:
// who waits for children otherwise takes the exits of programs away from the supervisor, or loses its own to it.
type Runner func(argv, env []string) (output string, status int, err error)

// Limits of such a command.
const (
	runTimeout = 3 * time.Minute
	runOutput  = 1 << 20 // bytes that are read of its output
)

// errand is a command that a loader wants to be run. The loop starts it, and collects it.
type errand struct {
	argv, env []string
	null, out *os.File
	started   chan error     // one answer
	ended     chan proc.Exit // one, if it was started
	pid       int            // once it was started
	kill      bool           // it is to be ended
}

// newErrand writes to a memory file: a pipe would be held open by whatever the command leaves behind.
func newErrand(argv, env []string) (*errand, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("mwlua-output", unix.MFD_CLOEXEC)
	if err != nil {
		null.Close()
		return nil, fmt.Errorf("cannot make a memory file: %w", err)
	}
	return &errand{
		argv: argv, env: env, null: null, out: os.NewFile(uintptr(fd), "output"),
		started: make(chan error, 1), ended: make(chan proc.Exit, 1),
	}, nil
}

func (e *errand) close() {
	e.null.Close()
	e.out.Close()
}

func (e *errand) start() (err error) {
	e.pid, err = proc.Start(proc.Command{
		Argv: e.argv, Env: e.env, NoShell: true, Files: []uintptr{e.null.Fd(), e.out.Fd(), e.out.Fd()},
	})
	return err
}

// result is what a Runner returns.
func (e *errand) result(exit proc.Exit) (string, int, error) {
	data, err := io.ReadAll(io.NewSectionReader(e.out, 0, runOutput))
	return string(data), exitStatus(exit.Code, exit.Signal), err
}

// run is the Runner of the supervisor, called from the goroutine of a loader.
func (s *supervisor) run(argv, env []string) (string, int, error) {
	e, err := newErrand(argv, env)
	if err != nil {
		return "", 0, err
	}
	defer e.close()
	if !s.send(e) {
		return "", 0, errLeaving
	}
	if err := <-e.started; err != nil {
		return "", 0, err
	}
	select {
	case exit := <-e.ended:
		return e.result(exit)
	case <-time.After(runTimeout):
		s.send(&errand{kill: true, pid: e.pid})
		return "", 0, fmt.Errorf("%s did not end within %v", argv[0], runTimeout)
	}
}

var errLeaving = errors.New("mwlua is leaving")

// send hands an errand to the loop. False says that there is none any more.
func (s *supervisor) send(e *errand) bool {
	select {
	case s.errands <- e:
		return true
	case <-s.sockets.left:
		return false
	}
}

// serve is the loop's part of an errand.
func (s *supervisor) serve(e *errand) {
	if e.kill {
		if s.helpers[e.pid] != nil {
			proc.Signal(e.pid, int(unix.SIGKILL), true)
		}
		return
	}
	err := e.start()
	if err == nil {
		s.helpers[e.pid] = func(exit proc.Exit) { e.ended <- exit }
	}
	e.started <- err
}

// RunAlone is the Runner of a process that has no other children to collect: that of a trial, or one without a supervisor.
func RunAlone(argv, env []string) (string, int, error) {
	e, err := newErrand(argv, env)
	if err != nil {
		return "", 0, err
	}
	defer e.close()
	if err := e.start(); err != nil {
		return "", 0, err
	}
	return e.result(proc.Await(e.pid))
}

// endErrands ends what loaders have started and what did not end yet, when mwlua leaves.
func (s *supervisor) endErrands() {
	for pid := range s.helpers {
		proc.Signal(pid, int(unix.SIGKILL), true)
	}
}
