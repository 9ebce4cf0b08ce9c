package haproxycfg

import (
	"slices"
	"strings"
)

// insertFault puts a wrong line into a section.
func (g *generator) insertFault() {
	section, fault := "program", g.fault
	if slices.Contains(g.sections, "global") && g.chance(0.2) {
		section, fault = "global", g.globalFault
	}
	var at []int
	for i, s := range g.sections {
		if s == section {
			at = append(at, i)
		}
	}
	i := at[g.IntN(len(at))]
	g.lines = slices.Insert(g.lines, i+1, strings.Split(fault(), "\n")...)
}

func (g *generator) globalFault() string {
	return " " + g.one("setenv", "setenv A", `setenv A ""`, `setenv "" b`, "setenv A=B c", "setenv = x", "setenv A b c d", `setenv A b "" d`,
		"setenv A b c \"\" d", "setenv A b\\x00c", "presetenv", "presetenv U", `presetenv U ""`, `presetenv A ""`, "presetenv U=x y", "presetenv A=x y",
		"presetenv U b c d", "unsetenv", `unsetenv ""`, "unsetenv A=B", "unsetenv U A= K", `unsetenv "" A=B`, `unsetenv A "" K=`, "resetenv A=B",
		`resetenv "" A`, "resetenv", "no setenv A b", "default unsetenv A", "no", "global x", `global ""`, `global "" x`, "no global",
		"SETENV A b", "setenv\tA\vb\fc", "programm x", ".foo", `setenv A "$A`, "setenv A 'x' # 'y", `setenv A "${A[*]}${A[*]}"`, `setenv A "${B[*]}"`,
		`setenv A "${W[*]}"`, `setenv "${B[*]}"`, "localpeer", "localpeer x y", `localpeer "" y`, "no localpeer x", "master-worker x", "no master-worker",
		"master-worker no-exit-on-failure x", `master-worker "" x`, "hard-stop-after", `hard-stop-after ""`, "hard-stop-after 1x", "hard-stop-after x",
		"hard-stop-after 99999d", "hard-stop-after 25d", "hard-stop-after -1", "hard-stop-after 1.5s", "hard-stop-after +1", "hard-stop-after 1S",
		"pidfile", `pidfile ""`, "pidfile a b", "no mworker-max-reloads 1", "hard-stop-after 99999999999999999999", "hard-stop-after 2147483648")
}

// faultyFile is wrong as a whole.
func (g *generator) faultyFile(text string) string {
	switch g.IntN(6) {
	case 0:
		return "\xef\xbb\xbf" + text
	case 1:
		return strings.TrimSuffix(text, "\n")
	case 2:
		return text + g.one(" ", "# comment", " command d x", "\x00", "a\x00b\n", "\x00\n", "\r")
	case 3:
		return g.one("command x\n", "foo\n", "no option\n", "\"\" x\n", ".foo\n", "[x]\n", "default program\n") + text
	case 4:
		return strings.ReplaceAll(text, "\n", "\r")
	default:
		return text + "#" + strings.Repeat("x", 2040<<g.IntN(2)+g.IntN(10)) + g.one("", "\x00", "\x00\n", "\x00#\n", "\n\x00", "\n#\x00")
	}
}

// fault is a wrong line of a program section.
func (g *generator) fault() string {
	name := g.trial.file()
	switch g.IntN(6) {
	case 0:
		return " command d " + g.brokenWord()
	case 1:
		return " " + g.one("command", `command ""`, `command "$U" x`, "no command x", "default command x", "option", "option x",
			"option start-on-reload x", "no option start-on-reload x", "no option", "default option start-on-reload",
			"Option start-on-reload", "no no option start-on-reload", "option start-on-reload \"\" x",
			"user", "user nobody-knows", "user 0", "user root root", "group", "group nobody-knows", "group 0", "group root x",
			"no user root", "default group root", "user \"\"", "user root \"\" x")
	case 2:
		return " " + g.one("foo", "COMMAND x", "command: x", "uid 0", "gid 0", "start-on-reload", "no", "default", "no foo",
			"no \"\"", "\xef\xbb\xbfcommand x", "setenv A b", "command\x00 x", "x\x00", "no .if 1", "default .endif", "\"[x]\"", "'#'")
	case 3:
		return g.one("program", `program ""`, "program "+name+"-x y", "program "+name+"-1", "no program "+name+"-x\n command d",
			"program "+name+"-x\n program "+name+"-x", "program "+name+"-x", "program "+name+"-x \"\" y\n command d", "program "+name+"-X\n command d 1\nprogram "+name+"-x\n command d 2",
			"program \"$U\"", "[a b]", "[]", "[", "[a", "[a] b", "[a]b", "[a/b]", "[ a]", "[a][b]", "[\xe9]", "[a]\r\r", "[a]\rb", "[a] \v\f#")
	case 4:
		return g.one(".else", ".endif", ".elif 1", ".elif", ".else x", ".endif x", ".foo", ".", ".IF 1", ".elseif 1", ".if 1", ".if 0",
			".if true", ".alert x", ".alert", ".alert a b", ".notice a b", ".warning a b", ".diag a b", `.notice a "" b`, ".if 0\n.else\n.else\n.endif",
			".if 1\n.else\n.elif 1\n.endif", ".if 1\n.elif garbage\n.endif", ".if 0\n.elif garbage\n.endif", ".if 1\n.else \"\" x\n.endif",
			".if 1\n.endif \"$U\"", ".if 1\n.endif \"\" x", ". if", ".if\\ 1", ".if(1)",
			strings.Repeat(".if 0\n", 98+g.IntN(3))+strings.Repeat(".endif\n", 98+g.IntN(3))+"#")
	default:
		return ".if " + g.brokenCondition() + "\n.endif"
	}
}

