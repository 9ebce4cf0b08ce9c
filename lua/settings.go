package lua

import (
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// supervisorFields are the keys of supervisor.
func supervisorFields() []field {
	return slices.Concat(logFields(), controlFields(), masterFields(), []field{
		{name: "lua", kind: aTable, keys: luaFields(), doc: "The bounds of the configuration itself. They count from here on.",
			set: func(d *draft, v value) { v.decode(d, luaFields()) }},
		{name: "plugin_dir", kind: aPath, also: []string{"plugins_dir", "plugindir"},
			doc: "Where relative paths of plugins begin. The default is the directory of the configuration file.",
			set: func(d *draft, v value) {
				if path, ok := v.filePath(); ok {
					d.pluginDir = path
				}
			},
			get: func(d *draft) string { return optional(d.pluginDir) }},
	})
}

func settingsOf(d *draft) *program.Settings { return &d.config.Settings }

func logFields() []field {
	of := settingsOf
	return []field{
		choiceField("log_level", "info", "What is written to the log.", []string{"debug", "info", "warn", "error"},
			func(d *draft, c string) { of(d).LogLevel = c }, func(d *draft) string { return of(d).LogLevel }).called("loglevel"),
		{name: "log_format", kind: aChoice, choices: formats(), also: []string{"logformat"},
			doc: "How the log is written. The default is text on a terminal, and json else.",
			set: func(d *draft, v value) {
				if c, ok := v.choice(formats()); ok {
					of(d).LogFormat = c
				}
			},
			get: func(d *draft) string { return optional(of(d).LogFormat) }},
	}
}

func controlFields() []field {
	of := settingsOf
	return []field{
		{name: "control", kind: aPathFalse, also: []string{"socket", "control_socket"},
			doc: "The control socket. The default is control.sock in `runtime_dir`; false means none.",
			set: func(d *draft, v value) {
				if v.lv == lua.LFalse {
					of(d).NoControl, of(d).Control = true, ""
				} else if path, ok := v.filePath(); ok {
					of(d).NoControl, of(d).Control = false, path
				}
			},
			get: func(d *draft) string {
				if of(d).NoControl {
					return "false"
				}
				return optional(of(d).Control)
			}},
		{name: "control_mode", kind: aMode, value: `"0600"`, doc: "The permissions of the control socket.", set: func(d *draft, v value) {
			if mode, ok := v.mode(); ok {
				of(d).ControlMode = mode
			}
		}, get: func(d *draft) string {
			if of(d).ControlMode == 0 {
				return ""
			}
			return modeText(of(d).ControlMode)
		}},
		stringField("control_group", "The group of the control socket. The default is mwlua's own.",
			func(d *draft) *string { return &of(d).ControlGroup }),
		{name: "runtime_dir", kind: aPath, doc: "Where sockets are put. The default is $RUNTIME_DIRECTORY, else /run/mwlua, else " +
			"$XDG_RUNTIME_DIR/mwlua.", set: func(d *draft, v value) {
			if path, ok := v.filePath(); ok {
				of(d).RuntimeDir = path
			}
		}, get: func(d *draft) string { return optional(of(d).RuntimeDir) }},
	}
}

// masterFields are about the life of mwlua itself.
func masterFields() []field {
	of := settingsOf
	return []field{
		{name: "pidfile", kind: aPath, also: []string{"pid_file"}, doc: "The file that mwlua's pid is written to at each load. -p wins over it.",
			set: func(d *draft, v value) {
				if path, ok := v.filePath(); ok {
					d.config.Pidfile = path
				}
			},
			get: func(d *draft) string { return optional(d.config.Pidfile) }},
		boolField("quiet", "false", "Whether nothing is said: /dev/null is standard input, output and error, the programs' too, as by -q.",
			func(d *draft) *bool { return &d.config.Quiet }),
		choiceField("exit_when", "critical-failed", "When mwlua ends by itself. \"critical-failed\": when a critical program failed for "+
			"good. \"all-done\": then, and when nothing runs and nothing will. \"never\": only when asked to.",
			[]string{"critical-failed", "all-done", "never"}, func(d *draft, c string) { of(d).ExitWhen = exitWhen(c) },
			func(d *draft) string { return string(of(d).ExitWhen) }),
		timeoutField("shutdown_timeout", "30s", "How long a shutdown may take as a whole. Then what is left gets SIGKILL. false means that "+
			"only the programs' own `stop_timeout` counts.", func(d *draft) *time.Duration { return &of(d).ShutdownTimeout }),
		durationField("reload_timeout", "10s", "How long the trial of a reload may take.",
			func(d *draft) *time.Duration { return &d.config.ReloadTimeout }),
		choiceField("notify", "auto", "Whether the service manager is told what mwlua does: if it wants to know, or never.",
			[]string{"auto", "never"}, func(d *draft, c string) {
				if of(d).Notify = ""; c == "never" {
					of(d).Notify = c
				}
			}, func(d *draft) string { return of(d).Notify }),
	}
}

func luaFields() []field {
	return []field{
		durationField("load_timeout", "10s", "How long a load of the configuration may take.",
			func(d *draft) *time.Duration { return &d.config.Settings.LuaLoadTimeout }),
		{name: "memory", kind: aSize, value: `"128MiB"`, doc: "How much memory a load may need, and a call of a function later.", set: func(d *draft, v value) {
			if n, ok := v.size(); ok {
				if n < 1<<20 {
					v.errorf("expected at least 1MiB, got %s", describe(v.lv))
					return
				}
				d.config.Settings.LuaMemory = n
			}
		}, get: func(d *draft) string {
			if d.config.Settings.LuaMemory == 0 {
				return ""
			}
			return sizeText(d.config.Settings.LuaMemory)
		}},
		{name: "handler_timeout", kind: aDuration, value: `"500ms"`, also: []string{"timeout"},
			doc: "How long a function of `on_exit`, `on_start`, `on_stop` or `on` may take, at most 30 s.",
			set: func(d *draft, v value) {
				if t, ok := v.between(policy.MaxDeadline); ok {
					d.config.Settings.LuaHandlerTimeout = t
				}
			},
			get: func(d *draft) string {
				if d.config.Settings.LuaHandlerTimeout == 0 {
					return ""
				}
				return durationText(d.config.Settings.LuaHandlerTimeout)
			}},
	}
}

func formats() []string { return []string{"text", "json", "haproxy"} }

func exitWhen(name string) program.ExitWhen {
	if name == "critical-failed" {
		return program.ExitOnCritical
	}
	return program.ExitWhen(name)
}

// defaultConfig is what holds unless supervisor{} says otherwise.
func defaultConfig() program.Config {
	return program.Config{Settings: program.Settings{ShutdownTimeout: 30 * time.Second}}
}
