package program

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// shortestInterval bounds how often a probe is made.
	shortestInterval = 10 * time.Millisecond
	// highestFD is the last descriptor that can be one for readiness.
	highestFD = 1023
)

// wrongs collects texts about one Spec, each beginning with the name of a field.
type wrongs struct{ texts []string }

func (w *wrongs) check(ok bool, format string, args ...any) {
	if !ok {
		w.texts = append(w.texts, fmt.Sprintf(format, args...))
	}
}

// known checks one of several words.
func known[T ~string](w *wrongs, field string, word T, words ...T) {
	w.check(slices.Contains(words, word), "%s: unknown value %q", field, string(word))
}

// validateLife returns what is wrong with when and how s is started, watched and stopped.
func (s Spec) validateLife() []string {
	w := &wrongs{}
	known(w, "kind", s.Kind, Service, OneShot, Cron)
	s.validateKind(w)
	w.check(s.Instances >= 0 && s.Instances <= MaxInstances, "instances: must be 0 to %d", MaxInstances)
	w.check(s.Slot >= 0 && s.Slot < s.Number(), "instances: there is no instance %d", s.Slot)
	w.check(s.Timeout >= 0 && s.Watchdog >= 0 && s.Jitter >= 0 && s.Ready.Timeout >= 0, "a timeout cannot be negative")
	known(w, "overlap", s.Overlap, AtOnce, StopFirst, StartFirst)
	known(w, "overlap", s.CronOverlap, CronSkip, CronQueue, CronKill, CronAllow)
	known(w, "run", s.Run, RunBoot, RunReload, RunChange, RunManual)
	s.validateReady(w)
	s.validateHealth(w)
	s.validateSockets(w)
	s.validateAttributes(w)
	s.validateStop(w)
	return w.texts
}

// validateKind refuses what is said of something that this kind does not have.
func (s Spec) validateKind(w *wrongs) {
	service, oneshot, cron := s.Kind == Service, s.Kind == OneShot, s.Kind == Cron
	only := func(has, said bool, field, who string) { w.check(has || !said, "%s: only %s has it", field, who) }
	only(service, s.Instances != 0, "instances", "a program")
	only(service, s.Ready.By != ReadyAtOnce, "ready", "a program")
	only(service, s.Health != nil, "health", "a program")
	only(service, s.Watchdog != 0, "watchdog", "a program")
	only(service, s.Overlap != AtOnce, "overlap", "a program")
	only(service, len(s.Sockets) > 0, "sockets", "a program")
	only(oneshot, s.Run != RunBoot, "run", "a one-shot")
	only(oneshot, s.IgnoreFailure, "on_fail", "a one-shot")
	only(cron, s.Schedule != "", "schedule", "a cron")
	only(cron, s.Zone != "", "timezone", "a cron")
	only(cron, s.CronOverlap != CronSkip, "overlap", "a cron")
	only(cron, s.Jitter != 0, "jitter", "a cron")
	only(cron, s.CatchUp, "catch_up", "a cron")
	only(!service, s.Timeout != 0, "timeout", "a one-shot or a cron")
	w.check(!cron || s.Schedule != "", "schedule: is required")
}

func (s Spec) validateReady(w *wrongs) {
	r := s.Ready
	known(w, "ready", r.By, ReadyAtOnce, ReadyNotify, ReadyFD, ReadyLog, ReadyProbe)
	w.check(r.By == ReadyFD || r.FD == 0, "ready.fd: is not what says that it is ready")
	w.check(r.By != ReadyFD || r.FD >= 3 && r.FD <= highestFD, "ready.fd: must be 3 to %d", highestFD)
	w.check(r.By != ReadyFD || r.FD < 3 || r.FD >= 3+len(s.Sockets), "ready.fd: %d is the descriptor of a socket", r.FD)
	w.check((r.By == ReadyLog) == (r.Pattern != ""), "ready.log: is the pattern of a line, or nothing")
	if r.By == ReadyProbe {
		r.Probe.validate(w, "ready")
	} else {
		w.check(r.Probe.IsZero(), "ready: a probe is not what says that it is ready")
	}
}

