package proc_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mwlua/mwlua/core/internal/proc"
)

// TestWasShortOfMemory reads what the kernel writes (cgroup-v2, memory.events); to make it write that would take a memory controller.
func TestWasShortOfMemory(t *testing.T) {
	for text, want := range map[string]bool{
		"low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n": true,
		"low 0\nhigh 0\nmax 3\noom 1\noom_kill 0\n":                   false,
		"low 0\noom 1\n": false, "": false, "oom_kill": false,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "memory.events"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := proc.WasShortOfMemory(dir); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if proc.WasShortOfMemory(filepath.Join(t.TempDir(), "none")) {
		t.Error("without a controller")
	}
}
