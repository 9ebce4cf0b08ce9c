package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMasterOfPidfile(t *testing.T) {
	dir := t.TempDir()
	live := startCopy(t, "/bin/sleep", filepath.Join(dir, "mwlua"), "1000")
	replaced := startCopy(t, "/bin/sleep", filepath.Join(dir, "old", "mwlua"), "1000")
	if err := os.RemoveAll(filepath.Join(dir, "old")); err != nil {
		t.Fatal(err)
	}
	foreign := startCopy(t, "/bin/sleep", filepath.Join(dir, "mwlua2"), "1000")
	ended := startCopy(t, "/bin/true", filepath.Join(dir, "ended", "mwlua"))
	if !comes(func() bool {
		return strings.HasPrefix(statusField(fmt.Sprintf("/proc/%d/status", ended), "State"), "Z")
	}) {
		t.Fatal("it does not end")
	}
	for text, want := range map[string]int{
		fmt.Sprintf("%d\n", live):          live,
		fmt.Sprintf(" %d \n%d\n", live, 1): live, // HAProxy's may have several
		fmt.Sprint(replaced):               replaced,
		fmt.Sprintf("%d\n", os.Getpid()):   os.Getpid(), // this binary, by another name
		fmt.Sprintf("%d\n", foreign):       0,
		fmt.Sprintf("%d\n", ended):         0, // a zombie, of which nobody has taken notice
		"":                                 0,
		"\n":                               0,
		"0\n":                              0,
		fmt.Sprintf("-%d\n", live):         0,
		fmt.Sprintf("%dx\n", live):         0,
		"99999999999999999999\n":           0,
		strings.Repeat("1", 1<<20):         0,
		strings.Repeat(" ", 40) + fmt.Sprint(live): 0,
	} {
		file := filepath.Join(dir, "pid")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := masterOf(file); got != want {
			t.Errorf("%.40q is about %d, want %d", text, got, want)
		}
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"", filepath.Join(dir, "none"), dir, fifo, "/dev/zero"} {
		if got := masterOf(file); got != 0 {
			t.Errorf("%q is about %d", file, got)
		}
	}
}

// startCopy runs a copy of a program and returns its pid. It is killed, and collected, when the test ends.
func startCopy(t *testing.T, program, path string, args ...string) int {
	t.Helper()
	data, err := os.ReadFile(program)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = writeExecutable(path, string(data), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill() // an error says that it has ended
		cmd.Wait()
	})
	return cmd.Process.Pid
}
