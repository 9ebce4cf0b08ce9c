package mastercli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// session is one connection. All of it belongs to one goroutine.
type session struct {
	Backend
	version string
	dialect dialect
	conn    net.Conn
	in      *bufio.Reader
	visit   *visit

	level  Level
	target int // the pid that a command without prefix goes to; 0 is the master
	prompt bool
	modes  modes
	over   bool // no further request is read
	taken  bool // Reload has the connection
}

// modes are switched on by commands that the prompt shows. They mean something to a worker only.
type modes struct {
	experimental, expert, debug bool
	severity                    string // of `set severity-output`: number, string, or "" for none
}

// run serves the connection until either side ends it. It closes it, unless a reload took it over.
func (s *session) run() {
	for !s.over {
		r, err := s.read()
		if errors.Is(err, errTooLong) {
			s.write(fmt.Sprintf("The request is longer than %d bytes, send a shorter one.\n\n", longestRequest))
			break // what follows is the rest of it
		}
		if err != nil {
			_ = s.conn.Close() // nobody is there to read an answer
			return
		}
		s.execute(r)
	}
	if !s.taken {
		finish(s.conn)
	}
}

func (s *session) read() (r request, err error) {
	if !s.visit.wait(true) {
		return r, net.ErrClosed
	}
	if err := s.conn.SetReadDeadline(time.Now().Add(idleTimeout)); err != nil {
		return r, err
	}
	r.text, err = readLine(s.in, true, longestRequest)
	if pattern, ok := payloadPattern(words(r.text)); ok && err == nil {
		if s.prompt {
			s.write("+ ")
		}
		r.payload, err = readPayload(s.in, pattern)
	}
	if !s.visit.wait(false) {
		return r, net.ErrClosed
	}
	return r, err
}

// write ends the session if the client does not take it.
func (s *session) write(text string) {
	if text == "" {
		return
	}
	if _, err := io.WriteString(timedWriter{s.visit}, text); err != nil {
		s.over = true
	}
}

// execute sends a request to the process that it is for, and writes answer and prompt.
func (s *session) execute(r request) {
	all := withoutComment(words(r.text))
	target := s.target
	prefixed := len(all) > 0 && strings.HasPrefix(all[0], "@")
	if prefixed {
		pid, ok := s.find(all[0])
		if !ok {
			s.write(fmt.Sprintf("Can't find the target PID matching the prefix '%s'\n", all[0]) + s.promptText())
			return
		}
		all, r.text, target = all[1:], afterFirst(r.text), pid
		if len(all) == 0 {
			s.target = pid
			s.write(s.promptText())
			return
		}
	}
	if !prefixed || target == 0 {
		if text, ok := s.local(all); ok {
			s.write(text + s.promptText())
			return
		}
	}
	if target != 0 {
		s.forward(target, r)
		return
	}
	text := s.answer(all)
	if !s.taken {
		s.write(text + "\n" + s.promptText())
	}
}

// find returns the pid that a prefix means, 0 for the master (H-8.14).
func (s *session) find(prefix string) (pid int, ok bool) {
	name := prefix[1:]
	if n, err := strconv.Atoi(name); name == "" || name == "master" || err == nil && n == 0 {
		return 0, true
	}
	if s.Workers == nil {
		return 0, false
	}
	return s.Workers.Worker(prefix)
}

// forward sends a request to a worker, below the level and in the modes of this session. An HAProxy master answers none of the
// commands that say so.
func (s *session) forward(pid int, r request) {
	var command strings.Builder
	if s.level != Admin {
		command.WriteString(s.level.String() + "\n")
	}
	if s.modes.severity != "" {
		command.WriteString("set severity-output " + s.modes.severity + "\n")
	}
	if s.modes.expert {
		command.WriteString("expert-mode on\n")
	}
	if s.modes.experimental {
		command.WriteString("experimental-mode on\n")
	}
	command.WriteString(r.text + "\n" + r.payload)
	if !s.attended(func(ctx context.Context) bool {
		return s.Workers.Forward(ctx, pid, command.String(), timedWriter{s.visit})
	}) {
		s.write("Can't connect to the target CLI!\n")
		s.over = true
		return
	}
	s.write(s.promptText())
}

