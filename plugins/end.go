package plugins

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
)

// lastCalls is how long the decisions that are under way have when the plugin ends.
const lastCalls = time.Second

// endInTime ends the plugin when it gets SIGTERM, and when mwlua is gone: go-plugin itself would notice neither, and run on.
func endInTime[C any](s *server[C], g *grpc.Server) {
	end := make(chan os.Signal, 1)
	signal.Notify(end, unix.SIGTERM)
	gone := parentGone()
	// It waits for SIGTERM or the end of mwlua, ends the server and with it Serve, and then the process if main does not.
	go func() {
		select {
		case <-end:
		case <-gone:
		}
		time.AfterFunc(lastCalls, func() { os.Exit(0) })
		s.calls.Lock()
		g.Stop()
	}()
}

// parentGone is closed when the parent has ended. A pidfd tells that of the process: it does not tell of an execve, by which mwlua
// becomes its next image, and getppid(2) asked now and then would. Where there is none (Linux before 5.3, or a parent in another PID
// namespace) it is never closed.
func parentGone() <-chan struct{} {
	gone := make(chan struct{})
	parent := os.Getppid()
	fd, err := unix.PidfdOpen(parent, 0)
	if os.Getppid() != parent {
		close(gone)
		return gone
	}
	if err != nil {
		return gone
	}
	// It waits for the end of the parent, closes gone, and ends with that.
	go func() {
		polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for polled[0].Revents == 0 {
			if _, err := unix.Poll(polled, -1); err != nil && err != unix.EINTR {
				return
			}
		}
		close(gone)
	}()
	return gone
}

// swallowBrokenPipe keeps a plugin alive whose log nobody reads any more: Go ends a program that writes to a broken standard error,
// unless it has asked for SIGPIPE (os/signal, "SIGPIPE").
func swallowBrokenPipe() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }
