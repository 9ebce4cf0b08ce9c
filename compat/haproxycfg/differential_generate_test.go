package haproxycfg

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// trial is one configuration that HAProxy and this package are to take for the same.
type trial struct {
	seed  uint64
	index int
	text  string
	// keeps says that E, which is empty, is in its environment at the beginning and at the end. It must be: nothing can bring
	// it back for the next trial (H-4.1).
	keeps bool
	// identity says that a program has a user or a group, which takes root to start.
	identity bool
	outcome  outcome
}

// file is its name, and how the ids of its programs begin.
func (c *trial) file() string { return fmt.Sprintf("c%d", c.index) }

// generator makes a trial.
type generator struct {
	words
	trial    *trial
	lines    []string
	sections []string // the keyword of the section of each line, "" for the first line of a section
	section  string   // the current one
	ids      int
	depth    int // of conditions
}

// newTrial makes the same trial of the same numbers. Six of ten are sound as far as the generator knows; in two a line is
// wrong; in two something is changed anywhere.
func newTrial(seed uint64, index int) *trial {
	g := &generator{
		words: words{rand.New(rand.NewPCG(seed, uint64(index)))},
		trial: &trial{seed: seed, index: index},
	}
	kind := g.IntN(10)
	g.trial.keeps = kind < 6 && g.chance(0.5)
	g.file()
	if kind == 6 || kind == 7 {
		g.insertFault()
	}
	g.trial.text = g.text()
	switch {
	case kind >= 8:
		g.trial.text = g.mutated(g.trial.text)
	case kind == 7 && g.chance(0.1):
		g.trial.text = g.faultyFile(g.trial.text)
	}
	return g.trial
}

// text joins the lines.
func (g *generator) text() string {
	end, odd := "\n", 0.02
	if g.chance(0.05) {
		end, odd = "\r\n", 0.1
	}
	var b strings.Builder
	for _, line := range g.lines {
		b.WriteString(line)
		if g.chance(odd) {
			b.WriteString(g.one(" ", "\t ", "\r", "\r\r", " \r", "\rcut off", " # comment", "#", "# \"", "\f"))
		}
		b.WriteString(end)
	}
	return b.String()
}

// line adds one. The first has no default of a variable, as a rule: HAProxy would stumble over it (H-2.39).
func (g *generator) line(words ...string) {
	if len(g.lines) == 0 && strings.Contains(strings.Join(words, ""), "${") && g.chance(0.99) {
		g.line(".notice", "first")
	}
	indentation := " "
	if g.chance(0.1) {
		indentation = g.one("", "\t", "   ", "\v", "\f\t", "\r")
	}
	text := indentation
	for i, word := range words {
		if i > 0 {
			text += g.blank()
		}
		text += word
	}
	g.lines = append(g.lines, text)
	g.sections = append(g.sections, g.section)
}

func (g *generator) file() {
	for range 1 + g.IntN(3) {
		g.part()
	}
	if g.ids == 0 {
		g.programSection()
	}
}

// part is some sections. After it the current section is not known, so that one must begin.
func (g *generator) part() {
	switch n := g.IntN(12); {
	case n < 4:
		g.globalSection()
		g.programSection()
	case n < 10 || g.depth > 2:
		g.programSection()
	default:
		g.block(g.part)
	}
}

func (g *generator) globalSection() {
	g.section = "global"
	g.line(g.written("global"))
	for range 1 + g.IntN(4) {
		g.globalLine()
	}
}

func (g *generator) globalLine() {
	switch n := g.IntN(14); {
	case n < 7:
		g.line(g.written(g.one("setenv", "setenv", "presetenv")), g.target(), g.value())
	case n < 8:
		g.line("setenv", g.target(), g.value(), g.word(argument))
	case n < 10:
		g.line(append([]string{g.written("unsetenv")}, g.targets(1)...)...)
	case n < 11:
		keep := g.targets(0)
		if g.trial.keeps {
			keep = append(keep, "E")
		}
		g.line(append([]string{g.written("resetenv")}, keep...)...)
	case n < 13 && g.depth < 4:
		g.block(g.globalLine)
	default:
		g.noise()
	}
}

// target is the name of a variable to change. E is not among them: it could not be restored.
func (g *generator) target() string {
	name := g.one(names...)
	if name == "E" {
		name = "e"
	}
	return g.written(name)
}

func (g *generator) targets(least int) []string {
	var targets []string
	for range least + g.IntN(4) {
		targets = append(targets, g.target())
	}
	return targets
}

// value is a word for a variable. An empty one is refused (H-4.1).
func (g *generator) value() string {
	if g.chance(0.3) {
		return g.one("'a b'", `" a  b "`, `"\ta\n"`, "command", "1", "0", `'$A'`, `'"'`, `"'"`, `"a\\"`, `"${.LINE}"`, "x"+g.word(argument))
	}
	return g.one("v", `"v`+g.quoted(argument)+`"`, "w"+g.piece(argument))
}

func (g *generator) programSection() {
	g.section = "program"
	g.ids++
	id := fmt.Sprintf("%s-%d", g.trial.file(), g.ids)
	if g.chance(0.2) {
		quote := g.one("'", `"`)
		id += quote + g.some("ab ;|=:-\xff", 4) + quote
	}
	g.line(g.written("program"), id)
	g.sections[len(g.sections)-1] = ""
	for range g.IntN(4) {
		g.programLine()
	}
	g.command()
	for range g.IntN(2) {
		g.programLine()
	}
}

