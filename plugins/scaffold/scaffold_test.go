package scaffold

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mwlua/mwlua/plugins/plugintest"
)

// TestGo builds what is written against the tree as it is. Its own test is only compiled: it checks the plugin as this one does.
func TestGo(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mine")
	next, err := New(dir, "mine", "go")
	if err != nil {
		t.Fatal(err)
	}
	if len(next) != 3 || !strings.HasPrefix(next[2], "mwlua plugin check ./mine") {
		t.Errorf("%q", next)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	// The versions of everything are this module's, so that nothing is fetched.
	mod, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(root + "/go.sum")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(mod), "module github.com/mwlua/mwlua", "module mine", 1) +
		"\nrequire github.com/mwlua/mwlua v0.0.0\nreplace github.com/mwlua/mwlua => " + root + "\n"
	for name, data := range map[string]string{"go.mod": text, "go.sum": string(sum)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"vet", "-mod=mod", "."}, {"build", "-mod=mod"}} {
		c := exec.Command("go", args...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	plugintest.Run(t, filepath.Join(dir, "mine"), `{"max_failures":3}`)
}

func TestPython(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("/usr/bin/python3", "-c", "import grpc").CombinedOutput(); err != nil && os.Getenv("CI") == "" {
		t.Skipf("make setup installs what it needs: %s", out)
	}
	dir := filepath.Join(t.TempDir(), "mine")
	if _, err := New(dir, "mine", "python"); err != nil {
		t.Fatal(err)
	}
	plugintest.Run(t, filepath.Join(dir, "mine"), `{"max_failures":3}`)
}

func TestNode(t *testing.T) {
	t.Parallel()
	modules, err := filepath.Abs("../../examples/plugins/node/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(modules); err != nil && os.Getenv("CI") == "" {
		t.Skip("make setup installs what it needs")
	}
	dir := filepath.Join(t.TempDir(), "mine")
	if _, err := New(dir, "mine", "node"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	plugintest.Run(t, filepath.Join(dir, "mine"), "", "PATH="+os.Getenv("PATH"))
}

func TestNothingIsOverwritten(t *testing.T) {
	if _, err := New(t.TempDir(), "mine", "go"); err == nil || !strings.Contains(err.Error(), "file exists") {
		t.Error(err)
	}
	dir := filepath.Join(t.TempDir(), "x")
	for _, bad := range []string{"", "Upper", "a/b", "..", "-x", "a b"} {
		if _, err := New(dir, bad, "go"); err == nil {
			t.Errorf("%q is a name", bad)
		}
	}
	if _, err := New(dir, "mine", "cobol"); err == nil || !strings.Contains(err.Error(), "go, python, node") {
		t.Error(err)
	}
}
