package lua

import (
	"fmt"
	"strings"
)

const (
	// maxNesting bounds brackets and blocks within each other. gopher-lua's parser and compiler recurse: a million braces, in
	// 2 MB of source, are a stack overflow that nothing recovers from.
	maxNesting = 100
	// maxPending bounds the operators that a parser has to keep until it sees the end of an expression.
	maxPending = 500
)

// opened is a bracket or the first word of a block that is not closed yet.
type opened struct {
	text string
	line int
}

// scanner goes through the tokens of a source before the parser does. It knows just enough of Lua for its nesting.
type scanner struct {
	src     string
	pos     int
	line    int
	open    []opened
	pending int // operators since the last token that ends an expression
	endless int // the line of the first text or comment that does not end; 0 if all do
}

// scan says where src is too deep for the parser, or has a string without an end, whose line the parser would get wrong. text is
// "" if all is well.
func scan(src string) (line int, text string) {
	s := scanner{src: src, line: 1}
	for s.next(len(src)) {
		switch {
		case len(s.open) > maxNesting:
			return s.line, fmt.Sprintf("brackets and blocks are nested more than %d deep", maxNesting)
		case s.pending > maxPending:
			return s.line, fmt.Sprintf("more than %d operators in one expression: split it", maxPending)
		}
	}
	if s.endless > 0 {
		return s.endless, "the string or comment that begins here does not end"
	}
	return 0, ""
}

// openAt is what is open in src just before a line and column (from 1), the innermost last.
func openAt(src string, line, column int) []opened {
	s := scanner{src: src, line: 1}
	end := len(src)
	if line > 0 {
		start := 0
		for range line - 1 {
			i := strings.IndexByte(src[start:], '\n')
			if i < 0 {
				break
			}
			start += i + 1
		}
		end = min(start+max(column-1, 0), len(src))
	}
	for s.next(end) {
	}
	return s.open
}

// next takes the token at s.pos, and is false when none begins before end.
func (s *scanner) next(end int) bool {
	s.skip(end)
	if s.pos >= end {
		return false
	}
	c := s.src[s.pos]
	switch {
	case c == '"' || c == '\'':
		s.quoted(c)
	case c == '[' && s.long(s.pos) > 0:
		s.longText()
	case letter(c):
		start := s.pos
		for s.pos < len(s.src) && (letter(s.src[s.pos]) || digit(s.src[s.pos])) {
			s.pos++
		}
		s.word(s.src[start:s.pos])
	case digit(c):
		for s.pos < len(s.src) && (letter(s.src[s.pos]) || digit(s.src[s.pos]) || s.src[s.pos] == '.') {
			s.pos++
		}
	default:
		s.sign(c)
	}
	return true
}

// skip goes over blanks and comments.
func (s *scanner) skip(end int) {
	for s.pos < end {
		c := s.src[s.pos]
		switch {
		case c == '\n':
			s.line++
			s.pos++
		case c == ' ' || c == '\t' || c == '\r':
			s.pos++
		case c == '-' && strings.HasPrefix(s.src[s.pos:], "--"):
			s.pos += 2
			if s.long(s.pos) > 0 {
				s.longText()
				continue
			}
			if i := strings.IndexByte(s.src[s.pos:], '\n'); i >= 0 {
				s.pos += i
			} else {
				s.pos = len(s.src)
			}
		default:
			return
		}
	}
}

// long is the length of the [[ or [==[ at pos, and 0 if there is none.
func (s *scanner) long(pos int) int {
	if pos >= len(s.src) || s.src[pos] != '[' {
		return 0
	}
	n := 1
	for pos+n < len(s.src) && s.src[pos+n] == '=' {
		n++
	}
	if pos+n < len(s.src) && s.src[pos+n] == '[' {
		return n + 1
	}
	return 0
}

func (s *scanner) longText() {
	n := s.long(s.pos)
	closing := "]" + strings.Repeat("=", n-2) + "]"
	rest := s.src[s.pos+n:]
	length := len(rest)
	if i := strings.Index(rest, closing); i >= 0 {
		length = i + len(closing)
	} else {
		s.unended()
	}
	s.line += strings.Count(rest[:length], "\n")
	s.pos += n + length
}

func (s *scanner) unended() {
	if s.endless == 0 {
		s.endless = s.line
	}
}

func (s *scanner) quoted(quote byte) {
	for s.pos++; s.pos < len(s.src); s.pos++ {
		switch s.src[s.pos] {
		case quote:
			s.pos++
			return
		case '\\':
			s.pos++
			if s.pos < len(s.src) && s.src[s.pos] == '\n' {
				s.line++
			}
		case '\n':
			s.unended()
			return
		}
	}
	s.unended()
}

func (s *scanner) word(word string) {
	switch word {
	case "function", "if", "do", "repeat":
		s.opens(word)
	case "end", "until":
		s.closes()
	case "not":
		s.pending++
	case "local", "return", "while", "for", "then", "else", "elseif", "in", "break", "goto":
		s.pending = 0
	}
}

func (s *scanner) sign(c byte) {
	s.pos++
	switch c {
	case '(', '{', '[':
		s.opens(string(c))
	case ')', '}', ']':
		s.closes()
	case ',', ';', '=':
		s.pending = 0
	case '-', '#', '^', '.':
		s.pending++
	}
}

func (s *scanner) opens(text string) {
	s.open = append(s.open, opened{text, s.line})
	s.pending = 0
}

func (s *scanner) closes() {
	s.open = s.open[:max(len(s.open)-1, 0)]
	s.pending = 0
}

func letter(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }
func digit(c byte) bool  { return '0' <= c && c <= '9' }
