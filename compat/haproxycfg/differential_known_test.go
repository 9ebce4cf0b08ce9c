package haproxycfg

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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

// known names the fact that explains why HAProxy and this package differ on the first error of c, and yields c without what
// the fact is about. "" means that no fact does.
func (h *haproxy) known(c *trial, v *verdict) (fact string, rest *trial) {
	our, p := firstOurs(c.outcome.errors)
	their, a := firstTheirs(v.reports)
	switch {
	case our == their:
		return "", nil
	case our < their:
		return h.ourFact(c, v, p)
	}
	return h.theirFact(c, v, a)
}

// ourFact explains an error that only mwlua has.
func (h *haproxy) ourFact(c *trial, v *verdict, p program.Problem) (fact string, rest *trial) {
	if strings.HasPrefix(p.Text, "is empty: ") && strings.Trim(c.text, blanks) == "" {
		return "H-2.23", c.with("#\n")
	}
	if last := strings.Count(c.text, "\n") + 1; p.Place.Line == last && fills(len(c.line(last))) {
		return "H-2.3", c.withLine(last, "")
	}
	if strings.HasPrefix(p.Text, "NUL byte at ") && v.crashed && len(v.reports) == 0 { // HAProxy reads the line up to there
		line := c.line(p.Place.Line)
		if changed := opensslTerm.ReplaceAllString(line, "0"); changed != line {
			return "H-3.24", c.withLine(p.Place.Line, changed)
		}
	}
	m := noVersion.FindStringSubmatch(p.Text)
	if m == nil {
		return "", nil
	}
	asked, err := strconv.Unquote(m[1])
	switch library := m[2]; {
	case err != nil:
		return "", nil
	case library == "OpenSSL" && v.crashed && len(v.reports) == 0:
		fact = "H-3.24"
	case library == "OpenSSL" && !soundOpenSSL.MatchString(asked), library == "HAProxy" && !soundVersion.MatchString(asked):
		fact = "T-26"
	default:
		return "", nil
	}
	return fact, h.withCondition(c, p.Place.Line, "0")
}

// fills reports whether a line of that length fills HAProxy's buffer, which begins with 2 kB and doubles. When it is the last
// line and has no line feed, HAProxy asks for the rest, gets none, and forgets the line. A text that was cut off is an error
// to mwlua whatever its length.
func fills(length int) bool { return length >= 2047 && (length+1)&length == 0 }

var (
	// noVersion is our error for a condition that asks for what is no version.
	noVersion = regexp.MustCompile(`: ("(?:[^"\\]|\\.)*") is no version of (HAProxy|OpenSSL): `)
	// soundVersion and soundOpenSSL are what we must not take for that.
	soundVersion = regexp.MustCompile(`^[ \t]?\d{1,4}(\.\d{1,4}){0,3}` +
		`(-(dev|rc|pre)\d{0,4}|(-(dev|rc|pre)\d{1,4})?(-[0-9a-f]{4,40})?-\d{1,4})?$`)
	soundOpenSSL = regexp.MustCompile(`^\d{1,3}\.\d{1,3}\.\d{1,3}([a-z]{0,2}|-(dev|alpha\d|beta\d|pre\d))$`)
	// opensslTerm is what may make HAProxy crash.
	opensslTerm = regexp.MustCompile(`openssl_version_(atleast|before)\([^)]*\)`)
)

