package proc

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Nursery is a thread that starts processes and does nothing else. A child belongs to the thread that has started it, and orphans are given
// to our first thread (find_new_reaper in kernel/exit.c). So as long as the first thread starts none, its list of children has nobody
// but orphans, and to see whether there are any takes no longer with 10,000 programs than with ten. At an execve all children become
// those of one thread. What is to get a signal when we die (Command.Deathsig) is not for a Nursery: that comes when the parent's thread
// ends, which the execve of another one does.
type Nursery struct{ work chan func() }

// NewNursery starts the thread, which lives as long as the process does. The error says that its signal mask cannot be cleared.
func NewNursery() (*Nursery, error) {
	n, ready := &Nursery{work: make(chan func())}, make(chan error)
	go n.run(ready) // starts what it is told to; ends with the process
	return n, <-ready
}

func (n *Nursery) run(ready chan<- error) {
	err := Own()
	if unix.Gettid() == os.Getpid() {
		other := make(chan error)
		go n.run(other) // on another thread: this one is taken until it has begun
		ready <- <-other
		runtime.UnlockOSThread()
		return
	}
	ready <- err
	for f := range n.work {
		f()
	}
}

// Do has the thread call f, which starts processes, and waits for that: some 50 µs, because both are threads of their own.
func (n *Nursery) Do(f func()) {
	done := make(chan struct{})
	n.work <- func() {
		f()
		close(done)
	}
	<-done
}
