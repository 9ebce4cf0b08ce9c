package haproxycfg

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// values are the variables that trials begin with. U, V and T are not set; E, which only some have, is empty.
var values = map[string]string{
	"A":   "x",
	"A.B": "no name in a configuration, but one in the environment",
	"B":   "two words",
	"C":   " lead",
	"D":   "trail \t",
	"F":   `q"'\#$A${U}`,
	"G":   "l1\nl2\rend",
	"H":   "caf\u00e9\x80\xff",
	"K":   "command",
	"L":   strings.Repeat("long-", 80) + " " + strings.Repeat("long", 20),
	"N":   "1",
	"P":   "defined(A)",
	"Q":   "a,b)",
	"W":   " \v a  b\f c ",
	"X":   "y=z",
	"Z":   "0",
}

// names that trials use. Those that only mwlua knows, MWLUA and HAPROXY_BRANCH, are not among them.
var names = strings.Fields("A A B B C D E F G H K L N P Q W X Z U U V T _1 a HAPROXY_LOCALPEER HAPROXY_STARTUP_VERSION HAPROXY_CFGFILES")

// words makes the words of lines as somebody may write them. Most are sound; what is unsound is the task of faults.
type words struct{ *rand.Rand }

func (w words) chance(p float64) bool { return w.Float64() < p }

func (w words) one(of ...string) string { return of[w.IntN(len(of))] }

func (w words) some(chars string, most int) string {
	var b strings.Builder
	for range 1 + w.IntN(most) {
		b.WriteByte(chars[w.IntN(len(chars))])
	}
	return b.String()
}

const (
	letters  = "abcxyzABCXYZ019_"
	plain    = letters + letters + "-.:=,;|&<>!?*~^%@+(){}[]`\x80\xa0\xc3\xff"
	argument = plain + "/"
)

// word is one with quotes, escapes and variables; with [*] it may become several.
func (w words) word(chars string) string {
	if w.chance(0.03) {
		return w.one(`""`, `''`, `"$U"`, `""''`, `"$E"`)
	}
	if w.chance(0.01) {
		return w.some(chars, 2500) + "z"
	}
	var text string
	for range 1 + w.IntN(3) {
		text += w.piece(chars)
	}
	return text
}

func (w words) piece(chars string) string {
	switch n := w.IntN(20); {
	case n < 6:
		return w.some(chars, 5)
	case n < 9:
		return "'" + w.some(chars+" \t#\"\\$\v", 6) + "'"
	case n < 15:
		return `"` + w.quoted(chars) + `"`
	case n < 18:
		return w.escape()
	case n < 19:
		return w.one("$A", "${A}", "${A[*]}", "$", "${U-x}", `\$A`, "$ ")
	default:
		return w.one("#", "#c", "x#c", "\v", "\f", `\`+"\t")
	}
}

// quoted is what stands between double quotes.
func (w words) quoted(chars string) string {
	var text string
	for range w.IntN(4) {
		switch w.IntN(6) {
		case 0:
			text += w.some(chars+" \t#'\v", 6)
		case 1:
			text += w.escape()
		case 2:
			text += `\$`
		default:
			text += w.variable()
		}
	}
	return text
}

func (w words) escape() string {
	switch w.IntN(6) {
	case 0:
		return fmt.Sprintf(`\x%02x`, w.IntN(256))
	case 1:
		return w.one(`\x00`, `\x20`, `\x22`, `\x24`, `\x27`, `\x5c`, `\x0a`, `\x0D`, `\xFf`, `\x7e`, `\x2e`)
	case 2:
		return `\` + w.some("aefv0178XuU,;/.-([{}~`", 1)
	default:
		return w.one(`\\`, `\ `, `\"`, `\'`, `\#`, `\n`, `\r`, `\t`)
	}
}

func (w words) variable() string {
	name := w.one(names...)
	if w.chance(0.15) {
		name = w.one(".LINE", ".FILE", ".SECTION")
	}
	if w.chance(0.3) {
		return "$" + name
	}
	if w.chance(0.25) {
		name += "[*]"
	}
	if w.chance(0.25) {
		name += "-" + w.fallback()
	}
	return "${" + name + "}"
}

func (w words) fallback() string {
	if w.chance(0.2) {
		return ""
	}
	return w.some(letters+" \t#'\"\\$${[*]-:\v", 8)
}

// written writes text, which is a word, in one of the ways that mean just that.
func (w words) written(text string) string {
	switch w.IntN(12) {
	case 0:
		return "'" + text + "'"
	case 1:
		return `"` + text + `"`
	case 5:
		if w.chance(0.5) {
			return text + `\x00` + w.some(plain, 4)
		}
		return text + w.one(`"\x00 "`, `\x00\x41`, `"\x00$A"`, `"\x00${U-'}"`)
	case 2:
		i := w.IntN(len(text) + 1)
		return text[:i] + w.one(`""`, `''`, `"$U"`, `"${U[*]}"`) + text[i:]
	case 3:
		i := w.IntN(len(text))
		return fmt.Sprintf(`%s\x%02x%s`, text[:i], text[i], text[i+1:])
	case 4:
		return `"${U-` + text + `}"`
	default:
		return text
	}
}

// blank separates words.
func (w words) blank() string {
	if w.chance(0.9) {
		return " "
	}
	return w.some(" \t\v\f", 3)
}
