package proc_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
)

// TestProgramGetsItsStreams looks at what the descriptors of a program lead to, and how they were opened.
func TestProgramGetsItsStreams(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	must(t, proc.CloseOnExec()) // what the test itself inherited
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	in, out, errs := write(t, filepath.Join(dir, "in"), "text", 0o644), filepath.Join(dir, "out"), filepath.Join(dir, "err")
	var ours [3]string
	for i := range ours {
		ours[i], err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", i))
		must(t, err)
	}
	for _, test := range []struct{ stdio, want [3]string }{
		{[3]string{}, ours},
		{[3]string{"/dev/null", "/dev/null", "/dev/null"}, [3]string{"/dev/null", "/dev/null", "/dev/null"}},
		{[3]string{in, out, errs}, [3]string{in, out, errs}},
		{[3]string{in, out, out}, [3]string{in, out, out}},
		{[3]string{"", out, ""}, [3]string{ours[0], out, ours[2]}},
		{[3]string{"", "", errs}, [3]string{ours[0], ours[1], errs}},
		{[3]string{in, "", "/dev/null"}, [3]string{in, ours[1], "/dev/null"}},
	} {
		command := sleeper
		command.Stdio = test.stdio
		before := descriptors(t)
		pid := c.startSleeper(command)
		if after := descriptors(t); after != before {
			t.Errorf("%q: %d descriptors of ours are open, were %d", test.stdio, after, before)
		}
		for i, want := range test.want {
			if got, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, i)); got != want {
				t.Errorf("%q: descriptor %d leads to %q (%v), want %q", test.stdio, i, got, err, want)
			}
			if test.stdio[i] != "" {
				checkFlags(t, pid, i)
			}
		}
		c.checkDescriptors(command, 0, 1, 2)
	}
}

func checkFlags(t *testing.T, pid, fd int) {
	t.Helper()
	info, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	must(t, err)
	flags, err := strconv.ParseInt(fieldOf("\n"+string(info), "flags"), 8, 64)
	must(t, err)
	want := int64(unix.O_WRONLY | unix.O_APPEND)
	if fd == 0 {
		want = unix.O_RDONLY
	}
	if flags &^= unix.O_LARGEFILE | 0o100000; flags != want { // which the kernel adds
		t.Errorf("descriptor %d has flags %#o, want %#o", fd, flags, want)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(entries)
}

func TestStreamsAreAppendedTo(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	umask := unix.Umask(0o002)
	defer unix.Umask(umask)
	in := write(t, filepath.Join(t.TempDir(), "in"), "in\n", 0o400)
	out := filepath.Join(t.TempDir(), "out")
	command := proc.Command{Argv: []string{"/bin/sh", "-c", "cat; echo out; echo err >&2"}, Stdio: [3]string{in, out, out}}
	for range 2 {
		checkExit(t, c.run(command), proc.Exit{})
	}
	if got, err := os.ReadFile(out); string(got) != strings.Repeat("in\nout\nerr\n", 2) {
		t.Errorf("the file has %q, %v", got, err)
	}
	if st, err := os.Stat(out); err != nil || st.Mode() != 0o640 {
		t.Errorf("the file has mode %v, %v, want 0640", st.Mode(), err)
	}
}

func TestStartSaysWhichStreamFailed(t *testing.T) {
	if !alone(t) {
		return
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, unix.Mkfifo(at("fifo"), 0o600))
	plain := write(t, at("plain"), "", 0o600)
	before := descriptors(t)
	for _, test := range []struct {
		name  string
		stdio [3]string
		step  string
		path  string
		err   unix.Errno
	}{
		{"stdin missing", [3]string{at("missing"), at("out"), at("err")}, "stdin", at("missing"), unix.ENOENT},
		{"stdin is a directory", [3]string{dir}, "stdin", dir, unix.EISDIR},
		{"stdin below a file", [3]string{at("plain/in")}, "stdin", at("plain/in"), unix.ENOTDIR},
		{"stdout without its directory", [3]string{plain, at("no/out")}, "stdout", at("no/out"), unix.ENOENT},
		{"stdout is a directory", [3]string{"", dir}, "stdout", dir, unix.EISDIR},
		{"stdout is a FIFO that nobody reads", [3]string{"", at("fifo")}, "stdout", at("fifo"), unix.ENXIO},
		{"stderr without its directory", [3]string{plain, plain, at("no/err")}, "stderr", at("no/err"), unix.ENOENT},
		{"stderr is a FIFO that nobody reads", [3]string{"", plain, at("fifo")}, "stderr", at("fifo"), unix.ENXIO},
		{"both, the same", [3]string{"", at("fifo"), at("fifo")}, "stdout", at("fifo"), unix.ENXIO},
	} {
		t.Run(test.name, failure{
			command: proc.Command{Argv: []string{"/bin/true"}, Stdio: test.stdio},
			want:    proc.StartError{Step: test.step, Path: test.path, Err: test.err},
		}.check)
	}
	if _, err := os.Stat(at("out")); err == nil {
		t.Error("stdout was made, although stdin could not be opened")
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors are open, were %d", after, before)
	}
	// The other steps are the ones they were.
	failure{
		command: proc.Command{Argv: []string{"/missing"}, Stdio: [3]string{plain, plain, plain}},
		want:    proc.StartError{Step: "exec", Path: "/missing", Err: unix.ENOENT},
	}.check(t)
	failure{
		command: proc.Command{Argv: []string{"true"}, Dir: "/missing", Stdio: [3]string{plain, plain, plain}},
		want:    proc.StartError{Step: "directory", Path: "/missing", Err: unix.ENOENT},
	}.check(t)
}

// TestStreamsMayBeFIFOs: nobody waits for the other end, and the program can wait when it reads or writes.
func TestStreamsMayBeFIFOs(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	must(t, unix.Mkfifo(fifo, 0o600))
	checkExit(t, c.run(proc.Command{Argv: []string{"/bin/cat"}, Stdio: [3]string{fifo, "/dev/null"}}), proc.Exit{}) // it ends at once
	reader, err := os.OpenFile(fifo, os.O_RDONLY|unix.O_NONBLOCK, 0)
	must(t, err)
	defer reader.Close()
	pid := c.start(proc.Command{Argv: []string{"/bin/sh", "-c", "head -c 200000 /dev/zero"}, Stdio: [3]string{"", fifo, fifo}})
	checkFlags(t, pid, 1)
	total, buffer := 0, make([]byte, 1<<16)
	until(t, "200000 bytes", func() bool { // more than a pipe takes, so it had to wait for us
		n, _ := reader.Read(buffer)
		total += max(n, 0)
		return total >= 200000
	})
	checkExit(t, c.end(pid), proc.Exit{})
}

// The file is opened by us, whoever the program is.
func TestStreamsOfAnotherUserAreOpenedByUs(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	if !alone(t) {
		return
	}
	c := newChildren(t)
	out := filepath.Join(t.TempDir(), "out")
	checkExit(t, c.run(proc.Command{
		Argv: []string{"/bin/sh", "-c", "echo text"}, User: &proc.Identity{UID: nobody, GID: nobody}, Stdio: [3]string{"", out, ""},
	}), proc.Exit{})
	if text, _ := os.ReadFile(out); string(text) != "text\n" {
		t.Errorf("the file has %q", text)
	}
}
