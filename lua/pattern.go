package lua

import (
	"context"
	"strings"
)

const (
	// maxSteps bounds the searches of one call: half a second or so. ('a-'):rep(20) on 40 letters ran for over 60 s in gopher-lua.
	maxSteps = 10_000_000
	// maxCaptures and maxMatchDepth are Lua's own bounds.
	maxCaptures   = 32
	maxMatchDepth = 200
)

const (
	unfinished = -1 // length of a capture that is not closed
	position   = -2 // length of a capture () that is a position
)

// matcher matches a pattern as Lua 5.1 does (lstrlib.c), %f included, and counts its steps. Errors are panics with patternError,
// which search recovers.
type matcher struct {
	ctx      context.Context
	src, pat string
	steps    *int
	depth    int
	level    int // captures in use
	captures [maxCaptures]struct{ start, length int }
}

// patternError is what is wrong with a pattern, or with a search.
type patternError string

// search finds the first match of m.pat at or after start. It yields where it begins and ends; begin is -1 if there is none.
func (m *matcher) search(start int) (begin, end int) {
	pattern, anchored := strings.CutPrefix(m.pat, "^")
	skipped := len(m.pat) - len(pattern)
	for begin = start; begin <= len(m.src); begin++ {
		m.level, m.depth = 0, 0
		if end = m.match(begin, skipped); end >= 0 {
			return begin, end
		}
		if anchored {
			break
		}
	}
	return -1, -1
}

func (m *matcher) step() {
	*m.steps++
	if *m.steps > maxSteps {
		panic(patternError("the pattern takes too long on this text: make it simpler, or the text shorter"))
	}
	if *m.steps%4096 == 0 && m.ctx.Err() != nil {
		panic(patternError("cancelled"))
	}
}

// match matches the pattern from p at s, and yields the end of the match, or -1.
func (m *matcher) match(s, p int) int {
	m.depth++
	defer func() { m.depth-- }()
	if m.depth > maxMatchDepth {
		panic(patternError("the pattern is too complex"))
	}
	for p < len(m.pat) {
		m.step()
		switch c := m.pat[p]; {
		case c == '(':
			if p+1 < len(m.pat) && m.pat[p+1] == ')' {
				return m.open(s, p+2, position)
			}
			return m.open(s, p+1, unfinished)
		case c == ')':
			return m.close(s, p+1)
		case c == '$' && p+1 == len(m.pat):
			if s == len(m.src) {
				return s
			}
			return -1
		case c == '%' && p+1 < len(m.pat) && m.pat[p+1] == 'b':
			if s = m.balanced(s, p+2); s < 0 {
				return -1
			}
			p += 4
			continue
		case c == '%' && p+1 < len(m.pat) && m.pat[p+1] == 'f':
			p += 2
			if !m.frontier(s, p) {
				return -1
			}
			p = m.classEnd(p)
			continue
		case c == '%' && p+1 < len(m.pat) && digit(m.pat[p+1]):
			if s = m.again(s, m.pat[p+1]); s < 0 {
				return -1
			}
			p += 2
			continue
		}
		next, done := m.item(&s, p)
		if done {
			return s
		}
		p = next
	}
	return s
}

// item matches one class with its repetition. done says that s is the answer for all.
func (m *matcher) item(s *int, p int) (next int, done bool) {
	end := m.classEnd(p)
	var repetition byte
	if end < len(m.pat) {
		repetition = m.pat[end]
	}
	switch repetition {
	case '?':
		if m.single(*s, p, end) {
			if r := m.match(*s+1, end+1); r >= 0 {
				*s = r
				return 0, true
			}
		}
		return end + 1, false
	case '*':
		*s = m.longest(*s, p, end)
		return 0, true
	case '+':
		if m.single(*s, p, end) {
			*s = m.longest(*s+1, p, end)
		} else {
			*s = -1
		}
		return 0, true
	case '-':
		*s = m.shortest(*s, p, end)
		return 0, true
	}
	if !m.single(*s, p, end) {
		*s = -1
		return 0, true
	}
	*s++
	return end, false
}

func (m *matcher) longest(s, p, end int) int {
	n := 0
	for m.single(s+n, p, end) {
		m.step()
		n++
	}
	for ; n >= 0; n-- {
		if r := m.match(s+n, end+1); r >= 0 {
			return r
		}
	}
	return -1
}

func (m *matcher) shortest(s, p, end int) int {
	for {
		if r := m.match(s, end+1); r >= 0 {
			return r
		}
		if !m.single(s, p, end) {
			return -1
		}
		m.step()
		s++
	}
}

func (m *matcher) open(s, p, length int) int {
	if m.level >= maxCaptures {
		panic(patternError("the pattern has too many captures"))
	}
	m.captures[m.level].start, m.captures[m.level].length = s, length
	m.level++
	r := m.match(s, p)
	if r < 0 {
		m.level--
	}
	return r
}

func (m *matcher) close(s, p int) int {
	for i := m.level - 1; i >= 0; i-- {
		if m.captures[i].length != unfinished {
			continue
		}
		m.captures[i].length = s - m.captures[i].start
		r := m.match(s, p)
		if r < 0 {
			m.captures[i].length = unfinished
		}
		return r
	}
	panic(patternError("the pattern closes a capture that it does not open"))
}

func (m *matcher) balanced(s, p int) int {
	if p+1 >= len(m.pat) {
		panic(patternError("the pattern has a %b without its two characters"))
	}
	if s >= len(m.src) || m.src[s] != m.pat[p] {
		return -1
	}
	depth := 1
	for s++; s < len(m.src); s++ {
		m.step()
		switch m.src[s] {
		case m.pat[p+1]:
			depth--
			if depth == 0 {
				return s + 1
			}
		case m.pat[p]:
			depth++
		}
	}
	return -1
}

func (m *matcher) frontier(s, p int) bool {
	if p >= len(m.pat) || m.pat[p] != '[' {
		panic(patternError("the pattern has a %f without a [ after it"))
	}
	end := m.classEnd(p)
	var before, after byte
	if s > 0 {
		before = m.src[s-1]
	}
	if s < len(m.src) {
		after = m.src[s]
	}
	return !m.set(before, p, end-1) && m.set(after, p, end-1)
}

// again matches what capture c has matched.
func (m *matcher) again(s int, c byte) int {
	i := int(c - '1')
	if i < 0 || i >= m.level || m.captures[i].length == unfinished {
		panic(patternError("the pattern refers to a capture that it has not got"))
	}
	text := m.src[m.captures[i].start:][:max(m.captures[i].length, 0)]
	if !strings.HasPrefix(m.src[s:], text) {
		return -1
	}
	return s + len(text)
}
