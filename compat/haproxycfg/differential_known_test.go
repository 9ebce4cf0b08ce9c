package haproxycfg

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/program"
)

// outcome is what this package makes of a trial.
type outcome struct {
	named  bool // each program begins with the name of the trial, so that HAProxy's reports can be attributed to it
	argvs  [][]string
	errors program.Problems
}

func (h *haproxy) predict(c *trial) {
	config, problems := Load(h.options(c))
	named := !slices.ContainsFunc(config.Programs, func(s program.Spec) bool { return !strings.HasPrefix(s.Name, c.file()+"-") })
	c.outcome = outcome{named, commands(config), problems.Errors()}
}

func (h *haproxy) options(c *trial) Options {
	return Options{
		Files:     []string{c.file()},
		Env:       h.environment(),
		ReadFile:  oneFile(c.file(), c.text),
		Version:   h.version,
		LocalPeer: "peer",
	}
}

// obstacle says why the programs of a trial cannot be run here though it was accepted.
func (c *trial) obstacle() string {
	if !c.outcome.named {
		return "the id of a program was changed"
	}
	for _, argv := range c.outcome.argvs {
		if name := argv[0]; name != filepath.Base(name) || name == "." || name == ".." || len(name) > 255 {
			return "argv[0] is no name of a file"
		}
	}
	if c.identity && os.Getuid() != 0 && len(c.outcome.argvs) > 0 {
		return "a user needs root"
	}
	return ""
}

// difference describes what HAProxy and this package make differently of a trial, and in which way. "" means nothing.
func (c *trial) difference(v *verdict) (way, text string) {
	switch errors := c.outcome.errors; {
	case v.refused && len(errors) == 0:
		return "only HAProxy refuses it", fmt.Sprintf("%+v", *v)
	case !v.refused && len(errors) > 0:
		return "only mwlua refuses it", errors.Error()
	case v.refused && !sameLine(errors, v.reports):
		return "the first error is on another line", fmt.Sprintf("mwlua:\n%v\nHAProxy:\n%v", c.outcome.errors, v.reports)
	case v.refused || c.obstacle() != "":
		return "", ""
	case !v.started:
		return "HAProxy does not start it", fmt.Sprintf("%q", c.outcome.argvs)
	}
	if diff := cmp.Diff(v.argvs, c.outcome.argvs); diff != "" {
		return "argv differs", "(-HAProxy +mwlua):\n" + diff
	}
	return "", ""
}

const (
	// endOfFile is the line of a block without .endif, which HAProxy finds there, and mwlua blames on the .if.
	endOfFile = 1 << 30
	// noLine is that of a missing command, which HAProxy does not name, and does not look for when it has found an error
	// (H-1.14, T-23).
	noLine = endOfFile + 1
)

func sameLine(ours program.Problems, theirs []alert) bool {
	our, _ := firstOurs(ours)
	their, _ := firstTheirs(theirs)
	return our == their
}

// firstOurs is the first error of mwlua, and its line.
func firstOurs(problems program.Problems) (line int, first program.Problem) {
	line = noLine
	for _, p := range problems {
		at := p.Place.Line
		switch {
		case strings.HasSuffix(p.Text, `has no command: add a "command" line`):
			at = noLine
		case strings.HasPrefix(p.Text, "this .if has no .endif"):
			at = endOfFile
		}
		if at < line {
			line, first = at, p
		}
	}
	return line, first
}

// firstTheirs is the first error of HAProxy, and its line.
func firstTheirs(reports []alert) (line int, first alert) {
	line = noLine
	for _, a := range reports {
		if at := a.place(); at < line {
			line, first = at, a
		}
	}
	return line, first
}

func (a alert) place() int {
	if strings.HasPrefix(a.text, "non-terminated '.if' block") {
		return endOfFile
	}
	return a.line
}

// known names the fact that explains a difference, "" if none does. It compares the errors of both in the order of their
// lines: each must be on the same line, or be what only one of them has by a fact.
func (h *haproxy) known(c *trial, v *verdict) string {
	fact, theirs := "", v.reports
	for {
		our, p := firstOurs(c.outcome.errors)
		their, a := firstTheirs(theirs)
		switch {
		case our == their:
			return fact
		case our < their:
			return ourFact(p, v)
		}
		fact = h.theirFact(c, a)
		if fact != "D-3" { // HAProxy has lost a line: what follows may be a consequence
			return fact
		}
		theirs = slices.DeleteFunc(slices.Clone(theirs), func(a alert) bool { return a.place() == their })
	}
}

