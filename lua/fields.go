package lua

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

func commandFields() []field {
	return []field{
		{name: "command", kind: aList, not: "shell", also: []string{"cmd", "exec", "execstart", "args", "argv"},
			doc: "The program and its arguments, one string each; numbers are taken too. The first is looked up in the PATH of the " +
				"program's own environment. Either this or `shell` is required.",
			set: func(d *draft, v value) {
				if list, ok := v.command(d); ok {
					d.spec.Command, d.shell = list, ""
				}
			},
			get: func(d *draft) string { return list(d.spec.Command, d.literal) }},
		{name: "shell", kind: aString, not: "command",
			doc: "A line for /bin/sh -c, instead of `command`. The shell gets the signals: begin the line with exec where that matters.",
			set: func(d *draft, v value) {
				if text, ok := v.word(); ok {
					d.spec.Command, d.shell = nil, text
				}
			},
			get: neverWritten},
		stringField("description", "What the program is for. mwlua only shows it.",
			func(d *draft) *string { return &d.spec.Description }).called("comment", "title"),
		{name: "labels", kind: aMap, doc: "Names and values of your own. mwlua only shows them.", set: func(d *draft, v value) {
			v.pairs(func(name string, inner value) {
				if text, ok := inner.text(); ok {
					d.spec.Labels = program.Setenv(slices.Clone(d.spec.Labels), name+"="+text)
				}
			})
		}, items: func(d *draft) []entry {
			var items []entry
			for _, kv := range d.spec.Labels {
				name, text, _ := strings.Cut(kv, "=")
				items = append(items, entry{key: name, text: literal(text)})
			}
			return items
		}},
		notField("enabled", "false leaves the program out, as if it were not declared. Its name stays taken.",
			func(d *draft) *bool { return &d.disabled }),
	}
}

func identityFields() []field {
	limits := limitFields()
	return []field{
		{name: "dir", kind: aPath, also: []string{"directory", "cwd", "chdir", "workdir", "working_dir", "working_directory",
			"workingdirectory"},
			doc: "The directory that the program runs in. Without it, it is mwlua's own.",
			set: func(d *draft, v value) {
				if path, ok := v.expandablePath(d); ok {
					d.spec.Dir = path
				}
			},
			get: func(d *draft) string { return d.optionalLiteral(d.spec.Dir) }},
		{name: "user", kind: aString, also: []string{"uid", "runas", "run_as"},
			doc: "The user that the program runs as, a name or a number, with its own groups. HOME, USER, LOGNAME and SHELL are set " +
				"accordingly, unless `env` says something else. Only root can change to another user.",
			set: func(d *draft, v value) {
				if account, ok := v.account(); ok {
					d.account = &account
				}
			},
			get: func(d *draft) string {
				if d.account == nil {
					return ""
				}
				return literal(d.account.Name)
			}},
		{name: "group", kind: aString, also: []string{"gid"},
			doc: "The primary group, a name or a number, instead of the user's.",
			set: func(d *draft, v value) {
				if gid, ok := v.groupID(); ok {
					d.group = &gid
				}
			},
			get: func(d *draft) string {
				if d.group == nil {
					return ""
				}
				return literal(d.groupName(*d.group))
			}},
		{name: "groups", kind: aNameList, doc: "The supplementary groups, instead of the user's.", set: func(d *draft, v value) {
			if gids, ok := v.groupIDs(); ok {
				d.groups, d.groupsSet = gids, true
			}
		}, get: func(d *draft) string {
			if !d.groupsSet {
				return ""
			}
			var names []string
			for _, gid := range d.groups {
				names = append(names, d.groupName(gid))
			}
			return list(names, literal)
		}},
		{name: "umask", kind: aMode, doc: "The permissions that new files do not get, in quotes: \"0027\".", set: func(d *draft, v value) {
			if mode, ok := v.mode(); ok {
				d.spec.Umask = new(mode)
			}
		}, get: func(d *draft) string {
			if d.spec.Umask == nil {
				return ""
			}
			return modeText(*d.spec.Umask)
		}},
		{name: "limits", kind: aTable, keys: limits, also: []string{"rlimits", "ulimits", "ulimit"},
			doc: "Resource limits, see getrlimit(2).",
			set: func(d *draft, v value) { v.decode(d, limits) }},
	}
}

