package luatest

import (
	"fmt"
	"syscall"
)

// freePort finds a TCP port of 127.0.0.1, which is kept from others until free: the socket that holds it does not listen, and lets those
// bind it that ask for SO_REUSEADDR, as servers do (socket(7)).
func freePort() (port int, free func() error, err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("cannot make a socket: %w", err)
	}
	free = func() error { return syscall.Close(fd) }
	err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	var at syscall.Sockaddr
	if err == nil {
		at, err = syscall.Getsockname(fd)
	}
	if err != nil {
		_ = free()
		return 0, nil, fmt.Errorf("cannot find a free port: %w", err)
	}
	return at.(*syscall.SockaddrInet4).Port, free, nil
}
