package lua

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mwlua/mwlua/core/program"
)

// Write writes config as a Lua file: loaded with the same o.Env and o.Lookup, it yields the same programs, the same environment
// for each of them, and the same settings. Only what is not Lua's default is said, and what all programs have in common is said
// once. Comments name the places that config comes from.
//
// The text is loaded before it is returned. Problems are what Lua cannot say; if there is one, the text is "".
func Write(config program.Config, o Options) (string, program.Problems) {
	l := newLoader(Options{Env: o.Env, Lookup: o.Lookup})
	w := &writer{options: l.options, fields: l.fields, inherited: environment(l.inherited(), false),
		notes: notes(), noted: make(map[string]bool)}
	for _, s := range config.Programs {
		if !program.IsName(s.Name) {
			w.errorf(s.Place, "program %s: Lua does not take this name: letters, digits and _ . @ -, at most 64, not beginning with . @ or -: "+
				"rename it", quote(s.Name))
		}
	}
	w.handlers(config)
	if w.errors > 0 {
		return "", w.problems
	}
	text := w.file(config)
	if w.compare(config, text); w.errors > 0 {
		return "", w.problems
	}
	return text, nil
}

// handlers reports the functions of config, which are code, and the plugins.
func (w *writer) handlers(config program.Config) {
	for _, s := range config.Programs {
		code := func(has bool, key string) {
			if has {
				w.errorf(s.Place, "program %s: %s is code, which cannot be written from what it has come to: copy it from its file", quote(s.Name), key)
			}
		}
		code(len(s.OnExit) > 0, "on_exit")
		code(s.OnStart != "", "on_start")
		code(s.OnStop != "", "on_stop")
	}
	for _, h := range config.Hooks {
		w.errorf(nowhere, "on(%s) is code, which cannot be written from what it has come to: copy it from its file", quote(string(h.On)))
	}
	for _, p := range config.Plugins {
		w.errorf(p.Place, "plugin %s: cannot be written: copy it from its file", quote(p.Name))
	}
}

// writer is one call of Write.
type writer struct {
	report
	options   Options
	fields    fieldSet
	inherited map[string]string // what programs would have, as texts of `env`
	notes     map[string]string
	noted     map[string]bool // the comments that were written
	b         strings.Builder
}

// entry is KEY = TEXT in a table, or KEY = { … } of the items.
type entry struct {
	key, text string
	items     []entry
	note      string // a comment; "" is none
}

// neverWritten is the get of a field for which there is always another one.
func neverWritten(*draft) string { return "" }

// entries are those of fields in which d differs from initial.
func entries(fields []field, d, initial *draft) []entry {
	var found []entry
	for _, f := range fields {
		e := entry{key: f.name}
		switch {
		case f.items != nil:
			e.items = f.items(d)
		case f.get != nil && (f.keys == nil || f.get(d) != ""):
			if text := f.get(d); text != f.get(initial) {
				e.text = text
			}
		default:
			e.items = entries(f.keys, d, initial)
			if f.kind == choiceTable && len(e.items) == 1 && e.items[0].key == "policy" {
				e.text, e.items = e.items[0].text, nil
			}
		}
		if e.text != "" || len(e.items) > 0 {
			found = append(found, e)
		}
	}
	return found
}

// notes explain entries, as far as they are HAProxy's ways. Each is written once.
func notes() map[string]string {
	return map[string]string{
		`on_reload = "replace"`:          "At a reload a new one is started beside the running one, which gets SIGUSR1, as HAProxy does it.",
		`on_reload = "signal"`:           "At a reload it goes on and gets this signal.",
		`start_on_reload = false`:        "HAProxy's `no option start-on-reload`.",
		`restart = "exit-on-failure"`:    "HAProxy's rule: nothing is started again but by a reload, and a failure stops everything.",
		`restart = "no-exit-on-failure"`: "HAProxy's rule: nothing is started again but by a reload; the others go on.",
		`kill = "process"`:               "HAProxy waits for no descendants of a program.",
		`stop_signal = "same"`:           "HAProxy passes on what it is stopped with, SIGTERM or SIGINT.",
		`max_former = 0`:                 "mworker-max-reloads would bound the old ones that are on their way out.",
		`former_timeout = false`:         "hard-stop-after would bound their time.",
		`shutdown_timeout = false`:       "Each program's stop_timeout counts, and nothing else.",
	}
}