// ourFact explains an error that only mwlua has.
func ourFact(p program.Problem, v *verdict) string {
	switch {
	case strings.Contains(p.Text, "is no version of OpenSSL: ") && v.crashed:
		return "H-3.24"
	case strings.Contains(p.Text, "is no version of OpenSSL: "), strings.Contains(p.Text, "is no version of HAProxy: "):
		return "T-26"
	case strings.HasPrefix(p.Text, "is empty: "):
		return "H-2.23"
	}
	return ""
}

// theirFact explains an error that only HAProxy has.
func (h *haproxy) theirFact(c *trial, a alert) string {
	at := h.reach(c, a.line)
	words := at.lexed.words
	switch {
	case at.judgedByHAProxy():
		return "D-3"
	case later.MatchString(a.text):
		return "D-1"
	case strings.HasPrefix(a.text, "'option start-on-reload' cannot handle unexpected argument 'start-on-reload'") &&
		len(words) == 3 && words[0].text == "default":
		return "H-1.10"
	case at.err != nil:
		return ""
	case strings.HasPrefix(a.text, "too many words") && len(words) == maxWords && lineGoesOn.MatchString(at.line):
		return "H-2.6"
	case strings.HasPrefix(a.text, "unparsable conditional sub-expression ' '") && len(words) == 2 && lineGoesOn.MatchString(at.line):
		return "H-2.6"
	case strings.HasPrefix(a.text, "unmatched brace") && fallback.MatchString(at.line) && h.longest(c, a.line):
		return "H-2.39"
	}
	return ""
}

var (
	// later are predicates of later releases.
	later = regexp.MustCompile(`(?s)^unparsable conditional expression '.*(strstr|enabled|awslc_api_(atleast|before))\b`)
	// fallback is a variable with a default.
	fallback = regexp.MustCompile(`\$\{[.\w]*(\[\*\])?-`)
	// lineGoesOn is a line with something after the last word, of which HAProxy makes an empty one.
	lineGoesOn = regexp.MustCompile(`[ \t\v\f\r]$|[ \t\v\f](#|\r|''$|""$|"\$U"$)|\[\*\]`)
)

// reached is where this package is before it interprets a line.
type reached struct {
	loader *loader
	line   string
	lexed  lexed
	err    error
}

func (h *haproxy) reach(c *trial, number int) reached {
	lines := strings.SplitAfter(c.text, "\n")
	l := newLoader(h.options(c))
	l.read(source{c.file(), []byte(strings.Join(lines[:number-1], ""))})
	l.place.Line = number
	line := strings.TrimSuffix(lines[number-1], "\n")
	out, err := lex(line, l.lookup, l.room)
	return reached{l, line, out, err}
}

// judgedByHAProxy reports whether the line is one of `global` that this package takes no notice of.
func (r reached) judgedByHAProxy() bool {
	s := statement{words: r.lexed.words}
	keyword := s.text(0)
	directive := strings.HasPrefix(keyword, ".")
	if keyword == "no" || keyword == "default" {
		keyword = s.text(1)
	}
	_, known := globals[keyword]
	return r.loader.section.keyword == "global" && !known && !directive && !slices.Contains(sections, keyword)
}

// longest reports whether HAProxy's buffer, which grows by whole kilobytes, may be too short when it comes to line number.
func (h *haproxy) longest(c *trial, number int) bool {
	size := 0
	for i := 1; i < number; i++ {
		at, need := h.reach(c, i), 0
		if strings.HasPrefix(strings.TrimLeft(at.line, blanks), "[") { // not split into words (H-2.21)
			continue
		}
		for _, w := range at.lexed.words {
			need += len(w.text) + 1
		}
		size = max(size, (need+1023)/1024*1024)
	}
	at := h.reach(c, number)
	return len(at.line)+at.lexed.inserted > size
}
