package lua

import (
	"fmt"
	"slices"
	"strings"
)

// generated is the first line of what is made of the tables of fields.
const generated = "Generated from the tables in lua/: go test ./lua -update"

// Reference is the reference of the language in Markdown, made of the tables of fields that the decoder uses.
func Reference() string {
	var b strings.Builder
	b.WriteString("<!-- " + generated + " -->\n# The configuration language\n\n" + introduction)
	b.WriteString("\n## Functions\n\n")
	for _, f := range functionDocs() {
		fmt.Fprintf(&b, "- `%s`: %s\n", f.usage, f.doc)
	}
	b.WriteString("\n## Values\n\n")
	for _, c := range constantDocs() {
		fmt.Fprintf(&b, "- `mwlua.%s` (%s): %s\n", c.name, c.kind, c.doc)
	}
	all := newFieldSet()
	for _, section := range []struct {
		title  string
		fields []field
	}{
		{"program, oneshot and cron", commonFields()}, {"program", uncommon(all.program)}, {"oneshot", uncommon(all.oneshot)},
		{"cron", uncommon(all.cron)}, {"supervisor", all.supervisor}, {"plugin", all.plugin},
	} {
		fmt.Fprintf(&b, "\n## Keys of %s\n\n", section.title)
		writeFields(&b, "", section.fields)
	}
	b.WriteString("\n## Events\n\n" + aboutHandlers)
	writeKeys(&b, "What `on_exit` gets; `on_stop` all but `default` and `store`; `on_start` only what is marked *.", eventKeys())
	writeKeys(&b, "`history[n]`:", pastKeys())
	writeKeys(&b, "What the function of `on` gets:", hookKeys())
	b.WriteString("\n## Verdicts\n\nA function of `on_exit` answers with nothing or \"default\", with an action, or with a table:\n\n")
	writeFields(&b, "", all.verdict)
	b.WriteString("\n## Types\n\n")
	for _, k := range kinds() {
		fmt.Fprintf(&b, "- *%s*: %s\n", k.kind, k.doc)
	}
	b.WriteString("\n" + closing)
	return b.String()
}

// uncommon are those of fields that not every kind has.
func uncommon(fields []field) []field {
	common := commonFields()
	return slices.DeleteFunc(slices.Clone(fields), func(f field) bool {
		_, ok := find(common, f.name)
		return ok
	})
}

func writeFields(b *strings.Builder, prefix string, fields []field) {
	for _, f := range fields {
		of := string(f.kind)
		if f.choices != nil {
			of = strings.Replace(of, "choice", quotedChoices(f.choices, ", "), 1)
		}
		fmt.Fprintf(b, "- `%s%s` (%s", prefix, f.name, of)
		if f.value != "" {
			fmt.Fprintf(b, "; default `%s`", f.value)
		}
		fmt.Fprintf(b, "): %s", f.doc)
		if f.name == "limits" {
			fmt.Fprintf(b, " Keys: %s.\n", names(f.keys))
			continue
		}
		b.WriteByte('\n')
		writeFields(b, prefix+f.name+".", f.keys)
	}
}

// writeKeys lists keys of an event.
func writeKeys(b *strings.Builder, title string, keys []eventKey) {
	b.WriteString("\n" + title + "\n\n")
	for _, k := range keys {
		mark := ""
		if k.when == always && k.value != nil {
			mark = "*"
		}
		fmt.Fprintf(b, "- `%s`%s (%s): %s\n", k.name, mark, strings.ReplaceAll(k.kind, "mwlua.", ""), k.doc)
	}
}

func names(fields []field) string {
	var list []string
	for _, f := range fields {
		list = append(list, "`"+f.name+"`")
	}
	return strings.Join(list, ", ")
}

func quotedChoices(choices []string, separator string) string {
	list := make([]string, len(choices))
	for i, c := range choices {
		list[i] = quoted(c)
	}
	return strings.Join(list, separator)
}

// kindDoc says what a kind is: in words, and as a type of LuaLS.
type kindDoc struct {
	kind kind
	doc  string
	lua  string
}