// theirFact explains an error that only HAProxy has.
func (h *haproxy) theirFact(c *trial, v *verdict, a alert) (fact string, rest *trial) {
	at := h.reach(c, a.line)
	words := at.lexed.words
	switch {
	case at.err != nil:
		return "", nil
	case at.judgedByHAProxy(a):
		return "D-3", h.withoutJudged(c, v)
	case later.MatchString(a.text):
		return "D-1", h.withoutLater(c, a.line)
	case len(words) == 3 && words[0].text == "default" &&
		strings.HasPrefix(a.text, "'option start-on-reload' cannot handle unexpected argument 'start-on-reload'"):
		return "H-1.10", c.withLine(a.line, "")
	case strings.HasPrefix(a.text, "too many words") && len(words) == 64:
		return "H-2.6", c.withLine(a.line, withoutOne(at))
	case strings.HasPrefix(a.text, "unparsable conditional sub-expression ' '") && len(words) == 2 && words[1].text == "":
		return "H-2.6", h.withCondition(c, a.line, "0")
	case strings.HasPrefix(a.text, "unmatched brace") && fallback.MatchString(at.line):
		return "H-2.39", c.with(`"" ` + strings.Repeat("x", 1<<16) + "\n" + c.text)
	}
	return "", nil
}

// fallback is a variable with a default.
var fallback = regexp.MustCompile(`\$\{[.\w]*(\[\*\])?-`)

var (
	// later is the complaint about a term that begins with a predicate of later releases.
	later = regexp.MustCompile(`^unparsable conditional expression '[! \t]*(strstr|enabled|awslc_api_(atleast|before))[( ']`)
	// laterTerm is such a term.
	laterTerm = regexp.MustCompile(`\b(strstr|enabled|awslc_api_(atleast|before))(\([\w,]*\))?`)
)

// withoutLater is c with a condition that has no predicate of later releases.
func (h *haproxy) withoutLater(c *trial, number int) *trial {
	line := c.line(number)
	if changed := laterTerm.ReplaceAllString(line, "1"); changed != line {
		return c.withLine(number, changed)
	}
	return h.withCondition(c, number, "0")
}

// withCondition is c with another condition of the same directive.
func (h *haproxy) withCondition(c *trial, number int, condition string) *trial {
	return c.withLine(number, h.reach(c, number).lexed.words[0].text+" "+condition)
}

// withoutOne is a line without one of its words that are written plainly, so that it has room for an empty one.
func withoutOne(at reached) string {
	for _, w := range at.lexed.words[2:] {
		begin, end := w.column-1, w.column-1+len(w.text)
		if end < len(at.line) && isBlank(at.line[end]) && at.line[begin:end] == w.text {
			return at.line[:begin] + at.line[end+1:]
		}
	}
	return at.line
}

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
	line := c.line(number)
	out, err := lex(line, l.lookup, l.room)
	return reached{l, line, out, err}
}

// ours are the keywords of global that this package judges, and haproxySections those that begin a section (H-1.23). They are
// written out, so that one that gets lost in the package differs.
var (
	ours = strings.Fields("setenv presetenv unsetenv resetenv localpeer pidfile master-worker mworker-max-reloads hard-stop-after stats " +
		"zero-warning")
	haproxySections = strings.Fields("global defaults listen frontend backend peers resolvers mailers userlist cache http-errors ring " +
		"log-forward fcgi-app namespace_list program")
)

// withoutJudged is c without the lines that only HAProxy has something to say about.
func (h *haproxy) withoutJudged(c *trial, v *verdict) *trial {
	rest := c
	for _, a := range v.reports {
		if at := h.reach(c, a.line); at.err == nil && at.judgedByHAProxy(a) {
			rest = rest.withLine(a.line, "")
		}
	}
	return rest
}

// judgedByHAProxy reports whether the line that a is about is one that this package takes no notice of: of `global` with
// another keyword than ours, or of another section that is no program, or the beginning of such a section.
func (r reached) judgedByHAProxy(a alert) bool {
	s := statement{words: r.lexed.words}
	keyword := s.text(0)
	if keyword == "no" || keyword == "default" {
		keyword = s.text(1)
	}
	switch section := r.loader.section.keyword; {
	case strings.HasPrefix(s.text(0), "."), strings.Contains(a.text, " in 'program' section"):
		return false
	case slices.Contains(haproxySections, keyword):
		return keyword != "program" && keyword != "global"
	case section == "global":
		return !slices.Contains(ours, keyword)
	default:
		return section != "" && section != "program"
	}
}
