package haproxycfg

import (
	"fmt"
	"math/rand/v2"
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
	others   int // sections that are not ours
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
	case kind == 7 && g.chance(0.25):
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
		if g.chance(0.003) { // about as long as HAProxy's buffer for a line, which begins with 2 kB and doubles
			b.WriteString(" #" + strings.Repeat("#", max(0, 2045<<g.IntN(2)+g.IntN(6)-len(line)-2)))
		}
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
	case n < 9 || g.depth > 2:
		g.programSection()
	case n < 10:
		g.otherSection()
		g.programSection()
	default:
		g.block(g.part)
	}
}

// otherSection is sound to HAProxy and nothing to mwlua, whatever its words mean elsewhere (D-3).
func (g *generator) otherSection() {
	g.section = "other"
	g.others++
	name := fmt.Sprintf("%s-o%d", g.trial.file(), g.others)
	keyword := g.one("userlist", "defaults", "http-errors", "mailers")
	if keyword == "defaults" {
		g.line(g.written(keyword))
	} else {
		g.line(g.written(keyword), name)
	}
	g.sections[len(g.sections)-1] = ""
	switch keyword {
	case "userlist":
		g.line(g.written("user"), "command", "insecure-password", "x"+g.piece(argument))
	case "defaults":
		g.line("mode", "tcp")
		g.line(g.written("log-tag"), "x"+g.piece(argument))
		g.line(g.one("", "no "), g.written("option"), "tcplog")
	}
	for range g.IntN(3) {
		g.otherLine()
	}
}

func (g *generator) otherLine() {
	if g.depth < 4 && g.chance(0.3) {
		g.block(g.otherLine)
		return
	}
	g.noise()
}

func (g *generator) globalSection() {
	g.section = "global"
	g.line(g.written("global"))
	for range 1 + g.IntN(4) {
		g.globalLine()
	}
}

func (g *generator) globalLine() {
	switch n := g.IntN(15); {
	case n < 7:
		g.line(g.written(g.one("setenv", "setenv", "presetenv")), g.target(), g.value())
	case n < 8 && g.trial.keeps:
		g.line("presetenv", "E", g.value()) // it has a value, if an empty one
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
	case n < 14:
		g.globalSetting()
	default:
		g.noise()
	}
}

// globalSetting is a keyword that concerns mwlua too.
func (g *generator) globalSetting() {
	switch g.IntN(4) {
	case 0:
		g.line(g.written("localpeer"), g.one("me", `"$B"`, "'a b'", `"x$Q"`))
	case 1:
		g.line(g.written("master-worker"), g.one("", "no-exit-on-failure"))
	case 2:
		g.line(g.written("mworker-max-reloads"), g.one("0", "5", `"$N"`, "x", "-1", "", "5 x"))
	default:
		g.line(g.written("hard-stop-after"), g.one("30s", "1h", "500", "0", "1d", "2m", "3ms", "4us", "1s x", "24d", "1s2", `"${N}m"`))
	}
}

// target is the name of a variable to change. E is not among them: it could not be restored.
func (g *generator) target() string {
	name := g.one(names...)
	if name == "E" {
		name = g.one("e", "A.B", "-")
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
	if g.chance(0.02) {
		id += `\x00` + g.some(plain, 4)
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
		line := []string{g.written("option"), g.written("start-on-reload")}
		if g.chance(0.3) {
			line = append([]string{g.written("no")}, line...)
		}
		g.line(line...)
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
		g.line(g.one("[x]", "[A-b_c.d:1] ", "[x]# y", "\t[x]\t# y", "\v[x]\f", "[x]\r", "[-]"))
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
		g.line(g.one("foo", ".foo", ".elseif", ".alert", "program", "command", "no", ".warning a", "global", "wibble",
			"setenv", "localpeer", "[x]", "unsetenv"), g.word(argument))
	}
	if g.chance(0.4) {
		g.line(".if", g.one("garbage", "(", "1 2", "0", "1"))
		g.line(g.one(".elif garbage", ".elif", ".else", "foo"))
		g.line(".endif")
	}
	g.line(".endif")
	g.depth--
}
