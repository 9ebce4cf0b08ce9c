// Package listen opens the listening sockets that programs inherit.
//
// It accepts nobody, and does not say which program gets which socket. A descriptor of it is close-on-exec, and blocks, as one
// that systemd passes (systemd.socket(5), and sd_listen_fds(3)).
package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/cause"
)

// patience bounds what is waited for: a name that is looked up, or whoever listens already.
const patience = time.Second

// unixMode is the mode of a socket's file, as systemd has it (SocketMode=).
const unixMode = 0o666

// Socket is one that listens.
type Socket struct {
	FD      int // close-on-exec; Close closes it
	Address string
	file    os.FileInfo // of a unix socket, so that Close removes no other's; nil if there is none
}

// Open returns a socket that listens at address: tcp://HOST:PORT or unix:///PATH. No HOST means every address of this machine, of
// IPv4 and IPv6. The file of a unix socket at which nobody listens any more is replaced. The error is the cause alone. It may
// wait, no longer than two seconds, for the address of a HOST that is a name, and for whoever listens at a PATH.
func Open(address string) (*Socket, error) {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		fd, err := openUnix(path)
		if err != nil {
			return nil, err
		}
		return Inherit(fd, address), nil
	}
	host, ok := strings.CutPrefix(address, "tcp://")
	if !ok {
		return nil, errors.New("its address is neither tcp://HOST:PORT nor unix:///PATH")
	}
	fd, err := open("tcp", host)
	if err != nil {
		return nil, err
	}
	return &Socket{FD: fd, Address: address}, nil
}

// Inherit makes a Socket of fd, which listens at address already.
func Inherit(fd int, address string) *Socket {
	unix.CloseOnExec(fd)
	s := &Socket{FD: fd, Address: address}
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		s.file, _ = os.Lstat(path) // an error says that somebody has removed it
	}
	return s
}

// Close ends it, and removes the file of a unix socket unless another one has taken its place.
func (s *Socket) Close() {
	path := strings.TrimPrefix(s.Address, "unix://")
	if now, err := os.Lstat(path); err == nil && s.file != nil && os.SameFile(now, s.file) {
		_ = os.Remove(path) // there is nobody to tell
	}
	unix.Close(s.FD)
}

// open has package net do it, which sets SO_REUSEADDR, takes both IPv4 and IPv6 where no host is said, and has as many clients wait
// as the kernel allows. Multipath TCP, its default, is not what a program expects of a socket that it inherits.
func open(network, address string) (int, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l, err := config.Listen(ctx, network, address)
	if err != nil {
		return -1, cause.Of(err)
	}
	defer l.Close()
	if l, ok := l.(*net.UnixListener); ok {
		l.SetUnlinkOnClose(false)
	}
	return duplicate(l.(syscall.Conn))
}

// duplicate is the socket of conn outside of the runtime's poller.
func duplicate(conn syscall.Conn) (fd int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, err
	}
	if closed := raw.Control(func(n uintptr) { fd, err = unix.FcntlInt(n, unix.F_DUPFD_CLOEXEC, 3) }); closed != nil {
		return -1, closed
	}
	if err == nil {
		err = unix.SetNonblock(fd, false)
	}
	return fd, err
}

func openUnix(path string) (int, error) {
	if err := vacate(path); err != nil {
		return -1, err
	}
	fd, err := open("unix", path)
	if err != nil {
		return -1, err
	}
	if err := os.Chmod(path, unixMode); err != nil { // the umask counted so far
		unix.Close(fd)
		return -1, cause.Of(err)
	}
	return fd, nil
}

// vacate removes a socket at which nobody listens. The error says why path cannot be taken.
func vacate(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return cause.Of(err)
	case info.Mode().Type() != os.ModeSocket:
		return errors.New("it is there, and not a socket")
	}
	conn, err := net.DialTimeout("unix", path, patience)
	switch {
	case err == nil:
		conn.Close()
		return unix.EADDRINUSE
	case errors.Is(err, unix.EPROTOTYPE), errors.Is(err, unix.EAGAIN): // of another type, or with too many clients
		return unix.EADDRINUSE
	case errors.Is(err, unix.ECONNREFUSED):
		return cause.Of(os.Remove(path))
	}
	return fmt.Errorf("it is there, and it is not known whether anybody listens: %w", cause.Of(err))
}
