package mastercli

import (
	"io"
	"net"
	"strings"
	"time"
)

// WriteReload answers a reload over the connection that Backend.Reload got: "Success=1" or 0, "--", the lines of the load and an
// empty line (H-8.16), whatever the release (D-7). It takes as long as a slow client makes it, half a minute at most, so it wants
// a goroutine of its own. A client that has left is no error. The answer is out when it returns; closing has to be called then,
// and may wait for a second until the client has closed its side.
func WriteReload(conn net.Conn, ok bool, logs string) (closing func()) {
	if conn.SetWriteDeadline(time.Now().Add(writeTimeout)) == nil {
		_, _ = io.WriteString(conn, reloadText(ok, logs)+"\n") // nobody else could be told
	}
	return func() { finish(conn) }
}

// reloadText says something after "--" in any case: client-native trims the answer, looks for a line "--" that something follows,
// and takes an answer without it for one with an unknown status (H-12.4).
func reloadText(ok bool, logs string) string {
	status, nothing := "Success=0", "Loading failure!\n"
	if ok {
		status, nothing = "Success=1", "Loading success.\n"
	}
	if strings.TrimSpace(logs) == "" {
		logs = nothing
	}
	return status + "\n--\n" + endLine(logs)
}
