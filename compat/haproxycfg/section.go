package haproxycfg

import (
	"fmt"

	"github.com/mwlua/mwlua/core/program"
)

// declared is one `program` section as it was written.
type declared struct {
	id      string
	place   program.Place
	command []string      // argv of the last command line (H-1.8)
	run     program.Place // of that line
	keep    bool          // no option start-on-reload
	user    identity
	group   identity
	failed  bool // something in it is wrong: that it has no command may be a consequence
}

// keywords are those of a program section (H-1.6).
var keywords = []string{"command", "option", "user", "group"}

// other are words that somebody may expect there.
var other = map[string]string{"start-on-reload": "option start-on-reload", "uid": "user", "gid": "group"}

// declare begins a section. A bad id does not keep its lines from being checked.
func (l *loader) declare(s statement) *declared {
	d := &declared{id: s.text(1), place: l.place, failed: s.negated != ""}
	first, twice := l.ids[d.id]
	switch {
	case d.id == "":
		l.programError(d, "a program section needs a name: write \"program NAME\"")
	case s.text(2) != "":
		l.programError(d, "unexpected word %s after the name: quote the name if it holds blanks", quote(s.text(2)))
	case twice:
		l.programError(d, "program %s is already declared at %v: choose another name", quote(d.id), first)
	default:
		l.ids[d.id] = d.place
	}
	l.programs = append(l.programs, d)
	return d
}

// programError reports an error in the section d.
func (l *loader) programError(d *declared, format string, args ...any) {
	d.failed = true
	l.errorf(l.place, format, args...)
}

// wrong reports an error of a line in the section d.
func (l *loader) wrong(d *declared, format string, args ...any) {
	l.programError(d, "program %s: %s", quote(d.id), fmt.Sprintf(format, args...))
}

func (l *loader) inProgram(d *declared, s statement) {
	keyword := s.text(0)
	if keyword != "command" {
		l.losses(d, s)
	}
	switch {
	case keyword == "option":
		l.option(d, s)
	case s.negated != "" && keyword != "command" && keyword != "user" && keyword != "group":
		l.unknown(d, keyword)
	case s.negated != "":
		l.wrong(d, "%q cannot stand before %q: remove it", s.negated, keyword)
	case keyword == "command":
		l.command(d, s)
	case keyword == "user":
		l.identity(d, &d.user, s, l.users, l.options.Lookup.User)
	case keyword == "group":
		l.identity(d, &d.group, s, l.groups, l.options.Lookup.Group)
	default:
		l.unknown(d, keyword)
	}
}

func (l *loader) unknown(d *declared, keyword string) {
	hint := suggest(keyword, append(keywords[:len(keywords):len(keywords)], sections...))
	if known, ok := other[keyword]; ok {
		hint = fmt.Sprintf(" (did you mean %q?)", known)
	}
	_, elsewhere := globals[keyword]
	switch {
	case elsewhere:
		l.wrong(d, "%q belongs to a global section: move it there", keyword)
	case keyword == "": // no or default and nothing else
		l.wrong(d, "keyword missing: write \"no option start-on-reload\"")
	case hint == "":
		l.wrong(d, "unknown keyword %s: only command, option, user and group are possible here", quote(keyword))
	default:
		l.wrong(d, "unknown keyword %s%s", quote(keyword), hint)
	}
}

// command takes the words up to the first empty one, and warns of what that loses (H-1.7, T-24).
func (l *loader) command(d *declared, s statement) {
	argv := s.list(1)
	if len(argv) == 0 {
		l.wrong(d, "\"command\" without a command: write the program to run and its arguments after it")
		return
	}
	d.command, d.run = argv, l.place
	if after := 1 + len(argv); after < len(s.words) {
		l.lost(d, "the empty word at column %d ends the command and is dropped, like all after it: remove it, or set its variable",
			s.words[after].column)
		return // as a rule, what else was lost made it empty
	}
	l.losses(d, s)
}

func (l *loader) losses(d *declared, s statement) {
	for _, text := range s.losses {
		l.lost(d, "%s", text)
	}
}

func (l *loader) lost(d *declared, format string, args ...any) {
	l.warnf(l.place, "program %s: %s", quote(d.id), fmt.Sprintf(format, args...))
}

// option knows one option. `default` restores it, which HAProxy 2.6 means to do but rejects (H-1.10).
func (l *loader) option(d *declared, s statement) {
	name := s.text(1)
	switch {
	case name == "":
		l.wrong(d, "\"option\" without a name: only \"option start-on-reload\" exists here")
	case name != "start-on-reload":
		l.wrong(d, "unknown option %s: only \"option start-on-reload\" exists here", quote(name))
	case s.text(2) != "":
		l.wrong(d, "unexpected word %s after \"option start-on-reload\": remove it", quote(s.text(2)))
	default:
		d.keep = s.negated == "no"
	}
}

// checkCommands reports the sections without a command, which HAProxy does only when nothing else is wrong (H-1.14).
func (l *loader) checkCommands() {
	for _, d := range l.programs {
		if d.command == nil && !d.failed {
			l.errorf(d.place, "program %s has no command: add a \"command\" line", quote(d.id))
		}
	}
}
