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
	if w.chance(0.05) {
		text = strings.Replace(text, " ", "\x00", 1+w.IntN(3)) // which means the same here
	}
	escapes := strings.ContainsAny(text, "\n\r\x00")
	switch {
	case w.chance(0.4) && !escapes && !strings.Contains(text, "'"):
		return "'" + text + "'"
	case w.chance(0.15) && !escapes:
		return text
	default:
		return doubleQuoted(text)
	}
}

// doubleQuoted is text as a word in double quotes, in which variables are still expanded.
func doubleQuoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\x00", `\x00`).Replace(text) + `"`
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
		return "feature(" + w.one("OPENSSL", "LUA", "-LUA", "+LUA", "QUIC", "-QUIC", "openssl", "FOO", "", "OPEN", "PCRE", "PCRE2", "PCRE2_JIT", " LUA", "LUA ",
			"LUA +NS", "TFO", "51DEGREES", "NS +", "PCRE2 +PCRE2_JIT", "CPU_AFFINITY +CRYPT_H", "LUA -MEMORY_PROFILING +NETFILTER") + ")"
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
		return "defined(" + w.one(w.one(names...), w.one(names...), " A", "A ", `"A"`, "'A'", `\A`, `A\n`, "$A", "${K}", ".LINE",
			"A=x", "X=y", "X=z", "PATH", "A.B", "-") + ")"
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
	if w.chance(0.003) {
		return strings.Repeat("x", 16380+w.IntN(8)) // HAProxy's buffer for arguments has 16 kB
	}
	return w.some(letters+letters+" -.:;|&!*\"'\\,)(\xe9\t\n\r", 4)
}

// grouped writes an argument in one of the ways that the second level of quoting has, or in none of them.
func (w words) grouped(text string) string {
	switch w.IntN(8) {
	case 0:
		return "'" + text + "'"
	case 1:
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
	case 2:
		return text
	case 3, 4:
		return strings.NewReplacer("\t", `\t`, "\n", `\n`, "\r", `\r`, " ", `\ `,
			`\`, `\\`, `"`, `\"`, "'", `\'`, ",", `','`, ")", `")"`).Replace(text)
	case 5:
		return w.one("$A", "${K}", "x", `"$A"`, "${U-x}", "command", "$B", "two words", "$Q", "$F", "${.LINE}", "$E", `a\nb`, `\x41`, `\t`)
	default:
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "'", `\'`, ",", `","`, ")", "')'").Replace(text)
	}
}

// release is a version of HAProxy. A few are none (T-26).
func (w words) release() string {
	if w.chance(0.03) {
		return w.some("0122667.....--devrcpe+ x", 9)
	}
	if w.chance(0.05) {
		return w.one("", "x", "2.x", "v2", "2.6.", "2.6-foo", "2.6 ", "2.6.12.0.0", "2..6", "-", "2.6-dev", "2.6-devx", "2.6-rc1x", "1.2.3.4.5", "2.6-1x", " 2.6",
			"2.7-dev", "2.7-rc-1", "2.7-devx", "2.7-rcx", "2.7-prex", "2.7-x-", "2.7-dev-5x", "2.7--", "99999999999", "4294967298.5", "2.6.12- 5", "2.6.12-4294967296")
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

// openssl is a version far enough from that of any haproxy 2.6.12 of Debian, 3.0. A few make it crash (H-3.24), or are none.
func (w words) openssl() string {
	if w.chance(0.02) {
		return w.one("16.0.0", "15.0.0", "1.256.0", "1.255.0", "1.1.256", "1.1.255", "3.0.0-beta14", "3.0.0-beta15", "3.0.0-beta15x", "3.0.0-beta", "0.0.0",
			"0.0.0-dev", "0.0.1-dev", "-1.0.0", "99999999999999999999.0.0", "3.0.0-", "1.1.1K", "3.0.0zzzzzzzzzzz", "0.9.8a-b")
	}
	if w.chance(0.03) {
		return w.one("", "x", "3", "3.0", "1.1.1-", "3.0.0.0")
	}
	return w.one("3.0.0", "1.1.1", "1.1.1k", "3.1.0", "3.0.0-dev", "3.1.0-alpha1", "0.9.8zh", "4.0.0", "1.0.2-fips", "3.0.0-beta2", "3.99.0", "3.0.1", "3.0.99", "1.0.2k-fips", "9.0.0", "15.1.1z")
}