func limitFields() []field {
	var fields []field
	for _, name := range program.LimitNames() {
		fields = append(fields, field{name: name, kind: aLimit, doc: "RLIMIT_" + strings.ToUpper(name) + ".", set: func(d *draft, v value) {
			if soft, hard, ok := v.limit(); ok {
				d.setLimit(program.Limit{Name: name, Soft: soft, Hard: hard})
			}
		}, get: func(d *draft) string {
			i := slices.IndexFunc(d.spec.Limits, func(l program.Limit) bool { return l.Name == name })
			if i < 0 {
				return ""
			}
			return limitText(d.spec.Limits[i])
		}})
	}
	return fields
}

func environmentFields() []field {
	return []field{
		{name: "env", kind: aMap, also: []string{"environment", "environ", "envs", "env_vars"},
			doc:   "Variables for the program, over those it inherits. false removes one.",
			set:   func(d *draft, v value) { v.pairs(func(name string, inner value) { inner.variable(d, name) }) },
			items: (*draft).variables},
		{name: "env_inherit", kind: anInherit, value: "true", also: []string{"clear_env", "clean_env"},
			doc: "Whether the program inherits mwlua's environment: all of it, nothing, or the variables in a list.",
			set: func(d *draft, v value) {
				if all, ok := v.lv.(lua.LBool); ok {
					d.inherit, d.inheritOnly = bool(all), nil
				} else if names, ok := v.texts("true, false or a list of names"); ok {
					d.inherit, d.inheritOnly = false, names
				}
			},
			get: func(d *draft) string {
				if len(d.inheritOnly) > 0 {
					return list(d.inheritOnly, literal)
				}
				return strconv.FormatBool(d.inherit)
			}},
		{name: "env_file", kind: aNameList, also: []string{"environment_file", "environmentfile", "envfile", "dotenv"},
			doc: "Files of lines NAME=VALUE; empty lines and lines that begin with # do not count, and quotes around a value are taken " +
				"off. `env` is stronger.",
			set: func(d *draft, v value) {
				if list, ok := v.envFiles(); ok {
					d.envFile = list
				}
			},
			get: neverWritten},
	}
}

func streamFields() []field {
	stream := func(name, doc string, to func(*draft) *string) field {
		return field{name: name, kind: aStream, value: `"inherit"`, doc: doc, set: func(d *draft, v value) {
			if text, ok := v.stream(d); ok {
				*to(d) = text
			}
		}, get: func(d *draft) string {
			if *to(d) == "" {
				return `"inherit"`
			}
			return d.literal(*to(d))
		}}
	}
	return []field{
		stream("stdin", "Where the program reads from: \"inherit\", \"null\" or \"file:PATH\".", func(d *draft) *string { return &d.spec.Stdin }),
		stream("stdout", "Where its output goes: \"inherit\", \"null\" or \"file:PATH\". A file is appended to, and created with mode 0640.",
			func(d *draft) *string { return &d.spec.Stdout }).called("stdout_logfile", "standardoutput", "out", "logfile"),
		stream("stderr", "Where its errors go, as `stdout`.",
			func(d *draft) *string { return &d.spec.Stderr }).called("stderr_logfile", "standarderror", "err"),
	}
}

// sameSignal is the stop_signal that is passed on.
const sameSignal = "same"

func autostartField() field {
	return notField("autostart", "Whether it is started when mwlua starts, or when a reload adds it. If not, it waits for `mwlua start`.",
		func(d *draft) *bool { return &d.spec.NoAutostart }).called("auto_start")
}

func criticalField() field {
	return boolField("critical", "false", "Whether its final failure ends mwlua, with its exit code. See `exit_when` of supervisor.",
		func(d *draft) *bool { return &d.spec.Critical })
}

