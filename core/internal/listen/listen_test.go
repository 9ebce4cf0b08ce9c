package listen_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/listen"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, address string) *listen.Socket {
	t.Helper()
	s, err := listen.Open(address)
	must(t, err)
	t.Cleanup(func() { unix.Close(s.FD) })
	return s
}

// refused checks that address cannot be opened, and why.
func refused(t *testing.T, address, want string) {
	t.Helper()
	s, err := listen.Open(address)
	if err == nil {
		s.Close()
		t.Errorf("%s was opened", address)
	} else if err.Error() != want {
		t.Errorf("Open(%s): %q, want %q", address, err, want)
	}
}

// serves checks that clients are taken at an address of package net.
func serves(t *testing.T, network, address string) {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Error(err)
		return
	}
	conn.Close()
}

// port is where a TCP socket listens.
func port(t *testing.T, s *listen.Socket) int {
	t.Helper()
	name, err := unix.Getsockname(s.FD)
	must(t, err)
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		return name.Port
	case *unix.SockaddrInet6:
		return name.Port
	}
	t.Fatalf("it listens at %T", name)
	return 0
}

func option(t *testing.T, s *listen.Socket, level, name int) int {
	t.Helper()
	value, err := unix.GetsockoptInt(s.FD, level, name)
	must(t, err)
	return value
}

func TestTCP(t *testing.T) {
	s := open(t, "tcp://127.0.0.1:0")
	address := fmt.Sprintf("127.0.0.1:%d", port(t, s))
	serves(t, "tcp", address)
	if got := option(t, s, unix.SOL_SOCKET, unix.SO_PROTOCOL); got != unix.IPPROTO_TCP {
		t.Errorf("its protocol is %d, want that of TCP", got)
	}
	if option(t, s, unix.SOL_SOCKET, unix.SO_REUSEADDR) != 1 {
		t.Error("it does not have SO_REUSEADDR")
	}
	flags, err := unix.FcntlInt(uintptr(s.FD), unix.F_GETFL, 0)
	must(t, err)
	if flags&unix.O_NONBLOCK != 0 {
		t.Error("it does not block")
	}
	if flags, err = unix.FcntlInt(uintptr(s.FD), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("it is not close-on-exec (%v)", err)
	}
	refused(t, "tcp://"+address, "address already in use")
	s.Close()
	open(t, "tcp://"+address)
}

// TestEveryAddress: no host is IPv4, and IPv6 where there is any.
func TestEveryAddress(t *testing.T) {
	s := open(t, "tcp://:0")
	serves(t, "tcp4", fmt.Sprintf("127.0.0.1:%d", port(t, s)))
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		l.Close()
		serves(t, "tcp6", fmt.Sprintf("[::1]:%d", port(t, s)))
	}
}

func TestRefused(t *testing.T) {
	refused(t, "tcp://127.0.0.1", "missing port in address")
	refused(t, "tcp://192.0.2.1:0", "cannot assign requested address")
	refused(t, "http://127.0.0.1:1", "its address is neither tcp://HOST:PORT nor unix:///PATH")
	dir := t.TempDir()
	refused(t, "unix://"+dir+"/none/socket", "no such file or directory")
	refused(t, "unix://"+dir+"/"+strings.Repeat("x", 108), "invalid argument")
	must(t, os.WriteFile(dir+"/file", nil, 0o600))
	refused(t, "unix://"+dir+"/file", "it is there, and not a socket")
}

func TestUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	s := open(t, "unix://"+path)
	serves(t, "unix", path)
	info, err := os.Lstat(path)
	must(t, err)
	if info.Mode().Perm() != 0o666 {
		t.Errorf("its mode is %v", info.Mode())
	}
	refused(t, "unix://"+path, "address already in use")
	must(t, unix.Close(s.FD)) // as if this process had died
	s = open(t, "unix://"+path)
	serves(t, "unix", path)
	must(t, unix.SetNonblock(s.FD, true)) // of one that listens and accepts nobody, too
	s.Close()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("its file is left: %v", err)
	}
}

// TestFileOfAnotherSocketIsLeft when the one that was at its path before is closed.
func TestFileOfAnotherSocketIsLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	one := open(t, "unix://"+path)
	must(t, os.Remove(path))
	other := open(t, "unix://"+path)
	one.Close()
	serves(t, "unix", path)
	inherited := listen.Inherit(other.FD, other.Address)
	inherited.Close()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("its file is left: %v", err)
	}
}

// TestSocketThatTakesNoMoreClientsIsInUse.
func TestSocketThatTakesNoMoreClientsIsInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	s := open(t, "unix://"+path)
	must(t, unix.Listen(s.FD, 0))
	serves(t, "unix", path) // the only one that fits
	refused(t, "unix://"+path, "address already in use")
}
