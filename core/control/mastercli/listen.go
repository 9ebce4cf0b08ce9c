package mastercli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// backlog is how many clients may wait for Serve to accept them.
const backlog = 128

// Listener is one bound master CLI socket. Its file stays when it is closed (H-8.2): the next Listen replaces it.
type Listener struct {
	addr Address
	net  net.Listener
}

// Listen binds a. A UNIX socket gets its owner and mode before anyone can connect and then replaces what is at its path, in
// one step (H-8.2). The error is one line with the remedy; the caller may try again.
func Listen(a Address) (*Listener, error) {
	switch a.Network {
	case UNIX:
		return listenUNIX(a)
	case Abstract:
		// HAProxy binds all 108 bytes, so a client that knows it asks for all of them.
		return listenSocket(a, "@"+a.Name+strings.Repeat("\x00", longestAbstract-len(a.Name)), func() error { return nil })
	}
	config := net.ListenConfig{}
	config.SetMultipathTCP(false)
	listener, err := config.Listen(context.Background(), strings.Replace(string(a.Network), "ipv", "tcp", 1), a.Name)
	if err != nil {
		return nil, cannotListen(a, err)
	}
	return &Listener{addr: a, net: listener}, nil
}

// listenUNIX keeps the path working all the time: until the rename it is the former socket, after it the new one.
func listenUNIX(a Address) (*Listener, error) {
	if pid := listens(a.Name); pid > 0 && pid != os.Getpid() {
		return nil, fmt.Errorf("cannot listen on %q: process %d does: stop it, or use another path", a.MasterCLI(), pid)
	}
	temporary := fmt.Sprintf("%s.%d.tmp", a.Name, os.Getpid())
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, cannotListen(a, err)
	}
	l, err := listenSocket(a, temporary, func() error { return own(temporary, a) })
	if err != nil {
		_ = os.Remove(temporary) // it is not there if bind failed
		return nil, err
	}
	if err := os.Rename(temporary, a.Name); err != nil {
		_ = l.Close()
		_ = os.Remove(temporary)
		return nil, cannotListen(a, err)
	}
	return l, nil
}

// listens returns the process that listens at path; 0 if there is none. HAProxy takes the path away from it.
func listens(path string) (pid int) {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return 0
	}
	defer conn.Close()
	if raw, err := conn.(*net.UnixConn).SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			if peer, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
				pid = int(peer.Pid)
			}
		})
	}
	return pid
}

func own(path string, a Address) error {
	if a.UID >= 0 || a.GID >= 0 {
		if err := os.Chown(path, a.UID, a.GID); err != nil {
			return err
		}
	}
	if a.Mode != 0 {
		return os.Chmod(path, os.FileMode(a.Mode))
	}
	return nil
}

// listenSocket calls bound between bind and listen: nobody can connect yet.
func listenSocket(a Address, name string, bound func() error) (*Listener, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, cannotListen(a, err)
	}
	err = syscall.Bind(fd, &syscall.SockaddrUnix{Name: name})
	if err == nil {
		err = bound()
	}
	if err == nil {
		err = syscall.Listen(fd, backlog)
	}
	if err != nil {
		_ = syscall.Close(fd)
		return nil, cannotListen(a, err)
	}
	return fromFD(fd, a)
}

// cannotListen adds what to do about err.
func cannotListen(a Address, err error) error {
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		err = errno // the rest names a again
	}
	remedy := "use another address"
	switch {
	case errors.Is(err, os.ErrNotExist):
		remedy = "create the directory, or use another path"
	case errors.Is(err, os.ErrPermission):
		remedy = "use another address, or run mwlua as a user that may"
	case errors.Is(err, syscall.EADDRINUSE):
		remedy = "stop who listens there, or use another address"
	case errors.Is(err, os.ErrExist), errors.Is(err, syscall.EISDIR):
		remedy = "remove that directory, or use another path"
	}
	return fmt.Errorf("cannot listen on %q: %w: %s", a.MasterCLI(), err, remedy)
}

// Inherit makes a Listener of fd, the listening socket that the previous image had for a. It owns fd from now on, and closes
// it when it returns an error; the caller may then Listen.
func Inherit(fd int, a Address) (*Listener, error) {
	syscall.CloseOnExec(fd)
	listening, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	if err == nil && listening == 0 {
		err = errors.New("it does not listen")
	}
	if err != nil {
		_ = syscall.Close(fd)
		return nil, fmt.Errorf("cannot inherit descriptor %d for %q: %w", fd, a.MasterCLI(), err)
	}
	l, err := fromFD(fd, a)
	if err != nil {
		return nil, err
	}
	if unix := l.net.Addr().Network() == "unix"; unix != (a.Network == UNIX || a.Network == Abstract) {
		_ = l.Close()
		return nil, fmt.Errorf("cannot inherit descriptor %d for %q: it is another kind of socket", fd, a.MasterCLI())
	}
	return l, nil
}

// fromFD gives fd to the runtime, under another number.
func fromFD(fd int, a Address) (*Listener, error) {
	file := os.NewFile(uintptr(fd), a.Name)
	defer file.Close()
	listener, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", a.MasterCLI(), err)
	}
	return &Listener{addr: a, net: listener}, nil
}

// FD returns the descriptor, which stays l's own, non-blocking and close-on-exec: the number is for the hand-over. It is -1
// once l is closed.
func (l *Listener) FD() int {
	fd := -1
	if socket, ok := l.net.(syscall.Conn); ok {
		if raw, err := socket.SyscallConn(); err == nil {
			_ = raw.Control(func(n uintptr) { fd = int(n) }) // fails only if l is closed
		}
	}
	return fd
}

// Hold makes clients wait: whoever connects from now on is accepted when Hold(false) is called, or by the image that inherits the
// socket.
func (l *Listener) Hold(hold bool) {
	until := time.Time{}
	if hold {
		until = time.Unix(1, 0)
	}
	if waits, ok := l.net.(interface{ SetDeadline(time.Time) error }); ok {
		_ = waits.SetDeadline(until) // fails only if l is closed
	}
}

// Address returns what l listens on.
func (l *Listener) Address() Address { return l.addr }

// Close ends Serve and its sessions. The socket's file stays.
func (l *Listener) Close() error { return l.net.Close() }
