package proc

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// action is the kernel's struct sigaction, without a look inside: the handler is its first word on every architecture that
// Go's Linux port has but MIPS, and the rest fits.
type action [64]byte

// Dispositions that need no code.
const (
	Default = 0 // SIG_DFL
	Ignore  = 1 // SIG_IGN
)

// SetAction changes what a signal does behind the back of Go's runtime, and returns what it did.
func SetAction(signal syscall.Signal, handler uintptr) (old action) {
	var act action
	*(*uintptr)(unsafe.Pointer(&act)) = handler
	sigaction(signal, &act, &old)
	return old
}

// Restore puts back what SetAction returned.
func Restore(signal syscall.Signal, old action) { sigaction(signal, &old, nil) }

func sigaction(signal syscall.Signal, act, old *action) {
	const setSize = 8 // the kernel's sigset_t
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(signal),
		uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)), setSize, 0, 0)
	runtime.KeepAlive(act)
	runtime.KeepAlive(old)
}

// DefaultIgnored gives the signals that somebody made us ignore, and that Go leaves ignored, their default action, so that
// programs do not inherit that (T-16): job control, and those that threads of the C library use (make has them ignored).
func DefaultIgnored() {
	for s := syscall.Signal(1); s <= 64; s++ {
		var act action
		sigaction(s, nil, &act)
		if *(*uintptr)(unsafe.Pointer(&act)) == Ignore {
			SetAction(s, Default)
		}
	}
}

// Image is what a process is to become.
type Image struct {
	Path       string
	Argv, Env  []string
	IntIgnored bool // SIGINT has no effect on us, and is to have none on it
	// LastWord is called when stops are fatal: it says whether one was caught before, in which case Exec gives up.
	LastWord func() error
	// Back is called when Exec gives up, before signals have their handlers again.
	Back func()
}

// Exec replaces this image by the next, in the same process. It returns only if that failed, and then everything is as
// before, but for a reload that was asked for meanwhile: it is lost. It must be called from the goroutine that called Own.
//
// From its call until the new image handles signals, nothing asked for may be lost in the old one, whose handlers only put
// signals into memory that is about to go. So: SIGTERM, SIGINT and SIGUSR1 (the stops) get their default action, which is
// fatal: the guard of the hand-over sees the death and carries the stop out. They are blocked in this thread, so that
// SIGUSR1 stays pending for the new image once this thread is the only one left; the others are fatal there, because Go
// unblocks them before it handles them. SIGHUP and SIGUSR2 (the reloads) are ignored: the new image reads the configuration
// after that. So is SIGQUIT.
func Exec(next Image) error {
	stops := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1}
	ignored := []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR2, syscall.SIGQUIT}
	if next.IntIgnored {
		stops, ignored = []syscall.Signal{syscall.SIGTERM, syscall.SIGUSR1}, append(ignored, syscall.SIGINT)
	}
	saved := make(map[syscall.Signal]action, len(stops)+len(ignored))
	for _, s := range stops {
		saved[s] = SetAction(s, Default)
	}
	for _, s := range ignored {
		saved[s] = SetAction(s, Ignore)
	}
	defer func() {
		next.Back()
		for s, old := range saved {
			Restore(s, old)
		}
	}()
	if err := next.LastWord(); err != nil {
		return err
	}
	var set, old unix.Sigset_t
	for _, s := range stops {
		set.Val[0] |= 1 << (s - 1)
	}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &set, &old); err != nil {
		return err
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	return syscall.Exec(next.Path, next.Argv, next.Env)
}
