package haproxycfg

import (
	"bytes"
	"strings"
)

// rawLine is one line of a file, without its line feed.
type rawLine struct {
	number int // from 1
	text   string
	nul    int  // column of its first NUL byte, 0 without one
	ended  bool // by a line feed
}

// scan splits data into lines and calls visit for each until it returns false. What follows the last line feed is a line
// only if there is something (H-2.3). Carriage returns stay: whether one ends a line is for the lexer to say (H-2.2).
func scan(data []byte, visit func(rawLine) bool) {
	for number := 1; len(data) > 0; number++ {
		text, rest, ended := bytes.Cut(data, []byte{'\n'})
		l := rawLine{number: number, text: string(text), nul: bytes.IndexByte(text, 0) + 1, ended: ended}
		if !visit(l) {
			return
		}
		data = rest
	}
}

// missingLF says what to do about a last line without a line feed. A file with the line ends of an old Macintosh is one
// long line to HAProxy.
func (r rawLine) missingLF() string {
	if i := strings.IndexByte(r.text, '\r'); i >= 0 && i < len(r.text)-1 {
		return "lines end with CR alone: convert them to LF"
	}
	return "the file may have been cut off: end it with a line feed, HAProxy needs it"
}
