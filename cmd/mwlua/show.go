package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/supervisor"
)

// shown is a configuration as `mwlua show -o json` prints it: what every declaration comes to, whatever language it was written
// in. Times are in Go's form, as "1m30s", and signals have their names. docs/reference/show.md describes it.
type shown struct {
	Programs      []shownProgram    `json:"programs"`
	Env           map[string]string `json:"env"` // of every program, before its own
	Pidfile       string            `json:"pidfile,omitempty"`
	Quiet         bool              `json:"quiet,omitempty"`
	ReloadTimeout string            `json:"reload_timeout,omitempty"`
	Supervisor    shownSettings     `json:"supervisor"`
	Plugins       []shownPlugin     `json:"plugins,omitempty"`
	Hooks         []shownHook       `json:"hooks,omitempty"`
}

type shownProgram struct {
	Name          string            `json:"name"`
	Kind          string            `json:"kind"`   // program, oneshot or cron
	Source        string            `json:"source"` // FILE:LINE
	Description   string            `json:"description,omitempty"`
	Labels        map[string]string `json:"labels,omitempty"`
	Command       []string          `json:"command"`
	Expand        bool              `json:"expand,omitempty"` // ${…} is replaced at each start
	Dir           string            `json:"dir,omitempty"`
	Env           map[string]string `json:"env,omitempty"`
	WholeEnv      bool              `json:"whole_env,omitempty"` // env is all of it
	User          *shownUser        `json:"user,omitempty"`
	Umask         string            `json:"umask,omitempty"`
	Limits        map[string]string `json:"limits,omitempty"` // SOFT:HARD, or unlimited
	Stdin         string            `json:"stdin,omitempty"`
	Stdout        string            `json:"stdout,omitempty"`
	Stderr        string            `json:"stderr,omitempty"`
	Autostart     bool              `json:"autostart"`
	Critical      bool              `json:"critical"`
	StopSignal    string            `json:"stop_signal,omitempty"`
	StopTimeout   string            `json:"stop_timeout,omitempty"`
	OnReload      string            `json:"on_reload"`
	ReloadSignal  string            `json:"reload_signal,omitempty"`
	StartOnReload bool              `json:"start_on_reload"`
	MaxFormer     int               `json:"max_former,omitempty"`
	FormerTimeout string            `json:"former_timeout,omitempty"`
	AnswerTimeout string            `json:"answer_timeout,omitempty"`
	Restart       shownPolicy       `json:"restart"`
	shownLife
	shownCode
}

type shownUser struct {
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups"`
}

type shownPolicy struct {
	Policy       string  `json:"policy"`
	SuccessCodes []int   `json:"success_codes,omitempty"`
	Delay        string  `json:"delay,omitempty"`
	MaxDelay     string  `json:"max_delay,omitempty"`
	Factor       float64 `json:"factor,omitempty"`
	Jitter       float64 `json:"jitter,omitempty"`
	ResetAfter   string  `json:"reset_after,omitempty"`
	Limit        int     `json:"limit,omitempty"`
	Window       string  `json:"window,omitempty"`
	OnLimit      string  `json:"on_limit,omitempty"`
	RetryAfter   string  `json:"retry_after,omitempty"`
	MinInterval  string  `json:"min_interval,omitempty"`
}

type shownSettings struct {
	LogLevel        string `json:"log_level,omitempty"`
	LogFormat       string `json:"log_format,omitempty"`
	Control         string `json:"control,omitempty"`
	ControlMode     string `json:"control_mode,omitempty"`
	ControlGroup    string `json:"control_group,omitempty"`
	RuntimeDir      string `json:"runtime_dir,omitempty"`
	ExitWhen        string `json:"exit_when"`
	ShutdownTimeout string `json:"shutdown_timeout,omitempty"`
	Notify          string `json:"notify,omitempty"`
}

func showCommand(status *int) *cobra.Command {
	var s sources
	var form string
	c := &cobra.Command{
		Use:     "show FILE.lua... [-haproxy FILE]... [-- FILE...]",
		Short:   "Print what a configuration comes to",
		Long:    "Print what a configuration comes to, as JSON: the same form for Lua and for HAProxy. Takes the flags of run.",
		Example: "  mwlua show -o json mwlua.lua",
		RunE: s.command(status, func(*cobra.Command) (int, error) {
			if form != "json" {
				return 0, fmt.Errorf("-o: unknown form %q (json)", form)
			}
			return s.show()
		}),
	}
	s.flags(c)
	c.Flags().StringVarP(&form, "output", "o", "json", "`FORM`: json")
	return c
}

