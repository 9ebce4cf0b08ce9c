// Package shim is the process between a fork and the execve of a program that needs something done there for which
// syscall.ForkExec has no place: resource limits and the like, which belong to a process, so that nobody else can set them in time.
//
// That process is this binary, executed anew with a variable in its environment that names a descriptor. It reads a Request
// from it, does what that says, and becomes the program, with its pid, arguments, environment and descriptors; until then it is
// nobody's business. Both sides of the descriptor are in this package, and both are always of the same image.
//
// It has an init, as nothing else but core/internal/signals, and it imports next to nothing, so that this comes before what other
// packages initialise: that is half of the start of this binary, and a stop sent to the program that it is about to become must
// not end up in a channel of package signals.
package shim

import (
	"strconv"
	"syscall"
)

// variable is the whole environment of a shim: the number of its descriptor.
const variable = "MWLUA_SHIM"

// Variable is the environment to execute /proc/self/exe with, for a shim whose end of the socket is descriptor fd.
func Variable(fd int) []string { return []string{variable + "=" + strconv.Itoa(fd)} }

// Request is what a shim is to do, in this order, and what to execute then. Strings hold no NUL byte.
type Request struct {
	Umask        int  // -1 means as it is
	OOMScoreAdj  *int // nil means as it is
	Limits       []Limit
	Nice         *int   // nil means as it is
	Chroot       string // "" means as it is
	User         *User  // nil means as it is
	Capabilities []uint // numbers of the only ones that the program may have, and has; nil means as they are
	NoNewPrivs   bool
	Deathsig     int    // the signal that the program gets when Parent dies; 0 means none
	Parent       int    // our pid, with Deathsig
	Dir          string // "" means as it is
	Path         string
	Argv         []string
	Env          []string
}

// Limit is a resource limit as setrlimit(2) has it.
type Limit struct {
	Resource   int
	Soft, Hard uint64
}

// User is an identity to take on. Groups are set only with SetGroups.
type User struct {
	UID, GID  uint32
	Groups    []uint32
	SetGroups bool
}

// Failure says at which step a shim ended.
type Failure struct {
	Step  string // the name of one of steps, or "" when it ended on its own
	Index int    // of the limit or the capability that could not be set; -1 where that is not known
	Err   syscall.Errno
}

func (f *Failure) Error() string { return f.Step + ": " + f.Err.Error() }

// none is a Failure's index that is none, as it is sent.
const none = 0xff

// What a shim says: that it executes the program now, and, if that did not work, or something before it, a failure: the step's
// number, the index, and the errno in two bytes.
const (
	sayExecuting = 'x'
	sayFailed    = 'f'
	failureSize  = 5
)

// Direct sends r to the shim at the other end of the socket fd, and waits until it has become the program. The error is a
// *Failure; then it ends, and is still to be collected.
func Direct(fd int, r Request) error {
	for data := r.encode(); len(data) > 0; {
		n, err := syscall.SendmsgN(fd, data, nil, nil, syscall.MSG_NOSIGNAL)
		if err != nil && err != syscall.EINTR {
			break // it has ended: what it said, or did not, counts
		}
		data = data[max(n, 0):]
	}
	var said []byte
	for buffer := make([]byte, 16); ; {
		n, err := syscall.Read(fd, buffer)
		if err == syscall.EINTR {
			continue
		}
		if n <= 0 {
			break // closed, by execve or by its end; ECONNRESET when it left something unread
		}
		said = append(said, buffer[:n]...)
	}
	executing := len(said) > 0 && said[0] == sayExecuting
	if executing {
		said = said[1:]
	}
	switch {
	case len(said) == failureSize:
		return failure(said)
	case executing:
		return nil
	default:
		return &Failure{Index: -1, Err: syscall.EAGAIN}
	}
}

// failure is what a shim has said of its failure.
func failure(said []byte) *Failure {
	f := &Failure{Step: steps[said[1]].name, Index: int(said[2]), Err: syscall.Errno(int(said[3]) | int(said[4])<<8)}
	if f.Index == none {
		f.Index = -1
	}
	return f
}

// sizeSize is what the length of a request takes.
const sizeSize = 8
