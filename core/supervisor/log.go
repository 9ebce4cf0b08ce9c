package supervisor

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/machine"
)

// Format is the form of log lines.
type Format string

const (
	TextFormat    Format = "text"    // time, level, what happened, why, what happens next and when
	HAProxyFormat Format = "haproxy" // as HAProxy's master says it, for those who read it by program (H-10.3)
)

// Log writes what happens, a line a decision. It belongs to the goroutine of the loop, and never keeps it waiting: a reader
// that does not read costs lines, which are counted, and not a stop.
type Log struct {
	format Format
	pid    int
	queue  chan entry
	lost   int // lines that found no room since the last one that did

	startup strings.Builder // the lines of the last load, the one under way included
	loading bool
}

// maxStartup bounds the lines of a load, in bytes: those of 10,000 programs fit.
const maxStartup = 1 << 20

// Startup returns the lines of the last load.
func (l *Log) Startup() string { return l.startup.String() }

// entry is some lines, or, with done, the wish to know that all before it were written.
type entry struct {
	text string
	done chan<- struct{}
}

// maxQueue bounds what waits to be written, in entries.
const maxQueue = 4096

// NewLog returns a log that writes to w.
func NewLog(w io.Writer, format Format) *Log {
	l := &Log{format: format, pid: os.Getpid(), queue: make(chan entry, maxQueue), loading: true}
	go l.drain(w) // waits for entries and for w; sends what Flush waits for; ends with the process
	return l
}

func (l *Log) drain(w io.Writer) {
	for e := range l.queue {
		io.WriteString(w, e.text)
		if e.done != nil {
			close(e.done)
		}
	}
}

// Flush waits until all is written, but no longer than a second: it comes before an execve and before the end.
func (l *Log) Flush() {
	late := time.After(time.Second)
	done := make(chan struct{})
	select {
	case l.queue <- entry{done: done}:
	case <-late:
		return
	}
	select {
	case <-done:
	case <-late:
	}
}

// level is how bad a line is. The names are syslog's, as far as HAProxy has them.
type level string

const (
	notice  level = "NOTICE"
	warning level = "WARNING"
	alert   level = "ALERT"
)

// Note writes one note of the machine.
func (l *Log) Note(now machine.Instant, n machine.Note) {
	if l.format == HAProxyFormat {
		l.haproxy(now, n)
	} else {
		lv, text := describe(now, n)
		l.write(lv, text)
	}
	switch n.Kind {
	case machine.NoteReload:
		l.startup.Reset()
		l.loading = true
	case machine.NoteLoaded, machine.NoteReloadFailed:
		l.loading = false
	}
}

// Warn writes a line about the shell itself.
func (l *Log) Warn(format string, args ...any) { l.write(warning, fmt.Sprintf(format, args...)) }

// Orphan tells the end of a child that is no instance.
func (l *Log) Orphan(pid, status int) {
	lv := warning
	if status == 0 && l.format != HAProxyFormat {
		lv = notice
	}
	l.write(lv, fmt.Sprintf("Process %d exited with code %d (%s)", pid, status, statusName(status)))
}

// write writes text, a line each of its lines.
func (l *Log) write(lv level, text string) {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		if l.format == HAProxyFormat {
			fmt.Fprintf(&b, "%-11s(%d) : %s\n", "["+lv+"]", l.pid, printable(line))
		} else {
			fmt.Fprintf(&b, "%s %-7s %s\n", time.Now().Format("2006-01-02T15:04:05.000Z07:00"), lv, printable(line))
		}
	}
	if l.loading && l.startup.Len()+b.Len() <= maxStartup {
		l.startup.WriteString(b.String())
	}
	l.put(b.String())
}

func (l *Log) put(text string) {
	if l.lost > 0 {
		text = fmt.Sprintf("mwlua: %d lines of the log were lost: nobody read it\n", l.lost) + text
	}
	select {
	case l.queue <- entry{text: text}:
		l.lost = 0
	default:
		l.lost++
	}
}

// printable keeps a name or a message from forging a line or moving the cursor: control characters are escaped.
func printable(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, "\\x%02x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// exitStatus is an exit as a shell reports it.
func exitStatus(code, signal int) int {
	if signal != 0 {
		return 128 + signal
	}
	return code
}

// statusName is what HAProxy puts into parentheses (H-6.23): the same for exit(143) and for a death by SIGTERM.
func statusName(status int) string {
	if status < 128 {
		return "Exit"
	}
	name := unix.Signal(status - 128).String()
	switch n := status - 128; {
	case n >= 32 && n <= 64:
		return fmt.Sprintf("Real-time signal %d", n-34)
	case n < 1 || n > 31:
		return fmt.Sprintf("Unknown signal %d", n)
	}
	return strings.ToUpper(name[:1]) + name[1:]
}
