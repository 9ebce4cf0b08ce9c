package haproxycfg

import (
	"strconv"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/program"
)

// loader is one run of Load.
type loader struct {
	report
	options Options
	env     *environ
	version version // that conditions are answered for
	room    int     // bytes that variables may still insert

	place    program.Place // of the line being read
	section  section
	blocks   []block // open .if of this file, outermost first
	cfgfiles string

	programs []*declared
	ids      map[string]program.Place // of the programs
	global   global
	users    map[string]identity // what was looked up already
	groups   map[string]identity

	files []source
	edits []changes // for copies: of each file that was begun; nil when no copies are wanted
	up    string    // the `default-path` in force, from the directory of each file: "/." for `config`, "/.." for `parent`, else ""
}

// global is what the `global` sections say.
type global struct {
	pidfile       string
	keepOnFailure bool // master-worker no-exit-on-failure
	maxReloads    int
	hardStopAfter time.Duration
	quiet         bool
	zeroWarning   *program.Place
	warnings      []program.Place // that HAProxy gives too
	sockets       []string        // addresses of the stats sockets
}

// next says where reading goes on after a line.
type next int

const (
	nextLine next = iota
	nextFile      // the rest of this file cannot be trusted
	nowhere       // nor can the files after it
)

func (l *loader) load() {
	sources := l.sources()
	if l.errors > 0 {
		return
	}
	l.cfgfiles, l.files = cfgfiles(sources), sources
	for _, s := range sources {
		if l.read(s) == nowhere {
			break
		}
	}
	l.checkCommands()
	l.checkWarnings()
}

// read reads one file. Sections do not continue into the next one (H-1.22).
func (l *loader) read(s source) next {
	l.section, l.blocks = section{}, nil
	l.beginCopy(s.name)
	result, before := nextLine, l.errors
	scan(s.data, func(raw rawLine) bool {
		l.place = program.Place{File: s.name, Line: raw.number}
		result = l.raw(raw)
		if result == nextLine && l.errors-before >= maxErrors {
			l.errorf(l.place, "%d errors: the rest of the file is not read", maxErrors)
			result = nextFile
		}
		return result == nextLine
	})
	if result == nextLine {
		l.checkBlocks()
	} else {
		l.suspect()
	}
	return result
}

// suspect says that not all of the current section could be read: what it seems to lack may be there.
func (l *loader) suspect() {
	if l.section.program != nil {
		l.section.program.failed = true
	}
}

func (l *loader) raw(raw rawLine) next {
	if raw.number == 1 && strings.HasPrefix(raw.text, "\ufeff") { // part of the first word to HAProxy (H-2.22)
		l.errorf(l.place, "the file begins with a byte order mark: save it without")
		raw.text = raw.text[len("\ufeff"):]
	}
	if raw.nul > 0 {
		l.errorf(l.place, "NUL byte at column %d: this is no text file", raw.nul)
		return nextFile
	}
	result := l.line(raw.text)
	if !raw.ended {
		l.suspect()
		l.errorf(l.place, "no line feed at the end, column %d: %s", len(raw.text)+1, raw.missingLF())
	}
	return result
}

// line lexes a line, which is done in a block that is not read too (H-3.3), and has it interpreted.
func (l *loader) line(text string) next {
	if trimmed := strings.TrimLeft(text, blanks); strings.HasPrefix(trimmed, "[") {
		l.scope(trimmed)
		return nextLine
	}
	out, err := lex(text, l.lookup, l.room)
	l.room -= out.inserted
	switch {
	case l.room < 0:
		l.errorf(l.place, "%v", err)
		return nowhere
	case err != nil:
		l.errorf(l.place, "%v", err)
		l.suspect()
	case len(out.words) == 0:
		return nextLine
	case strings.HasPrefix(out.words[0].text, "."):
		return l.directive(out.words)
	case l.live():
		l.statement(statement{words: out.words, losses: out.losses})
	}
	return nextLine
}

// scope checks a line like [name], which means nothing to programs (H-2.21).
func (l *loader) scope(line string) {
	name, rest, closed := strings.Cut(line[1:], "]")
	rest, _, _ = strings.Cut(strings.TrimLeft(rest, blanks), "#")
	bad := strings.IndexFunc(name, func(c rune) bool {
		return !(c < 0x80 && (isName(byte(c), true) || strings.ContainsRune("-.:", c)))
	})
	switch {
	case !closed || name == "":
		l.errorf(l.place, "a line that begins with [ is a scope: write [name], or quote the word")
	case bad >= 0:
		l.errorf(l.place, "%s cannot be the name of a scope: use letters, digits and _ - . : only", quote(name))
	case rest != "":
		l.errorf(l.place, "%s cannot stand after a scope: begin a new line", quote(rest))
	}
}

// lookup is what the lexer and the conditions see as variables.
func (l *loader) lookup(name string) (string, bool) {
	switch name {
	case ".LINE":
		return strconv.Itoa(l.place.Line), true
	case ".FILE":
		return l.place.File, true
	case ".SECTION":
		return l.section.label, true
	case "MWLUA":
		return "1", true // whatever resetenv and unsetenv do: one file shall serve both (D-2)
	}
	if strings.HasPrefix(name, ".") {
		return "", false
	}
	return l.env.get(name)
}