// stopFields are about how it is stopped, and what its end means.
func stopFields() []field {
	return append([]field{
		{name: "stop_signal", kind: aSignal, value: `"SIGTERM"`, also: []string{"stopsignal", "kill_signal", "killsignal"},
			doc: "The signal that asks it to stop. \"same\" is the one that mwlua itself was asked with, SIGTERM or SIGINT, as HAProxy " +
				"passes it on.",
			set: func(d *draft, v value) {
				if v.lv == lua.LString(sameSignal) {
					d.spec.StopSignal = 0
				} else if n, ok := v.signal(); ok {
					d.spec.StopSignal = n
				}
			},
			get: func(d *draft) string {
				if d.spec.StopSignal == 0 {
					return literal(sameSignal)
				}
				return signalText(d.spec.StopSignal)
			}},
		timeoutField("stop_timeout", "10s", "How long it may take to stop. Then it gets SIGKILL. false waits for ever.",
			func(d *draft) *time.Duration { return &d.spec.StopTimeout }).
			called("stopwaitsecs", "timeoutstopsec", "kill_timeout", "stop_grace_period", "grace_period"),
		{name: "success_codes", kind: aCodeList, value: "{ 0 }", also: []string{"exitcodes", "exit_codes", "successexitstatus"},
			doc: "The exit codes that are no failure. An exit by signal n counts as 128 + n.",
			set: func(d *draft, v value) {
				if codes, ok := v.codes(); ok {
					d.spec.Exit.SuccessCodes = codes
				}
				if rule := d.spec.Exit.Rule; rule != policy.RestartRule {
					v.errorf("has no effect with restart = %q: remove it, or choose another restart", rule)
				}
			},
			get: func(d *draft) string {
				if len(d.spec.Exit.SuccessCodes) == 0 {
					return ""
				}
				return list(d.spec.Exit.SuccessCodes, strconv.Itoa)
			}},
	}, endingFields()...)
}

func reloadFields() []field {
	return []field{
		choiceField("on_reload", "if-changed", "What a reload does to the running program. \"if-changed\": nothing, unless its "+
			"declaration changed; then as \"replace\". \"replace\": the old one gets `reload_signal`, and a new one is started beside "+
			"it, as HAProxy does. \"keep\": nothing; a changed declaration counts from the next start. \"signal\": it gets "+
			"`reload_signal` and stays.", []string{"if-changed", "replace", "keep", "signal"},
			func(d *draft, c string) { d.onReload = c }, func(d *draft) string { return d.onReload }),
		{name: "reload_signal", kind: aSignal, value: `"SIGUSR1"`, also: []string{"reloadsignal"},
			doc: "The signal that tells it of a reload. For `on_reload = \"signal\"` the default is SIGHUP, for \"keep\" there is none.",
			set: func(d *draft, v value) {
				if n, ok := v.signal(); ok {
					d.reloadSignal = n
				}
			},
			get: func(d *draft) string {
				if d.reloadSignal == 0 {
					return ""
				}
				return signalText(d.reloadSignal)
			}},
		choiceField("overlap", "at-once", "How a new instance follows an old one at a reload. \"at-once\": the old one is told to go and the new "+
			"one is started in the same moment. \"stop-first\": the old one is stopped, then the new one is started. \"start-first\": the "+
			"old one is told to go when the new one is ready; if that never comes, the old one stays.", overlaps(), setOverlap,
			func(d *draft) string { return cmp.Or(string(d.spec.Overlap), "at-once") }),
		notField("start_on_reload", "false never starts it at a reload, but only when mwlua itself starts, as `no option "+
			"start-on-reload` of HAProxy does.", func(d *draft) *bool { return &d.spec.NoStartOnReload }),
		integerField("max_former", "2", "How many replaced instances may still be on their way out. The oldest beyond are stopped at the next "+
			"reload. 0 means any number.", 0, 10_000, func(d *draft) *int { return &d.spec.MaxFormer }),
		timeoutField("former_timeout", "30m", "How long a replaced instance may go on. Then it is stopped. false means for ever.",
			func(d *draft) *time.Duration { return &d.spec.FormerTimeout }),
	}
}
