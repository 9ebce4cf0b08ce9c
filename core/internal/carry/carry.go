// Package carry takes what must survive a hand-over from one image to the next: the machine's state and the descriptors, as
// one versioned document in a sealed memory file.
//
// It does not decide when to hand over, and does not execute anything. Its invariant: a document is read by the very
// process that it was written for, or by the guard that this process started, and by nobody who merely says so.
package carry

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
)

// Variable is the environment variable that names the document's descriptor to the next image. The image takes it out of
// its environment before anything else sees it.
const Variable = "MWLUA_HANDOVER"

// Document is what survives.
type Document struct {
	Format int
	Binary string       // version of the binary that wrote it
	Master proc.Process // who it is for
	State  machine.State
	Guard  Guard

	Code    []byte    `json:",omitempty"` // what the code of the configuration has to say to itself
	Helpers []int     `json:",omitempty"` // children beside the guard that are no instances, and that nobody has collected yet
	Started int64     `json:",omitempty"` // when the first image started, ns of CLOCK_MONOTONIC
	Token   uint64    `json:",omitempty"` // the last number that was given to one who waits for an answer
	Sockets []Socket  `json:",omitempty"` // that listen
	Waiting []Waiting `json:",omitempty"` // who gets an answer when the load has ended

	Descriptors []Descriptor `json:",omitempty"` // of instances
	Units       []Unit       `json:",omitempty"` // of instances that have more than a process
	Silent      []int        `json:",omitempty"` // children that are no longer the process of an instance, and that nobody has collected
	Attempts    []int        `json:",omitempty"` // those of Helpers of which nobody wants to know any more how they end
	Stops       []Stop       `json:",omitempty"` // those of Helpers that stop an instance
	// Unanswered are the instances whose stop command has not been answered for: those of Stops, and of commands that were not started yet,
	// or whose end was not told.
	Unanswered []machine.ID `json:",omitempty"`
	Lent       []Lent       `json:",omitempty"` // those of Helpers that code has started
	CGroups    []string     `json:",omitempty"` // directories of instances that are gone, to be removed
	Clock      int          `json:",omitempty"` // a descriptor that tells when the wall clock is set; 0 means none

	Journal *Journal `json:",omitempty"` // nil when nothing is recorded
}

// Journal is what a journal goes on with: this is where its key is, and nowhere else.
type Journal struct {
	Run string
	Key []byte
	N   uint64 // steps so far
}

// Lent is a process that code outside of the supervisor has started by its hands.
type Lent struct {
	proc.Process
	Mark string // NAME=VALUE that is in its environment, and in that of no other process but those that it starts
}

// Stop is a stop command that runs, or whose end nobody has been told of.
type Stop struct {
	PID      int
	Instance machine.ID
	Until    int64      `json:",omitempty"` // when it is killed, ns of CLOCK_MONOTONIC; 0 means never
	Ended    *proc.Exit `json:",omitempty"` // nil while it runs
}

// Socket is a listening socket.
type Socket struct {
	Name string // its address, or another name that nobody takes for one
	FD   int
	// Of is the program that it is for; nil means that it is mwlua's own.
	Of *machine.ProgramSocket `json:",omitempty"`
}

// Descriptor is one that belongs to an instance.
type Descriptor struct {
	Instance machine.ID
	Kind     Kind
	FD       int
	Output   *Output `json:",omitempty"` // of an OutputPipe
}

// Kind says what a descriptor is for.
type Kind string

const (
	NotifySocket Kind = "notify" // where the instance is heard
	ReadyPipe    Kind = "ready"  // to which it writes a newline when it is ready
	OutputPipe   Kind = "output" // what it writes
	MainProcess  Kind = "main"   // a pidfd of its process, which is not our child
)

// Output is what is known of an OutputPipe.
type Output struct {
	To      int    // the descriptor that it leads to
	Pattern string `json:",omitempty"` // what is looked for in it
	Line    []byte `json:",omitempty"` // what was read and not searched
	Rest    []byte `json:",omitempty"` // what was read and not written
}

// Unit is the processes of an instance.
type Unit struct {
	Instance machine.ID
	proc.Unit
	Refused bool `json:",omitempty"` // a process that is none of them has said something to its NotifySocket, and that was told
}

// Waiting is the connection of one who waits.
type Waiting struct {
	Token uint64 // as in machine.Request.From
	FD    int
	Kind  string `json:",omitempty"` // what it speaks; "" is HAProxy's master CLI
}

// Guard is the child that stands in for the supervisor while it is between two images.
type Guard struct {
	PID int
	FD  int // our end of the connection to it
}

