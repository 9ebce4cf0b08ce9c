package mastercli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/machine"
)

// Status is what `show proc` tells, all of one moment.
type Status struct {
	State   machine.State
	Now     machine.Instant
	PID     int             // of the master
	Started machine.Instant // when the master started; a reload does not change it
	Version string          // of the master; "" means that of the Backend
	Workers []Worker        // of an HAProxy that mwlua runs, newest first; none without it
	// Unlisted is the program that is that HAProxy's master: its workers are listed, and it is not.
	Unlisted string
}

// Worker is an HAProxy worker.
type Worker struct {
	PID     int
	Old     bool // a reload told it to go
	Reloads int  // survived
	Since   machine.Instant
	Version string
}

// ShowProc returns the answer to `show proc` without the empty line that ends it, as 2.6 lays it out (H-8.18 to H-8.21), of any
// size (T-32). Programs come in the order of the configuration, old ones newest generation first. A program that is not running is
// not listed, nor is an instance whose spawn is not answered yet, or whose process has ended. Each slot of a program with several
// instances is a row, named as in the log; one that is to follow another is there beside it. Reloads are successful ones only (T-29).
func ShowProc(s Status) string { return showProc(s, "") }

// showProc adds the columns of `show proc debug`, which are descriptors of HAProxy's master; we have none, and say -1 as it does.
func showProc(s Status, master string) string {
	var t strings.Builder
	fmt.Fprintf(&t, "%-15s %-15s %-15s %-15s %-15s", "#<PID>", "<type>", "<reloads>", "<uptime>", "<version>")
	if master != "" {
		fmt.Fprintf(&t, "\t\t %-15s %-15s", "<ipc_fd[0]>", "<ipc_fd[1]>")
	}
	t.WriteString("\n")
	reloads := fmt.Sprintf("%d [failed: %d]", max(s.State.Generation, 1)-1, s.State.Failures)
	row(&t, s, s.PID, "master", reloads, s.Started, cmp.Or(s.Version, "-"), master)
	showWorkers(&t, s, master)
	current, old := instances(s.State, s.Unlisted)
	t.WriteString("# programs\n")
	for _, in := range current {
		in.row(&t, s)
	}
	if len(old) > 0 {
		t.WriteString("# old programs\n")
	}
	for _, in := range old {
		in.row(&t, s)
	}
	return t.String()
}

func showWorkers(t *strings.Builder, s Status, debug string) {
	for _, section := range []struct {
		title string
		old   bool
	}{{"# workers\n", false}, {"# old workers\n", true}} {
		if !section.old || slices.ContainsFunc(s.Workers, func(w Worker) bool { return w.Old }) {
			t.WriteString(section.title)
		}
		for _, w := range s.Workers {
			if w.Old == section.old {
				row(t, s, w.PID, "worker", fmt.Sprint(w.Reloads), w.Since, w.Version, debug)
			}
		}
	}
}

// instance is a row of a program.
type instance struct {
	machine.Instance
	name string
}

// instances returns the current and the former ones whose process is there. One that a reload kept is current, whatever its generation.
func instances(s machine.State, unlisted string) (current, old []instance) {
	for _, p := range s.Programs {
		for _, in := range slices.Backward(p.Instances) {
			row := instance{in, machine.ID{Program: p.Name, Slot: p.Slot}.SlotName()}
			switch {
			case in.PID == 0, in.Step == machine.Emptying, p.Name == unlisted:
			case in.Seq == p.Current, in.Seq == p.Next:
				current = append(current, row)
			default:
				old = append(old, row)
			}
		}
	}
	slices.SortStableFunc(old, func(a, b instance) int { return cmp.Compare(b.Generation, a.Generation) })
	return current, old
}

func (in instance) row(t *strings.Builder, s Status) {
	row(t, s, in.PID, in.name, fmt.Sprint(survived(s.State, in.Generation)), in.Since, "-", "")
}

// survived is how many loads succeeded since generation.
func survived(s machine.State, generation uint64) uint64 {
	return max(s.Generation, generation) - generation
}

func row(t *strings.Builder, s Status, pid int, kind, reloads string, since machine.Instant, version, debug string) {
	fmt.Fprintf(t, "%-15d %-15s %-15s %-15s %-15s%s\n", pid, kind, reloads, uptime(s.Now-since), version, debug)
}

// uptime is 0 before the beginning (H-8.21).
func uptime(d machine.Instant) string {
	seconds := int64(max(d, 0)) / int64(time.Second)
	return fmt.Sprintf("%dd%02dh%02dm%02ds", seconds/86400, seconds/3600%24, seconds/60%60, seconds%60)
}
