package lua

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/program"
)

// attributeFields are what a process is born with.
func attributeFields() []field {
	return []field{
		optionalField("nice", "Its niceness, from -20, which is first, to 19. Without it, it is mwlua's own.", -20, 19,
			func(d *draft) **int { return &d.spec.Nice }).called("niceness", "priority"),
		optionalField("oom_score_adj", "How soon the kernel kills it when memory is short, from -1000, which is never, to 1000.", -1000, 1000,
			func(d *draft) **int { return &d.spec.OOMScoreAdj }).called("oomscoreadjust"),
		boolField("no_new_privs", "false", "Whether no execve gives it rights that it has not, see PR_SET_NO_NEW_PRIVS.",
			func(d *draft) *bool { return &d.spec.NoNewPrivs }).called("nonewprivileges", "no_new_privileges"),
		{name: "capabilities", kind: aNameList, also: []string{"caps", "ambientcapabilities", "capabilityboundingset", "cap_add"},
			doc: "The only capabilities it may have, also as another user, such as \"net_bind_service\"; `{}` leaves none. See capabilities(7).",
			set: func(d *draft, v value) {
				if names, ok := v.capabilities(); ok {
					d.spec.Capabilities = names
				}
			},
			get: func(d *draft) string {
				if d.spec.Capabilities == nil {
					return ""
				}
				return list(d.spec.Capabilities, func(name string) string { return literal(strings.TrimPrefix(name, "cap_")) })
			}},
		{name: "chroot", kind: aPath, also: []string{"rootdirectory", "root_directory"},
			doc: "The directory that is its /. `dir` and `command` are looked up in there.",
			set: func(d *draft, v value) {
				if path, ok := v.filePath(); ok {
					d.spec.Chroot = path
				}
			},
			get: func(d *draft) string { return optional(d.spec.Chroot) }},
		choiceField("process_group", "own", "\"own\": a process group of its own. \"session\": a session of its own, without a terminal. "+
			"\"none\": mwlua's own group, which a terminal's Ctrl-C reaches.", []string{"own", "session", "none"},
			func(d *draft, c string) {
				if d.spec.Group = program.Group(c); c == "own" {
					d.spec.Group = program.OwnGroup
				}
			}, func(d *draft) string { return cmp.Or(string(d.spec.Group), "own") }),
		{name: "on_master_death", kind: aSignalKeep, value: `"keep"`, also: []string{"pdeathsig", "parent_death_signal"},
			doc: "The signal that it gets when mwlua is killed; \"keep\" means none, and it runs on.",
			set: func(d *draft, v value) {
				if v.lv == lua.LString("keep") {
					d.spec.OnMasterDeath = 0
				} else if n, ok := v.signal(); ok {
					d.spec.OnMasterDeath = n
				}
			},
			get: func(d *draft) string {
				if d.spec.OnMasterDeath == 0 {
					return `"keep"`
				}
				return signalText(d.spec.OnMasterDeath)
			}},
		boolField("cgroup", "false", "Whether each instance gets a control group of its own, where one can be made.",
			func(d *draft) *bool { return &d.spec.CGroup }),
	}
}

// optionalField is a whole number, or nothing.
func optionalField(name, doc string, low, high int, to func(*draft) **int) field {
	return field{name: name, kind: anInteger, doc: doc, set: func(d *draft, v value) {
		if n, ok := v.integer(low, high); ok {
			*to(d) = new(n)
		}
	}, get: func(d *draft) string {
		if *to(d) == nil {
			return ""
		}
		return strconv.Itoa(**to(d))
	}}
}

// capabilities are names with or without cap_, in any case, as program.Spec has them.
func (v value) capabilities() ([]string, bool) {
	items, ok := v.names()
	found := []string{} // none is something else than nothing said
	for _, item := range items {
		text, fine := item.word()
		name := "cap_" + strings.TrimPrefix(strings.ToLower(text), "cap_")
		if fine && !slices.Contains(program.CapabilityNames(), name) {
			item.errorf("unknown capability %s%s", quote(text), suggest(name, program.CapabilityNames()))
			fine = false
		}
		found, ok = append(found, name), ok && fine
	}
	slices.Sort(found)
	return slices.Compact(found), ok
}

func instancesField() field {
	return field{name: "instances", kind: anInteger, value: "1", also: []string{"numprocs", "replicas", "scale", "processes"},
		doc: "How many run beside each other, at most 1000; `${instance}` is the number of each, from 0. 0 leaves the program out, as " +
			"`enabled = false` does.",
		set: func(d *draft, v value) {
			if n, ok := v.integer(0, program.MaxInstances); ok {
				d.none = n == 0
				if d.spec.Instances = n; n == 1 {
					d.spec.Instances = 0 // the zero value says the same
				}
			}
		},
		get: func(d *draft) string { return strconv.Itoa(d.spec.Number()) }}
}

func socketsField() field {
	return field{name: "sockets", kind: aMap, also: []string{"listen", "socket"},
		doc: "Sockets that mwlua opens, \"tcp://HOST:PORT\" or \"unix:///PATH\", and passes from descriptor 3 up in the order of their names, " +
			"with LISTEN_FDS and LISTEN_FDNAMES, see sd_listen_fds(3). They stay open over reloads.",
		set: func(d *draft, v value) {
			v.pairs(func(name string, inner value) {
				text, ok := inner.text()
				socket := program.Socket{Name: name, Address: text}
				if !ok || !inner.fine(program.CheckSocket(socket)) {
					return
				}
				list := slices.DeleteFunc(slices.Clone(d.spec.Sockets), func(s program.Socket) bool { return s.Name == name })
				d.spec.Sockets = append(list, socket)
				slices.SortFunc(d.spec.Sockets, func(a, b program.Socket) int { return cmp.Compare(a.Name, b.Name) })
			})
		},
		items: func(d *draft) []entry {
			var items []entry
			for _, s := range d.spec.Sockets {
				items = append(items, entry{key: s.Name, text: literal(s.Address)})
			}
			return items
		}}
}

// ending are the fields about the ways to stop it besides a signal.
func endingFields() []field {
	return []field{
		{name: "stop_command", kind: aList, also: []string{"execstop", "stop_cmd"},
			doc: "A program and its arguments that is run to stop it, instead of a signal. If it fails, the signal is sent.",
			set: func(d *draft, v value) {
				if words, ok := v.command(d); ok {
					d.spec.StopCommand = words
				}
			},
			get: func(d *draft) string {
				if len(d.spec.StopCommand) == 0 {
					return ""
				}
				return list(d.spec.StopCommand, d.literal)
			}},
		choiceField("kill", "unit", "What must have ended before it counts as stopped; what is left after `stop_timeout` gets SIGKILL. "+
			"\"unit\": it and all its descendants. \"group\": its process group. \"process\": the process that was started.",
			[]string{"unit", "group", "process"},
			func(d *draft, c string) {
				if d.spec.Kill = program.Kill(c); c == "process" {
					d.spec.Kill = program.KillProcess
				}
			}, func(d *draft) string { return cmp.Or(string(d.spec.Kill), "process") }).called("killmode", "kill_mode"),
	}
}
