package shim

import (
	"syscall"
	"unsafe"
)

// Of linux/prctl.h and linux/capability.h, which package syscall does not have.
const (
	prSetKeepCaps     = 8
	prCapBSetRead     = 23
	prCapBSetDrop     = 24
	prSetNoNewPrivs   = 38
	prCapAmbient      = 47
	prCapAmbientRaise = 2

	capabilityVersion3 = 0x20080522
)

// capabilities are the numbers of some, and the same as a set of bits.
type capabilities struct {
	numbers []uint
	set     uint64
}

// sets are the capability sets of a thread, as capget(2) has them: the first word has the capabilities up to 31.
type sets [2]struct{ effective, permitted, inheritable uint32 }

// call is capget(2) or capset(2) on this thread.
func (s *sets) call(trap uintptr) syscall.Errno {
	header := struct {
		version uint32
		pid     int32
	}{version: capabilityVersion3}
	_, _, errno := syscall.RawSyscall(trap, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(s)), 0)
	return errno
}

// keepCapabilities lets this thread keep what it may have when it becomes another user; execve(2) ends that.
func (c *capabilities) keepCapabilities() syscall.Errno {
	if c == nil {
		return 0
	}
	return prctl(prSetKeepCaps, 1, 0)
}

// takeOn makes c the capabilities of this thread and, over the execve, those of the program: as the ambient ones they are its own
// whoever it runs as, and outside the bounding set nothing can give it more (capabilities(7)). The index is that of a
// capability which cannot be had.
func (c *capabilities) takeOn(noNewPrivs bool) (index int, errno syscall.Errno) {
	var s sets
	if errno := s.call(syscall.SYS_CAPGET); errno != 0 {
		return none, errno
	}
	for i, n := range c.numbers {
		if n > 63 || s[n/32].permitted&(1<<(n%32)) == 0 {
			return i, syscall.EPERM
		}
	}
	for i := range s { // the change of user has taken them away, and what follows needs CAP_SETPCAP
		s[i].effective = s[i].permitted
	}
	if errno := s.call(syscall.SYS_CAPSET); errno != 0 {
		return none, errno
	}
	// Who gets no new privileges at an execve cannot get any from the bounding set: it need not be ours to change.
	if errno := c.bound(); errno != 0 && !(errno == syscall.EPERM && noNewPrivs) {
		return none, errno
	}
	for i := range s {
		bits := uint32(c.set >> (32 * i))
		s[i].effective, s[i].permitted, s[i].inheritable = bits, bits, bits
	}
	if errno := s.call(syscall.SYS_CAPSET); errno != 0 {
		return none, errno
	}
	for i, n := range c.numbers {
		if errno := prctl(prCapAmbient, prCapAmbientRaise, uintptr(n)); errno != 0 {
			return i, errno
		}
	}
	return none, 0
}

// bound takes everything but c out of the bounding set. It looks before, because nobody needs a right to leave out what is not there.
func (c *capabilities) bound() syscall.Errno {
	for n := range uintptr(64) {
		in, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prCapBSetRead, n, 0, 0, 0, 0)
		if errno != 0 { // the kernel knows no more
			break
		}
		if in == 0 || c.set&(1<<n) != 0 {
			continue
		}
		if errno := prctl(prCapBSetDrop, n, 0); errno != 0 {
			return errno
		}
	}
	return 0
}

func prctl(option, arg2, arg3 uintptr) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, option, arg2, arg3, 0, 0, 0)
	return errno
}