func (s Spec) validateHealth(w *wrongs) {
	h := s.Health
	if h == nil {
		return
	}
	h.Probe.validate(w, "health")
	w.check(h.StartDelay >= 0, "health.start_delay: cannot be negative")
	w.check(h.Failures >= 0, "health.failures: cannot be negative")
	w.check(h.Successes >= 0, "health.successes: cannot be negative")
	known(w, "health.on_fail", h.OnFail, RestartUnhealthy, LogUnhealthy, StopUnhealthy)
}

// validate checks p, which is that of a field. What holds ${…} is not known yet.
func (p Probe) validate(w *wrongs, field string) {
	n := 0
	for _, given := range []bool{p.HTTP != "", p.TCP != "", p.Unix != "", len(p.Command) > 0} {
		if given {
			n++
		}
	}
	w.check(n == 1, "%s: expected one of http, tcp, unix and command, got %d", field, n)
	if p.HTTP != "" {
		w.check(CheckURL(p.HTTP) == nil, "%s.http: %v", field, CheckURL(p.HTTP))
	}
	if p.TCP != "" {
		w.check(CheckTCP(p.TCP) == nil, "%s.tcp: %v", field, CheckTCP(p.TCP))
	}
	w.check(p.Unix == "" || p.Unix[0] == '/' || strings.HasPrefix(p.Unix, "${"), "%s.unix: %q is not an absolute path", field, p.Unix)
	w.check(len(p.Command) == 0 || p.Command[0] != "", "%s.command: the program's name is empty", field)
	w.check(p.Interval >= shortestInterval, "%s.interval: must be at least %v", field, shortestInterval)
	w.check(p.Timeout >= 0, "%s.timeout: cannot be negative", field)
}

func (s Spec) validateSockets(w *wrongs) {
	w.check(len(s.Sockets) < highestFD-2, "sockets: at most %d are passed", highestFD-3)
	for i, socket := range s.Sockets {
		if err := CheckSocket(socket); err != nil {
			w.check(false, "sockets.%s: %v", socket.Name, err)
		}
		if i > 0 {
			w.check(s.Sockets[i-1].Name < socket.Name, "sockets.%s: is not after %s", socket.Name, s.Sockets[i-1].Name)
		}
	}
}

func (s Spec) validateAttributes(w *wrongs) {
	w.check(s.Nice == nil || *s.Nice >= -20 && *s.Nice <= 19, "nice: must be -20 to 19")
	w.check(s.OOMScoreAdj == nil || *s.OOMScoreAdj >= -1000 && *s.OOMScoreAdj <= 1000, "oom_score_adj: must be -1000 to 1000")
	for i, name := range s.Capabilities {
		w.check(slices.Contains(CapabilityNames(), name), "capabilities: unknown capability %q", name)
		w.check(i == 0 || s.Capabilities[i-1] < name, "capabilities: %s is not after %s", name, s.Capabilities[max(i-1, 0)])
	}
	w.check(s.Chroot == "" || s.Chroot[0] == '/', "chroot: %q is not an absolute path", s.Chroot)
	known(w, "process_group", s.Group, OwnGroup, OwnSession, NoGroup)
	w.check(s.OnMasterDeath >= 0 && s.OnMasterDeath < 65, "on_master_death: %d is not a signal", s.OnMasterDeath)
}

func (s Spec) validateStop(w *wrongs) {
	known(w, "kill", s.Kill, KillProcess, KillGroup, KillUnit)
	w.check(s.Kill != KillGroup || s.Group != NoGroup, "kill: its process group is mwlua's own (process_group)")
	w.check(len(s.StopCommand) == 0 || s.StopCommand[0] != "", "stop_command: the program's name is empty")
}

// lifeTexts are the texts of s that reach a program or a system call.
func (s Spec) lifeTexts() []string {
	texts := []string{s.Chroot, s.Ready.Probe.Unix}
	texts = slices.Concat(texts, s.StopCommand, s.Ready.Probe.Command)
	if s.Health != nil {
		texts = append(append(texts, s.Health.Probe.Unix), s.Health.Probe.Command...)
	}
	return texts
}
