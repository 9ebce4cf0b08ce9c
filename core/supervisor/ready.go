package supervisor

import (
	"bytes"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/machine"
)

// hearReady reads what an instance writes to say that it is ready: a newline, as for s6. What else it writes does not count, and
// what follows is not read. That it closes the pipe means nothing.
func (s *supervisor) hearReady(in *instance) {
	if in.ready == none {
		return
	}
	buffer := make([]byte, 4096)
	n, err := unix.Read(in.ready, buffer)
	switch {
	case n > 0 && bytes.IndexByte(buffer[:n], '\n') >= 0:
		s.queue = append(s.queue, machine.Ready{ID: in.id})
		s.closeWatched(&in.ready)
	case n == 0:
		s.closeWatched(&in.ready)
	case n < 0 && err != unix.EAGAIN && err != unix.EINTR:
		s.closeWatched(&in.ready)
	}
}
