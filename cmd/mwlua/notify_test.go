package main

import (
	"fmt"
	"net"
	"regexp"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestServiceManagerIsTold: in the order and the words of HAProxy 3.2 (H-9.2), and programs do not have the socket (T-19).
func TestServiceManagerIsTold(t *testing.T) {
	var socket *net.UnixConn
	w := newWindow(t, "program a\n\tcommand ./prog name=a\n", func(w *window) {
		var err error
		socket, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: w.path("notify"), Net: "unixgram"})
		w.must(err)
		t.Cleanup(func() { socket.Close() })
		w.cmd.Args = append(w.cmd.Args, "-Ws")
		w.cmd.Env = append(w.cmd.Env, "NOTIFY_SOCKET="+w.path("notify"))
	})
	ready := fmt.Sprintf("READY=1\nMAINPID=%d\nSTATUS=Ready.\n", w.pid())
	const reloading = "RELOADING=1\nSTATUS=Reloading Configuration.\nMONOTONIC_USEC=N\n"
	told := func(want ...string) {
		t.Helper()
		for _, want := range want {
			w.must(socket.SetReadDeadline(time.Now().Add(patience)))
			data := make([]byte, 4096)
			n, err := socket.Read(data)
			w.must(err)
			got := regexp.MustCompile(`(MONOTONIC_USEC=)\d+`).ReplaceAllString(string(data[:n]), "${1}N")
			if got != want {
				t.Fatalf("told %q, want %q%s", got, want, w.files())
			}
		}
	}
	told(ready)
	w.started("a#1")
	w.reload(windowOK)
	told(reloading, ready)
	w.write(configFile, "program\n")
	w.reload(windowFailed)
	told(reloading, "READY=1\nSTATUS=Reload failed!\n")
	w.write(configFile, "program a\n\tcommand ./prog name=a\n")
	w.reload(windowOK)
	told(reloading, ready)
	w.started("a#3")
	w.signal(unix.SIGUSR1)
	told("STOPPING=1")
	w.exits(0)
}
