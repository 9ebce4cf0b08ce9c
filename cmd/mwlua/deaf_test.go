package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestStopIsHeardWhoeverDoesNotListen: neither a log that nobody reads nor a service manager that does not answer keeps mwlua
// from a stop, or a program from its end.
func TestStopIsHeardWhoeverDoesNotListen(t *testing.T) {
	s := newStorm(t, 1)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := unix.FcntlInt(writer.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	manager := filepath.Join(s.dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: manager, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.cmd = exec.Command(filepath.Join(s.dir, "mwlua"), "run", "-haproxy", "haproxy.cfg")
	s.cmd.Dir, s.cmd.Stderr = s.dir, writer
	s.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+manager, "GORACE=atexit_sleep_ms=0")
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.clean)
	go func() { s.cmd.Wait(); close(s.ended) }()
	writer.Close()
	const bad = "program a\n\tcommand x\n\tno-such-keyword with-a-long-tail\n"
	s.until("the start", func() bool { return s.marker("b") != "" })
	for range 60 { // each leaves some lines and two datagrams
		s.write("haproxy.cfg", bad)
		s.signal("USR2")
		s.until("the reload to be heard", func() bool { return pendingSignals(s.cmd.Process.Pid) == 0 })
	}
	s.signal("TERM")
	s.checkEnd()
}