func (s *sources) show() (int, error) {
	supervisor.ReleaseSignals()
	s.checks = true
	config, problems := s.load(supervisor.RunAlone, false)
	if failed := problems.Errors(); len(failed) > 0 {
		for _, p := range failed {
			fmt.Fprintf(os.Stderr, "mwlua: error: %v\n", p)
		}
		return s.invalid(), nil
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return exitDone, out.Encode(resolved(config))
}

func resolved(c program.Config) shown {
	out := shown{
		Env: variables(c.Env), Pidfile: c.Pidfile, Quiet: c.Quiet, ReloadTimeout: span(c.ReloadTimeout), Programs: []shownProgram{},
		Hooks: resolvedHooks(c.Hooks),
		Supervisor: shownSettings{
			LogLevel: c.Settings.LogLevel, LogFormat: c.Settings.LogFormat, Control: c.Settings.Control, ControlMode: octal(c.Settings.ControlMode),
			ControlGroup: c.Settings.ControlGroup, RuntimeDir: c.Settings.RuntimeDir, ExitWhen: string(c.Settings.ExitWhen),
			ShutdownTimeout: span(c.Settings.ShutdownTimeout), Notify: c.Settings.Notify,
		},
	}
	if out.Supervisor.ExitWhen == "" {
		out.Supervisor.ExitWhen = "critical-failed"
	}
	for _, spec := range c.Programs {
		out.Programs = append(out.Programs, resolvedProgram(spec))
	}
	for _, p := range c.Plugins {
		out.Plugins = append(out.Plugins, resolvedPlugin(p))
	}
	return out
}

func resolvedProgram(s program.Spec) shownProgram {
	p := shownProgram{
		Name: s.Name, Kind: cmp.Or(string(s.Kind), "program"), Source: s.Place.String(), Description: s.Description, Labels: variables(s.Labels), Command: s.Command,
		Expand: s.Expand, Dir: s.Dir, Env: variables(s.Env), WholeEnv: s.WholeEnv, Stdin: s.Stdin, Stdout: s.Stdout, Stderr: s.Stderr,
		Autostart: !s.NoAutostart, Critical: s.Critical, StopSignal: signalText(s.StopSignal), StopTimeout: span(s.StopTimeout),
		OnReload: string(s.OnReload), ReloadSignal: signalText(s.ReloadSignal), StartOnReload: !s.NoStartOnReload, MaxFormer: s.MaxFormer,
		FormerTimeout: span(s.FormerTimeout), AnswerTimeout: span(s.AnswerTimeout), Restart: resolvedPolicy(s.Exit),
		User: resolvedUser(s.User), shownLife: resolvedLife(s), shownCode: resolvedCode(s),
	}
	if s.Umask != nil {
		p.Umask = fmt.Sprintf("%04o", *s.Umask)
	}
	for _, l := range s.Limits {
		if p.Limits == nil {
			p.Limits = make(map[string]string)
		}
		p.Limits[l.Name] = limitText(l.Soft) + ":" + limitText(l.Hard)
	}
	return p
}

func resolvedUser(c *program.Credential) *shownUser {
	if c == nil {
		return nil
	}
	return &shownUser{UID: c.UID, GID: c.GID, Groups: append([]uint32{}, c.Groups...)}
}

func resolvedPolicy(p policy.Policy) shownPolicy {
	out := shownPolicy{
		Policy: string(p.Rule), SuccessCodes: p.SuccessCodes, Delay: span(p.Backoff.Base), MaxDelay: span(p.Backoff.Max),
		Factor: p.Backoff.Factor, Jitter: p.Backoff.Jitter, ResetAfter: span(p.Backoff.ResetAfter), Limit: p.Limit, Window: span(p.Window),
		OnLimit: string(p.OnLimit), RetryAfter: span(p.RetryAfter), MinInterval: span(p.MinInterval),
	}
	if p.Rule == policy.RestartRule {
		out.Policy = string(p.When)
		if p.When == policy.OnFailure {
			out.Policy = "on-failure"
		}
	}
	return out
}

func variables(list []string) map[string]string {
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]string, len(list))
	for _, kv := range list {
		name, value, _ := strings.Cut(kv, "=")
		out[name] = value
	}
	return out
}

func span(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func octal(mode uint32) string {
	if mode == 0 {
		return ""
	}
	return fmt.Sprintf("%04o", mode)
}

func signalText(n int) string {
	if n == 0 {
		return ""
	}
	return supervisor.SignalName(n)
}

func limitText(n uint64) string {
	if n == program.Unlimited {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}
