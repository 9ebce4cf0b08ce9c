// Package sdnotify reads what a program says over its NOTIFY_SOCKET: datagrams of lines NAME=VALUE, as sd_notify(3) sends them.
//
// It opens no socket and does not ask who the sender is. Whatever the bytes are, it finds what it knows in them, or nothing.
package sdnotify

import (
	"bytes"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mwlua/mwlua/core/machine"
)

// Bounds of what is taken.
const (
	MaxDatagram = 4096                 // bytes; systemd's limit, too
	MaxTime     = 365 * 24 * time.Hour // of a WATCHDOG_USEC or EXTEND_TIMEOUT_USEC; what is longer counts as that
	maxPID      = 4 << 20              // PID_MAX_LIMIT of proc_sys_kernel(5)
)

// Add adds what a datagram says to what was said before it. The last of READY, RELOADING and STOPPING says what the program does;
// that it was ready is not forgotten. MAINPID is whatever the program says. Lines that mean nothing here, or are broken, are
// passed over, and so is a datagram that is too long.
func Add(said *machine.Notified, datagram []byte) {
	if len(datagram) > MaxDatagram {
		return
	}
	for line := range bytes.SplitSeq(datagram, []byte("\n")) {
		if name, value, ok := bytes.Cut(line, []byte("=")); ok {
			add(said, string(name), string(value))
		}
	}
}

func add(said *machine.Notified, name, value string) {
	switch name {
	case "READY", "RELOADING", "STOPPING":
		if value == "1" {
			said.Ready = said.Ready || name == "READY"
			said.Reloading, said.Stopping = name == "RELOADING", name == "STOPPING"
		}
	case "WATCHDOG":
		said.Watchdog = said.Watchdog || value == "1"
		said.Trigger = said.Trigger || value == "trigger"
	case "WATCHDOG_USEC":
		said.WatchdogEvery = microseconds(value, said.WatchdogEvery)
	case "EXTEND_TIMEOUT_USEC":
		said.Extend = microseconds(value, said.Extend)
	case "MAINPID":
		if pid, err := strconv.ParseUint(value, 10, 32); err == nil && 0 < pid && pid <= maxPID {
			said.MainPID = int(pid)
		}
	case "STATUS":
		said.Status = printable(value)
	}
}

// microseconds is the time that value says, or otherwise if it says none.
func microseconds(value string, otherwise time.Duration) time.Duration {
	n, err := strconv.ParseUint(value, 10, 64)
	switch {
	case err != nil || n == 0:
		return otherwise
	case n > uint64(MaxTime/time.Microsecond):
		return MaxTime
	}
	return time.Duration(n) * time.Microsecond
}

// printable is text without what would disturb a terminal or a log, cut at the end of a character.
func printable(text string) string {
	clean := make([]byte, 0, min(len(text), machine.MaxStatus))
	for _, r := range text {
		if !unicode.IsPrint(r) { // a broken byte is U+FFFD, which is
			r = ' '
		}
		if len(clean)+utf8.RuneLen(r) > machine.MaxStatus {
			break
		}
		clean = utf8.AppendRune(clean, r)
	}
	return string(clean)
}
