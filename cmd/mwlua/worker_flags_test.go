package main

import (
	"strings"
	"testing"
)

func TestFlagsForHAProxy(t *testing.T) {
	dir := t.TempDir()
	writeIn(t, dir, "a.cfg", "program a\n\tcommand sleep 1000\n")
	for args, want := range map[string]string{
		"-with-haproxy= -f a.cfg":                              "-with-haproxy= names nothing: name the binary, or leave the = out for the haproxy in PATH",
		"-with-haproxy -haproxy-version 3.0 -f a.cfg":          "-haproxy-version: HAProxy says its own version with -with-haproxy: leave one of them out",
		"-haproxy-arg -n -f a.cfg":                             "-haproxy-arg: there is no HAProxy to give it to: add -with-haproxy, or leave it out",
		"-with-haproxy -haproxy-arg -Ws -f a.cfg":              "-haproxy-arg -Ws: that is for mwlua to choose: leave it out, or see check --help",
		"-with-haproxy -haproxy-arg -sf -haproxy-arg 1 a.cfg":  `unexpected argument "a.cfg": an haproxy.cfg needs a -haproxy or -f before it`,
		"-with-haproxy -haproxy-arg -- -f a.cfg":               "-haproxy-arg --: that is for mwlua to choose: leave it out, or see check --help",
		"-with-haproxy -haproxy-arg -n -haproxy-arg no x.lua ": "-with-haproxy: there is no haproxy.cfg: name one with -haproxy FILE or -f FILE",
	} {
		_, stderr, status := checked(t, dir, nil, strings.Fields(args)...)
		if got, _, _ := strings.Cut(stderr, "\n"); status != exitUsage || got != "mwlua: error: "+want {
			t.Errorf("%s: status %d, %s", args, status, got)
		}
	}
}

func TestHAProxyGetsItsArguments(t *testing.T) {
	port := freePort(t)
	w := newWindow(t, proxyConfig(port), withHAProxy("haproxy"), func(w *window) {
		w.cmd.Args = append(w.cmd.Args, "-haproxy-arg", "-n", "-haproxy-arg", "77")
	})
	w.started("a#1")
	w.serving(port)
	if got := w.cli("@1 show info\n"); !strings.Contains(got, "\nMaxconn: 77\n") {
		t.Errorf("show info: %s", got)
	}
	w.stops()
	dir := t.TempDir()
	writeIn(t, dir, "a.cfg", "frontend f\n")
	if _, stderr, status := checked(t, dir, nil, "-with-haproxy", "-haproxy-arg", "-Q", "-f", "a.cfg"); status != 1 {
		t.Errorf("a word that HAProxy refuses: status %d, %s", status, stderr)
	}
}
