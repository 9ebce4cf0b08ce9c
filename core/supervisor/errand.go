package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/carry"
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

// errand is a command that a goroutine wants to be run. The loop starts it, and collects it.
type errand struct {
	command   proc.Command // but for its Files
	attempt   bool         // nobody wants to know how it ended once this image is gone
	stop      *carry.Stop  // somebody does, of a stop command; its PID is set once it was started
	null, out *os.File
	started   chan error     // one answer
	ended     chan proc.Exit // one, if it was started
	pid       int            // once it was started
	kill      bool           // it is to be ended
}

// newErrand writes to a memory file: a pipe would be held open by whatever the command leaves behind.
func newErrand(c proc.Command) (*errand, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("mwlua-output", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		null.Close()
		return nil, fmt.Errorf("cannot make a memory file: %w", err)
	}
	return &errand{
		command: c, null: null, out: os.NewFile(uintptr(fd), "output"),
		started: make(chan error, 1), ended: make(chan proc.Exit, 1),
	}, nil
}

// loaderCommand is what a loader has run.
func loaderCommand(argv, env []string) proc.Command {
	return proc.Command{Argv: argv, Env: env, NoShell: true}
}

func (e *errand) close() {
	e.null.Close()
	e.out.Close()
}

// bound makes the command's output no longer than runOutput: what it writes beyond that fails (fcntl(2), F_SEAL_GROW).
func (e *errand) bound() error {
	if err := e.out.Truncate(runOutput); err != nil {
		return err
	}
	_, err := unix.FcntlInt(e.out.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_GROW|unix.F_SEAL_SHRINK)
	return err
}

func (e *errand) start() (err error) {
	e.command.Files = []uintptr{e.null.Fd(), e.out.Fd(), e.out.Fd()}
	e.pid, err = proc.Start(e.command)
	return err
}

// output is what the command wrote.
func (e *errand) output() (string, error) {
	data, err := io.ReadAll(io.NewSectionReader(e.out, 0, runOutput))
	return string(bytes.TrimRight(data, "\x00")), err // of one that is bound, what was not written
}

// result is what a Runner returns.
func (e *errand) result(exit proc.Exit) (string, int, error) {
	output, err := e.output()
	return output, exitStatus(exit.Code, exit.Signal), err
}

// run is the Runner of the supervisor, called from the goroutine of a loader.
func (s *supervisor) run(argv, env []string) (string, int, error) {
	e, err := newErrand(loaderCommand(argv, env))
	if err != nil {
		return "", 0, err
	}
	defer e.close()
	ctx, cancel := context.WithTimeout(context.Background(), runTimeout)
	defer cancel()
	exit, err := s.carryOut(ctx, e)
	if err == errLate {
		err = fmt.Errorf("%s did not end within %v", argv[0], runTimeout)
	}
	if err != nil {
		return "", 0, err
	}
	return e.result(exit)
}

var (
	errLeaving = errors.New("mwlua is leaving")
	errLate    = errors.New("it did not end in time")
)

// carryOut has an errand run, from the goroutine that wants it. One that does not end before ctx is done is killed, with its process
// group, and the error is errLate.
func (s *supervisor) carryOut(ctx context.Context, e *errand) (proc.Exit, error) {
	if !s.send(e) {
		return proc.Exit{}, errLeaving
	}
	if err := <-e.started; err != nil {
		return proc.Exit{}, err
	}
	select {
	case exit := <-e.ended:
		return exit, nil
	case <-ctx.Done():
		s.send(&errand{kill: true, pid: e.pid})
		return proc.Exit{}, errLate
	}
}

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
			kill(e.pid)
		}
		return
	}
	err := e.start()
	if err == nil {
		s.helpers[e.pid] = func(exit proc.Exit) {
			delete(s.attempts, exit.PID)
			delete(s.stops, exit.PID)
			if e.stop != nil && s.stopping[e.stop.Instance] { // not answered for yet, as one that took too long is
				s.stopped[e.stop.Instance] = carry.Stop{Instance: e.stop.Instance, Ended: &exit}
			}
			e.ended <- exit
		}
		if e.attempt {
			s.attempts[e.pid] = true
		}
		if e.stop != nil {
			e.stop.PID = e.pid
			s.stops[e.pid] = *e.stop
		}
	}
	e.started <- err
}

// RunAlone is the Runner of a process that has no other children to collect: that of a trial, or one without a supervisor.
func RunAlone(argv, env []string) (string, int, error) {
	e, err := newErrand(loaderCommand(argv, env))
	if err != nil {
		return "", 0, err
	}
	defer e.close()
	if err := e.start(); err != nil {
		return "", 0, err
	}
	return e.result(proc.Await(e.pid))
}

// endErrands ends what was started by errands and did not end yet, when mwlua leaves.
func (s *supervisor) endErrands() {
	for pid := range s.helpers {
		kill(pid)
	}
}
