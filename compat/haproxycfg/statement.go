package haproxycfg

import "slices"

// statement is a line that counts.
type statement struct {
	words   []word
	losses  []string
	negated string // "no" or "default" before the keyword (H-1.13)
}

// text is word i; "" when there is none, as HAProxy sees it too.
func (s statement) text(i int) string {
	if i < len(s.words) {
		return s.words[i].text
	}
	return ""
}

// list is the words from i up to the first empty one, where lists end (H-1.7).
func (s statement) list(i int) []string {
	var list []string
	for ; s.text(i) != ""; i++ {
		list = append(list, s.text(i))
	}
	return list
}

// section is the one that the current line belongs to.
type section struct {
	keyword string // "" before the first of a file
	label   string // ${.SECTION}: its name, or its keyword when it has none (H-2.37)
	program *declared
}

// sections are the keywords that begin one in any release from 2.0 to 3.4 (H-1.23).
var sections = []string{
	"acme", "backend", "cache", "crt-store", "defaults", "fcgi-app", "frontend", "global", "healthcheck", "http-errors",
	"listen", "log-forward", "log-profile", "mailers", "namespace_list", "peers", "program", "resolvers", "ring", "traces",
	"userlist",
}

func (l *loader) statement(s statement) {
	if first := s.text(0); first == "no" || first == "default" {
		s.negated, s.words = first, s.words[1:]
	}
	switch {
	case s.text(0) == "" && s.negated == "":
		l.emptyKeyword(s)
	case slices.Contains(sections, s.text(0)):
		l.begin(s)
	case l.section.program != nil:
		l.edit("")
		l.inProgram(l.section.program, s)
	case l.section.keyword == "global":
		l.inGlobal(s)
	default:
		l.elsewhere(s)
	}
}

// emptyKeyword is a line that HAProxy ignores without a word (H-2.18).
func (l *loader) emptyKeyword(s statement) {
	if l.section.program != nil || l.section.keyword == "global" {
		l.warnf(l.place, "the first word, at column %d, is empty: the whole line is ignored", s.words[0].column)
	}
}

func (l *loader) begin(s statement) {
	if s.negated != "" {
		l.errorf(l.place, "%q cannot stand before a section: remove it", s.negated)
	}
	l.section = section{keyword: s.text(0), label: s.text(1)}
	if l.section.label == "" {
		l.section.label = s.text(0)
	}
	switch {
	case s.text(0) == "program":
		l.edit("")
		l.section.program = l.declare(s)
	case s.text(0) == "global" && s.text(1) != "":
		l.errorf(l.place, "unexpected word %s after \"global\": begin a new line", quote(s.text(1)))
	}
}

// elsewhere is a line whose keyword is none of our business (D-3), unless it cannot be but a misspelt section.
func (l *loader) elsewhere(s statement) {
	if l.section.keyword == "" {
		l.errorf(l.place, "%s stands outside of any section: begin with one%s", quote(s.text(0)), suggest(s.text(0), sections))
		return
	}
	l.misspelt(s)
}

// misspelt reports a near miss of "program" itself: every HAProxy refuses it, and ignoring it would lose a program.
func (l *loader) misspelt(s statement) {
	if hint := suggest(s.text(0), []string{"program"}); hint != "" {
		l.errorf(l.place, "unknown keyword %s%s", quote(s.text(0)), hint)
	}
}
