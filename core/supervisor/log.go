package supervisor

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
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
	JSONFormat    Format = "json"    // an object a line, for those who collect logs
)

// Formats are all of them.
func Formats() []Format { return []Format{TextFormat, HAProxyFormat, JSONFormat} }

// Log writes what happens, a line a decision. It belongs to the goroutine of the loop, and never keeps it waiting: a reader
// that does not read costs lines, which are counted, and not a stop.
type Log struct {
	form  atomic.Value // Format
	least atomic.Int32 // rank of the least level that is written
	pid   int

	unwritten *backlog
	gathers   bool // lines wait for push, which whoever sets it calls before it waits for anything

	startup strings.Builder // the lines of the last load, the one under way included
	loading bool
}

// maxStartup bounds the lines of a load, in bytes: those of 10,000 programs fit.
const maxStartup = 1 << 20

// Startup returns the lines of the last load.
func (l *Log) Startup() string { return l.startup.String() }

// NewLog returns a log that writes to w.
func NewLog(w io.Writer, format Format) *Log {
	l := &Log{pid: os.Getpid(), unwritten: newBacklog(), loading: true}
	l.form.Store(format)
	go l.unwritten.drain(w) // waits for lines and for w; closes what Flush waits for; ends with the process
	return l
}

// SetFormat changes the form of the lines from now on. It may be called from any goroutine, and so may SetLevel.
func (l *Log) SetFormat(format Format) { l.form.Store(format) }

// SetLevel leaves out what is less bad than "warn" or "error"; anything else writes all.
func (l *Log) SetLevel(level string) {
	ranks := map[string]int32{"warn": warning.rank(), "error": alert.rank()}
	l.least.Store(ranks[level])
}

func (l *Log) format() Format { return l.form.Load().(Format) }

// push has the lines written that were gathered.
func (l *Log) push() { l.unwritten.push() }

// Flush waits until all is written, but no longer than a second: it comes before an execve and before the end.
func (l *Log) Flush() {
	select {
	case <-l.unwritten.written():
	case <-time.After(time.Second):
	}
}

// level is how bad a line is. The names are syslog's, as far as HAProxy has them.
type level string

const (
	notice  level = "NOTICE"
	warning level = "WARNING"
	alert   level = "ALERT"
)

func (lv level) rank() int32 {
	switch lv {
	case alert:
		return 2
	case warning:
		return 1
	}
	return 0
}

// Note writes one note of the machine.
func (l *Log) Note(now machine.Instant, n machine.Note) {
	lv, text := describe(now, n)
	switch l.format() {
	case HAProxyFormat:
		l.haproxy(now, n)
	case JSONFormat:
		l.keep(lv, jsonLine(lv, text, now, n))
	default:
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
	if status == 0 && l.format() != HAProxyFormat {
		lv = notice
	}
	l.write(lv, fmt.Sprintf("Process %d exited with code %d (%s)", pid, status, statusName(status)))
}

// Say writes a line of a function of the configuration, from any goroutine: word is debug, info, warn or error.
func (l *Log) Say(word, text string) {
	lv := notice
	switch word {
	case "warn":
		lv = warning
	case "error":
		lv = alert
	}
	if lv.rank() >= l.least.Load() {
		l.unwritten.add(l.lines(lv, text))
		l.push()
	}
}

// write writes text, a line each of its lines.
func (l *Log) write(lv level, text string) { l.keep(lv, l.lines(lv, text)) }

func (l *Log) lines(lv level, text string) string {
	format := l.format()
	if format == JSONFormat {
		return jsonLine(lv, text, 0, machine.Note{})
	}
	var b []byte
	for line := range strings.SplitSeq(text, "\n") {
		if format == HAProxyFormat {
			b = fmt.Appendf(b, "%-11s(%d) : ", "["+lv+"]", l.pid)
		} else {
			b = fmt.Appendf(time.Now().AppendFormat(b, "2006-01-02T15:04:05.000Z07:00"), " %-7s ", lv)
		}
		b = append(append(b, printable(line)...), '\n')
	}
	return string(b)
}

// keep writes lines, unless they are of too low a level, and keeps those of a load.
func (l *Log) keep(lv level, text string) {
	if l.loading && l.startup.Len()+len(text) <= maxStartup {
		l.startup.WriteString(text)
	}
	if lv.rank() >= l.least.Load() {
		if l.unwritten.add(text); !l.gathers {
			l.push()
		}
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
