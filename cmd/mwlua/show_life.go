package main

import (
	"cmp"

	"github.com/mwlua/mwlua/core/program"
)

// shownLife is what a declaration says of when and how it is started, watched and stopped. What its kind does not have is left out.
type shownLife struct {
	Instances int               `json:"instances,omitempty"`
	After     []string          `json:"after,omitempty"`
	Needs     []string          `json:"needs,omitempty"`
	Ready     *shownReady       `json:"ready,omitempty"`
	Health    *shownHealth      `json:"health,omitempty"`
	Watchdog  string            `json:"watchdog,omitempty"`
	Overlap   string            `json:"overlap,omitempty"`
	Sockets   map[string]string `json:"sockets,omitempty"`

	Nice          *int     `json:"nice,omitempty"`
	OOMScoreAdj   *int     `json:"oom_score_adj,omitempty"`
	NoNewPrivs    bool     `json:"no_new_privs,omitempty"`
	Capabilities  []string `json:"capabilities,omitzero"` // none is something else than nothing said
	Chroot        string   `json:"chroot,omitempty"`
	ProcessGroup  string   `json:"process_group"`
	OnMasterDeath string   `json:"on_master_death,omitempty"`
	CGroup        bool     `json:"cgroup,omitempty"`
	StopCommand   []string `json:"stop_command,omitempty"`
	Kill          string   `json:"kill"`

	Timeout  string `json:"timeout,omitempty"`
	Run      string `json:"run,omitempty"`
	OnFail   string `json:"on_fail,omitempty"`
	Schedule string `json:"schedule,omitempty"`
	Timezone string `json:"timezone,omitempty"`
	Jitter   string `json:"jitter,omitempty"`
	CatchUp  bool   `json:"catch_up,omitempty"`
}

type shownReady struct {
	By      string      `json:"by"`
	FD      int         `json:"fd,omitempty"`
	Log     string      `json:"log,omitempty"`
	Probe   *shownProbe `json:"probe,omitempty"`
	Timeout string      `json:"timeout,omitempty"`
}

type shownHealth struct {
	Probe      shownProbe `json:"probe"`
	StartDelay string     `json:"start_delay,omitempty"`
	Failures   int        `json:"failures"`
	Successes  int        `json:"successes"`
	OnFail     string     `json:"on_fail"`
}

type shownProbe struct {
	HTTP     string   `json:"http,omitempty"`
	TCP      string   `json:"tcp,omitempty"`
	Unix     string   `json:"unix,omitempty"`
	Command  []string `json:"command,omitempty"`
	Interval string   `json:"interval,omitempty"`
	Timeout  string   `json:"timeout,omitempty"`
}

func resolvedLife(s program.Spec) shownLife {
	l := shownLife{
		After: s.After, Needs: s.Needs, Watchdog: span(s.Watchdog), Nice: s.Nice, OOMScoreAdj: s.OOMScoreAdj, NoNewPrivs: s.NoNewPrivs,
		Capabilities: s.Capabilities, Chroot: s.Chroot, ProcessGroup: cmp.Or(string(s.Group), "own"),
		OnMasterDeath: signalText(s.OnMasterDeath), CGroup: s.CGroup, StopCommand: s.StopCommand, Kill: cmp.Or(string(s.Kill), "process"),
		Timeout: span(s.Timeout), Schedule: s.Schedule, Timezone: s.Zone, Jitter: span(s.Jitter), CatchUp: s.CatchUp,
		Ready: resolvedReady(s.Ready), Health: resolvedHealth(s.Health),
	}
	switch s.Kind {
	case program.OneShot:
		l.Run, l.OnFail = cmp.Or(string(s.Run), "boot"), onFail(s)
	case program.Cron:
		l.Overlap = cmp.Or(string(s.CronOverlap), "skip")
	default:
		l.Instances, l.Overlap = s.Number(), cmp.Or(string(s.Overlap), "at-once")
	}
	for _, socket := range s.Sockets {
		if l.Sockets == nil {
			l.Sockets = make(map[string]string)
		}
		l.Sockets[socket.Name] = socket.Address
	}
	return l
}

// onFail is what the final failure of a one-shot means.
func onFail(s program.Spec) string {
	switch {
	case s.IgnoreFailure:
		return "ignore"
	case s.Critical:
		return "shutdown"
	}
	return "fail"
}

func resolvedReady(r program.Ready) *shownReady {
	if r.By == program.ReadyAtOnce {
		return nil
	}
	out := &shownReady{By: string(r.By), FD: r.FD, Log: r.Pattern, Timeout: span(r.Timeout)}
	if r.By == program.ReadyProbe {
		out.Probe = new(resolvedProbe(r.Probe))
	}
	return out
}

func resolvedHealth(h *program.Health) *shownHealth {
	if h == nil {
		return nil
	}
	return &shownHealth{
		Probe: resolvedProbe(h.Probe), StartDelay: span(h.StartDelay), Failures: max(h.Failures, 1), Successes: max(h.Successes, 1),
		OnFail: cmp.Or(string(h.OnFail), "restart"),
	}
}

func resolvedProbe(p program.Probe) shownProbe {
	return shownProbe{HTTP: p.HTTP, TCP: p.TCP, Unix: p.Unix, Command: p.Command, Interval: span(p.Interval), Timeout: span(p.Timeout)}
}
