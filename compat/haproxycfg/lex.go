package haproxycfg

import (
	"encoding/hex"
	"fmt"
	"strings"
)

const (
	// maxWords is the number of words that a line may have, its keyword included (H-2.6). The empty word that HAProxy 2.6
	// sees after a trailing blank is not counted: 3.2 corrected that too (T-25).
	maxWords = 64
	// maxExpanded bounds what variables insert into the lines of one load: `setenv A "$A$A"` doubles with every line.
	maxExpanded = 64 << 20
)

// word is one word of a line, with quotes, escapes and variables resolved.
type word struct {
	text   string // without a NUL byte
	cut    string // from the \x00 on that ends text; only conditions see it
	column int    // of its first byte in the raw line, from 1; of the variable, for a word that one splits into
}

// lexed is a line in words.
type lexed struct {
	words    []word
	losses   []string // what HAProxy drops silently (T-24), each with its column
	inserted int      // bytes that variables inserted
}

// lexer turns one line into words.
type lexer struct {
	line   string
	lookup func(name string) (value string, ok bool) // a pseudo variable has a name that begins with a dot
	room   int                                       // what variables may still insert
	out    lexed
	err    error

	pos      int
	quote    byte // ' or " inside quotes, else 0
	quotedAt int  // column of the quote
	current  strings.Builder
	started  bool   // current is a word, if an empty one
	startAt  int    // its column
	cut      bool   // by \x00: the rest of the word is lost (H-2.12)
	glue     string // what to say if another word follows
}

// lex splits a line into words; a line of blanks and comment has none. The error says in which column something is wrong.
func lex(line string, lookup func(string) (string, bool), room int) (lexed, error) {
	lx := lexer{line: line, lookup: lookup, room: room}
	lx.blanks()
	for lx.pos < len(line) && lx.err == nil && lx.step() {
	}
	lx.finish()
	return lx.out, lx.err
}

// step consumes at least one byte; false means that the line ends here.
func (lx *lexer) step() bool {
	c := lx.line[lx.pos]
	switch {
	case c == '\r': // ends the line after a word and inside quotes (H-2.2); among blanks it is one of them
		return false
	case c == '\'' && lx.quote != '"', c == '"' && lx.quote != '\'':
		lx.toggle(c)
	case c == '\\' && lx.quote != '\'':
		lx.escape()
	case c == '$' && lx.quote == '"':
		lx.variable()
	case lx.quote != 0:
		lx.take(c)
	case c == '#':
		lx.comment()
		return false
	case isBlank(c):
		lx.end()
		lx.blanks()
	default:
		lx.take(c)
	}
	return true
}

func (lx *lexer) toggle(c byte) {
	lx.start()
	if lx.quote == 0 {
		lx.quote, lx.quotedAt = c, lx.column()
	} else {
		lx.quote = 0
	}
	lx.pos++
}

// escape handles a backslash outside single quotes (H-2.9). Before anything unknown it stands for itself, and what follows
// keeps its meaning: a tab splits (H-2.10).
func (lx *lexer) escape() {
	rest := lx.line[lx.pos+1:]
	if rest == "" {
		lx.take('\\')
		return
	}
	switch c := rest[0]; {
	case strings.IndexByte(`\ "'#`, c) >= 0, c == '$' && lx.quote == '"':
		lx.escaped(c, 2)
	case c == 'n':
		lx.escaped('\n', 2)
	case c == 'r':
		lx.escaped('\r', 2)
	case c == 't':
		lx.escaped('\t', 2)
	case c == 'x':
		lx.hexadecimal(rest[1:])
	default:
		lx.take('\\')
	}
}

func (lx *lexer) hexadecimal(digits string) {
	if len(digits) >= 2 {
		if b, err := hex.DecodeString(digits[:2]); err == nil {
			lx.escaped(b[0], 4)
			return
		}
	}
	lx.fail(`bad \x at column %d: write two hexadecimal digits after it, or \\x for a literal one`, lx.column())
}

// escaped adds the result of an escape of so many bytes, which has no meaning but itself (H-2.11).
func (lx *lexer) escaped(c byte, length int) {
	if c == 0 && !lx.cut {
		lx.lose(`\x00 at column %d cuts the word there: a program cannot be given a NUL byte`, lx.column())
		lx.start()
		lx.cut = true
	}
	lx.put(c)
	lx.pos += length
}

func (lx *lexer) take(c byte) {
	lx.put(c)
	lx.pos++
}

func (lx *lexer) put(c byte) {
	lx.start()
	lx.current.WriteByte(c)
}

func (lx *lexer) start() {
	if !lx.started {
		lx.begin(lx.column())
	}
}

func (lx *lexer) begin(column int) {
	lx.started, lx.startAt = true, column
	if lx.glue != "" {
		lx.lose("%s", lx.glue)
		lx.glue = ""
	}
}

// comment begins anywhere outside quotes, even inside a word (H-2.8).
func (lx *lexer) comment() {
	if lx.started {
		lx.lose(`the # at column %d begins a comment inside a word: quote it, or write \# for a literal one`, lx.column())
	}
}

func (lx *lexer) blanks() {
	for lx.pos < len(lx.line) && isBlank(lx.line[lx.pos]) {
		lx.pos++
	}
}

func (lx *lexer) end() {
	if !lx.started {
		return
	}
	w := word{text: lx.current.String(), column: lx.startAt}
	if i := strings.IndexByte(w.text, 0); i >= 0 {
		w.text, w.cut = w.text[:i], w.text[i:]
	}
	lx.out.words = append(lx.out.words, w)
	if len(lx.out.words) > maxWords {
		lx.fail("more than %d words in one line: HAProxy takes no more, move some into a script", maxWords)
	}
	lx.current.Reset()
	lx.started, lx.cut = false, false
}

// finish ends the last word, which is not one too many when it is empty (H-2.19).
func (lx *lexer) finish() {
	if lx.quote != 0 {
		lx.fail(`unmatched quote at column %d: close it, or write \%c for a literal one`, lx.quotedAt, lx.quote)
	}
	empty := lx.current.Len() == 0 || strings.HasPrefix(lx.current.String(), "\x00")
	if !empty || len(lx.out.words) < maxWords {
		lx.end()
	}
}

func (lx *lexer) column() int { return lx.pos + 1 }

// fail keeps the first error only: what follows it may be its consequence.
func (lx *lexer) fail(format string, args ...any) {
	if lx.err == nil {
		lx.err = fmt.Errorf(format, args...)
	}
}

func (lx *lexer) lose(format string, args ...any) {
	lx.out.losses = append(lx.out.losses, fmt.Sprintf(format, args...))
}

// blanks are what separates words: isspace of the C locale (H-2.7).
const blanks = " \t\n\v\f\r"

func isBlank(c byte) bool { return strings.IndexByte(blanks, c) >= 0 }
