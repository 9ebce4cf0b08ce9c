package mastercli

import (
	"context"
	"io"
	"net"
)

// Backend is how a session reaches the rest of mwlua. Its functions are called from the sessions' goroutines, several at a
// time, and may block; then they have to come back when the supervisor leaves. Status, Reload and StartupLogs must be there.
type Backend struct {
	// Status returns the state of this moment. False says that the supervisor is leaving; the session then ends.
	Status func() (Status, bool)
	// Reload asks for a reload; hard is one that sends SIGTERM where the other sends the reload signal. It takes conn over: the
	// session ends without closing it, and whoever has it in the end, after a re-exec as well, calls WriteReload. Nothing of
	// conn is buffered and it has no deadline. It is a *net.UnixConn or a *net.TCPConn, close-on-exec like every descriptor here.
	Reload func(conn net.Conn, hard bool)
	// StartupLogs returns the lines of the last load.
	StartupLogs func() string
	// Version returns the release of HAProxy that is emulated, as in "3.2.0" or "2.6.12-1+deb12u4"; nil and "" mean the default, 3.2.0. `show
	// version` says it. With 2.x, help, suggestions and the empty line are those of 2.6.12, else those of 3.2.0.
	Version func() string
	// Workers are those of an HAProxy that mwlua runs. Nil means that there are none.
	Workers Forwarder
}

// Forwarder reaches the workers of an HAProxy master.
type Forwarder interface {
	// Worker returns the pid of the worker that a prefix like "@1" or "@!1234" means, false if there is none. "@", "@0" and "@master"
	// are not asked for.
	Worker(prefix string) (pid int, ok bool)
	// Forward sends commands to that worker, by way of its HAProxy master, and copies the answer, with the empty line that ends it,
	// to w. They are lines: those that lower the level and set the modes as the session has them, which have no answer, and the one
	// that has. False says that the worker cannot be reached, or that ctx ended first: its client has left, or waited for 5 minutes.
	Forward(ctx context.Context, pid int, commands string, w io.Writer) bool
}

// defaultVersion is what Backend.Version "" means.
const defaultVersion = "3.2.0"
