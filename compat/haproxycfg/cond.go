package haproxycfg

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// maxDepth bounds the recursion of the parser. Each operator takes one level and each parenthesis three, so that as much is
// accepted as by HAProxy: 340 parentheses (H-3.15).
const maxDepth = 1024

// maxArgument is the length of what a predicate is asked, which must fit into a buffer of HAProxy's. When that is full even a
// quoted comma or parenthesis ends it.
const maxArgument = 1<<14 - 1

// condition is a parsed expression. It is evaluated only after all of it could be parsed (H-3.12).
type condition func(facts) (bool, error)

// facts is what conditions ask.
type facts struct {
	lookup  func(name string) (string, bool)
	version version
}

// evaluate answers an expression; an empty one is false (H-3.8).
func evaluate(text string, f facts) (bool, error) {
	if text == "" {
		return false, nil
	}
	p := parser{text: text}
	p.blanks()
	c := p.or(maxDepth)
	p.blanks()
	if p.err == nil && p.pos < len(text) {
		p.fail(p.pos, "unexpected "+quote(text[p.pos:]), "join conditions with && or ||")
	}
	if p.err != nil {
		return false, p.err
	}
	return c(f)
}

// parser reads: or := and [ "||" or ]; and := term [ "&&" and ]; term := { "!" } ( integer | "(" or ")" | predicate )
// (H-3.11).
type parser struct {
	text string
	pos  int
	last int // where the last operator or parenthesis begins
	err  error
}

// fail keeps the first error. at counts from 0, the message from 1, as HAProxy does.
func (p *parser) fail(at int, what, remedy string) condition {
	if p.err == nil {
		p.err = fmt.Errorf("%s at character %d: %s", what, at+1, remedy)
	}
	return func(facts) (bool, error) { return false, p.err }
}

func (p *parser) blanks() {
	p.pos = len(p.text) - len(strings.TrimLeft(p.text[p.pos:], " \t"))
}

// skip consumes token, if it is next.
func (p *parser) skip(token string) bool {
	if !strings.HasPrefix(p.text[p.pos:], token) {
		return false
	}
	p.last = p.pos
	p.pos += len(token)
	return true
}

func (p *parser) or(depth int) condition {
	left := p.and(depth - 1)
	p.blanks()
	if p.err != nil || !p.skip("||") {
		return left
	}
	p.blanks()
	right := p.or(depth - 1)
	return func(f facts) (bool, error) {
		if value, err := left(f); value || err != nil {
			return value, err
		}
		return right(f)
	}
}

func (p *parser) and(depth int) condition {
	left := p.term(depth - 1)
	p.blanks()
	if p.err != nil || !p.skip("&&") {
		return left
	}
	p.blanks()
	right := p.and(depth - 1)
	return func(f facts) (bool, error) {
		if value, err := left(f); !value || err != nil {
			return false, err
		}
		return right(f)
	}
}

func (p *parser) term(depth int) condition {
	if depth <= 0 {
		return p.fail(p.pos, "too deep nesting", "split the condition into several .if")
	}
	begin, negated := p.pos, false
	for strings.HasPrefix(p.text[p.pos:], "!") {
		p.pos++
		p.blanks()
		negated = !negated
	}
	c := p.operand(begin, depth)
	if !negated {
		return c
	}
	return func(f facts) (bool, error) {
		value, err := c(f)
		return !value, err
	}
}

func (p *parser) operand(begin, depth int) condition {
	if value, ok := p.integer(); ok {
		return func(facts) (bool, error) { return value, nil }
	}
	if p.skip("(") {
		p.blanks()
		c := p.or(depth - 1)
		p.blanks()
		if p.err == nil && !p.skip(")") {
			return p.fail(begin, "unclosed (", "close it")
		}
		return c
	}
	rest := p.text[p.pos:]
	name := rest
	if end := strings.IndexAny(rest, "( "); end >= 0 { // a tab is part of the name
		name = rest[:end]
	}
	if known, ok := predicates[name]; ok {
		p.pos += len(name)
		return p.predicate(known)
	}
	if begin == len(p.text) {
		begin = p.last
	}
	return p.fail(begin, "cannot read "+quote(p.text[begin:]), "write a number, or a predicate like defined(NAME)"+
		suggest(name, predicateNames))
}

// integer reads what strtol with base 0 reads, blanks before the sign too; all that counts is whether it is zero (H-3.13).
func (p *parser) integer() (value, ok bool) {
	m := integers().FindStringSubmatch(p.text[p.pos:])
	if m == nil {
		return false, false
	}
	p.pos += len(m[0])
	return strings.Trim(m[1], "xX0") != "", true
}

var integers = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[ \t\n\v\f\r]*[+-]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)`)
})

// predicate reads the arguments of known. Without parentheses all of them are empty, which is enough for those with one
// (H-3.17).
func (p *parser) predicate(known predicate) condition {
	args, open := []string{""}, p.skip("(")
	if open {
		args = p.arguments(known)
	}
	if len(args) < known.args {
		return p.fail(p.pos, "missing argument", "write "+known.usage)
	}
	if open && p.err == nil {
		p.pos++ // the closing parenthesis
	}
	return func(f facts) (bool, error) { return known.eval(f, args) }
}

// arguments reads up to the closing parenthesis. Blanks belong to the arguments, and a second level of quotes and escapes
// applies: the lexer took the first one away (H-3.16).
func (p *parser) arguments(known predicate) []string {
	var (
		args    []string
		current []byte
		quote   byte
	)
	for ; p.pos < len(p.text); p.pos++ {
		c := p.text[p.pos]
		full := len(current) == maxArgument
		ends := (c == ',' || c == ')') && (quote == 0 || full)
		switch {
		case full && !ends: // a quote needs room too
			p.fail(p.pos, fmt.Sprintf("argument longer than %d bytes", maxArgument), "make it shorter")
			return nil
		case c == '\'' && quote != '"', c == '"' && quote != '\'':
			quote ^= c
		case c == '\\' && quote != '\'':
			current = append(current, p.escape())
		case !ends:
			current = append(current, c)
		case c == ')':
			return append(args, string(current))
		case len(args)+1 == known.args:
			p.fail(p.pos, "too many arguments", "write "+known.usage+", and quote a comma")
			return nil
		default:
			args, current, quote = append(args, string(current)), nil, 0
		}
	}
	p.fail(p.pos, "unclosed (", "write "+known.usage+", and close quotes")
	return nil
}

// escape reads the escape at the current position up to its last byte, and yields what it stands for.
func (p *parser) escape() byte {
	if p.pos+1 == len(p.text) {
		return '\\'
	}
	i := strings.IndexByte(`\ "'rnt`, p.text[p.pos+1])
	if i < 0 {
		return '\\'
	}
	p.pos++
	return "\\ \"'\r\n\t"[i]
}
