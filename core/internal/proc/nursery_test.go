package proc_test

import (
	"os"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
)

// TestNursery: who is started there is our child, to be collected as any, and not among those of our first thread.
func TestNursery(t *testing.T) {
	if !alone(t) {
		return
	}
	n := proc.NewNursery()
	var pid, thread int
	var err error
	n.Do(func() {
		thread = unix.Gettid()
		pid, err = proc.Start(sleeper)
	})
	must(t, err)
	defer func() {
		must(t, proc.Signal(pid, int(unix.SIGKILL), false))
		if e := proc.Await(pid); e.Signal != int(unix.SIGKILL) {
			t.Errorf("its end is %+v", e)
		}
	}()
	if thread == os.Getpid() {
		t.Error("it is the first thread")
	}
	if !proc.IsChild(pid) || !slices.Contains(proc.ListedChildren(os.Getpid()), pid) {
		t.Error("it is no child of ours")
	}
	if adopted := proc.Adopted(); slices.Contains(adopted, pid) {
		t.Errorf("it is a child of our first thread, as %v", adopted)
	}
	for range 100 { // it is one thread, whoever asks
		done := make(chan int)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			n.Do(func() { done <- unix.Gettid() })
		}()
		if got := <-done; got != thread {
			t.Fatalf("it is thread %d, and was %d", got, thread)
		}
	}
}
