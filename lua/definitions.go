package lua

import (
	"fmt"
	"strings"
)

// Definitions are the definitions of our functions and tables for the Lua language server (LuaLS), which then completes keys and
// marks unknown ones. They are made of the tables of fields that the decoder uses.
func Definitions() string {
	var b strings.Builder
	b.WriteString("---@meta\n-- " + generated + "\n")
	all := newFieldSet()
	b.WriteString("\n---@class mwlua.Handle\n---@field name string The program's name.\n")
	written := make(map[string]bool)
	for _, class := range []struct {
		name   string
		fields []field
	}{
		{"Program", all.program}, {"Oneshot", all.oneshot}, {"Cron", all.cron}, {"Defaults", all.defaults}, {"Supervisor", all.supervisor},
		{"PluginKeys", all.plugin}, {"Verdict", all.verdict},
	} {
		writeClass(&b, class.name, class.fields, written)
	}
	writeEvents(&b)
	b.WriteString("\n---@class mwlua\n")
	for _, c := range constantDocs() {
		fmt.Fprintf(&b, "---@field %s %s %s\n", c.name, c.kind, c.doc)
	}
	b.WriteString("mwlua = {}\n\nlog = {}\n")
	for _, f := range functionDocs() {
		b.WriteByte('\n')
		writeFunction(&b, f)
	}
	return b.String()
}

// writeEvents writes what handlers get and answer.
func writeEvents(b *strings.Builder) {
	for _, class := range []struct {
		name string
		keys []eventKey
	}{{"Past", pastKeys()}, {"Exit", eventKeys()}, {"Event", hookKeys()}} {
		fmt.Fprintf(b, "\n---@class mwlua.%s\n", class.name)
		for _, k := range class.keys {
			fmt.Fprintf(b, "---@field %s %s %s\n", k.name, k.kind, k.doc)
		}
	}
	fmt.Fprintf(b, "\n---@class mwlua.Plugin\n---@field name string The plugin's name.\n")
	fmt.Fprintf(b, "\n---@alias mwlua.OnExit fun(event: mwlua.Exit): mwlua.Verdict|%s|nil\n", quotedChoices(actions(), "|"))
}

func writeFunction(b *strings.Builder, f described) {
	fmt.Fprintf(b, "---%s\n", f.doc)
	if len(f.params) == 2 && (f.result == "mwlua.Handle" || f.result == "mwlua.Plugin") {
		_, keys, _ := strings.Cut(f.params[1], " ")
		fmt.Fprintf(b, "---@overload fun(name: string): fun(keys: %s): %s\n", keys, f.result)
	}
	var params []string
	for _, p := range f.params {
		name, of, _ := strings.Cut(p, " ")
		fmt.Fprintf(b, "---@param %s %s\n", name, of)
		params = append(params, strings.TrimSuffix(name, "?"))
	}
	if f.result != "" {
		fmt.Fprintf(b, "---@return %s\n", f.result)
	}
	fmt.Fprintf(b, "function %s(%s) end\n", f.name, strings.Join(params, ", "))
}

// writeClass writes a table of fields, after those that it refers to and that are not written yet.
func writeClass(b *strings.Builder, name string, fields []field, written map[string]bool) {
	for _, f := range fields {
		if f.keys != nil && !written[className(f)] {
			writeClass(b, className(f), f.keys, written)
			written[className(f)] = true
		}
	}
	fmt.Fprintf(b, "\n---@class (exact) mwlua.%s\n", name)
	for _, f := range fields {
		fmt.Fprintf(b, "---@field %s? %s %s", f.name, luaType(f), f.doc)
		if f.value != "" {
			fmt.Fprintf(b, " Default: %s", f.value)
		}
		b.WriteByte('\n')
	}
}

func className(f field) string { return strings.ToUpper(f.name[:1]) + f.name[1:] }

// luaType is the type of f as LuaLS writes it.
func luaType(f field) string {
	switch f.kind {
	case aChoice:
		return quotedChoices(f.choices, "|")
	case choiceTable:
		return quotedChoices(f.choices, "|") + "|mwlua." + className(f)
	case aTable:
		return "mwlua." + className(f)
	}
	for _, k := range kinds() {
		if k.kind == f.kind {
			return k.lua
		}
	}
	return "any"
}
