package lua

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mwlua/mwlua/core/program"
)

const (
	// maxErrors is the number of errors after which the others of a load are only counted.
	maxErrors = 100
	// maxWarnings bounds the warnings of one load.
	maxWarnings = 200
	// maxQuoted is the length from which a word is shortened in a message.
	maxQuoted = 80
	// maxText is the length from which a message that came out of a script is shortened.
	maxText = 1000
)

// report collects the problems of one load. The same problem in the same place is reported once.
type report struct {
	problems program.Problems
	errors   int
	warnings int
	seen     map[program.Problem]bool
}

func (r *report) errorf(at program.Place, format string, args ...any) {
	p := program.Problem{Place: at, Text: line(fmt.Sprintf(format, args...))}
	if r.seen[p] {
		return
	}
	r.errors++
	switch {
	case r.errors > maxErrors:
		return
	case r.errors == maxErrors:
		p = program.Problem{Place: program.Place{File: at.File}, Text: fmt.Sprintf("more than %d errors: the others are not shown", maxErrors-1)}
	}
	r.add(p)
}

func (r *report) warnf(at program.Place, format string, args ...any) {
	p := program.Problem{Place: at, Warning: true, Text: line(fmt.Sprintf(format, args...))}
	if r.seen[p] {
		return
	}
	r.warnings++
	switch {
	case r.warnings > maxWarnings:
		return
	case r.warnings == maxWarnings:
		p = program.Problem{Warning: true, Text: fmt.Sprintf("more than %d warnings: the others are not shown", maxWarnings-1)}
	}
	r.add(p)
}

func (r *report) add(p program.Problem) {
	if r.seen == nil {
		r.seen = make(map[program.Problem]bool)
	}
	r.seen[p] = true
	r.problems = append(r.problems, p)
}

// line makes one line of text, whatever its bytes, and not longer than a screen.
func line(text string) string {
	if len(text) > maxText {
		cut := maxText
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	clean := func(r rune) bool { return r != utf8.RuneError && strconv.IsPrint(r) }
	if strings.IndexFunc(text, func(r rune) bool { return !clean(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case clean(r):
			b.WriteRune(r)
		case r == utf8.RuneError:
			fmt.Fprintf(&b, "\\x%02x", text[i])
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// quote puts a word of the configuration into a message: on one line, whatever its bytes, and not longer than a line.
func quote(word string) string {
	if len(word) > maxQuoted {
		return strconv.Quote(word[:maxQuoted]) + "…"
	}
	return strconv.Quote(word)
}

// suggest is the "did you mean" for a word that is near one of known, and "" when none is.
func suggest(word string, known []string) string {
	if len(word) > maxQuoted {
		return ""
	}
	best, distance := "", 3
	for _, k := range known {
		if d := edits(word, k); d < distance && 2*d < len(k) {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// edits is the number of bytes to insert, remove, replace or swap with their neighbours in order to make b of a. Case and dashes
// do not count.
func edits(a, b string) int {
	a, b = fold(a), fold(b)
	older, old, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		older, old, row = old, row, older
		row[0] = i + 1
		for j := range len(b) {
			replaced := old[j]
			if a[i] != b[j] {
				replaced++
			}
			row[j+1] = min(replaced, row[j]+1, old[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], older[j-1]+1)
			}
		}
	}
	return row[len(b)]
}

// fold makes COMMAND and stop-timeout near command and stop_timeout.
func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
