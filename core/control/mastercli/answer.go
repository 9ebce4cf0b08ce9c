package mastercli

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// answer carries out a command of the master and returns its answer without the empty line that ends it.
func (s *session) answer(all []string) string {
	if len(all) == 0 {
		if s.dialect.modern {
			return ""
		}
		return s.dialect.unknown(nil)
	}
	if all[0] == "help" {
		return s.dialect.help(all[1:])
	}
	switch command := s.dialect.find(all); command {
	case "show proc":
		return s.showProc(all[2:])
	case "show version":
		return s.version + "\n"
	case "show cli level":
		return s.level.String() + "\n"
	case "show cli sockets":
		return "" // as HAProxy's master (H-8.12)
	case "show startup-logs":
		return endLine(s.StartupLogs())
	case "show env":
		return s.showEnv(all[2:])
	case "echo":
		return strings.Join(all[1:], " ") + "\n"
	case "reload", "hard-reload":
		return s.reload(command == "hard-reload")
	case "_loadstatus":
		status, ok := s.status()
		return reloadText(status.State.Failures == 0 && ok, s.StartupLogs())
	}
	return s.dialect.unknown(all)
}

// refused is what the master says to a level that is too low.
const refused = "Permission denied\n"

// leaving is what the last answer says of a supervisor that is leaving.
const leaving = "The master is stopping.\n"

// status ends the session if the supervisor is leaving.
func (s *session) status() (Status, bool) {
	status, ok := s.Status()
	if !ok {
		s.over = true
	}
	if status.Version == "" {
		status.Version = s.version
	}
	return status, ok
}

func (s *session) showProc(arguments []string) string {
	debug := ""
	if len(arguments) > 0 && s.dialect.modern {
		if arguments[0] != "debug" {
			return "'show proc' only supports 'debug' as argument\n"
		}
		debug = fmt.Sprintf("\t\t %-15d %-15d", -1, -1)
	}
	status, ok := s.status()
	if !ok {
		return leaving
	}
	return showProc(status, debug)
}

func (s *session) showEnv(arguments []string) string {
	if s.level < Operator {
		return refused
	}
	status, ok := s.status()
	env := status.State.Config.Env
	switch i := slices.IndexFunc(env, func(v string) bool { return len(arguments) > 0 && strings.HasPrefix(v, arguments[0]+"=") }); {
	case !ok:
		return leaving
	case len(arguments) == 0:
		return endLine(strings.Join(env, "\n"))
	case i < 0:
		return "Variable not found\n"
	default:
		return env[i] + "\n"
	}
}

// reload gives the connection away; the answer comes from WriteReload. One that the client has left counts as well, as in HAProxy.
func (s *session) reload(hard bool) string {
	if s.level < Operator {
		return refused
	}
	s.visit.leave()
	_ = s.conn.SetDeadline(time.Time{}) // fails only if it is closed
	s.over, s.taken = true, true
	s.Reload(s.conn, hard)
	return ""
}

// endLine returns text with a newline at its end, unless it is empty.
func endLine(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}
