package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// withHAProxy runs Debian's HAProxy beside the programs, with what belongs to mwlua in the directory of the test.
func withHAProxy(binary string) func(*window) {
	return func(w *window) {
		needHAProxy(w.t)
		w.cmd.Env = append(w.cmd.Env, "RUNTIME_DIRECTORY="+w.path("run"), "PATH="+os.Getenv("PATH")+":/usr/sbin")
		w.cmd.Args = append(w.cmd.Args, "-with-haproxy", binary, "-S", "master.sock")
	}
}

func needHAProxy(t *testing.T) {
	t.Helper()
	if problem := haproxyProblem(); problem != "" {
		if os.Getenv("CI") != "" {
			t.Fatal(problem)
		}
		t.Skip(problem)
	}
}

// proxyConfig is a proxy that answers by itself, and the program a.
func proxyConfig(port int) string {
	return fmt.Sprintf(`global
	daemon
	master-worker
defaults
	mode http
	timeout client 30s
	timeout server 30s
	timeout connect 30s
program a
	command ./prog name=a
frontend web
	bind 127.0.0.1:%d
	http-request return status 200 content-type text/plain string "hello"
`, port)
}

// freePort is one that nobody listens at now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func here(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// serving waits until the proxy answers.
func (w *window) serving(port int) {
	w.t.Helper()
	w.until("the proxy", func() bool { return get(http.DefaultClient, here(port)) == nil })
}

// haproxyPID is that of HAProxy's master.
func (w *window) haproxyPID() (pid int) {
	w.t.Helper()
	w.until("HAProxy", func() bool {
		found := regexp.MustCompile(`New program 'haproxy' \((\d+)\) forked`).FindAllStringSubmatch(w.read("log"), -1)
		if found != nil {
			fmt.Sscan(found[len(found)-1][1], &pid)
		}
		return found != nil
	})
	return pid
}

// TestNoRequestFailsOverReloads: a thousand requests a second, each on a connection of its own, over twenty reloads of HAProxy
// and of the program.
func TestNoRequestFailsOverReloads(t *testing.T) {
	reloads := 20
	if underRace { // what is measured here is not mwlua's own code
		reloads = 5
	}
	port := freePort(t)
	w := newWindow(t, proxyConfig(port), withHAProxy("haproxy"))
	w.started("a#1")
	w.serving(port)
	master := w.haproxyPID()
	load := newLoad(here(port), time.Millisecond, newConnections())
	for i := range reloads {
		if got := w.cli("reload\n"); !strings.HasPrefix(got, "Success=1\n--\n") {
			t.Fatalf("reload %d: %q%s", i+1, got, w.files())
		}
		w.started(fmt.Sprintf("a#%d", i+2))
	}
	requests, failures, rate := load.stop()
	t.Logf("%d requests, %.0f a second, %d failed, over %d reloads", requests, rate, len(failures), reloads)
	if len(failures) > 0 || requests < 100 {
		t.Errorf("%d of %d requests failed, the first with %v%s", len(failures), requests, failures, w.files())
	}
	if n := strings.Count(w.read(eventsFile), " start "); n != reloads+1 {
		t.Errorf("the program was started %d times, want %d", n, reloads+1)
	}
	if w.haproxyPID() != master {
		t.Error("HAProxy was started again, where it should have reloaded itself")
	}
	w.stops()
}

// TestHAProxyIsReloadedFirst: what it refuses, in a check or when it listens, leaves the programs alone (D-7).
func TestHAProxyIsReloadedFirst(t *testing.T) {
	port := freePort(t)
	config := proxyConfig(port)
	w := newWindow(t, config, withHAProxy("haproxy"))
	first := w.started("a#1")
	w.serving(port)
	w.write(configFile, config+"\tgarbage\n")
	got := w.cli("reload\n")
	if !strings.HasPrefix(got, "Success=0\n--\n") || !strings.Contains(got, "haproxy.cfg:14: HAProxy: unknown keyword 'garbage' in 'frontend' section") {
		t.Errorf("HAProxy's check fails: %q", got)
	}
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	w.must(err)
	defer taken.Close()
	w.write(configFile, config+"\tbind "+taken.Addr().String()+"\n")
	if got := w.cli("reload\n"); !strings.HasPrefix(got, "Success=0\n--\n") || !strings.Contains(got, "HAProxy did not reload") {
		t.Errorf("HAProxy cannot listen: %q", got)
	}
	w.serving(port)
	if did := w.events(first); len(did) > 0 {
		t.Errorf("a#1 was told %v%s", did, w.files())
	}
	w.write(configFile, config)
	if got := w.cli("reload\n"); !strings.HasPrefix(got, "Success=1\n--\n") {
		t.Errorf("it is mended: %q%s", got, w.files())
	}
	w.told(first, "USR1:dies")
	w.started("a#2")
	w.stops()
}

