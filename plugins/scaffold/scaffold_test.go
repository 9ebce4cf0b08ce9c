package scaffold

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mwlua/mwlua/plugins/plugintest"
	"github.com/mwlua/mwlua/plugins/proto"
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

// needPython skips a test where there is none with what a plugin needs, but not in CI.
func needPython(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("/usr/bin/python3", "-c", "import grpc").CombinedOutput(); err != nil && os.Getenv("CI") == "" {
		t.Skipf("make setup installs what it needs: %s", out)
	}
}

func TestPython(t *testing.T) {
	t.Parallel()
	needPython(t)
	dir := filepath.Join(t.TempDir(), "mine")
	if _, err := New(dir, "mine", "python"); err != nil {
		t.Fatal(err)
	}
	plugintest.Run(t, filepath.Join(dir, "mine"), `{"max_failures":3}`)
}

// TestPythonSpeaksTheSameProtocol: mwlua_pb2.py and mwlua.pb.go are made from the same mwlua.proto.
func TestPythonSpeaksTheSameProtocol(t *testing.T) {
	needPython(t)
	c := exec.Command("/usr/bin/python3", "-Bc", "import sys, mwlua_pb2; sys.stdout.buffer.write(mwlua_pb2.DESCRIPTOR.serialized_pb)")
	c.Dir = "templates/python"
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var python descriptorpb.FileDescriptorProto
	if err := protobuf.Unmarshal(out, &python); err != nil {
		t.Fatal(err)
	}
	ours := protodesc.ToFileDescriptorProto(proto.File_mwlua_proto)
	for _, m := range ours.MessageType {
		for _, f := range m.Field {
			f.JsonName = nil // it follows from the name, and Python leaves it out
		}
	}
	if !protobuf.Equal(&python, ours) {
		t.Errorf("mwlua_pb2.py is of another mwlua.proto\n%v\nmwlua.pb.go\n%v", &python, ours)
	}
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
