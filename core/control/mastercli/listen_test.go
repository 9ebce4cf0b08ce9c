package mastercli

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func listen(t *testing.T, arg string) *Listener {
	t.Helper()
	a, err := ParseAddress(arg, Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func flags(t *testing.T, fd int) (cloexec, nonblock bool) {
	t.Helper()
	descriptor, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
	status, _, errno2 := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
	if errno != 0 || errno2 != 0 {
		t.Fatal(errno, errno2)
	}
	return descriptor&syscall.FD_CLOEXEC != 0, status&syscall.O_NONBLOCK != 0
}

func TestListenReplacesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.sock")
	if err := os.WriteFile(path, []byte("a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := listen(t, path)
	second := listen(t, fmt.Sprintf("%s,mode,600,uid,%d,gid,%d", path, os.Getuid(), os.Getgid()))
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Mode().Type() != os.ModeSocket {
		t.Fatal(info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Fatalf("left over: %v, %v", left, err)
	}
	client := dial(t, path)
	served, err := second.net.Accept() // the first one got nothing
	if err != nil {
		t.Fatal(err)
	}
	_, _ = client.Close(), served.Close()
	_, _ = first.Close(), second.Close()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("Close removed the file: %v", err)
	}
	if second.FD() != -1 {
		t.Errorf("FD is %d after Close", second.FD())
	}
}

func TestListenSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for arg, want := range map[string]string{
		dir + "/nodir/x.sock": "no such file or directory: create the directory",
		dir + "/taken":        "remove that directory",
		l.Addr().String():     "address already in use: stop who listens there",
	} {
		a, err := ParseAddress(arg, Lookup{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Listen(a); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", arg, err, want)
		}
	}
	if left, _ := filepath.Glob(dir + "/*.tmp"); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// freePort is free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestInheritedListenerServes(t *testing.T) {
	abstract := fmt.Sprintf("mwlua-test-%d", os.Getpid())
	path := filepath.Join(t.TempDir(), "m.sock")
	port := freePort(t)
	for arg, address := range map[string][2]string{
		path:               {"unix", path},
		"abns@" + abstract: {"unix", "@" + abstract + strings.Repeat("\x00", 107-len(abstract))},
		port:               {"tcp", port},
	} {
		former := listen(t, arg)
		if cloexec, nonblock := flags(t, former.FD()); !cloexec || !nonblock {
			t.Errorf("%s: close-on-exec %v, non-blocking %v", arg, cloexec, nonblock)
		}
		fd, err := syscall.Dup(former.FD()) // as after an execve: not close-on-exec, and nobody knows it
		if err != nil {
			t.Fatal(err)
		}
		_ = former.Close()
		l, err := Inherit(fd, former.Address())
		if err != nil {
			t.Fatal(err)
		}
		if cloexec, nonblock := flags(t, l.FD()); !cloexec || !nonblock {
			t.Errorf("%s: inherited with close-on-exec %v, non-blocking %v", arg, cloexec, nonblock)
		}
		serveListener(t, l, Backend{})
		conn, err := net.Dial(address[0], address[1])
		if err != nil {
			t.Fatal(err)
		}
		send(t, conn, "show version;quit\n")
		expect(t, conn, "3.2.0\n\n")
		expectEOF(t, conn)
		_ = conn.Close()
	}
}

func TestInheritRefusesWhatIsNoListener(t *testing.T) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pair[1])
	a, err := ParseAddress("/m.sock", Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Inherit(pair[0], a); err == nil {
		t.Error("a connection was inherited as a listener")
	}
	tcp := listen(t, freePort(t))
	fd, err := syscall.Dup(tcp.FD())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Inherit(fd, a); err == nil || !strings.Contains(err.Error(), "another kind") {
		t.Errorf("got %v for a TCP listener instead of a UNIX one", err)
	}
}
