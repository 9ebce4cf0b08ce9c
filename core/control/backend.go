package control

import (
	"context"
	"net"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// Backend is how requests reach the supervisor. Its functions are called from goroutines of the server, several at a time, and
// may block; then they have to come back when the supervisor leaves, with false, and when ctx ends, with anything. All must be
// there.
type Backend struct {
	// Status returns the state of this moment.
	Status func() (Report, bool)
	// Ask has one request carried out and waits for its answer, as Request.NoWait says. Its verbs are StartProgram, StopProgram,
	// RestartProgram and SignalProgram, and with NoWait StopAll and SoftStop. From is given by the supervisor.
	Ask func(ctx context.Context, r machine.Request) (machine.Reply, bool)
	// Plan loads the configuration and says what a reload would do. Problems that are errors are why it would do nothing. It is
	// called once at a time.
	Plan func(ctx context.Context) (changes []machine.Change, problems program.Problems, ok bool)
	// Reload asks for a reload; hard is one that sends SIGTERM where the other sends the reload signal. It takes conn over, and
	// whoever has it in the end, after a re-exec as well, calls WriteReload. Nothing of conn is buffered and it has no deadline.
	// It is a *net.UnixConn, close-on-exec like every descriptor here.
	Reload func(conn net.Conn, hard bool)
}

// Report is what Backend.Status tells, all of one moment.
type Report struct {
	State   machine.State
	Now     machine.Instant
	PID     int             // of the supervisor
	Started machine.Instant // when it started; a reload does not change it
	Version string
	Plugins []Plugin
}
