package haproxycfg

import (
	"slices"
	"strings"

	"github.com/mwlua/mwlua/core/program"
)

// maxNesting is how deep .if blocks may nest (H-3.6).
const maxNesting = 99

// block is one open .if.
type block struct {
	place     program.Place // of the .if
	branch    branch
	otherwise bool // its .else was seen
}

// branch says what becomes of the lines of a block.
type branch int

const (
	taken   branch = iota // they count
	waiting               // no condition was true so far
	done                  // an earlier branch was taken
	outside               // the block lies in one that does not count
)

// live reports whether the lines at this place count.
func (l *loader) live() bool {
	return len(l.blocks) == 0 || l.blocks[len(l.blocks)-1].branch == taken
}

// directive handles a line whose first word begins with a dot. The block directives are followed everywhere; the others,
// known or not, are not looked at where lines do not count (H-3.3).
func (l *loader) directive(words []word) next {
	name, argument := words[0].text, statement{words: words}.text(1)
	switch {
	case name == ".if":
		return l.openBlock(words)
	case name == ".elif":
		return l.elif(words)
	case name == ".else" || name == ".endif":
		if argument != "" {
			l.errorf(l.place, "unexpected word %s after %s: remove it, or use .elif", quote(argument), name)
			return nextFile
		}
		return l.elseOrEndif(name)
	case !l.live():
		return nextLine
	}
	return l.message(name, words)
}

func (l *loader) openBlock(words []word) next {
	if len(l.blocks) == maxNesting {
		l.errorf(l.place, "more than %d nested .if blocks: join their conditions with &&", maxNesting)
		return nowhere
	}
	b := block{place: l.place, branch: outside}
	if l.live() {
		ok, value := l.condition(words)
		if !ok {
			return nowhere
		}
		b.branch = branchFor(value)
	}
	l.blocks = append(l.blocks, b)
	return nextLine
}

func branchFor(condition bool) branch {
	if condition {
		return taken
	}
	return waiting
}

func (l *loader) elif(words []word) next {
	b := l.innermost(".elif")
	if b == nil {
		return nowhere
	}
	switch b.branch {
	case taken:
		b.branch = done
	case waiting: // only then the condition is looked at (H-3.7)
		ok, value := l.condition(words)
		if !ok {
			return nowhere
		}
		b.branch = branchFor(value)
	}
	return nextLine
}

// innermost is the open block that an .elif or .else belongs to; nil after reporting that there is none (H-3.9).
func (l *loader) innermost(name string) *block {
	if len(l.blocks) == 0 {
		l.errorf(l.place, "%s without .if: remove it", name)
		return nil
	}
	b := &l.blocks[len(l.blocks)-1]
	if b.otherwise {
		l.errorf(l.place, "%s after the .else of the .if at %v: move it before that", name, b.place)
		return nil
	}
	return b
}

func (l *loader) elseOrEndif(name string) next {
	if name == ".endif" {
		if len(l.blocks) == 0 {
			l.errorf(l.place, ".endif without .if: remove it")
			return nextFile
		}
		l.blocks = l.blocks[:len(l.blocks)-1]
		return nextLine
	}
	b := l.innermost(name)
	if b == nil {
		return nowhere
	}
	b.otherwise = true
	switch b.branch {
	case taken:
		b.branch = done
	case waiting:
		b.branch = taken
	}
	return nextLine
}

// condition evaluates the words after a directive, joined by one blank each (H-3.5), which HAProxy writes in the place of
// every NUL byte: it ends a word, or is one of \x00. ok is false if they cannot be read.
func (l *loader) condition(words []word) (ok, value bool) {
	texts := make([]string, len(words)-1)
	for i, w := range words[1:] {
		texts[i] = w.text + w.cut
	}
	expression := strings.ReplaceAll(strings.Join(texts, " "), "\x00", " ")
	value, err := evaluate(expression, facts{l.lookup, l.version})
	if err != nil {
		l.errorf(l.place, "%s %s: %v", words[0].text, quote(expression), err)
	}
	return err == nil, value
}

// message handles .alert, .warning, .notice and .diag (H-3.25). A notice is a warning here that .warning's rules do not
// apply to; .diag speaks only under HAProxy's -dD, which mwlua does not have.
func (l *loader) message(name string, words []word) next {
	s := statement{words: words}
	if !slices.Contains(directives, name) {
		hint := suggest(name, directives)
		if hint == "" {
			hint = ": there are " + strings.Join(directives, " ")
		}
		l.errorf(l.place, "unknown directive %s%s", quote(name), hint)
		return nextFile
	}
	if s.text(2) != "" {
		l.errorf(l.place, "unexpected word %s after %s: quote the message", quote(s.text(2)), name)
		return nextLine
	}
	switch name {
	case ".alert":
		l.errorf(l.place, ".alert %s", quote(s.text(1)))
		return nowhere
	case ".warning":
		l.haproxyWarning(".warning %s", quote(s.text(1)))
	case ".notice":
		l.warnf(l.place, ".notice %s", quote(s.text(1)))
	}
	return nextLine
}

var directives = []string{".if", ".elif", ".else", ".endif", ".alert", ".warning", ".notice", ".diag"}

// checkBlocks reports a block that the file does not end. Where it was begun is what helps.
func (l *loader) checkBlocks() {
	if n := len(l.blocks); n > 0 {
		l.errorf(l.blocks[n-1].place, "this .if has no .endif: add one before the end of the file")
	}
}
