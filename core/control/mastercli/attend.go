package mastercli

import (
	"context"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// attended calls do with a context that ends after idleTimeout, or when the client leaves: what is done for it is of no use then. One
// that has only sent its last request waits for the answer.
func (s *session) attended(do func(context.Context) bool) bool {
	ctx, cancel := context.WithTimeout(context.Background(), idleTimeout)
	defer cancel()
	conn, ok := s.conn.(syscall.Conn)
	if !ok {
		return do(ctx)
	}
	raw, err := conn.SyscallConn()
	if err != nil || s.conn.SetReadDeadline(time.Time{}) != nil {
		return false
	}
	watched := make(chan struct{})
	// It waits for the end of the connection, whoever ends it, cancels ctx then, and ends with do, by the deadline.
	go func() {
		defer close(watched)
		_ = raw.Read(hungUp)
		cancel()
	}()
	defer func() {
		_ = s.conn.SetReadDeadline(time.Unix(1, 0)) // the next read sets its own
		<-watched
	}()
	return do(ctx)
}

// hungUp says whether both directions of a connection have ended.
func hungUp(fd uintptr) bool {
	fds := []unix.PollFd{{Fd: int32(fd)}}
	_, _ = unix.Poll(fds, 0)
	return fds[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}
