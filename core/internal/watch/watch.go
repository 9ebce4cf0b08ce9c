// Package watch says which of many descriptors can be read, to one goroutine that does the reading.
//
// It reads nothing itself. What a descriptor is watched for is handled once, then it is quiet until that goroutine has come back
// from it: so a descriptor that never runs dry costs a bounded piece of work a turn, and cannot keep others from theirs.
package watch

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Watch is an epoll(7). All of it but its own goroutine belongs to the goroutine that calls New.
type Watch struct {
	file   *os.File // the epoll descriptor, in the runtime's own poller: it holds no thread
	fd     int
	events chan Event
	serial int32
	rows   map[int]row // by descriptor
}

// row is a descriptor that is watched. The serial tells it from one that had its number before.
type row struct {
	serial int32
	handle func()
}

// Event says that a descriptor can be read, was closed by its other end, or is no good.
type Event struct{ fd, serial int32 }

// New returns a watch of nothing.
func New() (*Watch, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err == nil {
		err = unix.SetNonblock(fd, true) // makes os.NewFile give it to the poller
	}
	if err != nil {
		return nil, fmt.Errorf("cannot make an epoll descriptor: %w", err)
	}
	w := &Watch{file: os.NewFile(uintptr(fd), "epoll"), fd: fd, events: make(chan Event), rows: make(map[int]row)}
	raw, err := w.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	go w.watch(raw) // waits for any of the descriptors; sends which, each once until it is handled; ends with Close
	return w, nil
}

// Events is where the watch says what Handle is to be called with.
func (w *Watch) Events() <-chan Event { return w.events }

// Close ends the watch. What it has watched is not closed, and Events is.
func (w *Watch) Close() { w.file.Close() }

// Add has handle called, by Handle, whenever fd can be read. The caller owns fd, and calls Remove before it closes it.
func (w *Watch) Add(fd int, handle func()) error {
	w.serial++ // an event of 4 billion descriptors ago is not under way any more
	if err := unix.EpollCtl(w.fd, unix.EPOLL_CTL_ADD, fd, w.event(fd, w.serial)); err != nil {
		return fmt.Errorf("cannot watch descriptor %d: %w", fd, err)
	}
	w.rows[fd] = row{serial: w.serial, handle: handle}
	return nil
}

// Remove ends that. What is under way of fd is forgotten.
func (w *Watch) Remove(fd int) {
	if _, ok := w.rows[fd]; ok {
		delete(w.rows, fd)
		_ = unix.EpollCtl(w.fd, unix.EPOLL_CTL_DEL, fd, nil) // fails only for what is not watched
	}
}

// Handle calls what belongs to an event, and watches the descriptor again unless that has removed it.
func (w *Watch) Handle(e Event) {
	fd := int(e.fd)
	if w.rows[fd].serial != e.serial || e.serial == 0 {
		return
	}
	w.rows[fd].handle()
	if w.rows[fd].serial == e.serial {
		_ = unix.EpollCtl(w.fd, unix.EPOLL_CTL_MOD, fd, w.event(fd, e.serial)) // as above
	}
}

func (w *Watch) event(fd int, serial int32) *unix.EpollEvent {
	return &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: int32(fd), Pad: serial}
}

// watch sends what can be read. An epoll descriptor can be read itself when one of its own can (epoll(7)), which is what the
// runtime waits for.
func (w *Watch) watch(raw syscall.RawConn) {
	defer close(w.events)
	ready := make([]unix.EpollEvent, 64)
	for {
		n := 0
		err := raw.Read(func(fd uintptr) bool {
			n, _ = unix.EpollWait(int(fd), ready, 0) // EINTR cannot come without waiting
			return n > 0
		})
		if err != nil { // it is closed
			return
		}
		for _, e := range ready[:n] {
			w.events <- Event{fd: e.Fd, serial: e.Pad}
		}
	}
}
