package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestListenReplacesAStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	_ = stale.Close()
	l, err := Listen(path, 0o620, os.Getgid())
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o620 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left over: %v, %v", left, err)
	}
	second, err := Listen(path, 0, -1) // a process may replace its own
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if info, err := os.Lstat(path); err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("closing the former one: %v, %v", info, err)
	}
	_ = second.Close()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there after Close: %v", err)
	}
	if second.FD() != -1 {
		t.Errorf("FD is %d after Close", second.FD())
	}
}

func TestListenLeavesAnotherProcessItsSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	other := exec.Command("/proc/self/exe")
	other.Env = append(os.Environ(), "MWLUA_TEST_LISTEN="+path)
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("cannot listen on %q: process %d does: stop it, or use another path", path, other.Process.Pid)
	if _, err := Listen(path, 0, -1); err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	_ = other.Process.Kill()
	_ = in.Close()
	_ = other.Wait()
	l, err := Listen(path, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}

func TestListenSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.Mkdir(at("dir"), 0o700), os.WriteFile(at("file"), nil, 0o600), os.Symlink("/nowhere", at("link"))); err != nil {
		t.Fatal(err)
	}
	busy, err := Listen(at("busy"), 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for range backlog + 1 { // nobody accepts them
		_ = dial(t, busy.Path())
	}
	long := at(strings.Repeat("x", longestPath))
	for path, want := range map[string]string{
		at("none/c.sock"): "no such file or directory: create the directory, or use another path",
		at("file/c.sock"): "not a directory: use another path",
		at("dir"):         "it is there, and not a socket: remove it, or use another path",
		at("file"):        "it is there, and not a socket",
		at("link"):        "it is there, and not a socket",
		busy.Path():       "another process may do so (resource temporarily unavailable): stop it, or use another path",
		long:              fmt.Sprintf("the path of a socket has at most 107 bytes: use one that is shorter by %d", len(long)-longestPath),
	} {
		if _, err := Listen(path, 0, -1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
	if os.Geteuid() != 0 {
		if _, err := Listen(at("group"), 0, 0); err == nil || !strings.Contains(err.Error(), "operation not permitted: use another path or group") {
			t.Errorf("a group that is not ours: %v", err)
		}
	}
	if left, _ := filepath.Glob(at(".*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestInheritedListenerServes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	former, err := Listen(path, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(former.FD()) // as after an execve: not close-on-exec, and nobody knows it
	if err != nil {
		t.Fatal(err)
	}
	_ = former.net.Close() // and the file stays
	l, err := Inherit(fd, path)
	if err != nil {
		t.Fatal(err)
	}
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(l.FD()), syscall.F_GETFD, 0)
	if errno != 0 || flags&syscall.FD_CLOEXEC == 0 {
		t.Errorf("flags %x, %v", flags, errno)
	}
	end := serveListener(t, l, &fake{}, defaultLimits())
	if _, err := (Client{Path: path}).Status(testContext(t)); err != nil {
		t.Error(err)
	}
	end()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there after Close: %v", err)
	}
}

func TestInheritRefusesWhatIsNoListener(t *testing.T) {
	dir := t.TempDir()
	there := filepath.Join(dir, "file")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pair[1])
	duplicate := func(l net.Listener, err error) int {
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		file, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		fd, err := syscall.Dup(int(file.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	tcp := duplicate(net.Listen("tcp4", "127.0.0.1:0"))
	unix := duplicate(net.Listen("unix", filepath.Join(dir, "c.sock"))) // its file is gone
	for fd, want := range map[int]string{
		pair[0]: "it does not listen", tcp: "it is another kind of socket", unix: "no such file", 9999: "bad file descriptor",
	} {
		path := there
		if fd == unix {
			path = filepath.Join(dir, "c.sock")
		}
		if _, err := Inherit(fd, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("descriptor %d: got %v, want %q", fd, err, want)
		}
		if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0); errno != syscall.EBADF {
			t.Errorf("descriptor %d is open: %v", fd, errno)
		}
	}
}
