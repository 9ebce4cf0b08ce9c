package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/compat/haproxycfg"
	"github.com/mwlua/mwlua/core/program"
)

// TestWhatHAProxySaysHasItsPlace: the forms in which it names a line, of 2.6 and of 3.2.
func TestWhatHAProxySaysHasItsPlace(t *testing.T) {
	originals := original([]string{"/run/c/0000-a.cfg", "/run/c/0001-b.cfg"}, []haproxycfg.Copy{{Name: "a.cfg"}, {Name: "b[1].cfg"}})
	output := `[NOTICE]   (7) : haproxy version is 2.6.12-1+deb12u4
[ALERT]    (7) : config : parsing [/run/c/0000-a.cfg:2] : nbproc is not supported.
[ALERT]    (7) : config : Parsing [/run/c/0000-a.cfg:10]: frontend 'f' has the same name as frontend 'f' declared at /run/c/0001-b.cfg:3.
[ALERT]    (7) : config : [/run/c/0001-b.cfg:11] : 'server f/s2' : unknown keyword 'bogus'.
[ALERT]    (7) : config : [/run/c/0000-a.cfg:8] : parsing [/run/c/0000-a.cfg:8] : 'server' not allowed.
[WARNING]  (7) : config : missing timeouts for frontend 'f'.
   | While not properly invalid, you will certainly
   | encounter various problems.
[NOTICE]   (7) : config : something
   | that goes on
[ALERT]    (7) : config : Error(s) found in configuration file : /run/c/0000-a.cfg
[ALERT]    (7) : config : Fatal errors found in configuration.
`
	want := []string{
		"a.cfg:2: HAProxy: nbproc is not supported.",
		"a.cfg:10: HAProxy: frontend 'f' has the same name as frontend 'f' declared at b[1].cfg:3.",
		"b[1].cfg:11: HAProxy: 'server f/s2' : unknown keyword 'bogus'.",
		"a.cfg:8: HAProxy: 'server' not allowed.",
		"HAProxy: missing timeouts for frontend 'f'. While not properly invalid, you will certainly encounter various problems.",
	}
	for _, taken := range []bool{false, true} {
		var got []string
		for i, p := range said(originals.Replace(output), taken) {
			got = append(got, p.String())
			if p.Warning != (taken || i == 4) {
				t.Errorf("taken %v: warning %v: %v", taken, p.Warning, p)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWarningIsSaidOnce(t *testing.T) {
	here, there := program.Place{File: "a.cfg", Line: 1}, program.Place{File: "a.cfg", Line: 2}
	warning := func(at program.Place, text string) program.Problem {
		return program.Problem{Place: at, Text: text, Warning: true}
	}
	got := unsaid(program.Problems{warning(here, "ours")}, program.Problems{
		warning(here, "the same"), warning(there, "another"), {Place: here, Text: "an error"}, warning(program.Place{}, "of no line"),
	})
	want := program.Problems{warning(there, "another"), {Place: here, Text: "an error"}, warning(program.Place{}, "of no line")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// checked runs `mwlua check -with-haproxy` on files of the directory dir, with no runtime directory but for what env says.
func checked(t *testing.T, dir string, env []string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	needHAProxy(t)
	c := exec.Command(testBinary(t), append([]string{"check"}, args...)...)
	var out, errs strings.Builder
	c.Dir, c.Stdout, c.Stderr = dir, &out, &errs
	c.Env = append([]string{"MWLUA_TEST_MAIN=mwlua", "PATH=" + os.Getenv("PATH") + ":/usr/sbin", "TMPDIR=" + dir}, env...)
	_ = c.Run()
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}

func writeIn(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCheckSaysWhatHAProxyWarnsOf: with the place in the original.
func TestCheckSaysWhatHAProxyWarnsOf(t *testing.T) {
	dir := t.TempDir()
	writeIn(t, dir, "a.cfg", `program a
	command sleep 1000
defaults
	mode http
	timeout client 1s
frontend f
	bind 127.0.0.1:1
	use_backend b if TRUE
	http-request deny if TRUE
backend b
	timeout server 1s
	timeout connect 1s
.warning careful
`)
	_, stderr, status := checked(t, dir, []string{"RUNTIME_DIRECTORY=" + dir}, "-with-haproxy", "-f", "a.cfg")
	const rule = "mwlua: warning: a.cfg:9: HAProxy: a 'http-request' rule placed after a 'use_backend' rule will still be processed before.\n"
	if status != 0 || !strings.Contains(stderr, rule) || strings.Count(stderr, "careful") != 1 {
		t.Errorf("status %d: %s", status, stderr)
	}
}
