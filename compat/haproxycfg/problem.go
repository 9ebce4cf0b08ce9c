package haproxycfg

import (
	"fmt"
	"strconv"

	"github.com/mwlua/mwlua/core/program"
)

const (
	// maxErrors is the number of errors after which the rest of a file is not read, as in HAProxy (H-1.16).
	maxErrors = 50
	// maxWarnings bounds the warnings of one load.
	maxWarnings = 200
	// maxQuoted is the length from which a word is shortened in a message.
	maxQuoted = 80
)

// report collects the problems of one run.
type report struct {
	problems program.Problems
	errors   int
	warnings int
}

func (r *report) errorf(at program.Place, format string, args ...any) {
	r.errors++
	r.problems = append(r.problems, program.Problem{Place: at, Text: fmt.Sprintf(format, args...)})
}

func (r *report) warnf(at program.Place, format string, args ...any) {
	r.warnings++
	text := fmt.Sprintf(format, args...)
	switch {
	case r.warnings > maxWarnings:
		return
	case r.warnings == maxWarnings:
		text = fmt.Sprintf("more than %d warnings: the others are not shown", maxWarnings-1)
	}
	r.problems = append(r.problems, program.Problem{Place: at, Warning: true, Text: text})
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

// edits is the number of bytes to insert, remove or replace in order to make b of a.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if lower(a[i]) != lower(b[j]) {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// lower folds case, so that COMMAND is near command.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
