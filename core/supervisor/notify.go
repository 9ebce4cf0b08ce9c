package supervisor

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
)

// notify tells the service manager, if one listens at NOTIFY_SOCKET, in the words of HAProxy 3.2 (H-9.2). It never waits: a
// manager that does not read must not keep us from a stop. That it cannot be reached is told once.
func (s *supervisor) notify(doing machine.Doing) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	err := sendTo(path, notifyText(doing, os.Getpid(), proc.Monotonic()))
	if err != nil && !s.deaf {
		s.deaf = true
		s.Log.Warn("cannot reach the service manager at NOTIFY_SOCKET=%s: %v", path, err)
	}
}

// sendTo sends a datagram to a unix socket; a leading @ means the abstract namespace (sd_notify(3)).
func sendTo(path, text string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Sendto(fd, []byte(text), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, &unix.SockaddrUnix{Name: path})
}

func notifyText(doing machine.Doing, pid int, now int64) string {
	switch doing {
	case machine.IsReady:
		return fmt.Sprintf("READY=1\nMAINPID=%d\nSTATUS=Ready.\n", pid)
	case machine.IsReloading:
		return fmt.Sprintf("RELOADING=1\nSTATUS=Reloading Configuration.\nMONOTONIC_USEC=%d\n", now/1000)
	case machine.ReloadFailed:
		return "READY=1\nSTATUS=Reload failed!\n"
	default:
		return "STOPPING=1"
	}
}
