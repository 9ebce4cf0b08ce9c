package lua

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
)

// maxJSONDepth bounds tables within tables, which may hold themselves.
const maxJSONDepth = 32

// jsonWriter writes a Lua value as JSON, the same for the same value. It ends at the first thing that JSON cannot say.
type jsonWriter struct {
	b     []byte
	limit int // of b, in bytes
	whole value
}

// json is v as JSON of at most limit bytes: a table with the keys 1 to n is a list, one with names or without keys an object. It
// reports what is wrong, and is false then.
func (v value) json(limit int) ([]byte, bool) {
	w := jsonWriter{limit: limit, whole: v}
	ok := w.value(v, 0)
	return w.b, ok
}

func (w *jsonWriter) value(v value, depth int) bool {
	switch lv := v.lv.(type) {
	case lua.LBool:
		return w.write(lv.String())
	case lua.LNumber:
		if f := float64(lv); math.IsNaN(f) || math.IsInf(f, 0) {
			v.errorf("is %s, and only finite numbers are taken", numeral(f))
			return false
		}
		return w.write(numeral(float64(lv)))
	case lua.LString:
		return w.text(v, string(lv))
	case *lua.LTable:
		if depth >= maxJSONDepth {
			w.whole.errorf("tables are nested more than %d deep: does one hold itself?", maxJSONDepth)
			return false
		}
		return w.table(v, lv, depth+1)
	}
	v.expected("a string, a number, true, false or a table of these")
	return false
}

func (w *jsonWriter) write(text string) bool {
	w.b = append(w.b, text...)
	if len(w.b) > w.limit {
		w.whole.errorf("is larger than the %d KiB allowed, as JSON", w.limit>>10)
		return false
	}
	return true
}

func (w *jsonWriter) text(v value, text string) bool {
	if !utf8.ValidString(text) {
		v.errorf("is no UTF-8, and only that is taken")
		return false
	}
	data, err := json.Marshal(text)
	if err != nil {
		panic("internal error: a string is no JSON: " + err.Error())
	}
	return w.write(string(data))
}

func (w *jsonWriter) table(v value, table *lua.LTable, depth int) bool {
	keys := keys(table)
	if isSequence(keys) {
		return w.list(v, len(keys), depth)
	}
	if !w.write("{") {
		return false
	}
	for i, key := range keys {
		name, ok := key.(lua.LString)
		if !ok {
			v.errorf("has the key %s beside others: a table has names, or the keys 1, 2, 3 and so on without a gap", describe(key))
			return false
		}
		inner := v.key(string(name))
		if i > 0 && !w.write(",") || !w.text(inner, string(name)) || !w.write(":") || !w.value(inner, depth) {
			return false
		}
	}
	return w.write("}")
}

func (w *jsonWriter) list(v value, n, depth int) bool {
	if !w.write("[") {
		return false
	}
	for i := range n {
		if i > 0 && !w.write(",") || !w.value(v.item(i+1), depth) {
			return false
		}
	}
	return w.write("]")
}

// isSequence says whether keys, in their order, are 1 to n. Without keys they are not.
func isSequence(keys []lua.LValue) bool {
	for i, key := range keys {
		if key != lua.LNumber(i+1) {
			return false
		}
	}
	return len(keys) > 0
}

// tableOf is the table that a JSON object describes; an empty one for no text. null is nil.
func tableOf(L *lua.LState, text []byte) (*lua.LTable, error) {
	var object map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &object); err != nil {
			return nil, err
		}
	}
	return objectOf(L, object), nil
}

func objectOf(L *lua.LState, object map[string]any) *lua.LTable {
	table := L.NewTable()
	for _, name := range slices.Sorted(maps.Keys(object)) { // pairs() goes through them as they came
		table.RawSetString(name, valueOf(L, object[name]))
	}
	return table
}

func valueOf(L *lua.LState, of any) lua.LValue {
	switch of := of.(type) {
	case bool:
		return lua.LBool(of)
	case float64:
		return lua.LNumber(of)
	case string:
		return lua.LString(of)
	case []any:
		table := L.NewTable()
		for _, item := range of {
			table.Append(valueOf(L, item))
		}
		return table
	case map[string]any:
		return objectOf(L, of)
	}
	return lua.LNil
}