// TestCommandsReachTheWorkers: prefixes, levels and `show proc` with an HAProxy (H-8.14, H-8.18).
func TestCommandsReachTheWorkers(t *testing.T) {
	port := freePort(t)
	w := newWindow(t, proxyConfig(port), withHAProxy("haproxy"))
	w.started("a#1")
	w.serving(port)
	table := w.cli("show proc\n")
	rows := regexp.MustCompile(`(?m)^(\d+) +worker +0 +0d00h`).FindStringSubmatch(table)
	if rows == nil || strings.Contains(table, "haproxy ") {
		t.Fatalf("show proc: %q", table)
	}
	worker := rows[1]
	const version = "2.6.12-1+deb12u4\n\n"
	for commands, want := range map[string]string{
		"@1 show version;show version\n":                  version + version,
		"@!" + worker + " show version\n":                 version,
		"@1\nshow version\n":                              version,
		"@1 show version;quit;show version\n":             version,
		"set severity-output number;@1 show version\n":    "",
		"@!1 show version\n":                              "Can't find the target PID matching the prefix '@!1'\n",
		"user;@1 shutdown frontend web\n":                 "Permission denied\n\n",
		"prompt\n@1\nshow version\n@master\nquit\n":       "master> " + worker + "> " + version + worker + "> master> master> ",
		"@!" + fmt.Sprint(w.pid()) + " show version\n":    "Can't find the target PID matching the prefix '@!" + fmt.Sprint(w.pid()) + "'\n",
		"@1 show stat typed;@1 show no-such-thing-here\n": "",
	} {
		if got := w.cli(commands); got != want && want != "" || got == "" {
			t.Errorf("%q: got %q, want %q", commands, got, want)
		}
	}
	if got := w.cli("@1 show info\n"); !strings.Contains(got, "\nPid: "+worker+"\n") {
		t.Errorf("show info: %q", got)
	}
	w.stops()
}

// TestEndOfHAProxyStopsEverything: nothing goes on without it.
func TestEndOfHAProxyStopsEverything(t *testing.T) {
	for signal, status := range map[unix.Signal]int{unix.SIGKILL: 137, unix.SIGTERM: 0} {
		t.Run(signal.String(), func(t *testing.T) {
			port := freePort(t)
			w := newWindow(t, proxyConfig(port), withHAProxy("haproxy"))
			first := w.started("a#1")
			w.serving(port)
			w.must(unix.Kill(w.haproxyPID(), signal))
			w.told(first, "TERM:dies")
			w.exits(status)
			w.checkLog(`\[ALERT\] .*Program 'haproxy' has ended: everything is stopped \(nothing goes on without it\)`)
		})
	}
}

