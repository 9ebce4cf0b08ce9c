package mastercli

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// exchange is one request of a recording and its answer.
type exchange struct {
	request, answer string
	cut             bool // the recording holds only the beginning of the answer
}

// recorded is what one release did.
type recorded struct {
	version                            string
	master, worker, program1, program2 int
	single                             []exchange   // each on a connection of its own, half-closed after the request
	sessions                           [][]exchange // not half-closed; an answer may end with eof
}

const eof = "<<EOF>>"

var (
	singleLine      = regexp.MustCompile(`(?ms)^>>> ('[^\n]*')  \([0-9.]+s, \d+ bytes\)\n(.*?)<<<  repr-tail`)
	sessionLine     = regexp.MustCompile(`(?m)^interactive >>> (b['"].*)\n(b['"].*)$`)
	optionLine      = regexp.MustCompile(`(?m)^   (b'.*') -> (b['"].*['"])(\.\.\.)?$`)
	wrongUptime     = regexp.MustCompile(`20730d\w{9}`)
	masterUptime    = regexp.MustCompile(`master .*0d00h00m(\d\d)s`)
	descriptors     = regexp.MustCompile(`\t\t \d.{15}`)
	descriptorsLine = regexp.MustCompile(`(?m)(\t\t )[-\d]+ .*$`)
)

// python reads a literal of the recordings, bytes or text.
func python(t *testing.T, literal string) string {
	t.Helper()
	body := strings.TrimPrefix(literal, "b")
	body = strings.ReplaceAll(body[1:len(body)-1], `\'`, `'`)
	if literal[len(literal)-1] == '\'' {
		body = strings.ReplaceAll(body, `"`, `\"`)
	}
	text, err := strconv.Unquote(`"` + body + `"`)
	if err != nil {
		t.Fatalf("%s: %v", literal, err)
	}
	return text
}

// correct puts into an answer what is different on purpose: T-30, the uptime of programs, and the descriptors that we have not.
func correct(answer string) string {
	uptime := "01"
	if m := masterUptime.FindStringSubmatch(answer); m != nil {
		uptime = m[1]
	}
	answer = wrongUptime.ReplaceAllString(answer, "0d00h00m"+uptime+"s    ")
	if descriptors.MatchString(answer) {
		answer = descriptorsLine.ReplaceAllString(answer, "${1}-1              -1             ")
	}
	return answer
}

func readRecording(t *testing.T, version string, r recorded) recorded {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "mcli-"+version+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range singleLine.FindAllStringSubmatch(string(raw), -1) {
		r.single = append(r.single, exchange{request: python(t, m[1]) + "\n", answer: correct(m[2])})
	}
	for _, section := range regexp.MustCompile(`(?m)^--- .*session.*$|^--- non interactive.*$|^--- .*$`).Split(string(raw), -1)[1:3] {
		var session []exchange
		for _, m := range sessionLine.FindAllStringSubmatch(section, -1) {
			session = append(session, exchange{request: python(t, m[1]), answer: correct(python(t, m[2]))})
		}
		r.sessions = append(r.sessions, session)
	}
	if len(r.single) < 48 || len(r.sessions[0]) < 10 || len(r.sessions[1]) != 2 {
		t.Fatalf("read %d requests and sessions of %d and %d", len(r.single), len(r.sessions[0]), len(r.sessions[1]))
	}
	return r
}

const second = machine.Instant(time.Second)

// backend behaves as what was recorded. Now is the time since the start in seconds.
func (r recorded) backend(now machine.Instant) Backend {
	return Backend{
		Version: func() string { return r.version },
		Status: func() (Status, bool) {
			instance := func(name string, pid int) machine.Program {
				return machine.Program{Name: name, Current: 1, Instances: []machine.Instance{{Seq: 1, Generation: 1, PID: pid}}}
			}
			return Status{
				Now: now * second, PID: r.master,
				State: machine.State{
					Generation: 1, Programs: []machine.Program{instance("p", r.program1), instance("a-very-long-program-name", r.program2)},
					Config: program.Config{Env: []string{
						"PATH=W/bin:/usr/bin:/bin", "OUT=<dir>", "HAPROXY_STARTUP_VERSION=3.2.0-e134140d2", "HAPROXY_BRANCH=3.2",
						"HAPROXY_CFGFILES=haproxy.cfg", "HAPROXY_MWORKER=1", "HAPROXY_MASTER_CLI=unix@<dir>/m.sock",
					}},
				},
				Workers: []Worker{{PID: r.worker, Version: r.version}},
			}, true
		},
		StartupLogs: func() string {
			return "[NOTICE]   (30553) : New program 'p' (30555) forked\n" +
				"[NOTICE]   (30553) : New program 'a-very-long-program-name' (30556) forked\n" +
				"[NOTICE]   (30553) : Initializing new worker (30557)\n" +
				"[NOTICE]   (30553) : Loading success."
		},
		Workers: workers{
			find: func(prefix string) (int, bool) {
				return r.worker, prefix == "@1" || prefix == "@!"+strconv.Itoa(r.worker)
			},
			forward: func(pid int, command string, w io.Writer) bool {
				answer := "unexpected: " + command
				switch command[strings.LastIndex(strings.TrimSuffix(command, "\n"), "\n")+1:] {
				case "show version\n":
					answer = r.version + "\n\n"
				case "prompt\n":
					answer = "\n> "
				}
				_, err := io.WriteString(w, answer)
				return pid == r.worker && err == nil
			},
		},
	}
}

