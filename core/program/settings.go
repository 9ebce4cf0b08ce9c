package program

import (
	"slices"
	"time"
)

// Settings are what a configuration says about mwlua itself. The zero Settings are the defaults everywhere; what is not said
// otherwise in a field's comment.
type Settings struct {
	LogLevel  string `json:",omitempty"` // debug, info, warn or error; "" means info
	LogFormat string `json:",omitempty"` // text, json or haproxy; "" means text on a terminal, else json

	Control      string `json:",omitempty"` // absolute path of the control socket; "" means that there is none
	NoControl    bool   `json:",omitempty"` // the configuration wants none: loaders choose a path otherwise
	ControlMode  uint32 `json:",omitempty"` // its permissions; 0 means 0600
	ControlGroup string `json:",omitempty"` // the group it belongs to, a name or a number; "" means mwlua's own
	RuntimeDir   string `json:",omitempty"` // absolute; "" means $RUNTIME_DIRECTORY, /run/mwlua or $XDG_RUNTIME_DIR/mwlua

	ExitWhen        ExitWhen      `json:",omitempty"`
	ShutdownTimeout time.Duration `json:",omitempty"` // from a stop of mwlua to SIGKILL for all that is left; 0 means no limit of its own
	Notify          string        `json:",omitempty"` // never: say nothing to the service manager; "" means if NOTIFY_SOCKET is set

	LuaLoadTimeout time.Duration `json:",omitempty"` // what a load of Lua files may take; 0 means 10 s
	LuaMemory      uint64        `json:",omitempty"` // bytes that it may allocate; 0 means 128 MiB
	// LuaHandlerTimeout is what a call of a handler may take; 0 means 500 ms. Deciders have it already.
	LuaHandlerTimeout time.Duration `json:",omitempty"`
}

// ExitWhen says when mwlua leaves without being asked to.
type ExitWhen string

const (
	// ExitOnCritical leaves when a critical program failed for good, with its status. It is the zero value.
	ExitOnCritical ExitWhen = ""
	// ExitWhenDone leaves then, and when nothing runs and nothing will, with the status of the first program that has failed for
	// good. What somebody stopped may be started again: it keeps mwlua.
	ExitWhenDone ExitWhen = "all-done"
	// ExitNever stays until it is asked to leave.
	ExitNever ExitWhen = "never"
)

func (s Settings) validate() []Problem {
	var ps []Problem
	check := func(ok bool, text string) {
		if !ok {
			ps = append(ps, Problem{Text: "supervisor: " + text})
		}
	}
	check(slices.Contains([]string{"", "debug", "info", "warn", "error"}, s.LogLevel), "log_level: unknown value")
	check(slices.Contains([]string{"", "text", "json", "haproxy"}, s.LogFormat), "log_format: unknown value")
	check(slices.Contains([]string{"", "never"}, s.Notify), "notify: unknown value")
	check(slices.Contains([]ExitWhen{ExitOnCritical, ExitWhenDone, ExitNever}, s.ExitWhen), "exit_when: unknown value")
	check(s.ControlMode <= 0o777, "control_mode: must be at most 0777")
	check(s.ShutdownTimeout >= 0 && s.LuaLoadTimeout >= 0 && s.LuaHandlerTimeout >= 0, "a timeout cannot be negative")
	return ps
}
