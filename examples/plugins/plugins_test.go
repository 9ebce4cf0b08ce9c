// Package examples holds the plugins that docs/plugins.md speaks of.
package examples

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mwlua/mwlua/plugins/plugintest"
)

// build makes the plugin in a directory of Go.
func build(t *testing.T, name string) string {
	path := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", path, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// TestExamplesPass checks each, with a configuration as docs/plugins.md shows one.
func TestExamplesPass(t *testing.T) {
	for _, test := range []struct {
		name, config string
		path         func(t *testing.T) string
	}{
		{"budget", `{"max_restarts":5}`, func(t *testing.T) string { return build(t, "budget") }},
		{"flap", `{"ends":3,"window_seconds":60,"pause_seconds":300}`, func(t *testing.T) string { return build(t, "flap") }},
		{"codes", `{"codes":{"78":"fail"},"delay":1.5}`, func(t *testing.T) string { return needs(t, "python/codes", "/usr/bin/python3", "-c", "import grpc") }},
		{"herd", `{"programs":5}`, func(t *testing.T) string { return needs(t, "node/herd", "ls", "node/node_modules/@grpc/grpc-js") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			plugintest.Run(t, private(t, test.path(t)), test.config, "PATH="+os.Getenv("PATH"))
		})
	}
}

// needs skips a test where a plugin cannot run, but not in CI: make setup installs what it takes.
func needs(t *testing.T, plugin string, command ...string) string {
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil && os.Getenv("CI") == "" {
		t.Skipf("%s: make setup installs what it needs: %s", plugin, out)
	}
	return plugin
}

// private is a copy of the directory of path that nobody else may write to, as a clone may be under a lenient umask.
func private(t *testing.T, path string) string {
	dir := t.TempDir()
	if out, err := exec.Command("cp", "-r", filepath.Dir(path)+"/.", dir).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	if out, err := exec.Command("chmod", "-R", "go-w", dir).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	return filepath.Join(dir, filepath.Base(path))
}

// TestBudgetIsShort: a plugin in Go is one file of at most 25 lines.
func TestBudgetIsShort(t *testing.T) {
	text, err := os.ReadFile("budget/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n > 25 {
		t.Errorf("%d lines", n)
	}
}

// TestHelpersAreTheTemplates: what the examples have beside them is what `mwlua plugin new` writes, and is mwlua.proto itself.
func TestHelpersAreTheTemplates(t *testing.T) {
	for _, pair := range [][2]string{
		{"python/mwlua_plugin.py", "scaffold/templates/python/mwlua_plugin.py"},
		{"python/mwlua_pb2.py", "scaffold/templates/python/mwlua_pb2.py"},
		{"node/mwlua-plugin.js", "scaffold/templates/node/mwlua-plugin.js"},
		{"node/mwlua.proto", "scaffold/templates/node/mwlua.proto"},
		{"node/mwlua.proto", "proto/mwlua.proto"},
	} {
		a, err := os.ReadFile(pair[0])
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile("../../plugins/" + pair[1])
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s is not plugins/%s: copy it (%v)", pair[0], pair[1], err)
		}
	}
}

// TestNothingOfTheSupervisor: what the author of a plugin imports does not drag in the supervisor, Lua or the command line.
func TestNothingOfTheSupervisor(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./budget").Output()
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"core/policy", "plugins", "plugins/proto", "examples/plugins/budget"}
	for p := range strings.FieldsSeq(string(out)) {
		own, ok := strings.CutPrefix(p, "github.com/mwlua/mwlua/")
		if ok && !strings.Contains(" "+strings.Join(allowed, " ")+" ", " "+own+" ") {
			t.Errorf("it imports %s", own)
		}
		if strings.HasPrefix(p, "github.com/yuin") || strings.HasPrefix(p, "github.com/spf13") {
			t.Errorf("it imports %s", p)
		}
	}
}
