package mastercli

import (
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
	// Version is the release of HAProxy that is emulated, as in "3.2.0" or "2.6.12-1+deb12u4", and "" the default, 3.2.0. `show
	// version` says it. With 2.x, help, suggestions and the empty line are those of 2.6.12, else those of 3.2.0.
	Version string
	// Env is what `show env` tells (3.x), a "name=value" each.
	Env []string
	// Worker returns the pid of the HAProxy worker that a prefix like "@1" or "@!1234" means, false if there is none. Nil means
	// that there are no workers. "@", "@0" and "@master" are not asked for.
	Worker func(prefix string) (pid int, ok bool)
	// Forward sends a command to that worker and copies its answer, with the empty line that ends it, to w. The command lowers the
	// level and sets the modes as the session has them, and ends with a newline. False says that the worker cannot be reached.
	// It is needed if Worker is there.
	Forward func(pid int, command string, w io.Writer) bool
}

// defaultVersion is what Backend.Version "" means.
const defaultVersion = "3.2.0"
