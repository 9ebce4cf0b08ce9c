package lua

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxString bounds what one call makes: strings grow by one call otherwise, in which nobody looks at the time or the memory.
const maxString = 1 << 20

// textFunctions are functions of the string library that gopher-lua has wrong or without a bound.
func (l *loader) textFunctions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"byte": bytes,
		"rep":  repeat,
		"format": func(L *lua.LState) int {
			L.Push(lua.LString(format(L)))
			return 1
		},
	}
}

// bytes is string.byte(s, i, j).
func bytes(L *lua.LState) int {
	text := L.CheckString(1)
	first := L.OptInt(2, 1)
	last := L.OptInt(3, first)
	if first < 0 {
		first += len(text) + 1
	}
	if last < 0 {
		last += len(text) + 1
	}
	first, last = max(first, 1), min(last, len(text))
	if last-first >= maxUnpacked {
		raise(L, "string.byte: more than %d values at once", maxUnpacked)
	}
	for i := first; i <= last; i++ {
		L.Push(lua.LNumber(text[i-1]))
	}
	return max(last-first+1, 0)
}

func repeat(L *lua.LState) int {
	text, n := L.CheckString(1), max(L.CheckInt(2), 0)
	if len(text) > 0 && n > maxString/len(text) {
		raise(L, "string.rep: %d times %d bytes is more than the %d MiB allowed", n, len(text), maxString>>20)
	}
	if len(text) == 0 {
		n = 0
	}
	L.Push(lua.LString(strings.Repeat(text, n)))
	return 1
}

// tableConcat is table.concat(list, separator, i, j).
func (l *loader) tableConcat(L *lua.LState) int {
	list, separator := L.CheckTable(1), L.OptString(2, "")
	first, last := L.OptInt(3, 1), L.OptInt(4, list.Len())
	var b strings.Builder
	for i := first; i <= last; i++ {
		value := list.RawGetInt(i)
		if !lua.LVCanConvToString(value) {
			raise(L, "table.concat: value %d is %s, and only texts and numbers can be joined", i, describe(value))
		}
		if i > first {
			b.WriteString(separator)
		}
		b.WriteString(lua.LVAsString(value))
		if b.Len() > maxString {
			raise(L, "table.concat: the result is larger than the %d MiB allowed", maxString>>20)
		}
	}
	L.Push(lua.LString(b.String()))
	return 1
}

// format is string.format with its arguments on the stack. gopher-lua's never fails and prints Go's own words.
func format(L *lua.LState) string {
	layout := L.CheckString(1)
	var b strings.Builder
	argument := 1
	for {
		before, after, found := strings.Cut(layout, "%")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if rest, ok := strings.CutPrefix(after, "%"); ok {
			b.WriteByte('%')
			layout = rest
			continue
		}
		n := len(after) - len(strings.TrimLeft(after, "-+ #0123456789."))
		if n >= len(after) {
			raise(L, "string.format: %s ends with an unfinished %%", quote(L.CheckString(1)))
		}
		argument++
		b.WriteString(directive(L, after[:n], after[n], argument))
		if b.Len() > maxString {
			raise(L, "string.format: the result is larger than the %d MiB allowed", maxString>>20)
		}
		layout = after[n+1:]
	}
}

// directive formats one argument. C's flags, width and precision mean the same in Go.
func directive(L *lua.LState, flags string, verb byte, argument int) string {
	if !isFlags(flags) {
		raise(L, "string.format: cannot understand %%%s%c", flags, verb)
	}
	value := L.Get(argument)
	if argument > L.GetTop() {
		raise(L, "string.format: no value for %%%s%c (argument %d)", flags, verb, argument)
	}
	switch verb {
	case 'd', 'i':
		return fmt.Sprintf("%"+flags+"d", int64(number(L, value, verb)))
	case 'u', 'x', 'X', 'o':
		if verb == 'u' {
			verb = 'd'
		}
		return fmt.Sprintf("%"+flags+string(verb), uint64(int64(number(L, value, verb))))
	case 'c':
		return string([]byte{byte(int64(number(L, value, verb)))})
	case 'e', 'E', 'f', 'g', 'G':
		return fmt.Sprintf("%"+flags+string(verb), number(L, value, verb))
	case 's':
		return fmt.Sprintf("%"+flags+"s", L.ToStringMeta(value).String())
	case 'q':
		return luaQuote(L.ToStringMeta(value).String())
	}
	raise(L, "string.format: unknown %%%s%c", flags, verb)
	return ""
}

// isFlags allows what C does: flags, and two digits each for width and precision.
func isFlags(s string) bool {
	width, precision, _ := strings.Cut(strings.TrimLeft(s, "-+ #0"), ".")
	return len(width) <= 2 && len(precision) <= 2 && strings.Trim(width+precision, "0123456789") == ""
}

func number(L *lua.LState, value lua.LValue, verb byte) float64 {
	switch v := value.(type) {
	case lua.LNumber:
		return float64(v)
	case lua.LString:
		if f, err := strconv.ParseFloat(strings.TrimSpace(string(v)), 64); err == nil {
			return f
		}
	}
	raise(L, "string.format: expected a number for %%%c, got %s", verb, describe(value))
	return math.NaN()
}

// luaQuote writes s as Lua reads it.
func luaQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\n':
			b.WriteString("\\n")
		case '\r':
			b.WriteString("\\r")
		case 0:
			b.WriteString("\\000")
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// describe names a value in a message: its type, and itself if it is short.
func describe(value lua.LValue) string {
	switch v := value.(type) {
	case lua.LString:
		if len(v) <= maxQuoted {
			return "string " + strconv.Quote(string(v))
		}
		return "a string"
	case lua.LNumber:
		return "number " + numeral(float64(v))
	case lua.LBool:
		return v.String()
	case *lua.LTable:
		return "a table"
	case *lua.LFunction:
		return "a function"
	case *lua.LUserData:
		if h, ok := v.Value.(*half); ok {
			return h.kind + " " + quote(h.name) + " without its table"
		}
		if d, ok := v.Value.(*draft); ok {
			return d.what
		}
		return "an object"
	case *lua.LNilType, nil:
		return "nil"
	}
	return "a " + value.Type().String()
}

// numeral writes a number as a person would: whole ones without a fraction.
func numeral(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