// brokenWord is one that the lexer refuses, in most cases.
func (g *generator) brokenWord() string {
	switch g.IntN(6) {
	case 0, 1:
		return g.soup(14, "'", "'", `"`, `"`, `"`, `\`, `\`, "$", "${", "}", "A", "U", "B", "[*]", "-", "#", " ", "\t", "x", "x41", "x0", "0", "n", "\r", "/",
			`"$A"`, "${U-")
	case 2:
		return g.word(argument) + g.one(`'a b`, `"a b`, `\x4`, `\xg1`, `\x`, `"\x4"`, `"a\"`, `'a\''`, `"\xzz"`)
	case 3:
		return `"` + g.quoted(argument) + g.one("$", "$ ", "${", "${}", "$1", "$$", "${ A}", "$(x)", "$*", "$!", "$#", "$.", "${.X}", "$.line", "${.LINEX}", "$é", "${1}", "${-x}", "$-") + `"`
	case 4:
		return `"` + g.one("${A", "${A ", "${A:-x}", "${A+x}", "${A=x}", "${A.B}", "${A }", "${A[@]}", "${A[0]}", "${A[*}", "${A[", "${A[*]x}", "${A[]}",
			"${A-x", "${A[*]-x", "${.LINE[*]}", "${.LINE-x}", "${.LINE", "$A[*]", "${A-${B}}", "${U-${B}}", "${U-\\}}", "${U--}", "${U-}", "${A[*]}[*]", "${A}[*]", "${A[*]-\"}\"") + `"`
	default:
		return strings.Repeat("w ", 61+g.IntN(4)) + g.one("w", "w ", "w #", "''", "w ''", `"${B[*]}"`, `"$U"`)
	}
}

// soup is of up to so many ingredients.
func (g *generator) soup(most int, of ...string) string {
	var text string
	for range 1 + g.IntN(most) {
		text += g.one(of...)
	}
	return text
}

// brokenCondition is one with something changed, or deeper than is possible.
func (g *generator) brokenCondition() string {
	if g.chance(0.1) {
		return g.one(`" "`, `"" ""`, `"" 1`, `1 ""`, `"$U" "$U"`, `"\t"`, `"1 "`, `" 1"`, `"!"`, `"! "`, `"" # x`, `"\n1"`, `"1\n"`, `\x00`, `1\x00`,
			`"" \x00`)
	}
	if g.chance(0.15) {
		depth := 1 + g.IntN(400)
		if g.chance(0.7) {
			depth = 339 + g.IntN(4) // as deep as is possible (H-3.15)
		}
		long := 3*depth + g.IntN(3)
		switch g.IntN(5) {
		case 0:
			return strings.Repeat("1 "+g.one("&&", "||")+" ", 30+g.IntN(3)) + g.one("1", "", "1 ", "''", `1 "" 0`)
		case 1:
			return strings.Repeat("(", depth) + "1" + strings.Repeat(")", depth)
		case 2:
			return "1" + strings.Repeat("&&1", long)
		case 3:
			return "1" + strings.Repeat("||1", long)
		default:
			return strings.Repeat("!", long) + "1"
		}
	}
	if g.chance(0.4) {
		return doubleQuoted(g.soup(10, "(", ")", "(", ")", "!", "&&", "||", "&", "|", " ", "\t", "0", "1", "-", "+", "0x", "defined", "streq", "strneq(",
			"feature()", ",", "'", `"`, `\`, "A", "$A", "\n", "\x00", "defined(A)", "streq(a,a)", "1", "0", "&&", "||"))
	}
	text := g.or(3)
	for range 1 + g.IntN(2) {
		i := g.IntN(len(text) + 1)
		j := min(len(text), i+g.IntN(3))
		text = text[:i] + g.one("", "(", ")", "!", "&", "|", "&&", "||", ",", " ", "1", "x", "'", `"`, `\`, "\v", "\x00") + text[j:]
	}
	return doubleQuoted(text)
}

// mutated changes a few bytes or lines anywhere but in the part of an id that says which trial it belongs to.
func (g *generator) mutated(text string) string {
	tag := g.trial.file() + "-"
	for range 1 + g.IntN(3) {
		changed := g.shuffled(text)
		if g.chance(0.8) {
			changed = g.replaced(text)
			if strings.Count(changed, tag) != strings.Count(text, tag) {
				continue
			}
		}
		text = changed
	}
	return text + "#\n"
}

func (g *generator) replaced(text string) string {
	i := g.IntN(len(text) + 1)
	j := min(len(text), i+g.IntN(3))
	return text[:i] + g.one("", "", "'", `"`, `\`, "#", "$", "{", "}", " ", "\n", "\r", "\x00", "[", "]", ".", "!", "x", "-", "\\x",
		"${A}", "\t", ",", ")", "0") + text[j:]
}

// shuffled removes, doubles or swaps lines.
func (g *generator) shuffled(text string) string {
	lines := strings.SplitAfter(text, "\n")
	i, j := g.IntN(len(lines)), g.IntN(len(lines))
	switch g.IntN(3) {
	case 0:
		lines = slices.Delete(lines, i, i+1)
	case 1:
		lines = slices.Insert(lines, j, lines[i])
	default:
		lines[i], lines[j] = lines[j], lines[i]
	}
	return strings.Join(lines, "")
}
