package host

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Line is one that a plugin has logged.
type Line struct {
	Plugin string
	Level  string // debug, info, warn or error
	Text   string
}

// Bounds of what is passed on.
const (
	maxLine   = 4 << 10 // bytes; the rest of the line is thrown away
	linesEach = 100     // a second, if the declaration does not say
)

// log passes on what a plugin says, not faster than its limit: reading never waits, so that a plugin is never kept from its work, and
// nobody is flooded.
type log struct {
	plugin string
	limit  int // lines a second
	out    func(Line)

	mu      sync.Mutex
	second  time.Time // in which sent and dropped were counted
	sent    int
	dropped int // and not yet told
}

// read passes on the lines of r until there are no more.
func (l *log) read(r io.Reader) {
	buffered := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := buffered.ReadSlice('\n')
		if len(line) > 0 {
			l.line(bytes.TrimRight(line, "\r\n"))
		}
		for err == bufio.ErrBufferFull {
			_, err = buffered.ReadSlice('\n')
		}
		if err != nil {
			return
		}
	}
}

// Write makes of a log what go-plugin writes the rest of a plugin's output to.
func (l *log) Write(data []byte) (int, error) {
	for line := range bytes.Lines(data) {
		l.line(bytes.TrimRight(line[:min(len(line), maxLine)], "\r\n"))
	}
	return len(data), nil
}

func (l *log) line(text []byte) {
	if len(bytes.TrimSpace(text)) == 0 || !l.room() {
		return
	}
	line := parse(text)
	line.Plugin = l.plugin
	l.out(line)
}

// room counts a line, and says whether it may be passed on.
func (l *log) room() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.second) >= time.Second {
		l.second, l.sent = now, 0
	}
	if l.sent >= l.limit {
		if l.dropped == 0 {
			time.AfterFunc(time.Second, l.report)
		}
		l.dropped++
		return false
	}
	l.sent++
	return true
}

// report says how many lines were dropped since it said so last.
func (l *log) report() {
	l.mu.Lock()
	dropped := l.dropped
	l.dropped = 0
	l.mu.Unlock()
	l.out(Line{l.plugin, "warn", fmt.Sprintf("%d lines of its log were dropped: more than %d a second", dropped, l.limit)})
}

// parse reads a line of hclog's JSON, or takes it as it is.
func parse(text []byte) Line {
	var fields map[string]any
	if text[0] == '{' && json.Unmarshal(text, &fields) == nil {
		if message, ok := fields["@message"].(string); ok {
			return Line{Level: level(fields["@level"]), Text: message + rest(fields)}
		}
	}
	return Line{Level: "info", Text: strings.ToValidUTF8(string(text), "\uFFFD")}
}

func level(value any) string {
	switch name, _ := value.(string); name {
	case "trace", "debug":
		return "debug"
	case "warn", "error":
		return name
	}
	return "info"
}

// rest is what else a line says, as key=value.
func rest(fields map[string]any) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if !strings.HasPrefix(key, "@") {
			fmt.Fprintf(&b, " %s=%v", key, fields[key])
		}
	}
	return b.String()
}