func (g *generator) programLine() {
	switch n := g.IntN(20); {
	case n < 7:
		g.command()
	case n < 9:
		g.line(g.one("", "", "no "), g.written("option"), g.written("start-on-reload"))
	case n < 10:
		g.line(g.written(g.one("user", "group")), g.written("root"))
		g.trial.identity = true
	case n < 15 && g.depth < 4:
		g.block(g.programLine)
	case n < 16:
		g.falseBlock()
	default:
		g.noise()
	}
}

func (g *generator) command() {
	name := "d"
	if g.chance(0.15) {
		name = g.one("d", "-n", `"$A"`, `"${B}"`, "'") // the last one is a quote that a plain word closes
		if name == "'" {
			name = "d" + g.word(plain)
		}
	}
	words := []string{g.written("command"), name}
	most := 6
	if g.chance(0.01) {
		most = 66
	}
	for range g.IntN(most) {
		words = append(words, g.word(argument))
	}
	if most == 66 && g.chance(0.7) {
		words = words[:2]
		for range 59 + g.IntN(5) {
			words = append(words, "w")
		}
	}
	g.line(words...)
}

// noise is a line that changes nothing.
func (g *generator) noise() {
	switch g.IntN(6) {
	case 0:
		g.line(g.one("", "#", "# "+g.some(plain+" '\"$\\", 9), "\t"))
	case 1:
		g.line(g.one(`""`, `''`, `"$U"`, `"${U[*]}"`, `\x00`), g.word(argument))
	case 2:
		g.line(g.written(g.one(".notice", ".warning", ".diag")), `"`+g.quoted(argument)+`"`)
	case 3:
		g.line(g.one("[x]", "[A-b_c.d:1] ", "[x]# y", "\t[x]\t# y"))
	case 4:
		g.line(g.one(".notice", ".warning"))
	default:
		g.line(g.written(".if"), "0")
		g.line(g.written(".endif"))
	}
}

// block is an .if with content made by body, which may begin sections only where one begins after the block too.
func (g *generator) block(body func()) {
	g.depth++
	section := g.section
	g.line(g.written(".if"), g.condition())
	body()
	for g.chance(0.3) {
		g.section = section
		g.line(g.written(".elif"), g.condition())
		body()
	}
	if g.chance(0.5) {
		g.section = section
		g.line(g.written(".else"))
		body()
	}
	g.section = section
	g.line(g.written(".endif"))
	g.depth--
}

// falseBlock has what is not looked at, though it is split into words (H-3.3, H-3.7).
func (g *generator) falseBlock() {
	g.depth++
	g.line(".if", g.one("0", "", "!1", "defined(U)"))
	for range g.IntN(4) {
		g.line(g.one("foo", ".foo", ".elseif", ".alert", "program", "command", "no", ".warning a", "global", "wibble"), g.word(argument))
	}
	if g.chance(0.4) {
		g.line(".if", g.one("garbage", "(", "1 2", "0", "1"))
		g.line(g.one(".elif garbage", ".elif", ".else", "foo"))
		g.line(".endif")
	}
	g.line(".endif")
	g.depth--
}

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
		`setenv A "${W[*]}"`, `setenv "${B[*]}"`)
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
		return text + strings.Repeat("foo\n", 48+g.IntN(4)) + "\"\n"
	}
}

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
	switch g.IntN(4) {
	case 0:
		return g.word(argument) + g.one(`'a b`, `"a b`, `\x4`, `\xg1`, `\x`, `"\x4"`, `"a\"`, `'a\''`, `"\xzz"`)
	case 1:
		return `"` + g.quoted(argument) + g.one("$", "$ ", "${", "${}", "$1", "$$", "${ A}", "$(x)", "$*", "$!", "$#", "$.", "${.X}", "$.line", "${.LINEX}", "$é", "${1}", "${-x}", "$-") + `"`
	case 2:
		return `"` + g.one("${A", "${A ", "${A:-x}", "${A+x}", "${A=x}", "${A.B}", "${A }", "${A[@]}", "${A[0]}", "${A[*}", "${A[", "${A[*]x}", "${A[]}",
			"${A-x", "${A[*]-x", "${.LINE[*]}", "${.LINE-x}", "${.LINE", "$A[*]", "${A-${B}}", "${U-${B}}", "${U-\\}}", "${U--}", "${U-}", "${A[*]}[*]", "${A}[*]", "${A[*]-\"}\"") + `"`
	default:
		return strings.Repeat("w ", 61+g.IntN(4)) + g.one("w", "w ", "w #", "''", "w ''", `"${B[*]}"`, `"$U"`)
	}
}

// brokenCondition is one with something changed, or deeper than is possible.
func (g *generator) brokenCondition() string {
	if g.chance(0.1) {
		n := g.one("10", "300", "330", "339", "340", "341", "342", "350", "400")
		var depth int
		fmt.Sscan(n, &depth)
		switch g.IntN(4) {
		case 0:
			return strings.Repeat("(", depth) + "1" + strings.Repeat(")", depth)
		case 1:
			return "1" + strings.Repeat("&&1", 3*depth)
		case 2:
			return "1" + strings.Repeat("||1", 3*depth)
		default:
			return strings.Repeat("!", 3*depth) + "1"
		}
	}
	text := g.or(3)
	for range 1 + g.IntN(2) {
		i := g.IntN(len(text) + 1)
		j := min(len(text), i+g.IntN(3))
		text = text[:i] + g.one("", "(", ")", "!", "&", "|", "&&", "||", ",", " ", "1", "x", "'", `"`, `\`, "\v") + text[j:]
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
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