// timedWriter gives each write its own time. One that takes long makes a session that waits for its client.
type timedWriter struct{ *visit }

// Write writes within writeTimeout.
func (w timedWriter) Write(b []byte) (int, error) {
	if err := w.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	defer w.writes()()
	return w.conn.Write(b)
}

// promptText is empty unless the session is interactive (H-8.8).
func (s *session) promptText() string {
	if !s.prompt {
		return ""
	}
	text := "master"
	if s.target != 0 {
		text = strconv.Itoa(s.target)
	} else if status, ok := s.Status(); ok && status.State.Failures > 0 {
		text += "[ReloadFailed]"
	}
	flags := ""
	for _, mode := range []struct {
		on   bool
		flag string
	}{{s.modes.experimental, "x"}, {s.modes.expert, "e"}, {s.modes.debug, "d"}} {
		if mode.on {
			flags += mode.flag
		}
	}
	if flags != "" {
		text += "(" + flags + ")"
	}
	return text + "> "
}

// local carries out what changes only the session, wherever commands go. That sends nothing, not even an empty line, unless
// it fails (H-8.7).
func (s *session) local(all []string) (text string, ok bool) {
	if len(all) == 0 {
		return "", false
	}
	on := len(all) > 1 && all[1] == "on"
	switch all[0] {
	case "prompt":
		s.setPrompt(all[1:])
	case "quit":
		s.over = true
	case "operator":
		return s.lower(Operator), true
	case "user":
		return s.lower(User), true
	case "expert-mode":
		return s.set(&s.modes.expert, on), true
	case "experimental-mode":
		return s.set(&s.modes.experimental, on), true
	case "mcli-debug-mode":
		return s.set(&s.modes.debug, on), true
	case "set":
		if !s.dialect.modern || len(all) < 2 || all[1] != "severity-output" {
			return "", false
		}
		return s.setSeverity(all[2:]), true
	default:
		return "", false
	}
	return "", true
}

// setPrompt toggles, or does as 3.x's arguments say. Its `timed` shows no time here.
func (s *session) setPrompt(arguments []string) {
	argument := ""
	if s.dialect.modern && len(arguments) > 0 {
		argument = arguments[0]
	}
	switch argument {
	case "n":
		s.prompt = false
	case "i", "p", "timed":
		s.prompt = true
	case "help":
	default:
		s.prompt = !s.prompt
	}
}

// denied is what the proxy in front of HAProxy's master says, where the master says it without the exclamation mark.
const denied = "Permission denied!\n"

func (s *session) lower(to Level) string {
	if s.level < to {
		return denied
	}
	s.level = to
	return ""
}

func (s *session) set(mode *bool, on bool) string {
	if s.level < Admin {
		return denied
	}
	*mode = on
	return ""
}

// setSeverity takes effect at a worker. A master's own answers stay without a severity, other than HAProxy's.
func (s *session) setSeverity(arguments []string) string {
	severity := ""
	if len(arguments) > 0 {
		severity = arguments[0]
	}
	switch severity {
	case "none":
		s.modes.severity = ""
	case "number", "string":
		s.modes.severity = severity
	default:
		return "one of 'none', 'number', 'string' is a required argument\n"
	}
	return ""
}

// newSession returns one for a client of a listener with that level.
func newSession(b Backend, v *visit, level Level) *session {
	version := defaultVersion
	if b.Version != nil {
		version = cmp.Or(b.Version(), defaultVersion)
	}
	return &session{
		Backend: b, version: version, dialect: newDialect(version), conn: v.conn, in: bufio.NewReader(v.conn), visit: v, level: level,
	}
}
