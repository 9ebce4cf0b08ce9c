package main

import "github.com/mwlua/mwlua/core/program"

// shownCode is what of a program is decided or called by code: functions by their names, as "web.on_exit[1]".
type shownCode struct {
	OnExit  []shownDecider `json:"on_exit,omitempty"` // in the order in which they are asked
	OnStart string         `json:"on_start,omitempty"`
	OnStop  string         `json:"on_stop,omitempty"`
}

type shownDecider struct {
	Handler string `json:"handler,omitempty"`
	Plugin  string `json:"plugin,omitempty"`
	Timeout string `json:"timeout,omitempty"`
}

type shownHook struct {
	On      string `json:"on"`
	Handler string `json:"handler"`
}

type shownPlugin struct {
	Name         string            `json:"name"`
	Source       string            `json:"source"` // FILE:LINE
	Path         string            `json:"path"`
	SHA256       string            `json:"sha256,omitempty"`
	Args         []string          `json:"args,omitempty"`
	Env          map[string]string `json:"env,omitempty"`
	User         *shownUser        `json:"user,omitempty"`
	Config       string            `json:"config,omitempty"` // JSON
	Timeout      string            `json:"timeout,omitempty"`
	StartTimeout string            `json:"start_timeout,omitempty"`
	Required     bool              `json:"required,omitempty"`
	MTLS         bool              `json:"mtls,omitempty"`
	LogLines     int               `json:"log_lines,omitempty"`
}

func resolvedCode(s program.Spec) shownCode {
	out := shownCode{OnStart: s.OnStart, OnStop: s.OnStop}
	for _, d := range s.OnExit {
		one := shownDecider{Timeout: span(d.Timeout)}
		switch d.By {
		case program.ByPlugin:
			one.Plugin = d.Name
		default:
			one.Handler = d.Name
		}
		out.OnExit = append(out.OnExit, one)
	}
	return out
}

func resolvedHooks(hooks []program.Hook) []shownHook {
	var out []shownHook
	for _, h := range hooks {
		out = append(out, shownHook{On: string(h.On), Handler: h.Name})
	}
	return out
}

func resolvedPlugin(p program.Plugin) shownPlugin {
	return shownPlugin{
		Name: p.Name, Source: p.Place.String(), Path: p.Path, SHA256: p.SHA256, Args: p.Args, Env: variables(p.Env), User: resolvedUser(p.User),
		Config: p.Config, Timeout: span(p.Timeout), StartTimeout: span(p.StartTimeout), Required: p.Required, MTLS: p.MTLS, LogLines: p.LogLines,
	}
}
