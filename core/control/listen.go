package control

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/mwlua/mwlua/core/internal/cause"
)

const (
	// backlog is how many clients may wait to be accepted: those who come during a hand-over, above all.
	backlog = 128
	// defaultMode is the permissions of a socket of which nothing else is said: its owner's and root's.
	defaultMode = 0o600
	// longestPath is what fits into a struct sockaddr_un, with the NUL that ends it.
	longestPath = 107
)

// Listener is one bound control socket.
type Listener struct {
	path string
	file os.FileInfo // the socket's own, so that Close removes no other's
	net  net.Listener
}

// Listen binds path, an absolute one, in a directory that is there. The socket gets its group and mode before anyone can connect,
// and then its name, in one step; mode 0 means 0600, gid -1 means that of the process. A socket at which nobody listens is
// replaced. The error is one line with the remedy; the caller may try again.
func Listen(path string, mode uint32, gid int) (*Listener, error) {
	if err := vacant(path); err != nil {
		return nil, err
	}
	temporary := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%d.ctl", os.Getpid()))
	if longest := max(len(path), len(temporary)); longest > longestPath {
		return nil, fmt.Errorf("cannot listen on %q: the path of a socket has at most %d bytes: use one that is shorter by %d", path,
			longestPath, longest-longestPath)
	}
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, cannotListen(path, err)
	}
	l, err := bind(path, temporary, cmp.Or(mode, defaultMode), gid)
	if err != nil {
		_ = os.Remove(temporary) // it is not there if bind failed
		return nil, err
	}
	if err := os.Rename(temporary, path); err != nil {
		_ = l.net.Close()
		_ = os.Remove(temporary)
		return nil, cannotListen(path, err)
	}
	return l, nil
}

// Owner returns the process that listens at path; 0 if there is none, or if it cannot be known.
func Owner(path string) int {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return 0
	}
	defer conn.Close()
	peer, err := credentials(conn)
	if err != nil {
		return 0
	}
	return int(peer.Pid)
}

// vacant says why path may not be taken: somebody listens there, or may do so, or it is no socket.
func vacant(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return cannotListen(path, err)
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("cannot listen on %q: it is there, and not a socket: remove it, or use another path", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil: // EAGAIN is one with too many clients, EACCES somebody else's
		return fmt.Errorf("cannot listen on %q: another process may do so (%v): stop it, or use another path", path, cause.Of(err))
	}
	defer conn.Close()
	peer, err := credentials(conn)
	if err == nil && int(peer.Pid) == os.Getpid() { // one that this process has lost
		return nil
	}
	if err != nil || peer.Pid == 0 { // 0 is a process of another PID namespace
		return fmt.Errorf("cannot listen on %q: another process does: stop it, or use another path", path)
	}
	return fmt.Errorf("cannot listen on %q: process %d does: stop it, or use another path", path, peer.Pid)
}

// bind makes a socket at temporary that is to be at path. Until it listens, nobody can connect.
func bind(path, temporary string, mode uint32, gid int) (*Listener, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, cannotListen(path, err)
	}
	err = syscall.Bind(fd, &syscall.SockaddrUnix{Name: temporary})
	if err == nil && gid >= 0 {
		err = os.Chown(temporary, -1, gid)
	}
	if err == nil {
		err = os.Chmod(temporary, os.FileMode(mode))
	}
	if err == nil {
		err = syscall.Listen(fd, backlog)
	}
	var file os.FileInfo
	if err == nil {
		file, err = os.Lstat(temporary)
	}
	if err != nil {
		_ = syscall.Close(fd)
		return nil, cannotListen(path, err)
	}
	return fromFD(fd, path, file)
}

// Permit gives the socket another mode and group, as Listen has them; gid -1 leaves the group as it is. Clients that are connected stay.
// The error is one line with the remedy; the caller may try again.
func (l *Listener) Permit(mode uint32, gid int) error {
	var err error
	if gid >= 0 {
		err = os.Chown(l.path, -1, gid)
	}
	if err == nil {
		err = os.Chmod(l.path, os.FileMode(cmp.Or(mode, defaultMode)))
	}
	if err != nil {
		return fmt.Errorf("cannot give %q its mode and group: %w: make it one that mwlua owns, or leave control_mode and control_group out", l.path, cause.Of(err))
	}
	return nil
}

// cannotListen adds what to do about err.
func cannotListen(path string, err error) error {
	err = cause.Of(err)
	remedy := "use another path"
	switch {
	case errors.Is(err, os.ErrNotExist):
		remedy = "create the directory, or use another path"
	case errors.Is(err, os.ErrPermission):
		remedy = "use another path or group, or run mwlua as a user that may"
	}
	return fmt.Errorf("cannot listen on %q: %w: %s", path, err, remedy)
}

// Inherit makes a Listener of fd, the listening socket that the previous image had at path. It owns fd from now on, and closes it
// when it returns an error, as it does when nothing is at path any more; the caller may then Listen.
func Inherit(fd int, path string) (*Listener, error) {
	syscall.CloseOnExec(fd)
	listening, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	if err == nil && listening == 0 {
		err = errors.New("it does not listen")
	}
	if err == nil {
		if domain, _ := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_DOMAIN); domain != syscall.AF_UNIX {
			err = errors.New("it is another kind of socket")
		}
	}
	var file os.FileInfo
	if err == nil {
		file, err = os.Lstat(path)
	}
	if err != nil {
		_ = syscall.Close(fd)
		return nil, fmt.Errorf("cannot inherit descriptor %d for %q: %w", fd, path, cause.Of(err))
	}
	return fromFD(fd, path, file)
}

// fromFD gives fd to the runtime, under another number.
func fromFD(fd int, path string, file os.FileInfo) (*Listener, error) {
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	listener, err := net.FileListener(f)
	if err != nil {
		return nil, cannotListen(path, err)
	}
	return &Listener{path: path, file: file, net: listener}, nil
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

// Path returns where l listens.
func (l *Listener) Path() string { return l.path }

// Close ends Serve, and removes the socket's file unless another one has taken its place.
func (l *Listener) Close() error {
	if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.file) {
		_ = os.Remove(l.path)
	}
	return l.net.Close()
}
