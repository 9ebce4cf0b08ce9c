// Package signals holds the signals that mwlua answers to, from the first moment at which a Go program can.
//
// It has an init, as nothing else but package shim: between execve and signal.Notify a SIGTERM or SIGINT kills (and SIGHUP,
// unless it was ignored), so the handlers must be in place before anything else is initialised (T-37). It decides nothing.
//
// Each signal has a channel of its own, so that a flood of one cannot push another out of a full buffer: SIGCHLD above all.
// What arrives while one of its kind is waiting is merged with it.
package signals

import (
	"os"
	"os/signal"
	"syscall"

	_ "github.com/mwlua/mwlua/core/internal/shim" // a process that is about to become a program must not get our handlers
)

// The channels. Only the supervisor's loop reads them.
var (
	Term   = make(chan os.Signal, 1)
	Int    = make(chan os.Signal, 1)
	Usr1   = make(chan os.Signal, 1)
	Usr2   = make(chan os.Signal, 1)
	Hup    = make(chan os.Signal, 1)
	Child  = make(chan os.Signal, 1)
	unread = make(chan os.Signal, 1) // handled so that neither it nor its being ignored has an effect on us or on programs
)

// IntIgnored says that whoever started us had SIGINT ignored, as a shell without job control does for what it puts into the
// background. Then it has no effect on us either.
var IntIgnored = signal.Ignored(syscall.SIGINT)

// The runtime hands each signal over to a thread of its own. The goroutine that init runs in is bound to a thread as well, which would make
// that twice as many switches of threads: half a millisecond of every start.
func init() {
	done := make(chan struct{})
	go func() { // ends at once
		handle()
		close(done)
	}()
	<-done
}

func handle() {
	signal.Notify(Term, syscall.SIGTERM)
	if IntIgnored {
		signal.Notify(unread, syscall.SIGINT)
	} else {
		signal.Notify(Int, syscall.SIGINT)
	}
	signal.Notify(Usr1, syscall.SIGUSR1)
	signal.Notify(Usr2, syscall.SIGUSR2)
	signal.Notify(Hup, syscall.SIGHUP)
	signal.Notify(Child, syscall.SIGCHLD)
	signal.Notify(unread, syscall.SIGQUIT) // HAProxy's master ignores it (H-6.21)
	signal.Notify(unread, syscall.SIGPIPE) // or a log whose reader is gone would end us (os/signal, SIGPIPE)
}

// Release gives all signals back their default effect, for commands that are not a supervisor: Ctrl-C ends them. A stop that
// came before is carried out now.
func Release() {
	signal.Reset()
	select {
	case <-Term:
		os.Exit(128 + int(syscall.SIGTERM))
	case <-Int:
		os.Exit(128 + int(syscall.SIGINT))
	default:
	}
}

// StopsCaught waits until every stop signal that Go's handler has seen is in its channel, and reports whether there is one.
// None is delivered from its call on: call Listen to go back.
func StopsCaught() bool {
	signal.Stop(Term)
	signal.Stop(Int)
	signal.Stop(Usr1)
	return len(Term)+len(Int)+len(Usr1) > 0
}

// Listen takes back StopsCaught.
func Listen() {
	signal.Notify(Term, syscall.SIGTERM)
	if !IntIgnored {
		signal.Notify(Int, syscall.SIGINT)
	}
	signal.Notify(Usr1, syscall.SIGUSR1)
}
