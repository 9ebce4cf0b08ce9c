package haproxycfg

import (
	"fmt"
	"strings"
)

// condition is what follows an .if, as words of a line.
func (w words) condition() string {
	if w.chance(0.3) {
		return w.one("0", "1", "1", "", `""`, `"$N"`, `"$Z"`, `"$P"`, `"$U"`, "defined(A)", "!defined(A)", "defined(U)")
	}
	text := w.or(3)
	double := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	switch {
	case w.chance(0.4) && !strings.Contains(text, "'"):
		return "'" + text + "'"
	case w.chance(0.85):
		return `"` + double.Replace(text) + `"`
	default:
		return text
	}
}

func (w words) or(depth int) string {
	text := w.and(depth)
	for w.chance(0.25) {
		text += w.gap() + "||" + w.gap() + w.and(depth)
	}
	return text
}

func (w words) and(depth int) string {
	text := w.term(depth)
	for w.chance(0.25) {
		text += w.gap() + "&&" + w.gap() + w.term(depth)
	}
	return text
}

func (w words) gap() string { return w.one("", "", " ", " ", "  ", "\t") }

func (w words) term(depth int) string {
	var text string
	for w.chance(0.25) {
		text += "!" + w.one("", "", " ")
	}
	switch n := w.IntN(12); {
	case n < 3:
		return text + w.integer()
	case n < 5 && depth > 0:
		return text + "(" + w.gap() + w.or(depth-1) + w.gap() + ")"
	default:
		return text + w.predicate()
	}
}

func (w words) integer() string {
	if w.chance(0.97) {
		return w.one("0", "1", "2", "-1", "+1", "-0", "00", "0x0", "0x1F", "0X10", "010", "99999999999999999999", "-99999999999999999999")
	}
	return w.one("08", "1.5", "1a", "1 2", "0x", "0xg", "+", "-", "--1", "+-1", "0b1", "1e3", "1_0", "- 1", "00x1", "\v1", "yes", "true")
}

func (w words) predicate() string {
	switch w.IntN(16) {
	case 0, 1, 2, 3:
		return w.one("streq", "strneq") + w.pair()
	case 4, 5:
		return "feature(" + w.one("OPENSSL", "LUA", "-LUA", "+LUA", "QUIC", "-QUIC", "openssl", "FOO", "", "OPEN", "PCRE", "PCRE2", "PCRE2_JIT", " LUA", "LUA ", "LUA +NS", "TFO", "51DEGREES") + ")"
	case 6, 7:
		return w.one("version_atleast", "version_before") + "(" + w.release() + ")"
	case 8:
		return w.one("openssl_version_atleast", "openssl_version_before") + "(" + w.openssl() + ")"
	case 9:
		return "ssllib_name_startswith(" + w.one("OpenSSL", "OpenSSL 3", "Open", "BoringSSL", "LibreSSL", "", "openssl", " ", "\"OpenSSL 3\"") + ")"
	case 10:
		switch {
		case w.chance(0.07): // of later releases (D-1)
			return w.one("strstr(abc,b)", "enabled(POLL)", "awslc_api_atleast(1)", "awslc_api_before(1)")
		case w.chance(0.7):
			return w.one("defined", "defined()", "feature", "feature()", "streq(,)", "strneq(,)", "streq(a,)")
		}
		return w.one("defined(A", "defined A)", "streq()", "streq", "streq(a)",
			"streq(a,b,c)", "defined(A)x", "defined(A) x", "defined (A)", "Defined(A)", "defined(A,U)", "definedx(A)", "define(A)",
			"defined(A)(B)", "defined(A)!", "()", "(1", "1)", "", "(defined(A)", "streq(\"a)",
			"defined(\\)", "defined('A\\')", "version_atleast", "openssl_version_before")
	default:
		return "defined(" + w.one(w.one(names...), w.one(names...), " A", "A ", `"A"`, "'A'", `\A`, `A\n`, "$A", "${K}", ".LINE", "A=x", "PATH") + ")"
	}
}

// pair is the two arguments of a comparison, which are the same string in half of the cases.
func (w words) pair() string {
	a := w.item()
	b := a
	if w.chance(0.5) {
		b = w.item()
	}
	return "(" + w.grouped(a) + "," + w.grouped(b) + ")"
}

func (w words) item() string {
	return w.some(letters+letters+" -.:;|&!*\"'\\,)(\xe9", 4)
}

// grouped writes an argument in one of the ways that the second level of quoting has, or in none of them.
func (w words) grouped(text string) string {
	switch w.IntN(7) {
	case 0:
		return "'" + text + "'"
	case 1:
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
	case 2:
		return text
	case 3:
		return w.one("$A", "${K}", "x", `"$A"`, "${U-x}", "command", "$B", "two words", "$Q", "$F", "${.LINE}", "$E", `a\nb`, `\x41`, `\t`)
	default:
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "'", `\'`, ",", `","`, ")", "')'").Replace(text)
	}
}

// release is a version of HAProxy. A few are none (T-26).
func (w words) release() string {
	if w.chance(0.05) {
		return w.one("", "x", "2.x", "v2", "2.6.", "2.6-foo", "2.6 ", "2.6.12.0.0", "2..6", "-", "2.6-dev", "2.6-devx", "2.6-rc1x", "1.2.3.4.5", "2.6-1x", " 2.6")
	}
	text := w.one("2", "2.6", "2.6.12", "2.6.11", "2.6.13", "2.7", "3.2", "1.9", "2.6.12.0", "2.6.12.1", "02.06", "2.6.012", "0", "9999")
	switch w.IntN(4) {
	case 0:
		text += fmt.Sprintf("-%s%d", w.one("dev", "rc", "pre"), w.IntN(12))
	case 1:
		text += w.one("-1", "-0", "-abcdef-3", "-abcdef-0", "-1+deb12u4", "-12")
	}
	if w.chance(0.1) {
		text += w.one("-1", "-0f3c-17", "-abcd")
	}
	return text
}

// openssl is a version far enough from that of any haproxy 2.6.12 of Debian. A few are none, and make it crash (H-3.24).
func (w words) openssl() string {
	if w.chance(0.03) {
		return w.one("", "x", "3", "3.0", "1.1.1-", "3.0.0.0")
	}
	return w.one("3.0.0", "1.1.1", "1.1.1k", "3.1.0", "3.0.0-dev", "3.1.0-alpha1", "0.9.8zh", "4.0.0", "1.0.2-fips", "3.0.0-beta2", "3.99.0")
}
