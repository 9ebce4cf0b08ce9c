package machine

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// Text is an action in one line, for transcripts and traces. Two actions with the same text are the same to an observer.
func Text(a Action) string {
	switch a := a.(type) {
	case Load:
		return fmt.Sprintf("load %d", a.N)
	case Trial:
		return fmt.Sprintf("trial %d", a.N)
	case EndTrial:
		return fmt.Sprintf("end-trial %d", a.N)
	case Handover:
		return fmt.Sprintf("handover %d", a.N)
	case Spawn:
		return fmt.Sprintf("spawn %v %s", a.ID, strings.Join(a.Spec.Command, " "))
	case Signal:
		if a.Group {
			return fmt.Sprintf("signal %v %s to its group", a.ID, signalName(a.Signal))
		}
		return fmt.Sprintf("signal %v %s", a.ID, signalName(a.Signal))
	case SignalUnit:
		return fmt.Sprintf("signal %v %s to what is left of it", a.ID, signalName(a.Signal))
	case RunStop:
		return fmt.Sprintf("run-stop %v %s", a.ID, strings.Join(a.Spec.StopCommand, " "))
	case Probe:
		return fmt.Sprintf("probe %d %v %s", a.N, a.ID, probeText(a.What))
	case Decide:
		return fmt.Sprintf("decide %d %v by %s", a.N, a.ID, deciderName(a.By))
	case CallHook:
		return strings.TrimSpace(fmt.Sprintf("call-hook %s %s %v", a.Name, a.On, a.ID))
	case UseCode:
		return "use-code"
	case Follow:
		return fmt.Sprintf("follow %v %d", a.ID, a.PID)
	case NextTick:
		return fmt.Sprintf("next-tick %d %s %s", a.N, a.Program, a.Spec.Schedule)
	case OpenSockets:
		return strings.TrimSpace("open-sockets " + socketsText(a.Sockets))
	case ReloadItself:
		if a.Hard {
			return fmt.Sprintf("reload-itself %d %v hard", a.N, a.ID)
		}
		return fmt.Sprintf("reload-itself %d %v", a.N, a.ID)
	case WritePidfile:
		return "write-pidfile " + a.Path
	case AwaitServing:
		return fmt.Sprintf("await-serving %v", a.ID)
	case OpenControl:
		return strings.TrimSpace("open-control " + a.Path)
	case Reply:
		word := string(a.Why)
		if a.OK {
			word = "ok"
		}
		return strings.TrimSpace(fmt.Sprintf("reply %d %s %s", a.To, word, a.Text))
	case Report:
		return fmt.Sprintf("report %d", a.To)
	case Notify:
		return "notify " + string(a.Doing)
	case Note:
		return "note " + a.text()
	case Quit:
		return fmt.Sprintf("quit %d", a.Status)
	default:
		return fmt.Sprintf("%T", a)
	}
}

func probeText(p program.Probe) string {
	return cmp.Or(p.HTTP, p.TCP, p.Unix, strings.Join(p.Command, " "))
}

func socketsText(sockets []ProgramSocket) string {
	var texts []string
	for _, s := range sockets {
		texts = append(texts, s.Program+"/"+s.Name+"="+s.Address)
	}
	return strings.Join(texts, " ")
}

func (n Note) text() string {
	words := []string{string(n.Kind)}
	add := func(ok bool, format string, args ...any) {
		if ok {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(n.ID.Program != "", "%v", n.ID)
	add(n.Former, "(former)")
	add(n.Kind == NoteExited || n.Kind == NoteSpawnFailed || n.Kind == NoteLeft, "%s", exitText(n.Exit))
	add(n.Kind == NoteStopped, "status %d", n.Exit.Code)
	add(n.By != "", "by %s", n.By)
	add(n.Verdict.Do != "", "→ %s", n.Verdict.Do)
	add(n.Verdict.Delay != 0, "in %v", n.Verdict.Delay.Round(time.Millisecond))
	add(n.Verdict.ExitCode != 0, "exit code %d", n.Verdict.ExitCode)
	add(n.Verdict.Reason != "", "(%s)", n.Verdict.Reason)
	add(n.Signal != 0, "%s", signalName(n.Signal))
	add(n.Text != "", "%q", n.Text)
	return strings.Join(words, " ")
}

func exitText(e policy.Exit) string {
	text := fmt.Sprintf("code %d", e.Code)
	if e.Signal != 0 {
		text = signalName(e.Signal)
	}
	if e.Reason != policy.Exited {
		text += " " + string(e.Reason)
	}
	return fmt.Sprintf("%s after %v", text, e.Ran.Round(time.Millisecond))
}

func signalName(n int) string {
	names := map[int]string{1: "HUP", sigINT: "INT", sigABRT: "ABRT", sigKILL: "KILL", sigUSR1: "USR1", 12: "USR2", sigTERM: "TERM"}
	if name, ok := names[n]; ok {
		return name
	}
	return fmt.Sprintf("signal-%d", n)
}
