package haproxycfg

import (
	"fmt"
	"strings"
)

// variable expands what begins with the $ at the current position, inside double quotes (H-2.30, H-2.31).
func (lx *lexer) variable() {
	dollar := lx.column()
	lx.pos++
	brace := 0 // its column
	if lx.at('{') {
		brace = lx.column()
		lx.pos++
	}
	name, ok := lx.name()
	if !ok {
		return
	}
	value, set := lx.lookup(name)
	split := false
	if brace > 0 {
		split = lx.splitMark()
		if fallback, given := lx.fallback(brace); given && !set {
			value, set = fallback, true
		}
		lx.closing(brace)
	}
	if lx.err != nil {
		return
	}
	if !set && lx.at('"') {
		lx.glue = fmt.Sprintf("the variable %s at column %d is not set, HAProxy 3 glues the next word to this one: set it",
			quote(name), dollar)
	}
	lx.insert(value, split, dollar)
}

func (lx *lexer) at(c byte) bool { return lx.pos < len(lx.line) && lx.line[lx.pos] == c }

// name reads the name of a variable, or of a pseudo variable (H-2.37).
func (lx *lexer) name() (string, bool) {
	begin := lx.pos
	if lx.at('.') {
		lx.pos++
	}
	for lx.pos < len(lx.line) && isName(lx.line[lx.pos], lx.pos > begin) {
		lx.pos++
	}
	name := lx.line[begin:lx.pos]
	known := name != ""
	if strings.HasPrefix(name, ".") {
		_, known = lx.lookup(name)
	}
	if !known {
		lx.fail(`bad variable name at column %d: write \$ for a literal $, or put the text into single quotes`, begin+1)
	}
	return name, known
}

func isName(c byte, inside bool) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || inside && '0' <= c && c <= '9'
}

// splitMark reads the [*] that makes words of a value (H-2.36).
func (lx *lexer) splitMark() bool {
	if !lx.at('[') {
		return false
	}
	if !strings.HasPrefix(lx.line[lx.pos:], "[*]") {
		lx.fail("bad word expansion at column %d: only [*] is possible there", lx.column())
		return false
	}
	lx.pos += len("[*]")
	return true
}

// fallback reads the default after the name: everything up to the first closing brace, as it is (H-2.34).
func (lx *lexer) fallback(brace int) (string, bool) {
	if !lx.at('-') {
		return "", false
	}
	rest := lx.line[lx.pos+1:]
	length := strings.IndexByte(rest, '}')
	if length < 0 {
		lx.unmatchedBrace(brace)
		return "", false
	}
	lx.pos += 1 + length
	return rest[:length], true
}

func (lx *lexer) closing(brace int) {
	if !lx.at('}') {
		lx.unmatchedBrace(brace)
	}
	lx.pos++
}

func (lx *lexer) unmatchedBrace(brace int) {
	lx.fail("unmatched brace at column %d: write ${NAME}, ${NAME-default} or ${NAME[*]}", brace)
}

// insert adds a value as it is (H-2.35). With split, each run of blanks in it ends a word and begins the next one, so that
// blanks at its ends make empty words (H-2.36).
func (lx *lexer) insert(value string, split bool, column int) {
	if lx.out.inserted += len(value); lx.out.inserted > lx.room {
		lx.fail("variables insert more than %d MiB into this configuration: make their values shorter", maxExpanded>>20)
		return
	}
	if !split && value != "" {
		lx.start()
		lx.current.WriteString(value)
		return
	}
	for i := 0; i < len(value) && lx.err == nil; i++ {
		switch {
		case !isBlank(value[i]):
			lx.put(value[i])
		case i == 0 || !isBlank(value[i-1]):
			lx.end()
			lx.begin(column)
		}
	}
}
