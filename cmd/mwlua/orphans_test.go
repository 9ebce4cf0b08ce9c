package main

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKilledMwluaLeavesNothingInTheWay: who kills mwlua stops nothing (H-6.29), whatever its programs have of it: sockets, the pipe for
// their output, that to say that they are ready, and a NOTIFY_SOCKET. The next mwlua waits for what those that are left hold, and says
// so; nothing else keeps it.
func TestKilledMwluaLeavesNothingInTheWay(t *testing.T) {
	address := freeAddress(t)
	setup := func(w *window) {
		w.write(luaFile, fmt.Sprintf(`
defaults { restart = { policy = "always", delay = "20ms", max_delay = "200ms" } }
program "web" { command = { "./prog", "web", "name=web" }, sockets = { http = "tcp://%s" }, ready = "notify" }
program "admin" {
	command = { "sh", "-c", "echo up; exec ./prog name=admin" },
	sockets = { admin = "unix://%s" },
	ready = { log = "^up$" },
}
program "plain" { command = { "sh", "-c", "echo >&3; exec ./prog name=plain" }, ready = { fd = 3 } }
`, address, w.path("admin.sock")))
		w.cmd.Args = []string{w.path("mwlua"), "run", luaFile}
	}
	w := newWindow(t, "", setup)
	w.logged(luaLoaded, 1)
	orphans := []int{w.started("web#1"), w.started("admin#1"), w.started("plain#1")}
	w.signal(unix.SIGKILL)
	w.until("the end of mwlua", w.isGone)

	next := newWindowIn(t, w.dir, setup)
	for _, socket := range []string{`http: tcp://`, `admin: unix://`} {
		next.until(socket, func() bool {
			return regexp.MustCompile(`did not start: .*` + socket + `.*: address already in use; it starts again in `).MatchString(next.read("log"))
		})
	}
	next.started("plain#2")
	for _, pid := range orphans {
		if !runsIn(w.dir, pid) {
			t.Errorf("%d has ended%s", pid, next.files())
		}
	}
	if err := get(http.DefaultClient, address); err != nil {
		t.Errorf("the one that is left does not serve: %v", err)
	}
	for _, pid := range orphans {
		next.must(unix.Kill(pid, unix.SIGKILL))
	}
	next.logged(luaLoaded, 2)
	next.started("web#2")
	next.started("admin#2")
	next.must(get(http.DefaultClient, address))
	next.stops()
}
