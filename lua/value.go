package lua

import (
	"fmt"
	"math"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/program"
)

// maxTexts bounds the strings of one list or table of a declaration.
const maxTexts = 10_000

// value is a Lua value at some key of a declaration. Its methods yield it as what a field takes; they report what is wrong, and
// are false then.
type value struct {
	l    *loader
	lv   lua.LValue
	what string // what is declared: program "web"
	path string // the key: restart.delay, command[3]
	at   program.Place
	call program.Place // of the call that declares it
}

func (v value) errorf(format string, args ...any) {
	prefix := v.what + ": "
	if v.path != "" {
		prefix += v.path + ": "
	}
	v.l.errorf(v.at, "%s%s", prefix, fmt.Sprintf(format, args...))
}

func (v value) expected(what string) { v.errorf("expected %s, got %s", what, describe(v.lv)) }

// key is the value of a named key of v, which is a table.
func (v value) key(name string) value {
	table := v.lv.(*lua.LTable)
	inner := v
	inner.lv, inner.path = table.RawGetString(name), join(v.path, name)
	if at, ok := originOfTable(table).key(name); ok {
		inner.at = at
	} else {
		inner.at = v.call
	}
	return inner
}

// item is the value at index i of v, which is a table.
func (v value) item(i int) value {
	table := v.lv.(*lua.LTable)
	inner := v
	inner.lv, inner.path = table.RawGetInt(i), fmt.Sprintf("%s[%d]", v.path, i)
	if at, ok := originOfTable(table).item(i); ok {
		inner.at = at
	}
	return inner
}

func join(path, name string) string {
	switch {
	case !isName(name):
		name = "[" + quote(name) + "]"
	case path != "":
		name = "." + name
	}
	return path + name
}

// isName says whether Lua takes s as a name.
func isName(s string) bool {
	for i := range len(s) {
		if !letter(s[i]) && (i == 0 || !digit(s[i])) {
			return false
		}
	}
	return s != ""
}

func (v value) text() (string, bool) {
	switch lv := v.lv.(type) {
	case lua.LString:
		if strings.IndexByte(string(lv), 0) >= 0 {
			v.errorf("a NUL byte cannot be passed to a program: remove it")
			return "", false
		}
		return string(lv), true
	case lua.LNumber:
		if f := float64(lv); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return numeral(f), true
		}
	case lua.LBool:
		v.errorf("expected a string, got %s: put it in quotes", lv)
		return "", false
	}
	v.expected("a string")
	return "", false
}

// word is a text that is not empty.
func (v value) word() (string, bool) {
	text, ok := v.text()
	if ok && text == "" {
		v.errorf("is empty: write something there, or remove it")
		return "", false
	}
	return text, ok
}

func (v value) boolean() (bool, bool) {
	b, ok := v.lv.(lua.LBool)
	switch text, isText := v.lv.(lua.LString); {
	case ok:
		return bool(b), true
	case isText && slices.Contains([]string{"true", "false", "yes", "no", "on", "off"}, strings.ToLower(string(text))):
		v.errorf("expected true or false, got %s: without quotes", describe(v.lv))
	default:
		v.expected("true or false")
	}
	return false, false
}

func (v value) number(low, high float64) (float64, bool) {
	n, ok := v.lv.(lua.LNumber)
	if !ok {
		v.expected("a number")
		return 0, false
	}
	if f := float64(n); f >= low && f <= high { // NaN is not
		return f, true
	}
	v.errorf("expected a number from %s to %s, got %s", numeral(low), numeral(high), numeral(float64(n)))
	return 0, false
}

func (v value) integer(low, high int) (int, bool) {
	n, ok := v.lv.(lua.LNumber)
	if f := float64(n); ok && f == math.Trunc(f) && f >= float64(low) && f <= float64(high) {
		return int(f), true
	}
	v.expected(fmt.Sprintf("a whole number from %d to %d", low, high))
	return 0, false
}

func (v value) choice(choices []string) (string, bool) {
	text, ok := v.lv.(lua.LString)
	if ok && slices.Contains(choices, string(text)) {
		return string(text), true
	}
	names := make([]string, len(choices))
	for i, c := range choices {
		names[i] = quote(c)
	}
	hint := ""
	if ok {
		hint = suggest(string(text), choices)
	}
	v.errorf("expected %s, got %s%s", or(names), describe(v.lv), hint)
	return "", false
}

