package watch_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/watch"
)

// patience is how long a test waits for anything. Nothing takes that long: it only ends a test that has failed.
const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newWatch(t *testing.T) *watch.Watch {
	t.Helper()
	w, err := watch.New()
	must(t, err)
	t.Cleanup(func() {
		w.Close()
		for range w.Events() { // nobody may be left that wants to send
		}
	})
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pipe returns a pipe that does not block, and closes what the test has not.
func pipe(t *testing.T) (read, write int) {
	t.Helper()
	p := make([]int, 2)
	must(t, unix.Pipe2(p, unix.O_CLOEXEC|unix.O_NONBLOCK))
	t.Cleanup(func() { unix.Close(p[0]); unix.Close(p[1]) })
	return p[0], p[1]
}

func write(t *testing.T, fd int, text string) {
	t.Helper()
	_, err := unix.Write(fd, []byte(text))
	must(t, err)
}

// turn handles one event.
func turn(t *testing.T, w *watch.Watch) {
	t.Helper()
	select {
	case e := <-w.Events():
		w.Handle(e)
	case <-time.After(patience):
		t.Fatal("nothing happens")
	}
}

// settle handles what there is: one more descriptor, which can be read last, is heard at the end.
func settle(t *testing.T, w *watch.Watch) {
	t.Helper()
	r, wr := pipe(t)
	heard := false
	must(t, w.Add(r, func() { heard = true }))
	write(t, wr, "x")
	for !heard {
		turn(t, w)
	}
	w.Remove(r)
}

func TestWatchSaysWhatCanBeRead(t *testing.T) {
	w := newWatch(t)
	r, wr := pipe(t)
	heard := 0
	must(t, w.Add(r, func() { heard++ }))
	settle(t, w)
	if heard != 0 {
		t.Error("it was heard before anything was written")
	}
	write(t, wr, "x")
	for heard < 3 { // it is not read, so it can be read again
		turn(t, w)
	}
	w.Remove(r)
	w.Remove(r)
	settle(t, w)
	unix.Close(wr)
	settle(t, w)
	if heard != 3 {
		t.Error("it was heard after it was removed")
	}
	if err := w.Add(-1, func() {}); err == nil {
		t.Error("a descriptor that is none is watched")
	}
}

// TestWatchSaysThatTheOtherEndIsClosed.
func TestWatchSaysThatTheOtherEndIsClosed(t *testing.T) {
	w := newWatch(t)
	p := make([]int, 2)
	must(t, unix.Pipe2(p, unix.O_CLOEXEC|unix.O_NONBLOCK))
	defer unix.Close(p[0])
	heard := false
	must(t, w.Add(p[0], func() { heard = true; w.Remove(p[0]) }))
	must(t, unix.Close(p[1]))
	turn(t, w)
	if !heard {
		t.Error("it was not heard")
	}
}

// TestEventOfAFormerDescriptorIsForgotten: its number may belong to another one by now.
func TestEventOfAFormerDescriptorIsForgotten(t *testing.T) {
	w := newWatch(t)
	r, wr := pipe(t)
	must(t, w.Add(r, func() { t.Error("the former one was heard") }))
	write(t, wr, "x")
	e := <-w.Events()
	w.Remove(r)
	heard := 0
	must(t, w.Add(r, func() { heard++ }))
	w.Handle(e)
	if heard != 0 {
		t.Error("its event was taken for that of the one after it")
	}
	turn(t, w)
	if heard != 1 {
		t.Errorf("the one after it was heard %d times", heard)
	}
}

// TestFloodStarvesNobody: one descriptor that can always be read, and many that can be read once.
func TestFloodStarvesNobody(t *testing.T) {
	w := newWatch(t)
	flood, wr := pipe(t)
	write(t, wr, "x")
	turns, heard := 0, 0
	must(t, w.Add(flood, func() { turns++ }))
	const many = 500
	for range many {
		r, wr := pipe(t)
		must(t, w.Add(r, func() {
			heard++
			w.Remove(r)
		}))
		write(t, wr, "x")
	}
	for heard < many {
		turn(t, w)
	}
	if turns > many {
		t.Errorf("the flood was handled %d times before %d others had their turn", turns, many)
	}
}
