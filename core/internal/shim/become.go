package shim

import (
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

func init() {
	const prefix = variable + "="
	env := syscall.Environ()
	if len(env) != 1 || len(env[0]) < len(prefix) || env[0][:len(prefix)] != prefix {
		return // somebody's variable of that name does no harm among others
	}
	if fd, err := strconv.Atoi(env[0][len(prefix):]); err == nil {
		syscall.CloseOnExec(fd)
		if text := receive(fd); text != nil {
			become(fd, read(text))
		}
	}
	syscall.Exit(127) // nobody reads it
}

// receive reads a request; nil when there is none. It makes one slice that fits.
func receive(fd int) []byte {
	fill := func(p []byte) bool {
		for len(p) > 0 {
			n, err := syscall.Read(fd, p)
			if err != nil && err != syscall.EINTR || err == nil && n == 0 {
				return false
			}
			p = p[max(n, 0):]
		}
		return true
	}
	var size [sizeSize]byte
	if !fill(size[:]) {
		return nil
	}
	n := uint64(0)
	for i := range size {
		n |= uint64(size[i]) << (8 * i)
	}
	if n > 1<<30 { // no request of ours: execve takes less (execve(2))
		return nil
	}
	text := make([]byte, n)
	if !fill(text) {
		return nil
	}
	return text
}

// become makes this process the program, or says why it cannot. From the first limit on nothing may be allocated: there may be
// no memory to be had (RLIMIT_AS). The system calls are of this thread alone, which is the first of the process and the one that
// lives on.
func become(fd int, p prepared) {
	// Go raised the limit of open files at its start. It puts it back before an execve, be it one that can only fail.
	_ = syscall.Exec("", nil, nil)
	for i := range steps {
		if i == stepExec {
			executing := [1]byte{sayExecuting}
			syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&executing)), 1)
		}
		if index, errno := steps[i].do(&p); errno != 0 {
			sayFailure(fd, i, index, errno)
			return
		}
	}
	runtime.KeepAlive(p)
}

func sayFailure(fd, step, index int, errno syscall.Errno) {
	b := [failureSize]byte{sayFailed, byte(step), byte(index), byte(errno), byte(errno >> 8)}
	syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b)), failureSize)
}
