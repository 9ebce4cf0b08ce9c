package supervisor

import (
	"fmt"
	"os"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
)

// notify tells the service manager, if one listens at NOTIFY_SOCKET, in the words of HAProxy 3.2 (H-9.2). That nobody hears
// is told once: a manager that waits for READY gives up on us.
func (s *supervisor) notify(doing machine.Doing) {
	_, err := daemon.SdNotify(false, notifyText(doing, os.Getpid(), proc.Monotonic()))
	if err != nil && !s.deaf {
		s.deaf = true
		s.Log.Warn("cannot reach the service manager at NOTIFY_SOCKET: %v", err)
	}
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
