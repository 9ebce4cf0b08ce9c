package supervisor

import (
	"fmt"
	"time"

	"github.com/mwlua/mwlua/core/machine"
)

// aboutLife says what becomes of a program between its start and its end.
func aboutLife(now machine.Instant, n machine.Note) (level, string) {
	switch n.Kind {
	case machine.NoteBlocked:
		return notice, fmt.Sprintf("%s is not started yet: it waits for %s", who(n), n.Text)
	case machine.NoteReady:
		return notice, fmt.Sprintf("%s is ready", whom(n))
	case machine.NoteMainPID:
		return notice, fmt.Sprintf("%s says that its main process is %d from now on", who(n), n.PID)
	case machine.NoteNotifyRefused:
		return warning, fmt.Sprintf("process %d is none of those of %s and wrote to its NOTIFY_SOCKET: ignored, as what others like it write from now on",
			n.PID, who(n))
	case machine.NoteUnhealthy:
		return warning, fmt.Sprintf("%s is unhealthy: %s", whom(n), n.Text)
	case machine.NoteHealthy:
		return notice, fmt.Sprintf("%s is healthy again", whom(n))
	case machine.NoteGivenUp:
		return warning, fmt.Sprintf("%s is stopped: %s%s", whom(n), n.Text, means(now, n))
	case machine.NoteStopCommand:
		return warning, fmt.Sprintf("the stop command of %s failed: %s%s", whom(n), n.Text, means(now, n))
	case machine.NoteLeft:
		lv := warning
		if n.Exit.Signal == n.Signal && n.Signal == sigTERM { // it has ended as it was asked to, and so is the rest
			lv = notice
		}
		return lv, fmt.Sprintf("%s %s after %v%s, but some of its processes live on: %s%s", whom(n), ended(n.Exit), round(n.Exit.Ran),
			because(n.Exit), n.Text, means(now, n))
	case machine.NoteKillRest:
		return warning, fmt.Sprintf("what is left of %s did not go in time: %s; sending SIGKILL, and again every second until nobody is left", who(n), n.Text)
	case machine.NoteStays:
		return alert, fmt.Sprintf("%s stays, the reload could not replace it: %s", whom(n), n.Text)
	case machine.NoteTick:
		return warning, fmt.Sprintf("%s is due: %s", n.ID.SlotName(), n.Text)
	case machine.NoteNoTick:
		return alert, fmt.Sprintf("nobody can say when %s is due, so it is not started by the clock: %s", who(n), n.Text)
	case machine.NoteNoVerdict:
		return warning, fmt.Sprintf("%s gave no verdict on the end of %s: %s", n.By, whom(n), n.Text)
	case machine.NoteHook:
		return warning, n.Text
	case machine.NoteSocket:
		return alert, fmt.Sprintf("%s: %s; it is tried again when the program is started", who(n), n.Text)
	default:
		return notice, aboutReload(n)
	}
}

// means says by what an instance, or what is left of it, is made to go.
func means(now machine.Instant, n machine.Note) string {
	switch {
	case n.Signal != 0:
		return "; sending " + signalName(n.Signal) + killAt(now, n)
	case n.Until != 0:
		return fmt.Sprintf("; SIGKILL in %v", round(time.Duration(n.Until-now)))
	default:
		return ""
	}
}