// or joins words as a sentence does.
func or(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// list yields the values of a list. It finds holes, which Lua does not show: { "a", nil, "b" } is cut at the nil.
func (v value) list(what string) ([]value, bool) {
	table, ok := v.lv.(*lua.LTable)
	if !ok {
		v.expected(what)
		return nil, false
	}
	n := max(table.MaxN(), originOfTable(table).count())
	for _, k := range keys(table) {
		if i, isIndex := k.(lua.LNumber); isIndex && int(i) >= 1 && int(i) <= n && lua.LNumber(int(i)) == i {
			continue
		}
		bad := v
		if name, isText := k.(lua.LString); isText {
			bad = v.key(string(name))
		}
		bad.path = v.path
		bad.errorf("a list has no key %s: remove it", describe(k))
		return nil, false
	}
	if n > maxTexts {
		v.errorf("holds %d values, at most %d are taken", n, maxTexts)
		return nil, false
	}
	items := make([]value, n)
	for i := range items {
		items[i] = v.item(i + 1)
		if items[i].lv == lua.LNil {
			items[i].errorf("is nil: does the variable or the function there have a value?")
			return nil, false
		}
	}
	return items, true
}

// count is the number of values that the literal of a table has, if that is known.
func (o *origin) count() int {
	switch {
	case o == nil || o.open:
		return 0
	case len(o.parents) > 0:
		return 0
	}
	return len(o.items)
}

func (v value) texts(what string) ([]string, bool) {
	items, ok := v.list(what)
	if !ok {
		return nil, false
	}
	list := make([]string, len(items))
	for i, item := range items {
		text, fine := item.text()
		ok = ok && fine
		list[i] = text
	}
	return list, ok
}

// entries yields the named values of a table, in the order of their names.
func (v value) entries(what string) ([]string, bool) {
	table, ok := v.lv.(*lua.LTable)
	if !ok {
		v.expected(what)
		return nil, false
	}
	var names []string
	for i, k := range keys(table) {
		name, isText := k.(lua.LString)
		if !isText {
			bad := v
			if n, isIndex := k.(lua.LNumber); isIndex {
				bad = v.item(int(n))
				bad.path = v.path
			}
			hint := "write NAME = …"
			if v.path == "" {
				hint = "write KEY = …, such as command = { … }"
			}
			bad.errorf("a value without a name (%s): %s", describe(table.RawGet(k)), hint)
			return nil, false
		}
		if i >= maxTexts {
			v.errorf("holds more than %d values", maxTexts)
			return nil, false
		}
		names = append(names, string(name))
	}
	return names, true
}

// decode sets what fields say about the table v. Everything is looked at, whatever is wrong with the rest.
func (v value) decode(d *draft, fields []field) {
	names, ok := v.entries("a table")
	if !ok {
		return // with what else is wrong in it: a list is something else
	}
	for _, name := range names {
		inner := v.key(name)
		f, known := find(fields, name)
		if !known {
			v.unknown(inner, name, fields)
			continue
		}
		if f.not != "" && slices.Contains(names, f.not) {
			inner.errorf("cannot be given together with %s: remove one of them", f.not)
			continue
		}
		f.set(d, inner)
	}
}

// unknown reports that fields, those of v, have no such key.
func (v value) unknown(inner value, name string, fields []field) {
	owners := v.l.fields.owners(name)
	if v.path != "" || strings.HasPrefix(v.what, "plugin ") {
		owners = nil // of the same name, and something else
	}
	if v.what != "supervisor" && len(owners) > 0 {
		inner.errorf("only %s has it", or(owners))
		return
	}
	hint := unknownKey(name, fields, v.l.fields)
	if hint == "" && len(owners) > 0 {
		hint = fmt.Sprintf(" (%s belongs to %s)", name, owners[0])
	}
	inner.errorf("unknown key%s", hint)
}

// unknownKey says what may be meant by a key that fields do not have.
func unknownKey(name string, fields []field, all fieldSet) string {
	for _, f := range fields {
		if slices.Contains(f.also, fold(name)) {
			return fmt.Sprintf(" (mwlua calls it %q)", f.name)
		}
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	if hint := suggest(name, names); hint != "" {
		return hint
	}
	for _, f := range fields {
		if _, ok := find(f.keys, name); ok {
			return fmt.Sprintf(" (it belongs in %s = { %s = … })", f.name, name)
		}
	}
	if f, ok := find(all.supervisor, name); ok {
		return fmt.Sprintf(" (%s belongs to supervisor {})", f.name)
	}
	return ""
}
