package control

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"syscall"
)

// peer is who is at the other end of a connection, as the kernel had it when they connected. known is false if it could not be
// asked.
type peer struct {
	pid, uid int
	known    bool
}

type peerKey struct{}

// withPeer is http.Server.ConnContext.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	p := peer{}
	if c, err := credentials(conn); err == nil {
		p = peer{pid: int(c.Pid), uid: int(c.Uid), known: true}
	}
	return context.WithValue(ctx, peerKey{}, p)
}

// credentials is SO_PEERCRED of unix(7): of a client, those of connect; of a listener, those of listen.
func credentials(conn net.Conn) (*syscall.Ucred, error) {
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	var peer *syscall.Ucred
	closed := raw.Control(func(fd uintptr) {
		peer, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	return peer, cmp.Or(closed, err)
}

// String is for the log.
func (p peer) String() string {
	if p.pid == 0 { // it is not known, or in a PID namespace that we cannot see
		return "the control socket"
	}
	return fmt.Sprintf("the control socket, process %d", p.pid)
}

// may says whether p is root or has our own uid, or whether the socket at path is open to others too: by its mode, the kernel has
// let in only those who may. An administrator may change the mode at any time, so it is looked at each time.
func (p peer) may(path string) bool {
	if p.known && (p.uid == 0 || p.uid == os.Geteuid()) {
		return true
	}
	info, err := os.Lstat(path)
	return err == nil && info.Mode().Type() == os.ModeSocket && info.Mode().Perm()&0o022 != 0
}
