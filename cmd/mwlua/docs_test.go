package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const root = "../.."

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestReadmeCommands: README's first command does the main job, its second is what CI runs.
func TestReadmeCommands(t *testing.T) {
	var commands []string
	for line := range strings.Lines(readFile(t, "README.md")) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			commands = append(commands, strings.TrimSpace(command))
		}
	}
	if len(commands) < 2 || commands[0] != "go run ./cmd/mwlua run examples/quickstart.lua" {
		t.Fatalf("README's commands are %q", commands)
	}
	if ci := readFile(t, ".ci/run"); !strings.Contains(ci, "\n"+commands[1]+"\n") {
		t.Errorf(".ci/run does not call README's second command, %q", commands[1])
	}
}

// TestQuickstartRuns starts the example of README's first command, as it stands, and stops it by Ctrl-C's signal.
func TestQuickstartRuns(t *testing.T) {
	w := newWindowIn(t, t.TempDir(), func(w *window) {
		w.write("quickstart.lua", readFile(t, "examples/quickstart.lua"))
		w.cmd.Args = []string{w.path("mwlua"), "run", "quickstart.lua"}
	})
	w.logged("flaky#2 started", 1)
	w.signal(unix.SIGINT)
	w.until("the end of mwlua", w.isGone) // what its shells have started is left to the end of the test
	if got := masterStatus(w.cmd.ProcessState); got != "exit:0" {
		t.Errorf("mwlua ended with %s%s", got, w.files())
	}
}

// TestExampleRuns does so with that for HAProxy.
func TestExampleRuns(t *testing.T) {
	r := newRun(t, mwluaMaster, readFile(t, "examples/haproxy.cfg"))
	r.loaded()
	r.await("a heartbeat", func() bool { return strings.Contains(r.read(stdoutFile), "heartbeat # ") })
	r.await("the greeting", func() bool { return strings.Contains(r.read(stdoutFile), "hello from the greeter") })
	r.reload("USR2")
	r.await("the greeter to be told of the reload", func() bool { return strings.Contains(r.read(stdoutFile), "reloaded") })
	r.signal("INT")
	r.gone()
	if status := r.report().status; status != "exit:130" {
		t.Errorf("the master ended with %s%s", status, r.files())
	}
}

// TestDifferencesAreTested: every difference to HAProxy that docs/haproxy.md claims is named by a test.
func TestDifferencesAreTested(t *testing.T) {
	tests := testText(t)
	rows := regexp.MustCompile(`(?m)^\| ((?:[HT]-[0-9.]+(?:, )?)+) \|`).FindAllStringSubmatch(readFile(t, "docs/haproxy.md"), -1)
	if len(rows) < 10 {
		t.Fatalf("found %d rows", len(rows))
	}
	for _, row := range rows {
		for id := range strings.SplitSeq(row[1], ", ") {
			if !regexp.MustCompile(regexp.QuoteMeta(id) + `\b`).MatchString(tests) {
				t.Errorf("no test names %s", id)
			}
		}
	}
}

// TestCommandsOfTheReference: the reference has the commands that speak to a running mwlua, and their exit statuses.
func TestCommandsOfTheReference(t *testing.T) {
	_, text, _ := strings.Cut(readFile(t, "docs/reference/control.md"), "\n## Commands\n")
	status := 0
	for _, c := range remoteCommands(&status) {
		if !c.Hidden && !strings.Contains(text, "\n| `mwlua "+c.Use) {
			t.Errorf("there is no row for %s", c.Use)
		}
	}
	for code, word := range map[int]string{
		exitDone: "done", exitFailed: "failed", exitUsage: "command line", exitNotRunning: "not running", exitUnknown: "no such program",
		exitUnreachable: "no mwlua answers", exitInvalid: "configuration", exitTimeout: "longer",
	} {
		if !regexp.MustCompile(fmt.Sprintf(`\n\| %d \| .*%s`, code, word)).MatchString(text) {
			t.Errorf("the row for the exit status %d does not say %q", code, word)
		}
	}
}

// testText is the text of all tests and their data.
func testText(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		isTest := strings.HasSuffix(path, "_test.go") && !strings.HasSuffix(path, "docs_test.go")
		if err != nil || d.IsDir() || !isTest && !strings.Contains(path, "testdata") || strings.Contains(path, "/fuzz/") {
			return err
		}
		data, err := os.ReadFile(path)
		b.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