// FDs are the descriptors of d, all of which the next image must inherit.
func (d Document) FDs() []int {
	fds := []int{d.Guard.FD}
	for _, s := range d.Sockets {
		fds = append(fds, s.FD)
	}
	for _, w := range d.Waiting {
		fds = append(fds, w.FD)
	}
	for _, held := range d.Descriptors {
		fds = append(fds, held.FD)
		if held.Output != nil && held.Output.To > 2 {
			fds = append(fds, held.Output.To)
		}
	}
	if d.Clock != 0 {
		fds = append(fds, d.Clock)
	}
	return fds
}

// maxSize bounds a document: 100,000 programs with long command lines fit.
const maxSize = 1 << 30

// File is a memory file for a document. It is close-on-exec until Inherit says otherwise.
type File struct{ fd int }

// Create makes an empty one.
func Create() (File, error) {
	fd, err := unix.MemfdCreate("mwlua-handover", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return File{fd: -1}, fmt.Errorf("cannot make a memory file: %w", err)
	}
	return File{fd: fd}, nil
}

// Open takes a descriptor that was handed to us.
func Open(fd int) File {
	unix.CloseOnExec(fd)
	return File{fd: fd}
}

// FD is the descriptor.
func (f File) FD() int { return f.fd }

// Close closes it.
func (f File) Close() { unix.Close(f.fd) }

// Write replaces the content.
func (f File) Write(d Document) error {
	data, err := encode(d)
	if err != nil {
		return fmt.Errorf("cannot encode the state: %w", err)
	}
	if len(data) > maxSize {
		return fmt.Errorf("cannot carry the state: %d bytes, the limit is %d", len(data), maxSize)
	}
	if err := unix.Ftruncate(f.fd, 0); err != nil {
		return fmt.Errorf("cannot write the state: %w", err)
	}
	for off := 0; off < len(data); {
		n, err := unix.Pwrite(f.fd, data[off:], int64(off))
		if err != nil {
			return fmt.Errorf("cannot write the state: %w", err)
		}
		off += n
	}
	return nil
}

const seals = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// Seal makes the content final.
func (f File) Seal() error {
	if _, err := unix.FcntlInt(uintptr(f.fd), unix.F_ADD_SEALS, seals); err != nil {
		return fmt.Errorf("cannot seal the state: %w", err)
	}
	return nil
}

// Sealed reports whether the content is final.
func (f File) Sealed() bool {
	got, err := unix.FcntlInt(uintptr(f.fd), unix.F_GET_SEALS, 0)
	return err == nil && got == seals
}

// Read returns the content.
func (f File) Read() (Document, error) {
	data, err := f.bytes()
	if err != nil {
		return Document{}, err
	}
	return Decode(data)
}

func (f File) bytes() ([]byte, error) {
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		return nil, fmt.Errorf("cannot read the state: %w", err)
	}
	if st.Size > maxSize {
		return nil, fmt.Errorf("cannot read the state: %d bytes, the limit is %d", st.Size, maxSize)
	}
	data := make([]byte, st.Size)
	for off := 0; off < len(data); {
		n, err := unix.Pread(f.fd, data[off:], int64(off))
		if n <= 0 {
			return nil, fmt.Errorf("cannot read the state: %w", errors.Join(err, io.ErrUnexpectedEOF))
		}
		off += n
	}
	return data, nil
}

// Inherit lets a descriptor survive the next execve, or, with false, takes that back. It is the only place where
// close-on-exec is cleared.
func Inherit(fd int, survive bool) error {
	flags := unix.FD_CLOEXEC
	if survive {
		flags = 0
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, flags)
	return err
}

// ErrNotOurs says that Variable was set by somebody else: there was no previous image (H-7.10).
var ErrNotOurs = errors.New("it was not set by a previous image of this process")

// Received returns the document that the previous image of this process left us, and takes Variable out of the environment.
// A nil document means that there was no previous image, and so does ErrNotOurs, which is worth a warning. With any other
// error there was one, with programs that run, and its state cannot be taken over.
func Received() (*Document, error) {
	value, ok := os.LookupEnv(Variable)
	if !ok {
		return nil, nil
	}
	os.Unsetenv(Variable)
	fd, err := strconv.Atoi(value)
	f := File{fd: fd}
	if err != nil || fd < 3 || !f.Sealed() {
		return nil, fmt.Errorf("%s=%q is ignored: %w", Variable, value, ErrNotOurs)
	}
	defer f.Close()
	data, err := f.bytes()
	if err != nil {
		return nil, err
	}
	self, err := proc.Identify(os.Getpid())
	if err != nil {
		return nil, err
	}
	d, failed := Decode(data)
	master := d.Master
	if failed != nil {
		begin, _ := readHead(data) // as far as it can be read
		master = begin.Master
	}
	if self != master {
		return nil, fmt.Errorf("%s=%q is ignored: %w", Variable, value, ErrNotOurs)
	}
	return &d, failed
}
