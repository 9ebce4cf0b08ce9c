package lua

import (
	"slices"
	"strconv"
	"time"
)

// kind is what a field takes, in the words of the reference.
type kind string

const (
	aString     kind = "string"
	aBoolean    kind = "boolean"
	aNumber     kind = "number"
	anInteger   kind = "integer"
	aDuration   kind = "duration"
	aTimeout    kind = "duration or false"
	aSize       kind = "size"
	aSignal     kind = "signal"
	aPath       kind = "path"
	aPathFalse  kind = "path or false"
	aMode       kind = "mode"
	aStream     kind = "stream"
	aChoice     kind = "choice"
	aList       kind = "list of strings"
	aNameList   kind = "name or list of names"
	aCodeList   kind = "list of integers"
	aMap        kind = "table of strings"
	aTable      kind = "table"
	choiceTable kind = "choice or table"
	aLimit      kind = "limit"
	anInherit   kind = "boolean or list of names"
	aUnitList   kind = "handle or name, or a list of them"
	aSignalKeep kind = "signal or \"keep\""

	aFunction    kind = "function or false"
	aDeciderList kind = "function or plugin, a list of them, or false"
	aJSON        kind = "table of values"
)

// field is one key of a table: what a user may write there, and where it goes. The tables of fields are the only place where
// a key is named: the decoder, Write, the reference and the editors' definitions read them.
type field struct {
	name    string
	kind    kind
	choices []string // of a choice
	value   string   // the default, as Lua writes it; "" means none
	doc     string   // sentences without the type and the default
	also    []string // what others call it: suggested, not taken
	not     string   // a key that excludes this one
	keys    []field  // of a table
	set     func(d *draft, v value)
	// get is what set would take for what d has, as Lua writes it; "" means that there is nothing to write. Of a field with keys it
	// is nil, or what stands for the whole table.
	get func(d *draft) string
	// items are those of a table whose keys are the user's. Then there is no get.
	items func(d *draft) []entry
}

// find is the field called name.
func find(fields []field, name string) (field, bool) {
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return fields[i], true
}

func stringField(name, doc string, to func(*draft) *string) field {
	return field{name: name, kind: aString, doc: doc, set: func(d *draft, v value) {
		if text, ok := v.text(); ok {
			*to(d) = text
		}
	}, get: func(d *draft) string { return optional(*to(d)) }}
}

func boolField(name, initial, doc string, to func(*draft) *bool) field {
	return field{name: name, kind: aBoolean, value: initial, doc: doc, set: func(d *draft, v value) {
		if b, ok := v.boolean(); ok {
			*to(d) = b
		}
	}, get: func(d *draft) string { return strconv.FormatBool(*to(d)) }}
}

// notField is boolField where true is the zero value.
func notField(name, doc string, to func(*draft) *bool) field {
	return field{name: name, kind: aBoolean, value: "true", doc: doc, set: func(d *draft, v value) {
		if b, ok := v.boolean(); ok {
			*to(d) = !b
		}
	}, get: func(d *draft) string { return strconv.FormatBool(!*to(d)) }}
}

func durationField(name, initial, doc string, to func(*draft) *time.Duration) field {
	return field{name: name, kind: aDuration, value: quoted(initial), doc: doc, set: func(d *draft, v value) {
		if t, ok := v.duration(); ok {
			*to(d) = t
		}
	}, get: func(d *draft) string { return durationText(*to(d)) }}
}

// timeoutField is a duration above 0, or false for none.
func timeoutField(name, initial, doc string, to func(*draft) *time.Duration) field {
	return field{name: name, kind: aTimeout, value: quoted(initial), doc: doc, set: func(d *draft, v value) {
		if t, ok := v.timeout(); ok {
			*to(d) = t
		}
	}, get: func(d *draft) string {
		if *to(d) == 0 {
			return "false"
		}
		return durationText(*to(d))
	}}
}

func choiceField(name, initial, doc string, choices []string, to func(*draft, string), from func(*draft) string) field {
	return field{name: name, kind: aChoice, choices: choices, value: quoted(initial), doc: doc, set: func(d *draft, v value) {
		if c, ok := v.choice(choices); ok {
			to(d, c)
		}
	}, get: func(d *draft) string { return optional(from(d)) }}
}

func quoted(text string) string {
	if text == "" {
		return ""
	}
	return `"` + text + `"`
}

// called adds what other supervisors call a field.
func (f field) called(names ...string) field {
	f.also = names
	return f
}
