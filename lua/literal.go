package lua

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mwlua/mwlua/core/program"
)

// literal writes text, which holds no NUL, so that Lua reads it as that text, whatever its bytes.
func literal(text string) string {
	var b strings.Builder
	quotes := '"'
	if strings.Contains(text, `"`) && !strings.Contains(text, "'") {
		quotes = '\''
	}
	b.WriteRune(quotes)
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == quotes || r == '\\':
			b.WriteString(`\` + text[:1])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError && n == 1, !strconv.IsPrint(r):
			for _, c := range []byte(text[:n]) {
				fmt.Fprintf(&b, `\%03d`, c)
			}
		default:
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	b.WriteRune(quotes)
	return b.String()
}

// optional is the literal of text, and "" if there is none.
func optional(text string) string {
	if text == "" {
		return ""
	}
	return literal(text)
}

// literal is the literal of a text of d in which ${…} may be expanded.
func (d *draft) literal(text string) string {
	if !d.expand {
		text = escape(text)
	}
	return literal(text)
}

func (d *draft) optionalLiteral(text string) string {
	if text == "" {
		return ""
	}
	return d.literal(text)
}

// longList is the length from which a list has a line for each value.
const longList = 100

// list writes the values of a list.
func list[T any](values []T, write func(T) string) string {
	if len(values) == 0 {
		return "{}"
	}
	var texts []string
	for _, v := range values {
		texts = append(texts, write(v))
	}
	if text := "{ " + strings.Join(texts, ", ") + " }"; len(text) < longList {
		return text
	}
	return "{\n  " + strings.Join(texts, ",\n  ") + ",\n}"
}

// durationText is plainDuration as Lua reads it.
func durationText(d time.Duration) string { return quoted(plainDuration(d)) }

// plainDuration writes d, which is not negative, with the units of parseDuration.
func plainDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := d / unit.of; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + unit.name)
			d %= unit.of
		}
	}
	if d > 0 {
		b.WriteString(strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64) + "ms")
	}
	return b.String()
}

func modeText(mode uint32) string { return fmt.Sprintf(`"%04o"`, mode) }

func signalText(n int) string {
	names := signalNames()
	switch {
	case n < len(names):
		return quoted("SIG" + names[n])
	case n == firstRealTime:
		return `"SIGRTMIN"`
	case n > firstRealTime:
		return fmt.Sprintf(`"SIGRTMIN+%d"`, n-firstRealTime)
	}
	return strconv.Itoa(n)
}

// sizeText writes a number of bytes. In quotes it is exact, however large.
func sizeText(n uint64) string {
	for _, unit := range []struct {
		name  string
		shift int
	}{{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}} {
		if n > 0 && n>>unit.shift<<unit.shift == n {
			return fmt.Sprintf(`"%d%s"`, n>>unit.shift, unit.name)
		}
	}
	return fmt.Sprintf(`"%d"`, n)
}

func limitText(l program.Limit) string {
	write := func(n uint64) string {
		switch {
		case n == program.Unlimited:
			return `"unlimited"`
		case n < 1<<20:
			return strconv.FormatUint(n, 10)
		}
		return sizeText(n)
	}
	if l.Soft == l.Hard {
		return write(l.Soft)
	}
	return list([]uint64{l.Soft, l.Hard}, write)
}

// keyText writes the key of a table.
func keyText(name string) string {
	if isName(name) && !slices.Contains(keywords(), name) {
		return name
	}
	return "[" + literal(name) + "]"
}

func keywords() []string {
	return []string{"and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
		"not", "or", "repeat", "return", "then", "true", "until", "while"}
}
