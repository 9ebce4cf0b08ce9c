package shim

import (
	"syscall"
	"unsafe"
)

// steps are what a shim does, in this order. A failed step returns the index of what it failed for, or none.
//
// The score is the first, because it takes a descriptor, of which a limit may leave none, and it is in our /proc, which is not in the
// chroot. The user comes before the capabilities, which it would take away, and before the signal of the parent's death, which a
// change of either takes away (prctl(2)). The directory is entered by the program's own rights.
var steps = [...]struct {
	name string // of Failure.Step
	do   func(*prepared) (index int, errno syscall.Errno)
}{
	{"umask", (*prepared).setUmask},
	{"oom_score_adj", (*prepared).setOOMScoreAdj},
	{"limits", (*prepared).setLimits},
	{"nice", (*prepared).setNice},
	{"chroot", (*prepared).enterChroot},
	{"credentials", (*prepared).takeOnUser},
	{"capabilities", (*prepared).takeOnCapabilities},
	{"no_new_privs", (*prepared).setNoNewPrivs},
	{"deathsig", (*prepared).setDeathsig},
	{"directory", (*prepared).enterDir},
	{"exec", (*prepared).execute},
}

// stepExec is the last of steps.
const stepExec = len(steps) - 1

func (p *prepared) setUmask() (int, syscall.Errno) {
	if p.umask >= 0 {
		syscall.RawSyscall(syscall.SYS_UMASK, uintptr(p.umask), 0, 0)
	}
	return none, 0
}

func (p *prepared) setOOMScoreAdj() (int, syscall.Errno) {
	if len(p.oomScoreAdj) == 0 {
		return none, 0
	}
	fd, err := syscall.Open("/proc/self/oom_score_adj", syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
	if err == nil {
		_, err = syscall.Write(fd, p.oomScoreAdj)
		syscall.Close(fd)
	}
	if errno, ok := err.(syscall.Errno); ok {
		return none, errno
	}
	return none, 0
}

func (p *prepared) setLimits() (int, syscall.Errno) {
	for i := range p.limits {
		l := &p.limits[i]
		both := [2]uint64{l.Soft, l.Hard}
		_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, uintptr(l.Resource), uintptr(unsafe.Pointer(&both)), 0, 0, 0)
		if errno != 0 {
			return i, errno
		}
	}
	return none, 0
}

// setNice is of this thread only, for Linux (setpriority(2), C library/kernel differences).
func (p *prepared) setNice() (int, syscall.Errno) {
	if !p.niceSet {
		return none, 0
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_SETPRIORITY, syscall.PRIO_PROCESS, 0, uintptr(p.nice))
	return none, errno
}

// enterChroot enters it as a directory, too: one outside would be a way out of it (chroot(2)).
func (p *prepared) enterChroot() (int, syscall.Errno) {
	if p.chroot == nil {
		return none, 0
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CHROOT, uintptr(unsafe.Pointer(p.chroot)), 0, 0); errno != 0 {
		return none, errno
	}
	root := [2]byte{'/', 0}
	_, _, errno := syscall.RawSyscall(syscall.SYS_CHDIR, uintptr(unsafe.Pointer(&root)), 0, 0)
	return none, errno
}

// takeOnUser is what syscall.ForkExec does with a Credential.
func (p *prepared) takeOnUser() (int, syscall.Errno) {
	u := p.user
	if u == nil {
		return none, 0
	}
	if errno := p.capabilities.keepCapabilities(); errno != 0 {
		return none, errno
	}
	if u.SetGroups {
		_, _, errno := syscall.RawSyscall(sysSetgroups, uintptr(len(u.Groups)), uintptr(unsafe.Pointer(unsafe.SliceData(u.Groups))), 0)
		if errno != 0 {
			return none, errno
		}
	}
	if _, _, errno := syscall.RawSyscall(sysSetgid, uintptr(u.GID), 0, 0); errno != 0 {
		return none, errno
	}
	_, _, errno := syscall.RawSyscall(sysSetuid, uintptr(u.UID), 0, 0)
	return none, errno
}

func (p *prepared) takeOnCapabilities() (int, syscall.Errno) {
	if p.capabilities == nil {
		return none, 0
	}
	return p.capabilities.takeOn(p.noNewPrivs)
}

func (p *prepared) setNoNewPrivs() (int, syscall.Errno) {
	if !p.noNewPrivs {
		return none, 0
	}
	return none, prctl(prSetNoNewPrivs, 1, 0)
}

// setDeathsig makes up for a parent that has died before.
func (p *prepared) setDeathsig() (int, syscall.Errno) {
	if p.deathsig == 0 {
		return none, 0
	}
	if errno := prctl(syscall.PR_SET_PDEATHSIG, uintptr(p.deathsig), 0); errno != 0 {
		return none, errno
	}
	parent, _, _ := syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
	if int(parent) != p.parent {
		pid, _, _ := syscall.RawSyscall(syscall.SYS_GETPID, 0, 0, 0)
		syscall.RawSyscall(syscall.SYS_KILL, pid, uintptr(p.deathsig), 0)
	}
	return none, 0
}

func (p *prepared) enterDir() (int, syscall.Errno) {
	if p.dir == nil {
		return none, 0
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_CHDIR, uintptr(unsafe.Pointer(p.dir)), 0, 0)
	return none, errno
}

// execute returns only if it failed.
func (p *prepared) execute() (int, syscall.Errno) {
	_, _, errno := syscall.RawSyscall(syscall.SYS_EXECVE, uintptr(unsafe.Pointer(p.path)),
		uintptr(unsafe.Pointer(unsafe.SliceData(p.argv))), uintptr(unsafe.Pointer(unsafe.SliceData(p.env))))
	return none, errno
}
