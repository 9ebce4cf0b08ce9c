package mastercli

import (
	"bufio"
	"errors"
	"slices"
	"strings"
)

// longestRequest bounds a command in bytes, and one with the lines that follow "<<".
const longestRequest = 16 << 10

// errTooLong says that longestRequest was reached.
var errTooLong = errors.New("the request is too long")

// request is one command as it came.
type request struct {
	text    string // without what ended it
	payload string // the lines after a "<<", and the one that ends them; for a worker, no command of a master takes any
}

// readLine reads up to the end of a line, or of a command: a ";" ends that too, and a "\" takes the meaning from what follows
// (H-8.6). A last line without an end is no line.
func readLine(in *bufio.Reader, command bool, longest int) (string, error) {
	var text []byte
	for escaped := false; ; {
		c, err := in.ReadByte()
		switch {
		case err != nil:
			return "", err
		case !escaped && (c == '\n' || command && c == ';'):
			return strings.TrimSuffix(string(text), "\r"), nil
		case len(text) == longest:
			return "", errTooLong
		}
		text = append(text, c)
		escaped = command && c == '\\' && !escaped
	}
}

// readPayload reads what follows a command whose last word is "<<" and a pattern: lines up to one that is the pattern.
func readPayload(in *bufio.Reader, pattern string) (string, error) {
	var payload strings.Builder
	for {
		line, err := readLine(in, false, longestRequest)
		if err != nil {
			return "", err
		}
		payload.WriteString(line + "\n")
		if line == pattern {
			return payload.String(), nil
		}
		if payload.Len() > longestRequest {
			return "", errTooLong
		}
	}
}

// words splits a command at blanks. A "\" keeps what follows it as it is; quotes are nothing special.
func words(text string) []string {
	var all []string
	var word strings.Builder
	started, escaped := false, false
	end := func() {
		if started {
			all = append(all, word.String())
		}
		word.Reset()
		started = false
	}
	for _, c := range []byte(text) {
		switch {
		case escaped:
			word.WriteByte(c)
			escaped = false
		case strings.IndexByte(blanks, c) >= 0:
			end()
		case c == '\\':
			started, escaped = true, true
		default:
			started = true
			word.WriteByte(c)
		}
	}
	end()
	return all
}

// withoutComment drops what begins with the first word that begins with "#" (H-8.6). It is not for a worker, which has names
// like that: "add map #1 key value".
func withoutComment(words []string) []string {
	i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "#") })
	if i < 0 {
		return words
	}
	return words[:i]
}

// longestPattern bounds what follows "<<"; with more, it is a word like any other.
const longestPattern = 7

// payloadPattern returns what ends the payload of a command, false if it has none.
func payloadPattern(words []string) (string, bool) {
	if len(words) == 0 {
		return "", false
	}
	pattern, ok := strings.CutPrefix(words[len(words)-1], "<<")
	return pattern, ok && len(pattern) <= longestPattern
}

// blanks separate words. HAProxy ends its words with NUL bytes, so one that a client sends counts too.
const blanks = " \t\x00"

// afterFirst returns text behind its first word.
func afterFirst(text string) string {
	text = strings.TrimLeft(text, blanks)
	end := strings.IndexAny(text, blanks)
	if end < 0 {
		return ""
	}
	return strings.TrimLeft(text[end:], blanks)
}
