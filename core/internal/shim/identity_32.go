//go:build 386 || arm

package shim

import "syscall"

// The calls without 32 in their name take 16 bits there.
const (
	sysSetgroups = syscall.SYS_SETGROUPS32
	sysSetgid    = syscall.SYS_SETGID32
	sysSetuid    = syscall.SYS_SETUID32
)