// client is a connection in memory: it sends input, then half-closes.
type client struct {
	net.Conn // nil, and panics if something else is called
	in       io.Reader
	out      bytes.Buffer
	closed   bool
}

func (c *client) Read(b []byte) (int, error)       { return c.in.Read(b) }
func (c *client) Write(b []byte) (int, error)      { return c.out.Write(b) }
func (c *client) Close() error                     { c.closed = true; return nil }
func (c *client) SetDeadline(time.Time) error      { return nil }
func (c *client) SetReadDeadline(time.Time) error  { return nil }
func (c *client) SetWriteDeadline(time.Time) error { return nil }

// talk runs a whole session and returns what the client got.
func talk(b Backend, level Level, input string) string {
	c := &client{in: strings.NewReader(input)}
	all := newSessions(1)
	newSession(b, all.admit(c), level).run()
	return c.out.String()
}

var recordings = map[string]recorded{
	"2.6.12": {version: "2.6.12-1+deb12u4", master: 29164, worker: 29168, program1: 29166, program2: 29167},
	"3.2.0":  {version: "3.2.0-e134140d2", master: 30553, worker: 30557, program1: 30555, program2: 30556},
}

func TestSingleRequestsAnswerAsRecorded(t *testing.T) {
	for version, r := range recordings {
		r = readRecording(t, version, r)
		for _, e := range r.single {
			t.Run(version+" "+strings.TrimSpace(e.request), func(t *testing.T) {
				switch {
				case e.request == "@1 show info\n":
					t.Skip("a worker answers")
				case e.request == "show startup-logs\n" && version == "2.6.12":
					t.Skip("2.6 did not have it, D-7 has")
				}
				if diff := cmp.Diff(e.answer, talk(r.backend(1), Admin, e.request)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestSessionsAnswerAsRecorded(t *testing.T) {
	for version, r := range recordings {
		r = readRecording(t, version, r)
		for _, session := range r.sessions {
			replay(t, r.backend(2), Admin, session)
		}
	}
}

// replay sends each request once it has the answer to the one before, over a real connection.
func replay(t *testing.T, b Backend, level Level, session []exchange) {
	t.Helper()
	conn := dial(t, serveAt(t, b, level))
	for _, e := range session {
		send(t, conn, e.request)
		want, ends := strings.CutSuffix(e.answer, eof)
		got := make([]byte, len(want))
		if n, err := io.ReadFull(conn, got); err != nil {
			t.Fatalf("%q: %v after %q", e.request, err, got[:n])
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%q: %s", e.request, diff)
		}
		switch {
		case ends:
			expectEOF(t, conn)
		case e.cut: // take the rest: the next answer begins after it
			for range max(1, strings.Count(e.request, "\n")) {
				upTo(t, conn, "disconnect\n\n")
			}
			if session[0].request == "prompt\n" {
				upTo(t, conn, "> ")
			}
		}
	}
}

// upTo reads until what was read ends with end.
func upTo(t *testing.T, conn net.Conn, end string) {
	t.Helper()
	for text := ""; !strings.HasSuffix(text, end); {
		b := make([]byte, 1)
		if _, err := conn.Read(b); err != nil {
			t.Fatalf("%v after %q", err, text)
		}
		text += string(b)
	}
}

func readOptions(t *testing.T) map[string][]exchange {
	t.Helper()
	raw, err := os.ReadFile("testdata/mcli-options-2.6.12.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]exchange{}
	for _, section := range strings.Split(string(raw), "=== ")[1:] {
		name, _, _ := strings.Cut(section, ":")
		for _, m := range optionLine.FindAllStringSubmatch(section, -1) {
			all[name] = append(all[name], exchange{python(t, m[1]), python(t, strings.TrimSuffix(m[2], "...")), m[3] != ""})
		}
	}
	return all
}

func TestLevelsAndModesAsRecorded(t *testing.T) {
	options := readOptions(t)
	for name, test := range map[string]struct {
		level           Level
		master, program int
		worker          int
		uptime          machine.Instant
	}{
		"level user":         {User, 22166, 22297, 22299, 1},
		"level operator":     {Operator, 24449, 0, 0, 1},
		"level admin":        {Admin, 24455, 0, 0, 1},
		"prompt modes":       {Admin, 30533, 30535, 30536, 1},
		"long line / binary": {Admin, 2698, 2942, 2943, 1},
	} {
		t.Run(name, func(t *testing.T) {
			session := slices.DeleteFunc(options[name], func(e exchange) bool {
				// The modes of debugging show what a worker has, and a long line is an error here.
				return strings.HasPrefix(e.request, "show fd") || strings.HasPrefix(e.request, "show activity") ||
					strings.HasPrefix(e.request, "show env") || strings.Contains(e.answer, "abort ssl") || len(e.request) > 10000
			})
			if len(session) < 3 {
				t.Fatalf("read %d requests", len(session))
			}
			r := recorded{version: "2.6.12-1+deb12u4", master: test.master, worker: test.worker, program1: test.program}
			replay(t, r.backend(test.uptime), test.level, session)
		})
	}
}
