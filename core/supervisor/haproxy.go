package supervisor

import (
	"fmt"
	"strings"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
)

// haproxy writes a note in the words of HAProxy's master, where it has any (H-10.3), and in ours where HAProxy is silent.
func (l *Log) haproxy(now machine.Instant, n machine.Note) {
	switch n.Kind {
	case machine.NoteSpawned:
		l.write(notice, fmt.Sprintf("New program '%s' (%d) forked", n.ID.SlotName(), n.PID))
	case machine.NoteSpawnFailed:
		l.write(alert, capitalise(n.Text))
		l.write(notice, fmt.Sprintf("Program '%s' was not started", n.ID.SlotName()))
		l.haproxyFailure(n)
	case machine.NoteExited:
		l.haproxyExit(n)
	case machine.NoteReload:
		hard := ""
		if n.Signal != 0 {
			hard = " (hard-reload)"
		}
		l.write(notice, "Reloading HAProxy"+hard)
	case machine.NoteLoaded:
		l.write(notice, "Loading success.")
	case machine.NoteReloadFailed:
		l.write(alert, n.Text)
		l.write(warning, "Loading failure!")
	case machine.NoteStopping:
		if n.Text != exitOnFailure {
			l.write(warning, "Exiting Master process...")
		}
	case machine.NoteStopped:
		l.write(warning, fmt.Sprintf("All workers exited. Exiting... (%d)", n.Exit.Code))
	case machine.NoteChange:
		if n.PID == 0 { // the others show in the lines that follow
			l.write(notice, fmt.Sprintf("Program '%s': %s%s", n.ID.SlotName(), n.Text, sent(n)))
		}
	default:
		lv, text := describe(now, n)
		l.write(lv, text)
	}
}

// capitalise writes an error of ours as HAProxy and the C library do: each part begins with a capital.
func capitalise(text string) string {
	parts := strings.Split(text, ": ")
	for _, i := range []int{0, len(parts) - 1} {
		if p := parts[i]; p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, ": ")
}

const exitOnFailure = string(policy.ExitOnFailure)

func (l *Log) haproxyExit(n machine.Note) {
	lv, which := alert, "Current"
	if n.Former {
		lv, which = warning, "Former"
	}
	if n.Exit.Code == machine.UnknownCode {
		l.write(lv, fmt.Sprintf("%s program '%s' (%d) ended, how is not known", which, n.ID.SlotName(), n.PID))
		return
	}
	status := n.Exit.Status()
	l.write(lv, fmt.Sprintf("%s program '%s' (%d) exited with code %d (%s)",
		which, n.ID.SlotName(), n.PID, status, statusName(status)))
	switch {
	case n.Exit.Reason == policy.ReloadSignal: // T-4
		l.write(notice, fmt.Sprintf("Program '%s' was ended by the signal of the reload: no failure, and it stays down until it is started again", n.ID.SlotName()))
	case n.Exit.Signal == 0 && status >= 128 && n.Verdict.Do != "": // T-13
		l.write(notice, fmt.Sprintf("Program '%s' returned %d by itself: no signal ended it", n.ID.SlotName(), status))
	}
	l.haproxyFailure(n)
}

func (l *Log) haproxyFailure(n machine.Note) {
	switch {
	case n.Verdict.Do == policy.Shutdown && n.Verdict.Reason == exitOnFailure:
		l.write(alert, "exit-on-failure: killing every processes with SIGTERM")
	case n.Verdict.Do == policy.Shutdown:
		l.write(alert, fmt.Sprintf("Program '%s' has ended: everything is stopped (%s)", n.ID.SlotName(), whoAndWhy(n)))
	case n.Verdict.Do == policy.Fail, n.Verdict.Do == policy.Stop && n.By != "":
		l.write(notice, fmt.Sprintf("Program '%s' stays down: %s", n.ID.SlotName(), whoAndWhy(n)))
	case n.Verdict.Do == policy.Restart && n.By != "":
		l.write(notice, fmt.Sprintf("Program '%s' starts again: %s", n.ID.SlotName(), whoAndWhy(n)))
	}
}
