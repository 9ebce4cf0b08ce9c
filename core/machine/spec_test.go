package machine

import (
	"strconv"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

func (d *driver) spec(words []string) program.Spec {
	s := program.Spec{
		Name: words[0], Command: []string{"/bin/" + words[0]}, StopTimeout: 30 * time.Second,
		OnReload: program.Replace, ReloadSignal: sigUSR1, Exit: policy.Policy{Rule: policy.ExitOnFailure},
	}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "command":
			s.Command = []string{value}
		case "stop-timeout":
			s.StopTimeout = duration(d.t, value)
		case "stop-signal":
			s.StopSignal = signalNumber(d.t, value)
		case "on-reload":
			s.OnReload = program.Reload(value)
		case "no-start-on-reload":
			s.OnReload, s.NoStartOnReload = program.Keep, true
		case "max-former":
			s.MaxFormer, _ = strconv.Atoi(value)
		case "former-timeout":
			s.FormerTimeout = duration(d.t, value)
		case "no-exit-on-failure":
			s.Exit.Rule = policy.NoExitOnFailure
		case "restart":
			s.Exit.Rule, s.Exit.When = policy.RestartRule, policy.When(value)
			s.Exit.Backoff = policy.Backoff{Base: time.Second, Max: 8 * time.Second, Factor: 2, ResetAfter: time.Minute}
		case "limit":
			s.Exit.Limit, _ = strconv.Atoi(value)
			s.Exit.Window = time.Minute
		case "on-limit":
			s.Exit.OnLimit = policy.Do(value)
		case "min-interval":
			s.Exit.MinInterval = duration(d.t, value)
		case "critical":
			s.Critical = true
		case "no-autostart":
			s.NoAutostart = true
		default:
			if !d.life(&s, key, value) {
				d.t.Fatalf("unknown key %q", w)
			}
		}
	}
	return s
}

// life reads the keys that concern the life of a program. False means that there is no such key.
func (d *driver) life(s *program.Spec, key, value string) bool {
	switch key {
	case "after":
		s.After = strings.Split(value, ",")
	case "needs":
		s.Needs = strings.Split(value, ",")
	case "ready":
		s.Ready = program.Ready{By: program.ReadyBy(value), Timeout: 30 * time.Second}
		switch s.Ready.By {
		case program.ReadyProbe:
			s.Ready.Probe = program.Probe{TCP: "127.0.0.1:80", Interval: 200 * time.Millisecond}
		case program.ReadyFD:
			s.Ready.FD = 3
		case program.ReadyLog:
			s.Ready.Pattern = "up"
		}
	case "ready-timeout":
		s.Ready.Timeout = duration(d.t, value)
	case "health":
		s.Health = &program.Health{Probe: program.Probe{TCP: "127.0.0.1:80", Interval: 10 * time.Second}, Failures: 2, Successes: 2, OnFail: program.OnUnhealthy(value)}
	case "watchdog":
		s.Watchdog = duration(d.t, value)
	case "instances":
		s.Instances, _ = strconv.Atoi(value)
	case "overlap":
		s.Overlap = program.Overlap(value)
	case "socket":
		s.Sockets = []program.Socket{{Name: "http", Address: value}}
	case "kill":
		s.Kill = program.Kill(value)
	case "on-exit":
		for _, word := range strings.Split(value, ",") {
			by := program.Decider{By: program.ByHandler, Name: word}
			if name, ok := strings.CutPrefix(word, "plugin:"); ok {
				by = program.Decider{By: program.ByPlugin, Name: name}
			}
			s.OnExit = append(s.OnExit, by)
		}
	case "on-start":
		s.OnStart = value
	case "on-stop":
		s.OnStop = value
	case "stop-command":
		s.StopCommand = []string{value}
	default:
		return d.kind(s, key, value)
	}
	return true
}

