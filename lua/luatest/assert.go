package luatest

import (
	"fmt"
	"slices"
	"strings"

	glua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/lua"
)

// eq is eq(got, want): both are the same, tables by what is in them.
func eq(L *glua.LState) int {
	if L.GetTop() < 2 {
		lua.Raise(L, "eq: expected two values, got %d", L.GetTop())
	}
	if path, ok := same(L.Get(1), L.Get(2), "", 0); !ok {
		if path == "" {
			lua.Raise(L, "got %s, want %s", shown(L.Get(1)), shown(L.Get(2)))
		}
		lua.Raise(L, "got %s, want %s: they differ at %s", shown(L.Get(1)), shown(L.Get(2)), path)
	}
	return 0
}

// isTrue is ok(value [, "what"]): it is neither nil nor false.
func isTrue(L *glua.LState) int {
	if !glua.LVAsBool(L.Get(1)) {
		lua.Raise(L, "got %s%s", shown(L.Get(1)), what(L, 2))
	}
	return 0
}

// matches is matches(text, pattern): a pattern of Lua.
func matches(L *glua.LState) int {
	text, pattern := L.Get(1), L.Get(2)
	if text.Type() != glua.LTString || pattern.Type() != glua.LTString {
		lua.Raise(L, "matches: expected a text and a pattern, got %s and %s", lua.Describe(text), lua.Describe(pattern))
	}
	if !found(L, text.String(), pattern.String()) {
		lua.Raise(L, "%q does not match the pattern %q", text.String(), pattern.String())
	}
	return 0
}

// found looks for a pattern of Lua in text, with the string.find of the sandbox, which is bounded.
func found(L *glua.LState, text, pattern string) bool {
	find := L.GetField(L.GetGlobal("string"), "find")
	L.CallByParam(glua.P{Fn: find, NRet: 1}, glua.LString(text), glua.LString(pattern))
	hit := L.Get(-1)
	L.Pop(1)
	return hit != glua.LNil
}

// fails is fails(fn [, pattern]): fn raises an error that matches. It yields the text of that.
func (s *state) fails(L *glua.LState) int {
	fn, ok := L.Get(1).(*glua.LFunction)
	if !ok {
		lua.Raise(L, "fails: expected a function, got %s", lua.Describe(L.Get(1)))
	}
	_, failed := s.script.Call(L.Context(), fn)
	switch {
	case failed == nil:
		lua.Raise(L, "it did not fail")
	case isSkipped(failed):
		s.script.Raise(L, failed.Object)
	case L.Context().Err() != nil: // it is the test that ends
		lua.Raise(L, "%s", failed.Text)
	}
	if pattern, ok := L.Get(2).(glua.LString); ok && !found(L, failed.Text, string(pattern)) {
		lua.Raise(L, "it failed with %q, which does not match the pattern %q", failed.Text, string(pattern))
	}
	L.Push(glua.LString(failed.Text))
	return 1
}

func isSkipped(f *lua.Failure) bool {
	_, yes := f.Object.(skipped)
	return yes
}

// what is the description at an argument, in words.
func what(L *glua.LState, n int) string {
	if text, ok := L.Get(n).(glua.LString); ok {
		return ": " + string(text)
	}
	return ""
}

const maxDepth = 50 // of tables that are compared or shown

// same compares two values. path is where they differ.
func same(a, b glua.LValue, at string, depth int) (path string, ok bool) {
	ta, isTable := a.(*glua.LTable)
	tb, isTable2 := b.(*glua.LTable)
	if !isTable || !isTable2 || ta == tb || depth > maxDepth {
		return at, a == b
	}
	for _, k := range keysOf(ta, tb) {
		if path, ok := same(ta.RawGet(k), tb.RawGet(k), at+keyText(k), depth+1); !ok {
			return path, false
		}
	}
	return "", true
}

// keysOf are those of both tables, in an order that is always the same.
func keysOf(tables ...*glua.LTable) []glua.LValue {
	var keys []glua.LValue
	for _, t := range tables {
		t.ForEach(func(k, _ glua.LValue) {
			if !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		})
	}
	slices.SortStableFunc(keys, func(a, b glua.LValue) int {
		x, isNumber := a.(glua.LNumber)
		y, isNumber2 := b.(glua.LNumber)
		switch {
		case isNumber && isNumber2 && x < y, isNumber && !isNumber2:
			return -1
		case isNumber && isNumber2 && x > y, !isNumber && isNumber2:
			return 1
		case isNumber && isNumber2:
			return 0
		}
		return strings.Compare(a.String(), b.String())
	})
	return keys
}

func keyText(k glua.LValue) string {
	if name, ok := k.(glua.LString); ok {
		return "." + string(name)
	}
	return "[" + k.String() + "]"
}

const maxShown = 400 // bytes of a value in a message

// shown is a value as it would be written.
func shown(v glua.LValue) string {
	text := written(v, 0)
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return text
}

func written(v glua.LValue, depth int) string {
	switch v := v.(type) {
	case glua.LString:
		return fmt.Sprintf("%q", string(v))
	case *glua.LTable:
		if depth > 3 {
			return "{…}"
		}
		var parts []string
		for _, k := range keysOf(v) {
			text := written(v.RawGet(k), depth+1)
			if name, ok := k.(glua.LString); ok {
				text = string(name) + " = " + text
			}
			parts = append(parts, text)
		}
		if len(parts) == 0 {
			return "{}"
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	return v.String()
}