// TestFileThatHAProxyRefuses: an HAProxy 3.3 takes a file with `program` sections only from mwlua, which leaves them out, and what
// that HAProxy is called decides conditions (D-2).
func TestFileThatHAProxyRefuses(t *testing.T) {
	port := freePort(t)
	config := proxyConfig(port) + ".if version_atleast(3.3)\nprogram b\n\tcommand ./prog name=b\n.endif\n"
	w := newWindow(t, config, withHAProxy("./haproxy33"), func(w *window) {
		w.write("haproxy33", `#!/bin/sh
case "$*" in -v) echo "HAProxy version 3.3.0-abcdef 2025/11/26 - https://haproxy.org/"; exit;; esac
for f; do
	if [ -f "$f" ] && grep -q '^program a' "$f"; then echo "[ALERT]    ($$) : config : parsing [$f:1]: unknown keyword 'program'" >&2; exit 1; fi
done
exec haproxy "$@"
`)
	})
	w.started("a#1")
	w.started("b#1")
	w.serving(port)
	direct := exec.Command(w.path("haproxy33"), "-c", "-f", configFile)
	direct.Dir = w.dir
	if out, err := direct.CombinedOutput(); err == nil {
		t.Errorf("the file is taken directly: %s", out)
	}
	if got := w.cli("show version\n"); got != "3.3.0-abcdef\n\n" {
		t.Errorf("show version: %q", got)
	}
	w.stops()
	if left, _ := os.ReadDir(w.path("run")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestHAProxyCannotBegin: nothing is started, and one line says why.
func TestHAProxyCannotBegin(t *testing.T) {
	for name, test := range map[string]struct{ binary, config, want string }{
		"there is none":        {"no-such-haproxy", "program a\n\tcommand ./prog name=a\n", "there is no no-such-haproxy in PATH"},
		"it is something else": {"/bin/true", "program a\n\tcommand ./prog name=a\n", "/bin/true -v ended with status 0 and named no version: is it HAProxy?"},
		"its part is wrong":    {"haproxy", "program a\n\tcommand ./prog name=a\nfrontend f\n\tgarbage\n", "haproxy.cfg:4: HAProxy: unknown keyword 'garbage'"},
		"a section of its name": {"haproxy", "program haproxy\n\tcommand ./prog name=a\n",
			`haproxy.cfg:1: program "haproxy": this is what HAProxy itself is called with -with-haproxy: choose another name`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWindow(t, test.config, withHAProxy(test.binary))
			w.exits(1)
			if log := w.read("log"); !strings.Contains(log, test.want) || strings.Contains(log, "forked") || w.read(eventsFile) != "" {
				t.Errorf("want %q%s", test.want, w.files())
			}
		})
	}
}

// TestFilesMayComeAndGo: a directory that gets another file is reloaded like anything else, with the same HAProxy.
func TestFilesMayComeAndGo(t *testing.T) {
	port, other := freePort(t), freePort(t)
	w := newWindow(t, proxyConfig(port), withHAProxy("haproxy"), func(w *window) {
		w.must(os.Mkdir(w.path("conf"), 0o755))
		w.must(os.Rename(w.path(configFile), w.path("conf/b.cfg")))
		w.cmd.Args[slices.Index(w.cmd.Args, configFile)] = "conf"
	})
	w.started("a#1")
	w.serving(port)
	master := w.haproxyPID()
	w.write("conf/c.cfg", fmt.Sprintf("frontend other\n\tmode http\n\ttimeout client 5s\n\tbind 127.0.0.1:%d\n\thttp-request return status 200 content-type text/plain string hello\n", other))
	if got := w.cli("reload\n"); !strings.HasPrefix(got, "Success=1\n") {
		t.Fatalf("reload: %q%s", got, w.files())
	}
	w.serving(other)
	w.started("a#2")
	w.write("conf/a.cfg", "frontend taken\n\tmode http\n\ttimeout client 5s\n\tbind 192.0.2.1:1\n")
	if got := w.cli("reload\n"); !strings.HasPrefix(got, "Success=0\n") {
		t.Fatalf("it cannot bind: %q%s", got, w.files())
	}
	w.serving(port)
	w.must(os.Remove(w.path("conf/a.cfg")))
	w.must(os.Remove(w.path("conf/c.cfg")))
	if got := w.cli("reload\n"); !strings.HasPrefix(got, "Success=1\n") {
		t.Fatalf("reload: %q%s", got, w.files())
	}
	w.started("a#3")
	w.until("the other port to be closed", func() bool { return get(http.DefaultClient, here(other)) != nil })
	if w.haproxyPID() != master {
		t.Error("HAProxy was started again")
	}
	w.stops()
}

// TestLoadWaitsForHAProxy: it is not ready before HAProxy is, and HAProxy's failure to begin is that of mwlua.
func TestLoadWaitsForHAProxy(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	w := newWindow(t, proxyConfig(taken.Addr().(*net.TCPAddr).Port), withHAProxy("haproxy"))
	w.exits(1)
	if w.count(windowOK) > 0 {
		t.Errorf("the load is said to have succeeded%s", w.files())
	}
}

// TestSoftStopWhileHAProxyReloads: HAProxy loses a signal while it executes itself (H-6.14), so it comes again.
func TestSoftStopWhileHAProxyReloads(t *testing.T) {
	port := freePort(t)
	w := newWindow(t, proxyConfig(port), withHAProxy("haproxy"))
	w.started("a#1")
	w.logged(windowOK, 2) // HAProxy's own is one
	w.signal(unix.SIGUSR2)
	w.logged("Reloading HAProxy", 2)
	w.signal(unix.SIGUSR1)
	w.exits(0)
}