// kind reads the keys of one-shots and crons.
func (d *driver) kind(s *program.Spec, key, value string) bool {
	switch key {
	case "oneshot":
		s.Kind, s.Run, s.Exit = program.OneShot, program.Run(value), policy.Policy{When: policy.Never}
	case "cron":
		s.Kind, s.Schedule, s.Exit = program.Cron, value, policy.Policy{When: policy.Never}
	case "retries":
		n, _ := strconv.Atoi(value)
		s.Exit = policy.Policy{Limit: n, Backoff: policy.Backoff{Base: time.Second, Factor: 1}}
	case "ignore-failure":
		s.IgnoreFailure = true
	case "timeout":
		s.Timeout = duration(d.t, value)
	case "beside":
		s.CronOverlap = program.CronOverlap(value)
	case "jitter":
		s.Jitter = duration(d.t, value)
	case "catch-up":
		s.CatchUp = true
	default:
		return false
	}
	return true
}

// said makes the events of what a program and the world say in its life; nil for other words.
func (d *driver) said(words []string) Event {
	switch words[0] {
	case "ready":
		return Ready{ID: parseID(d.t, words[1])}
	case "emptied":
		return Emptied{ID: parseID(d.t, words[1])}
	case "notify-refused":
		return NotifyRefused{ID: parseID(d.t, words[1]), PID: 999}
	case "probed":
		ev := Probed{ID: parseID(d.t, words[1]), OK: words[3] == "ok", Text: "connect 127.0.0.1:80: connection refused"}
		ev.N, _ = strconv.ParseUint(words[2], 10, 64)
		return ev
	case "stop-ran":
		return StopRan{ID: parseID(d.t, words[1]), OK: words[2] == "ok", Text: "exit status 1"}
	case "tick":
		ev := Tick{Program: words[1], At: d.now + Instant(duration(d.t, words[3])), Wall: int64(d.now) + int64(duration(d.t, words[3]))}
		ev.N, _ = strconv.ParseUint(words[2], 10, 64)
		return ev
	case "no-tick":
		ev := Tick{Program: words[1], Text: "it never comes"}
		ev.N, _ = strconv.ParseUint(words[2], 10, 64)
		return ev
	case "clock-set":
		return ClockSet{Wall: int64(d.now) + int64(duration(d.t, words[1]))}
	case "socket-failed":
		return SocketFailed{Program: words[1], Name: "http", Text: "tcp://127.0.0.1:80: address already in use"}
	case "notified":
		return d.notified(words)
	case "decided", "decide-failed":
		return d.decided(words)
	}
	return nil
}

func (d *driver) decided(words []string) Event {
	id := parseID(d.t, words[1])
	n, _ := strconv.ParseUint(words[2], 10, 64)
	if words[0] == "decide-failed" {
		return DecideFailed{ID: id, N: n, Text: "mwlua.lua:7: attempt to index a nil value"}
	}
	ev := Decided{ID: id, N: n, Verdict: policy.Verdict{Do: policy.Do(words[3]), Reason: "because"}}
	for _, w := range words[4:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "in":
			ev.Verdict.Delay = duration(d.t, value)
		case "code":
			ev.Verdict.ExitCode, _ = strconv.Atoi(value)
		case "store":
			ev.Store = []byte(value)
		case "blob":
			ev.Blob = []byte(value)
		}
	}
	return ev
}

func (d *driver) notified(words []string) Event {
	ev := Notified{ID: parseID(d.t, words[1])}
	for _, w := range words[2:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "READY":
			ev.Ready = true
		case "RELOADING":
			ev.Reloading = true
		case "STOPPING":
			ev.Stopping = true
		case "STATUS":
			ev.Status = value
		case "WATCHDOG":
			ev.Watchdog, ev.Trigger = value == "1", value == "trigger"
		case "WATCHDOG_USEC":
			ev.WatchdogEvery = duration(d.t, value)
		case "EXTEND":
			ev.Extend = duration(d.t, value)
		case "MAINPID":
			ev.MainPID, _ = strconv.Atoi(value)
		default:
			d.t.Fatalf("unknown word %q", w)
		}
	}
	return ev
}

// left reads left=NAME:PID,….
func left(text string) []Survivor {
	var all []Survivor
	for _, word := range strings.Split(text, ",") {
		name, pid, _ := strings.Cut(word, ":")
		n, _ := strconv.Atoi(pid)
		all = append(all, Survivor{PID: n, Name: name})
	}
	return all
}
