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

// prepared is a request as system calls take it. Its pointers lead into the text of the request.
type prepared struct {
	umask     int
	limits    []Limit
	user      *User
	dir, path *byte // dir is nil for none
	argv, env []*byte
}

// read takes a request apart.
func read(text []byte) prepared {
	word := func() []byte {
		for i, b := range text {
			if b == 0 {
				w := text[: i : i+1]
				text = text[i+1:]
				return w
			}
		}
		panic("internal error: a request is too short")
	}
	number := func() uint64 {
		n, err := strconv.ParseUint(string(word()), 10, 64)
		if err != nil {
			panic("internal error: a request has no number: " + err.Error())
		}
		return n
	}
	pointer := func() *byte { return unsafe.SliceData(word()) } // the NUL follows
	list := func() []*byte {
		l := make([]*byte, number()+1)
		for i := range l[1:] {
			l[i] = pointer()
		}
		return l
	}
	p := prepared{umask: int(number()) - 1, limits: make([]Limit, number())}
	for i := range p.limits {
		p.limits[i] = Limit{Resource: int(number()), Soft: number(), Hard: number()}
	}
	if number() == 1 {
		p.user = &User{UID: uint32(number()), GID: uint32(number()), SetGroups: number() == 1}
		if p.user.SetGroups {
			p.user.Groups = make([]uint32, number())
			for i := range p.user.Groups {
				p.user.Groups[i] = uint32(number())
			}
		}
	}
	p.dir = pointer()
	if *p.dir == 0 {
		p.dir = nil
	}
	p.path, p.argv, p.env = pointer(), list(), list()
	return p
}

// become makes this process the program, or says why it cannot. From the first limit on nothing may be allocated: there may be
// no memory to be had (RLIMIT_AS). The system calls are of this thread alone, which is the first of the process and the one that
// lives on.
func become(fd int, p prepared) {
	// Go raised the limit of open files at its start. It puts it back before an execve, be it one that can only fail.
	_ = syscall.Exec("", nil, nil)
	if p.umask >= 0 {
		syscall.RawSyscall(syscall.SYS_UMASK, uintptr(p.umask), 0, 0)
	}
	for i := range p.limits {
		l := &p.limits[i]
		both := [2]uint64{l.Soft, l.Hard}
		_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, uintptr(l.Resource), uintptr(unsafe.Pointer(&both)), 0, 0, 0)
		if errno != 0 {
			sayFailure(fd, stepLimits, i, errno)
			return
		}
	}
	if errno := p.user.takeOn(); errno != 0 {
		sayFailure(fd, stepCredentials, 0, errno)
		return
	}
	if p.dir != nil {
		if _, _, errno := syscall.RawSyscall(syscall.SYS_CHDIR, uintptr(unsafe.Pointer(p.dir)), 0, 0); errno != 0 {
			sayFailure(fd, stepDirectory, 0, errno)
			return
		}
	}
	executing := [1]byte{sayExecuting}
	syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&executing)), 1)
	_, _, errno := syscall.RawSyscall(syscall.SYS_EXECVE, uintptr(unsafe.Pointer(p.path)),
		uintptr(unsafe.Pointer(unsafe.SliceData(p.argv))), uintptr(unsafe.Pointer(unsafe.SliceData(p.env))))
	sayFailure(fd, stepExec, 0, errno)
	runtime.KeepAlive(p)
}

// takeOn is what syscall.ForkExec does with a Credential.
func (u *User) takeOn() syscall.Errno {
	if u == nil {
		return 0
	}
	if u.SetGroups {
		_, _, errno := syscall.RawSyscall(sysSetgroups, uintptr(len(u.Groups)), uintptr(unsafe.Pointer(unsafe.SliceData(u.Groups))), 0)
		if errno != 0 {
			return errno
		}
	}
	if _, _, errno := syscall.RawSyscall(sysSetgid, uintptr(u.GID), 0, 0); errno != 0 {
		return errno
	}
	_, _, errno := syscall.RawSyscall(sysSetuid, uintptr(u.UID), 0, 0)
	return errno
}

func sayFailure(fd, step, limit int, errno syscall.Errno) {
	b := [failureSize]byte{sayFailed, byte(step), byte(limit), byte(errno), byte(errno >> 8)}
	syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b)), failureSize)
}
