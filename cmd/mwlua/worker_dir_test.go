package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestHAProxyOfAKilledMwlua: it holds the addresses, or shares them. It is named, and no directory stays for ever.
func TestHAProxyOfAKilledMwlua(t *testing.T) {
	port := freePort(t)
	first := newWindow(t, proxyConfig(port), withHAProxy("haproxy"))
	a := first.started("a#1")
	first.serving(port)
	haproxy, old := first.haproxyPID(), fmt.Sprintf("run/haproxy-%d", first.pid())
	first.signal(unix.SIGKILL)
	first.until("its end", first.isGone)
	again := func() *window {
		first.must(os.Remove(first.path("log")))
		return newWindowIn(t, first.dir, withHAProxy("haproxy"))
	}
	refused := again()
	refused.until("its end", refused.isGone)
	if got := masterStatus(refused.cmd.ProcessState); got != "exit:1" {
		t.Errorf("it ended with %s", got)
	}
	want := fmt.Sprintf("mwlua: error: -with-haproxy: HAProxy %d of a mwlua that was killed still runs: kill %d\n", haproxy, haproxy)
	if log := refused.read("log"); log != want {
		t.Errorf("got %q, want %q", log, want)
	}
	if entries, _ := os.ReadDir(first.path("run")); len(entries) != 1 {
		t.Errorf("the refused one has left something: %v", entries)
	}
	first.must(unix.Kill(a, unix.SIGTERM))
	first.must(unix.Kill(haproxy, unix.SIGTERM))
	first.until("the end of HAProxy", func() bool {
		conn, err := net.Dial("unix", filepath.Join(first.path(old), "master.sock"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	last := again()
	last.serving(port)
	if _, err := os.Stat(first.path(old)); err == nil {
		t.Errorf("%s is still there", old)
	}
	last.stops()
}

func TestRuntimeDirectoryThatHAProxyCannotUse(t *testing.T) {
	for dir, want := range map[string]string{
		"/run/" + strings.Repeat("x", 65): "would have a name of 98 bytes, where HAProxy takes 97: set RUNTIME_DIRECTORY to a shorter directory",
		"/run/a,b":                        "for its commas, blanks or dollar signs: set RUNTIME_DIRECTORY to another directory",
		"/run/a b":                        "for its commas, blanks or dollar signs: set RUNTIME_DIRECTORY to another directory",
	} {
		t.Setenv("RUNTIME_DIRECTORY", dir)
		if _, err := newWorker("haproxy", 1234567); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// TestLauncherTellsWhatIsWrongWithTheDirectory: with -D, too.
func TestLauncherTellsWhatIsWrongWithTheDirectory(t *testing.T) {
	w := newWindow(t, proxyConfig(1), withHAProxy("haproxy"), func(w *window) {
		w.cmd.Args = append(w.cmd.Args, "-D")
		w.cmd.Env = append(w.cmd.Env, "RUNTIME_DIRECTORY="+w.path("a,b"))
	})
	w.exits(1)
	if log := w.read("log"); !strings.Contains(log, "mwlua: error: -with-haproxy: HAProxy cannot take the socket") {
		t.Errorf("the launcher said %q", log)
	}
}

// TestCheckNeedsNoRuntimeDirectory: it leaves nothing, and counts and warns as one that runs HAProxy.
func TestCheckNeedsNoRuntimeDirectory(t *testing.T) {
	t.Parallel()
	const proxy = "defaults\n\tmode http\n\ttimeout client 1s\nfrontend f\n\tbind 127.0.0.1:1\n"
	for text, want := range map[string]string{
		proxy: "the configuration is valid: 0 programs\n",
		"program a\n\tcommand sleep 1000\n" + proxy: "the configuration is valid: 1 programs\n",
	} {
		dir := t.TempDir()
		writeIn(t, dir, "a.cfg", text)
		stdout, stderr, status := checked(t, dir, nil, "-with-haproxy", "-f", "a.cfg")
		if status != 0 || stdout != want || stderr != "" {
			t.Errorf("status %d, %q, %q, want %q", status, stdout, stderr, want)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("left behind: %v", entries)
		}
	}
}

func TestStoppedCheckLeavesNothing(t *testing.T) {
	for _, stop := range []unix.Signal{unix.SIGINT, unix.SIGTERM} {
		dir := t.TempDir()
		writeIn(t, dir, "a.cfg", "program a\n\tcommand sleep 1000\n")
		writeIn(t, dir, "haproxy", "#!/bin/sh\ncase \"$*\" in -v) echo HAProxy version 2.6.12; exit;; esac\necho $$ >pid.new; mv pid.new pid\nexec sleep 1000\n")
		if err := os.Chmod(dir+"/haproxy", 0o700); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(testBinary(t), "check", "-with-haproxy", "./haproxy", "-f", "a.cfg")
		c.Dir, c.Env = dir, []string{"MWLUA_TEST_MAIN=mwlua", "PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		var pid int
		for began := time.Now(); pid == 0 && time.Since(began) < patience; <-time.After(time.Millisecond) {
			data, _ := os.ReadFile(dir + "/pid")
			_, _ = fmt.Sscan(string(data), &pid)
		}
		if pid == 0 {
			t.Fatal("no check began")
		}
		t.Cleanup(func() { _ = unix.Kill(pid, unix.SIGKILL) })
		_ = c.Process.Signal(stop)
		_ = c.Wait()
		if got := masterStatus(c.ProcessState); got == "exit:0" {
			t.Errorf("%v: %s", stop, got)
		}
		if left, _ := filepath.Glob(dir + "/mwlua-check-*"); len(left) > 0 {
			t.Errorf("%v: left behind: %v", stop, left)
		}
	}
}
