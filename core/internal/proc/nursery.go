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

// NewNursery starts the thread, which lives as long as the process does.
func NewNursery() *Nursery {
	n := &Nursery{work: make(chan func())}
	go n.run() // does what it is told to; ends with the process
	return n
}

func (n *Nursery) run() {
	if err := Own(); err != nil {
		panic("internal error: cannot clear the signal mask: " + err.Error()) // pthread_sigmask(3): cannot fail with these arguments
	}
	if unix.Gettid() == os.Getpid() {
		begun := make(chan struct{})
		go func() { // on another thread: this one is taken until it has begun
			close(begun)
			n.run()
		}()
		<-begun
		runtime.UnlockOSThread()
		return
	}
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
