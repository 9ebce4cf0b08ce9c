package luatest

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	glua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/lua"
)

// maxLog bounds what is held of a log, in bytes, and maxPiece what is read of it at a time.
const (
	maxLog   = 4 << 20
	maxPiece = 64 << 10
)

// lines reads a piece of the log from an offset on: whole lines, the rest, which may go on, and the offset of that.
func (m *master) lines(from int64, most int) (whole []string, rest string, next int64) {
	f, err := os.Open(m.logFile)
	if err != nil {
		return nil, "", from
	}
	defer f.Close()
	content, _ := io.ReadAll(io.NewSectionReader(f, from, int64(most))) // what cannot be read is not there
	end := bytes.LastIndexByte(content, '\n') + 1
	if len(content) == most && end == 0 { // one line is as long as that
		end = len(content)
	}
	return splitLines(string(content[:end])), string(content[end:]), from + int64(end)
}

// allLines are those from an offset on, with the rest, the last maxLog bytes at most.
func (m *master) allLines(from int64) []string {
	lines, rest, _ := m.lines(max(from, m.logSize()-maxLog), maxLog)
	if rest != "" {
		lines = append(lines, rest)
	}
	return lines
}

func (m *master) logSize() int64 {
	info, err := os.Stat(m.logFile)
	if err != nil {
		return 0
	}
	return info.Size()
}

// lastLines are the last ones of the log.
func (m *master) lastLines() []string {
	lines := m.allLines(0)
	return lines[max(0, len(lines)-maxTold):]
}

// What mwlua says before it leaves at a first load that failed, and what stands before an error.
const refused = "nothing was started"

var errorMark = regexp.MustCompile(`^(\S+Z ALERT +|\[ALERT\] +\(\d+\) : |mwlua: (error|hint): )`)

// refusal is why mwlua has started nothing, from what it has written since then; nil if it is not for that that it has ended.
func (m *master) refusal(from int64) (errors []string) {
	lines := m.allLines(from)
	refuses := func(line string) bool {
		return strings.Contains(line, refused) || strings.HasPrefix(line, "mwlua: error: ")
	}
	if !slices.ContainsFunc(lines, refuses) {
		return nil
	}
	for _, line := range lines {
		if mark := errorMark.FindString(line); mark != "" && !strings.HasSuffix(line, refused) {
			errors = append(errors, m.readable(line[len(mark):]))
		}
	}
	if errors == nil { // its log has another form
		return lines[max(0, len(lines)-maxTold):]
	}
	return errors
}

// logVerbs are the methods of what r:log() yields.
func logVerbs() map[string]verb[*master] {
	return map[string]verb[*master]{"expect": (*master).expectLog, "expect_no": (*master).expectNoLog, "text": (*master).logText}
}

// log is r:log(): what mwlua and its programs have written.
func (m *master) log(L *glua.LState) int {
	m.launched(L)
	L.Push(object(L, m, "log", "a log of run", logVerbs(), m.lives))
	return 1
}

// logText is r:log():text(): its last maxLog bytes.
func (m *master) logText(L *glua.LState) int {
	L.Push(glua.LString(strings.Join(m.allLines(0), "\n")))
	return 1
}

// expectLog is r:expect_log("pattern", "2s", 3), and r:log():expect: within that time, so many lines of the log match. It looks at all
// lines, also those from before the call.
func (m *master) expectLog(L *glua.LState) int {
	m.launched(L)
	pattern, limit, want := text(L, 2, "expect_log", "a pattern"), limitOf(L, 3, "expect_log"), L.OptInt(4, 1)
	n, count := 0, m.counting(L, pattern)
	if m.poll(L, limit, func() bool { n = count(); return n >= want }) {
		return 0
	}
	if want == 1 {
		lua.Raise(L, "no line of the log matches the pattern %q after %v", pattern, limit)
	}
	lua.Raise(L, "lines of the log that match the pattern %q after %v: %d, want %d", pattern, limit, n, want)
	return 0
}

// countTime is how long one look at the log may take: of one that grows faster than it is read there is no end.
const countTime = 20 * time.Millisecond

// counting yields a function that counts the lines of the log that match, and reads only what is new to it.
func (m *master) counting(L *glua.LState, pattern string) func() int {
	count, from := 0, int64(0)
	return func() int {
		for begun := time.Now(); time.Since(begun) < countTime; {
			whole, rest, next := m.lines(from, maxPiece)
			for _, line := range whole {
				if found(L, line, pattern) {
					count++
				}
			}
			switch from = next; {
			case len(whole) > 0:
			case rest != "" && found(L, rest, pattern):
				return count + 1
			default:
				return count
			}
		}
		return count
	}
}

// expectNoLog is r:expect_no_log("pattern"): no line of the log matches so far, of its last maxLog bytes.
func (m *master) expectNoLog(L *glua.LState) int {
	m.launched(L)
	pattern := text(L, 2, "expect_no_log", "a pattern")
	for _, line := range m.allLines(0) {
		if found(L, line, pattern) {
			lua.Raise(L, "a line of the log matches the pattern %q: %s", pattern, line)
		}
	}
	return 0
}

// limitOf is the argument that says how long something may take.
func limitOf(L *glua.LState, n int, verb string) time.Duration {
	if L.Get(n) == glua.LNil {
		return usual
	}
	return lua.Duration(L, L.Get(n), verb)
}

// tellMasters puts down what the last real mwlua of a test that has failed has written.
func (s *state) tellMasters(r *running, failed *lua.Failure) {
	if failed != nil && len(r.real) > 0 {
		r.result.Log = r.real[len(r.real)-1].lastLines()
	}
}
