package lua

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// patternFunctions are the functions of the string library that take a pattern.
func (l *loader) patternFunctions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"find":   func(L *lua.LState) int { return l.find(L, true) },
		"match":  func(L *lua.LState) int { return l.find(L, false) },
		"gmatch": l.gmatch,
		"gsub":   l.gsub,
	}
}

func (l *loader) matcher(src, pattern string) *matcher {
	return &matcher{ctx: l.bounds.ctx, src: src, pat: pattern, steps: new(int)}
}

// next is m.search, whose errors become those of the script.
func (m *matcher) next(L *lua.LState, start int) (begin, end int) {
	var text string
	func() {
		defer func() {
			if found := recover(); found != nil {
				text = string(found.(patternError))
			}
		}()
		begin, end = m.search(start)
	}()
	if text != "" {
		raise(L, "%s: %s", quote(m.pat), text)
	}
	return begin, end
}

// capture is capture i of the match from begin to end, from 0; the whole match if the pattern has none.
func (m *matcher) capture(L *lua.LState, i, begin, end int) lua.LValue {
	if i >= m.level {
		if i > 0 {
			raise(L, "%s: the pattern has no capture %%%d", quote(m.pat), i+1)
		}
		return lua.LString(m.src[begin:end])
	}
	c := m.captures[i]
	switch c.length {
	case unfinished:
		raise(L, "%s: the pattern does not close a capture", quote(m.pat))
	case position:
		return lua.LNumber(c.start + 1)
	}
	return lua.LString(m.src[c.start : c.start+c.length])
}

// pushCaptures pushes all captures, or the whole match if there are none and it is wanted.
func (m *matcher) pushCaptures(L *lua.LState, begin, end int, whole bool) int {
	n := m.level
	if n == 0 && whole {
		n = 1
	}
	for i := range n {
		L.Push(m.capture(L, i, begin, end))
	}
	return n
}

// find is string.find(s, pattern, init, plain), and string.match(s, pattern, init).
func (l *loader) find(L *lua.LState, places bool) int {
	src, pattern := L.CheckString(1), L.CheckString(2)
	start := L.OptInt(3, 1)
	if start < 0 {
		start = max(len(src)+start+1, 1)
	}
	start = min(max(start, 1), len(src)+1) - 1
	if places && (L.ToBool(4) || !strings.ContainsAny(pattern, "^$*+?.([%-")) {
		i := strings.Index(src[start:], pattern)
		if i < 0 {
			L.Push(lua.LNil)
			return 1
		}
		L.Push(lua.LNumber(start + i + 1))
		L.Push(lua.LNumber(start + i + len(pattern)))
		return 2
	}
	m := l.matcher(src, pattern)
	begin, end := m.next(L, start)
	if begin < 0 {
		L.Push(lua.LNil)
		return 1
	}
	if !places {
		return m.pushCaptures(L, begin, end, true)
	}
	L.Push(lua.LNumber(begin + 1))
	L.Push(lua.LNumber(end))
	return 2 + m.pushCaptures(L, begin, end, false)
}

// gmatch is string.gmatch(s, pattern). A ^ is an ordinary character there.
func (l *loader) gmatch(L *lua.LState) int {
	src, pattern := L.CheckString(1), L.CheckString(2)
	if strings.HasPrefix(pattern, "^") {
		pattern = "%" + pattern
	}
	m, at := l.matcher(src, pattern), 0
	L.Push(L.NewFunction(func(L *lua.LState) int {
		if at > len(src) {
			return 0
		}
		begin, end := m.next(L, at)
		if begin < 0 {
			at = len(src) + 1
			return 0
		}
		at = end
		if begin == end {
			at++
		}
		return m.pushCaptures(L, begin, end, true)
	}))
	return 1
}

// gsub is string.gsub(s, pattern, replacement, n).
func (l *loader) gsub(L *lua.LState) int {
	src, pattern := L.CheckString(1), L.CheckString(2)
	replacement, limit := L.Get(3), L.OptInt(4, len(src)+1)
	switch replacement.(type) {
	case lua.LString, lua.LNumber, *lua.LTable, *lua.LFunction:
	default:
		raise(L, "string.gsub: expected a text, a table or a function to replace with, got %s", describe(replacement))
	}
	m := l.matcher(src, pattern)
	var out strings.Builder
	at, count := 0, 0
	for count < limit {
		begin, end := m.next(L, at)
		if begin < 0 {
			break
		}
		count++
		out.WriteString(src[at:begin])
		out.WriteString(m.replace(L, replacement, begin, end))
		if out.Len() > maxString {
			raise(L, "string.gsub: the result is larger than the %d MiB allowed", maxString>>20)
		}
		at = end
		if begin == end {
			if at < len(src) {
				out.WriteByte(src[at])
			}
			at++
		}
		if at > len(src) || strings.HasPrefix(pattern, "^") {
			break
		}
	}
	if at < len(src) {
		out.WriteString(src[at:])
	}
	L.Push(lua.LString(out.String()))
	L.Push(lua.LNumber(count))
	return 2
}

// replace is what takes the place of a match.
func (m *matcher) replace(L *lua.LState, by lua.LValue, begin, end int) string {
	var value lua.LValue
	switch by := by.(type) {
	case *lua.LTable:
		value = L.GetTable(by, m.capture(L, 0, begin, end))
	case *lua.LFunction:
		saved := *m // the function may search with the same iterator
		L.Push(by)
		n := m.pushCaptures(L, begin, end, true)
		L.Call(n, 1)
		*m = saved
		value = L.Get(-1)
		L.Pop(1)
	default:
		return m.template(L, lua.LVAsString(by), begin, end)
	}
	if lua.LVIsFalse(value) {
		return m.src[begin:end]
	}
	if !lua.LVCanConvToString(value) {
		raise(L, "string.gsub: the replacement is %s, and a text is needed", describe(value))
	}
	return lua.LVAsString(value)
}

// template expands %0 to %9 in a replacement.
func (m *matcher) template(L *lua.LState, text string, begin, end int) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != '%' || i+1 == len(text):
			out.WriteByte(text[i])
		case text[i+1] == '0':
			out.WriteString(m.src[begin:end])
			i++
		case digit(text[i+1]):
			out.WriteString(lua.LVAsString(m.capture(L, int(text[i+1]-'1'), begin, end)))
			i++
		default:
			i++
			out.WriteByte(text[i])
		}
	}
	return out.String()
}
