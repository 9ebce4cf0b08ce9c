package pump

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// run is what a pump's goroutine does until it is halted.
type run struct {
	*Pump
	halted <-chan struct{}
}

// run looks for the line before it writes it: a destination that takes nothing does not keep a program from being ready.
func (r run) run() {
	r.begin()
	buffer := make([]byte, bufferSize)
	for r.search() && r.write() && r.read(buffer) {
	}
}

// begin lets reads wait again, unless it was asked to stop before it came to this.
func (r run) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.isHalted() && !r.isFinished() {
		_ = r.in.SetReadDeadline(time.Time{}) // fails only if it has ended, which the first read says, too
	}
}

func (r run) isHalted() bool { return isClosed(r.halted) }

func (r run) isFinished() bool { return isClosed(r.finish) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// search looks for a line that matches. False means that it was found, and that halted came before anybody could hear it.
func (r run) search() bool {
	pattern, rest := r.sought()
	if pattern == nil {
		return true
	}
	for {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if !whole && len(rest) < maxLine {
			break
		}
		if pattern.Match(bytes.TrimSuffix(line[:min(len(line), maxLine)], []byte("\r"))) {
			return r.tell()
		}
		if rest = after; !whole {
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pattern != nil {
		r.line = slices.Clone(rest)
	}
	return true
}

// sought is what is looked for, and in what.
func (r run) sought() (*regexp.Regexp, []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pattern, r.line
}

func (r run) tell() bool {
	if !r.found(r.halted) {
		return false
	}
	r.Ignore()
	return true
}

// read reads once. False means that there is nothing more, or that it was halted.
func (r run) read(buffer []byte) bool {
	n, err := r.in.Read(buffer)
	if n > 0 {
		r.take(buffer[:n])
		return true
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		r.end()
		return false
	}
	if r.isFinished() {
		r.last(buffer)
	}
	return false
}

// take adds data to what is to be searched and written.
func (r run) take(data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rest) == 0 {
		r.rest = data // the caller does not read into it before it is written
	} else {
		r.rest = slices.Concat(r.rest, data)
	}
	if r.pattern != nil {
		r.line = append(r.line, data...)
	}
}

// last takes over what is in the pipe. Nothing more is looked for.
func (r run) last(buffer []byte) {
	for taken := 0; taken < maxLast; {
		n, err := unix.Read(r.In, buffer) // a deadline that has passed keeps r.in from reading at all
		if n <= 0 && err != unix.EINTR {
			return
		}
		r.take(buffer[:max(n, 0)])
		taken += n
		if !r.write() {
			return
		}
	}
}

// end closes both ends.
func (r run) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	r.in.Close()
	if r.Out > 2 {
		unix.Close(r.Out)
	}
}

// write writes what was read. What cannot be written is given up, as by a reader that is gone or a full disk: the program must
// not be kept from its work. False means that it was halted.
func (r run) write() bool {
	for len(r.rest) > 0 {
		if !r.writable() {
			return false
		}
		n, err := unix.Write(r.Out, r.rest[:min(len(r.rest), chunkSize)])
		if err == unix.EAGAIN || err == unix.EINTR {
			continue
		}
		if err != nil {
			n = len(r.rest)
		}
		r.mu.Lock()
		r.rest = r.rest[n:]
		r.mu.Unlock()
	}
	return !r.isHalted()
}

// writable waits until Out takes something: it is shared with others, so it cannot be made non-blocking. False means that it was
// halted.
func (r run) writable() bool {
	if r.isHalted() {
		return false
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(r.Out), Events: unix.POLLOUT}}, 0); n > 0 && err == nil {
		return true
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return true // no descriptor is left: the write waits, and Await does not wait for it
	}
	defer unix.Close(wake)
	return r.setWake(wake) && r.wait(wake) && r.setWake(-1)
}

// wait waits until Out takes something, or it is woken. As long as something is looked for it reads on, so that a program whose
// output nobody takes can be ready. False means that it was halted.
func (r run) wait(wake int) bool {
	buffer := make([]byte, bufferSize)
	for {
		fds := []unix.PollFd{{Fd: int32(r.Out), Events: unix.POLLOUT}, {Fd: int32(wake), Events: unix.POLLIN}, {Fd: -1, Events: unix.POLLIN}}
		if pattern, _ := r.sought(); pattern != nil && len(r.rest) < maxAhead {
			fds[2].Fd = int32(r.In)
		}
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		}
		if fds[2].Revents == 0 || fds[0].Revents != 0 || fds[1].Revents != 0 {
			return true
		}
		n, err := unix.Read(r.In, buffer)
		if n == 0 || err != nil && err != unix.EAGAIN {
			r.Ignore() // it is the end, which is read again when all is written
			continue
		}
		r.take(buffer[:max(n, 0)])
		if !r.search() {
			r.setWake(-1)
			return false
		}
	}
}

// setWake says what wakes the pump from now on. False means that it was halted before.
func (r run) setWake(fd int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wake = fd
	if r.isHalted() {
		r.wake = -1
		return false
	}
	return true
}
