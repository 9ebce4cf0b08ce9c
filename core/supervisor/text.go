package supervisor

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
)

// describe says in one line which program, what happened, why, what happens next, and when.
func describe(now machine.Instant, n machine.Note) (level, string) {
	switch n.Kind {
	case machine.NoteSpawned:
		return notice, fmt.Sprintf("%s started, pid %d", who(n), n.PID)
	case machine.NoteSpawnFailed:
		return alert, endText(n) + follows(now, n)
	case machine.NoteExited:
		return exitLevel(n), endText(n) + follows(now, n)
	case machine.NoteKill:
		return warning, fmt.Sprintf("%s did not go in time (%s): sending SIGKILL to its process group", whom(n), n.Text)
	case machine.NoteLeftTooLate:
		return warning, fmt.Sprintf("%s (pid %d) did not leave in time (%s): sending %s%s", who(n), n.PID, n.Text, signalName(n.Signal), killAt(now, n))
	case machine.NoteSignalFailed:
		return alert, fmt.Sprintf("cannot send %s to %s (pid %d): %s", signalName(n.Signal), who(n), n.PID, n.Text)
	case machine.NoteChange:
		return notice, fmt.Sprintf("%s: %s%s", who(n), n.Text, sent(n))
	case machine.NoteAsked:
		return notice, fmt.Sprintf("%s: %s%s%s", who(n), n.Text, sent(n), killAt(now, n))
	case machine.NoteStopping:
		return warning, fmt.Sprintf("stopping all programs (%s)", n.Text)
	case machine.NoteStopped:
		return notice, fmt.Sprintf("all programs are gone, leaving with status %d", n.Exit.Code)
	case machine.NoteFirstLoadError:
		return alert, n.Text + "\nnothing was started"
	case machine.NoteReloadFailed:
		return alert, n.Text + "\nreload failed: nothing changed, the programs run on"
	case machine.NoteWarning:
		return warning, n.Text
	case machine.NotePidfile:
		return alert, n.Text
	case machine.NoteControl:
		return alert, n.Text + "\nits programs run"
	case machine.NoteStandIn:
		if n.Signal == 0 {
			return warning, fmt.Sprintf("mwlua (%d) ended between two images; this process stops its programs in its place", n.PID)
		}
		return warning, fmt.Sprintf("mwlua (%d) got %s between two images; this process stops its programs in its place", n.PID, signalName(n.Signal))
	case machine.NoteOrphaned:
		return warning, fmt.Sprintf("mwlua (%d) was killed between two images; its programs run on", n.PID)
	default:
		return aboutLife(now, n)
	}
}

func aboutReload(n machine.Note) string {
	switch n.Kind {
	case machine.NoteReload:
		if n.Signal != 0 {
			return fmt.Sprintf("reloading (%s), what goes gets %s", n.Text, signalName(n.Signal))
		}
		return fmt.Sprintf("reloading (%s)", n.Text)
	case machine.NoteReloadQueued:
		return fmt.Sprintf("a reload is under way, one more follows it (%s)", n.Text)
	case machine.NoteReloadRefused:
		return fmt.Sprintf("no reload (%s): mwlua is stopping", n.Text)
	case machine.NoteReloadAborted:
		return fmt.Sprintf("the reload under way (%s) is given up: a stop was asked for", n.Text)
	case machine.NoteLoaded:
		return "configuration loaded"
	default:
		return string(n.Kind) + " " + n.Text
	}
}

// who names the instance, or the program that has none.
func who(n machine.Note) string {
	name := n.ID.String()
	if n.ID.Seq == 0 {
		name = n.ID.SlotName()
	}
	if n.Former {
		name = "former " + name
	}
	return name
}

// whom is who with its pid, if it has one.
func whom(n machine.Note) string {
	if n.PID == 0 {
		return who(n)
	}
	return fmt.Sprintf("%s (pid %d)", who(n), n.PID)
}

// endText says how an instance ended, or that it did not start.
func endText(n machine.Note) string {
	if n.Kind == machine.NoteSpawnFailed {
		return fmt.Sprintf("%s did not start: %s", who(n), n.Text)
	}
	return fmt.Sprintf("%s %s after %v%s", whom(n), ended(n.Exit), round(n.Exit.Ran), because(n.Exit))
}

// EndText is what the log says of an end that n, a machine.NoteExited or a machine.NoteSpawnFailed, tells of at that instant: the end,
// and what follows, "" if nothing does.
func EndText(now machine.Instant, n machine.Note) (end, next string) {
	return endText(n), strings.TrimPrefix(follows(now, n), "; ")
}

func ended(e policy.Exit) string {
	switch {
	case e.Signal != 0 && e.OOM:
		return fmt.Sprintf("was killed by %s, out of memory,", signalName(e.Signal))
	case e.Signal != 0 && e.CoreDumped:
		return fmt.Sprintf("was killed by %s and dumped core", signalName(e.Signal))
	case e.Signal != 0:
		return "was killed by " + signalName(e.Signal)
	case e.Code == machine.UnknownCode:
		return "ended, how is not known,"
	default:
		return fmt.Sprintf("exited with code %d", e.Code)
	}
}

// because says why mwlua ended an instance, where that makes its exit a failure.
func because(e policy.Exit) string {
	reasons := map[policy.Reason]string{
		policy.NotReady: "it was not ready in time", policy.Health: "it was unhealthy", policy.Watchdog: "it missed its watchdog",
		policy.Timeout: "it took too long",
	}
	if reason := reasons[e.Reason]; reason != "" {
		return ", stopped because " + reason
	}
	return ""
}

func exitLevel(n machine.Note) level {
	switch n.Verdict.Do {
	case policy.Fail, policy.Shutdown:
		return alert
	case policy.Restart:
		return warning
	default:
		return notice
	}
}

// follows says what happens next.
func follows(now machine.Instant, n machine.Note) string {
	reason := whoAndWhy(n)
	if reason != "" {
		reason = " (" + reason + ")"
	}
	switch n.Verdict.Do {
	case policy.Restart:
		return fmt.Sprintf("; it starts again in %v%s", round(time.Duration(n.Until-now)), reason)
	case policy.Stop:
		return "; it stays down" + reason
	case policy.Fail:
		return "; it has failed and stays down" + reason
	case policy.Shutdown:
		return "; everything is stopped" + reason
	default:
		return ""
	}
}

// whoAndWhy is who has decided, if it was not the declaration, and why.
func whoAndWhy(n machine.Note) string {
	if n.By != "" && n.Verdict.Reason != "" {
		return n.By + ": " + n.Verdict.Reason
	}
	return n.By + n.Verdict.Reason
}

func sent(n machine.Note) string {
	if n.Signal == 0 {
		return ""
	}
	return ", sending " + signalName(n.Signal)
}

func killAt(now machine.Instant, n machine.Note) string {
	if n.Until == 0 {
		return ""
	}
	return fmt.Sprintf(", and SIGKILL in %v", round(time.Duration(n.Until-now)))
}

// NoteText is a note as the log has it, in its text form but without the time.
func NoteText(now machine.Instant, n machine.Note) string {
	lv, text := describe(now, n)
	return fmt.Sprintf("%-7s %s", lv, text)
}

// SignalName is the name of a signal, as SIGTERM, or "signal N" for one without.
func SignalName(n int) string { return signalName(n) }

func signalName(n int) string {
	if name := unix.SignalName(unix.Signal(n)); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", n)
}

// round makes a duration readable: three digits are enough.
func round(d time.Duration) string {
	unit := time.Microsecond
	for d > 1000*unit && unit < time.Second {
		unit *= 10
	}
	return d.Round(unit).String()
}
