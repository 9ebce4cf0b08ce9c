package sim

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/machine"
)

// trace is what happened, kept as data and put into words when somebody asks.
type trace struct {
	records []record
	most    int // that are kept; 0 means maxTrace
}

// record is one step.
type record struct {
	at      machine.Instant
	ev      machine.Event
	actions []machine.Action
}

// maxTrace bounds the records that are kept, if nothing else is said: the older half goes when there are as many.
const maxTrace = 1 << 20

func (t *trace) add(at machine.Instant, ev machine.Event, actions []machine.Action) {
	if most := cmp.Or(t.most, maxTrace); len(t.records) >= most {
		kept := copy(t.records, t.records[most/2:])
		clear(t.records[kept:])
		t.records = t.records[:kept]
	}
	t.records = append(t.records, record{at, ev, actions})
}

func (t *trace) String() string { return t.tail(len(t.records)) }

// tail is the end of the trace, n steps long.
func (t *trace) tail(n int) string {
	var b strings.Builder
	for _, r := range t.records[max(0, len(t.records)-n):] {
		fmt.Fprintf(&b, "%-12v %s\n", time.Duration(r.at-birth), eventText(r.ev))
		for _, a := range r.actions {
			fmt.Fprintf(&b, "%-12s   %s\n", "", machine.Text(a))
		}
	}
	return b.String()
}

// eventText is an event in one line.
func eventText(ev machine.Event) string {
	switch ev := ev.(type) {
	case machine.Booted:
		return "boot"
	case machine.Request:
		return fmt.Sprintf("%s %q", ev.Verb, ev.By)
	case machine.TrialPassed:
		return fmt.Sprintf("trial-passed %d", ev.N)
	case machine.TrialFailed:
		return fmt.Sprintf("trial-failed %d %q", ev.N, ev.Text)
	case machine.HandoverFailed:
		return fmt.Sprintf("handover-failed %d %q", ev.N, ev.Text)
	case machine.Loaded:
		return fmt.Sprintf("loaded %d with %d programs", ev.N, len(ev.Config.Programs))
	case machine.LoadFailed:
		return fmt.Sprintf("load-failed %d %q", ev.N, ev.Text)
	case machine.Serving:
		return fmt.Sprintf("serving %v", ev.ID)
	case machine.NotServing:
		return fmt.Sprintf("not-serving %v %q", ev.ID, ev.Text)
	case machine.ReloadedItself:
		return fmt.Sprintf("reloaded-itself %d %v", ev.N, ev.ID)
	case machine.ReloadRefused:
		return fmt.Sprintf("reload-refused %d %v %q", ev.N, ev.ID, ev.Text)
	case machine.Wake:
		return "wake"
	default:
		return processText(ev)
	}
}

func processText(ev machine.Event) string {
	switch ev := ev.(type) {
	case machine.Spawned:
		return fmt.Sprintf("spawned %v pid %d", ev.ID, ev.PID)
	case machine.SpawnFailed:
		return fmt.Sprintf("spawn-failed %v %q", ev.ID, ev.Text)
	case machine.Exited:
		return fmt.Sprintf("exited %v %s", ev.ID, endingText(Ending{Code: ev.Code, Signal: ev.Signal}))
	case machine.SignalFailed:
		return fmt.Sprintf("signal-failed %v %s %q", ev.ID, signalName(ev.Signal), ev.Text)
	case machine.PidfileFailed:
		return fmt.Sprintf("pidfile-failed %q", ev.Text)
	case machine.Decided:
		return fmt.Sprintf("decided %d %v %s", ev.N, ev.ID, ev.Verdict.Do)
	case machine.DecideFailed:
		return fmt.Sprintf("decide-failed %d %v %q", ev.N, ev.ID, ev.Text)
	default:
		return lifeText(ev)
	}
}

func lifeText(ev machine.Event) string {
	switch ev := ev.(type) {
	case machine.Ready:
		return fmt.Sprintf("ready %v", ev.ID)
	case machine.Notified:
		return fmt.Sprintf("notified %v%s", ev.ID, saidText(ev))
	case machine.Probed:
		return fmt.Sprintf("probed %d %v %s", ev.N, ev.ID, okText(ev.OK, ev.Text))
	case machine.StopRan:
		return fmt.Sprintf("stop-ran %v %s", ev.ID, okText(ev.OK, ev.Text))
	case machine.Emptied:
		return fmt.Sprintf("emptied %v", ev.ID)
	case machine.Tick:
		if ev.Text != "" {
			return fmt.Sprintf("no-tick %d %s %q", ev.N, ev.Program, ev.Text)
		}
		return fmt.Sprintf("tick %d %s at %v", ev.N, ev.Program, time.Duration(ev.At-birth))
	case machine.ClockSet:
		return fmt.Sprintf("clock-set %d", ev.Wall)
	case machine.HookFailed:
		return fmt.Sprintf("hook-failed %s %q", ev.Name, ev.Text)
	default:
		return fmt.Sprintf("%T", ev)
	}
}

func okText(ok bool, text string) string {
	if ok {
		return "ok"
	}
	return fmt.Sprintf("failed %q", text)
}

// saidText is what a program said, with a space before each word.
func saidText(ev machine.Notified) string {
	var b strings.Builder
	for _, word := range []struct {
		said bool
		text string
	}{
		{ev.Ready, "READY=1"}, {ev.Reloading, "RELOADING=1"}, {ev.Stopping, "STOPPING=1"}, {ev.Watchdog, "WATCHDOG=1"}, {ev.Trigger, "WATCHDOG=trigger"},
		{ev.WatchdogEvery != 0, fmt.Sprintf("WATCHDOG_USEC=%d", ev.WatchdogEvery.Microseconds())},
		{ev.Extend != 0, fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", ev.Extend.Microseconds())},
		{ev.MainPID != 0, fmt.Sprintf("MAINPID=%d", ev.MainPID)}, {ev.Status != "", fmt.Sprintf("STATUS=%q", ev.Status)},
	} {
		if word.said {
			b.WriteString(" " + word.text)
		}
	}
	return b.String()
}

func endingText(end Ending) string {
	if end.Signal != 0 {
		return signalName(end.Signal)
	}
	return fmt.Sprintf("code %d", end.Code)
}

func signalName(n int) string {
	switch n {
	case 0:
		return "request"
	case HUP:
		return "SIGHUP"
	case INT:
		return "SIGINT"
	case KILL:
		return "SIGKILL"
	case USR1:
		return "SIGUSR1"
	case TERM:
		return "SIGTERM"
	default:
		return fmt.Sprintf("signal-%d", n)
	}
}