func kinds() []kindDoc {
	return []kindDoc{
		{aString, "A string; a number is taken too.", "string|number"},
		{aBoolean, "`true` or `false`, without quotes.", "boolean"},
		{aNumber, "A number.", "number"},
		{anInteger, "A whole number.", "integer"},
		{aDuration, "A string such as \"250ms\", \"5s\", \"1h30m\" or \"1d\". A bare number is an error: it has no unit.", "string"},
		{aTimeout, "The same, more than 0; `false` means that there is no limit.", "string|false"},
		{aSize, "A number of bytes, or a string such as \"64MiB\" (KiB, MiB, GiB, TiB).", "string|integer"},
		{aSignal, "A name such as \"SIGTERM\" or \"SIGRTMIN+3\", or a number.", "string|integer"},
		{aPath, "A path. A relative one begins in the directory of the configuration file that was named to mwlua.", "string"},
		{aPathFalse, "The same, or `false`.", "string|false"},
		{aMode, "A file mode in octal, in quotes: \"0640\".", "string"},
		{aStream, "\"inherit\", \"null\" or \"file:PATH\".", "string"},
		{aLimit, "A number, a size, \"unlimited\", or `{ soft, hard }` of these.", "string|integer|(string|integer)[]"},
		{aList, "`{ \"a\", \"b\", 3 }`.", "(string|number)[]"},
		{aNameList, "One string, or a list of them.", "string|number|(string|number)[]"},
		{aCodeList, "`{ 0, 3 }`.", "integer[]"},
		{aMap, "`{ NAME = \"value\" }`.", "table<string, string|number|boolean>"},
		{aUnitList, "What `program`, `oneshot` and `cron` yield, a name, or a list of these: `{ web, \"db\" }`.",
			"mwlua.Handle|string|(mwlua.Handle|string)[]"},
		{aSignalKeep, "A signal, or \"keep\".", "string|integer"},
		{aFunction, "`function(event) … end`, or `false` for what `defaults` has said.", "fun(event: mwlua.Exit)|false"},
		{aDeciderList, "`function(event) … end`, what `plugin` yields, a list of these, or `false`.",
			"mwlua.OnExit|mwlua.Plugin|(mwlua.OnExit|mwlua.Plugin)[]|false"},
		{aJSON, "A table of names with strings, numbers, booleans and tables of these.", "table<string, any>"},
		{anInherit, "`true`, `false` or a list of names.", "boolean|string[]"},
	}
}

const introduction = "A configuration is a Lua 5.1 program whose calls declare things:\n" +
	"`program \"web\" { command = { \"/usr/bin/web\" } }`. Everything is checked before anything is done: an unknown key, a wrong type\n" +
	"or a misspelt variable is an error with its file and line, and all errors of a load are reported together.\n\n" +
	"In `command`, `dir`, `env`, `stdout`, `stderr`, `stop_command`, and in what `ready` and `health` look at, `${name}` is the program's\n" +
	"name, `${instance}` the number of its instance, from 0, and `${env:NAME}` a variable of its environment; `$${` is written for `${`.\n" +
	"They are replaced when the program is started.\n\n" +
	"What the keys do together, and what goes wrong, is in [lifecycle.md](../lifecycle.md).\n"

const aboutHandlers = "Functions run one at a time, in the state that the load has left: each call sees the local variables of its file as the one\n" +
	"before has left them. A reload begins anew, with a new state; `store` is what stays. No call takes longer than `handler_timeout`, and\n" +
	"none may declare anything. [policy.md](../policy.md) has examples, and what happens when one fails.\n"

const closing = "## Lua\n\n" +
	"All variables are local: write `local` before the first use. What is there of Lua's own libraries: the base functions without\n" +
	"dofile, load and the like, `string`, `table`, and `math`, whose random is there for handlers only. There is no io, os, debug,\n" +
	"coroutine or package: `env`, `read_file`, `include` and `require` take their place.\n\n" +
	"Bounds, against accidents: 4 MiB a file, 16 MiB and 1000 files in all, brackets and blocks nested 100 deep, 20,000 values in one\n" +
	"literal table, 1 MiB for a text that .., string.rep, string.format, string.gsub or table.concat makes, 8,000 values from\n" +
	"unpack, calls 200 deep, and the time and the memory of `lua` in supervisor.\n"
