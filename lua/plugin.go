package lua

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

const (
	// maxLogLines bounds the lines a second that are taken from one.
	maxLogLines = 10_000
	// maxStart bounds how long one may take to start.
	maxStart = 5 * time.Minute
)

// pluginFields are the keys of plugin.
func pluginFields() []field {
	return slices.Concat(pluginFileFields(), []field{
		{name: "config", kind: aJSON, also: []string{"settings", "options"},
			doc: "What the plugin is to know: names with strings, numbers, booleans and tables of these. It gets them as JSON.",
			set: func(d *draft, v value) {
				table, ok := v.lv.(*lua.LTable)
				if !ok || isSequence(keys(table)) {
					v.expected("a table such as { NAME = value }")
				} else if text, ok := v.json(program.MaxPluginConfig); ok {
					d.plugin.Config = string(text)
				}
			},
			get: neverWritten},
		pluginTime("timeout", "2s", "How long a verdict may take. Then the next one in `on_exit` is asked.", policy.MaxDeadline,
			func(p *program.Plugin) *time.Duration { return &p.Timeout }),
		pluginTime("start_timeout", "10s", "How long it may take to start.", maxStart,
			func(p *program.Plugin) *time.Duration { return &p.StartTimeout }),
		boolField("required", "false", "Whether a load fails when it cannot be started.",
			func(d *draft) *bool { return &d.plugin.Required }),
		integerField("log_lines", "100", "How many lines a second of its log are passed on.", 1, maxLogLines,
			func(d *draft) *int { return &d.plugin.LogLines }),
		boolField("mtls", "false", "Whether mwlua and the plugin show each other certificates. The directory of its socket is closed to "+
			"others anyway.", func(d *draft) *bool { return &d.plugin.MTLS }),
	})
}

// pluginFileFields are about what is run, and how.
func pluginFileFields() []field {
	return []field{
		{name: "path", kind: aPath, also: []string{"command", "file", "exec"},
			doc: "The plugin's program. A relative path begins in `plugin_dir` of supervisor. Required.",
			set: func(d *draft, v value) {
				text, ok := v.word()
				if ok && strings.HasPrefix(text, "~") {
					v.errorf("~ is not expanded: write the whole path")
				} else if ok {
					d.plugin.Path = text
				}
			},
			get: neverWritten},
		{name: "sha256", kind: aString, also: []string{"checksum", "digest", "hash"},
			doc: "What sha256sum(1) says of the file. It is not run when that is something else.",
			set: func(d *draft, v value) {
				text, ok := v.word()
				if text = strings.ToLower(text); ok && !program.IsSHA256(text) {
					v.errorf("expected the 64 hexadecimal digits that mwlua plugin sha256 PATH prints, got %s", describe(v.lv))
				} else if ok {
					d.plugin.SHA256 = text
				}
			},
			get: neverWritten},
		{name: "args", kind: aList, doc: "Its arguments.", set: func(d *draft, v value) {
			if list, ok := v.texts("a list such as { \"-v\" }"); ok {
				d.plugin.Args = list
			}
		}, get: neverWritten},
		{name: "env", kind: aMap, also: []string{"environment"}, doc: "Its environment: it inherits nothing of mwlua's.", set: func(d *draft, v value) {
			v.pairs(func(name string, inner value) {
				if text, ok := inner.text(); ok {
					d.plugin.Env = append(d.plugin.Env, name+"="+text)
				}
			})
		}, get: neverWritten},
		{name: "user", kind: aString, doc: "The user that it runs as, a name or a number, with its groups.", set: func(d *draft, v value) {
			if a, ok := v.account(); ok {
				d.plugin.User = &program.Credential{UID: a.UID, GID: a.GID, Groups: a.Groups}
			}
		}, get: neverWritten},
	}
}

// pluginTime is a duration above 0 and up to longest.
func pluginTime(name, initial, doc string, longest time.Duration, to func(*program.Plugin) *time.Duration) field {
	return field{name: name, kind: aDuration, value: quoted(initial), doc: doc, set: func(d *draft, v value) {
		if t, ok := v.between(longest); ok {
			*to(d.plugin) = t
		}
	}, get: neverWritten}
}

// between is a duration above 0 and up to longest.
func (v value) between(longest time.Duration) (time.Duration, bool) {
	t, ok := v.duration()
	if ok && (t <= 0 || t > longest) {
		v.errorf("expected more than 0 and at most %s, got %s", durationText(longest), describe(v.lv))
		return 0, false
	}
	return t, ok
}

// declarePlugin is plugin "name" { … }.
func (l *loader) declarePlugin(L *lua.LState, name string, at program.Place, table *lua.LTable) lua.LValue {
	l.checkTime(L)
	d := &draft{what: "plugin " + quote(name), plugin: &program.Plugin{Name: name, Place: at}}
	d.spec.Name = name
	v := l.value(d.what, at, table)
	all := append(slices.Clone(l.config.Plugins), l.plugins()...)
	first := slices.IndexFunc(all, func(p program.Plugin) bool { return p.Name == name })
	switch {
	case !program.IsName(name):
		v.errorf("the name " + program.NameRule)
	case first >= 0:
		v.errorf("already declared at %v", all[first].Place)
	case len(all) >= program.MaxPlugins:
		raise(L, "more than %d plugins", program.MaxPlugins)
	}
	v.decode(d, l.fields.plugin)
	if table.RawGetString("path") == lua.LNil && !isList(table) {
		v.errorf("path: is required (in this call)")
	}
	l.pluginDrafts = append(l.pluginDrafts, pluginDraft{d.plugin, l.directory})
	return l.handle(L, d)
}

// pluginDraft is a plugin whose path waits for plugin_dir, which may be said later.
type pluginDraft struct {
	*program.Plugin
	directory string // where paths begin if there is no plugin_dir
}

// plugins are those that were declared in Lua, with absolute paths.
func (l *loader) plugins() []program.Plugin {
	var list []program.Plugin
	for _, d := range l.pluginDrafts {
		p := *d.Plugin
		dir := l.pluginDir
		if dir == "" {
			dir = d.directory
		}
		p.Path = filepath.Clean(beside(dir, p.Path))
		list = append(list, p)
	}
	return list
}