func (w *writer) note(e entry) string {
	if haproxys(e.key) > 0 {
		return "What HAProxy tells its programs."
	}
	return cmp.Or(e.note, w.notes[e.key+" = "+e.text])
}

// file is the whole text.
func (w *writer) file(config program.Config) string {
	w.comment("", "Written by mwlua from "+line(strings.Join(configFiles(config), ", "))+".")
	w.b.WriteByte('\n')
	initial := &draft{config: defaultConfig()}
	if settings := entries(w.fields.supervisor, &draft{config: config}, initial); len(settings) > 0 {
		w.call("supervisor", settings)
	}
	var programs [][]entry
	for _, s := range config.Programs {
		programs = append(programs, entries(w.fields.of(s.Kind), w.undraft(config, s), newDraft()))
	}
	if common := share(programs); len(common) > 0 {
		w.comment("", "What all programs have in common.")
		w.call("defaults", common)
	}
	for i, s := range config.Programs {
		w.comment("", line(s.Place.String()))
		w.call(kindWord(s.Kind)+" "+literal(s.Name), programs[i])
	}
	return strings.TrimRight(w.b.String(), "\n") + "\n"
}

// configFiles are those that the programs come from, in their order.
func configFiles(config program.Config) []string {
	var names []string
	for _, s := range config.Programs {
		if name := s.Place.File; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if names == nil {
		return []string{"a configuration without programs"}
	}
	return names
}

// share takes out of tables what all of them have, and returns it. Of env it is each variable by itself.
func share(tables [][]entry) []entry {
	if len(tables) < 2 {
		return nil
	}
	var common []entry
	for _, e := range slices.Clone(tables[0]) {
		switch {
		case e.key == "command":
		case e.key == "env":
			if items := shareItems(tables, e.key); len(items) > 0 {
				common = append(common, entry{key: e.key, items: items})
			}
		case !slices.ContainsFunc(tables, func(t []entry) bool { return !slices.ContainsFunc(t, e.equal) }):
			common = append(common, e)
			for i := range tables {
				tables[i] = slices.DeleteFunc(tables[i], e.equal)
			}
		}
	}
	return common
}

// shareItems is share for the items of one key.
func shareItems(tables [][]entry, key string) []entry {
	isKey := func(e entry) bool { return e.key == key }
	items := make([][]entry, len(tables))
	for i, t := range tables {
		if j := slices.IndexFunc(t, isKey); j >= 0 {
			items[i] = t[j].items
		}
	}
	common := share(items)
	for i, t := range tables {
		if j := slices.IndexFunc(t, isKey); j >= 0 {
			t[j].items = items[i]
		}
		tables[i] = slices.DeleteFunc(t, func(e entry) bool { return isKey(e) && len(e.items) == 0 })
	}
	return common
}

func (e entry) equal(f entry) bool {
	return e.key == f.key && e.text == f.text && slices.EqualFunc(e.items, f.items, entry.equal)
}

func (w *writer) call(what string, table []entry) {
	w.b.WriteString(what + " ")
	w.table("", table)
	w.b.WriteString("\n\n")
}

func (w *writer) table(indent string, table []entry) {
	inner := indent + "  "
	w.b.WriteString("{\n")
	for _, e := range table {
		if note := w.note(e); !w.noted[note] {
			w.comment(inner, note)
			w.noted[note] = true
		}
		fmt.Fprintf(&w.b, "%s%s = ", inner, keyText(e.key))
		if e.text != "" {
			w.b.WriteString(strings.ReplaceAll(e.text, "\n", "\n"+inner))
		} else {
			w.table(inner, e.items)
		}
		w.b.WriteString(",\n")
	}
	w.b.WriteString(indent + "}")
}

func (w *writer) comment(indent, text string) {
	if text != "" {
		w.b.WriteString(indent + "-- " + text + "\n")
	}
}
