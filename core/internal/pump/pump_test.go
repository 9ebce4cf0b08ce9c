package pump_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/pump"
)

// patience is how long a test waits for anything. Nothing takes that long: it only ends a test that has failed.
const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rig is a pump between two pipes.
type rig struct {
	t     *testing.T
	p     *pump.Pump
	in    *os.File // what the program writes to
	out   *os.File // what is read of where it leads
	dest  int      // where it leads
	found chan struct{}
}

func newRig(t *testing.T, state pump.State) *rig {
	t.Helper()
	r := &rig{t: t, found: make(chan struct{}, 1)}
	in, out := make([]int, 2), make([]int, 2)
	must(t, unix.Pipe2(in, unix.O_CLOEXEC))
	must(t, unix.Pipe2(out, unix.O_CLOEXEC))
	must(t, unix.SetNonblock(in[1], true))
	must(t, unix.SetNonblock(out[0], true))
	r.in, r.out, r.dest = os.NewFile(uintptr(in[1]), "program"), os.NewFile(uintptr(out[0]), "reader"), out[1]
	r.start(pump.Pipe{In: in[0], Out: out[1]}, state)
	t.Cleanup(func() {
		r.in.Close()
		r.out.Close()
	})
	return r
}

func (r *rig) start(pipe pump.Pipe, state pump.State) {
	r.t.Helper()
	var err error
	r.p, err = pump.Start(pipe, state, func(halted <-chan struct{}) bool {
		select {
		case r.found <- struct{}{}:
			return true
		case <-halted:
			return false
		}
	})
	must(r.t, err)
}

func (r *rig) write(text string) {
	r.t.Helper()
	must(r.t, r.in.SetWriteDeadline(time.Now().Add(patience)))
	_, err := io.WriteString(r.in, text)
	must(r.t, err)
}

// read reads that many bytes.
func (r *rig) read(n int) string {
	r.t.Helper()
	must(r.t, r.out.SetReadDeadline(time.Now().Add(patience)))
	text := make([]byte, n)
	_, err := io.ReadFull(r.out, text)
	must(r.t, err)
	return string(text)
}

// ends waits until all is through, and checks that it is want.
func (r *rig) ends(want string) {
	r.t.Helper()
	r.in.Close()
	must(r.t, r.out.SetReadDeadline(time.Now().Add(patience)))
	got, err := io.ReadAll(r.out)
	must(r.t, err)
	if string(got) != want {
		r.t.Errorf("%d bytes came through, want %d; they end in %.100q", len(got), len(want), got[max(0, len(got)-100):])
	}
	r.stopped()
	if !r.p.Ended() {
		r.t.Error("it has not ended")
	}
}

// stopped waits for the end of the pump's goroutine.
func (r *rig) stopped() pump.State {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	state := r.p.Await(ctx.Done())
	if ctx.Err() != nil {
		r.t.Fatal("it did not stop")
	}
	return state
}

// ready waits until the line was found.
func (r *rig) ready() {
	r.t.Helper()
	select {
	case <-r.found:
	case <-time.After(patience):
		r.t.Fatal("the line was not found")
	}
}

// numbers is that much text in which each place can be told from every other.
func numbers(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%d\n", i)
	}
	return b.String()[:size]
}

func TestAllComesThrough(t *testing.T) {
	r := newRig(t, pump.State{})
	text := numbers(1 << 20)
	go io.WriteString(r.in, text)
	if got := r.read(len(text)); got != text {
		t.Error("something else came through")
	}
	r.ends("")
}

func TestLineIsFound(t *testing.T) {
	long := strings.Repeat("x", 64<<10)
	for name, test := range map[string]struct {
		pattern string
		text    []string
		want    bool
	}{
		"a line":              {"^ready$", []string{"starting\nready\n"}, true},
		"in pieces":           {"^now ready$", []string{"now", " rea", "dy", "\n"}, true},
		"carriage return":     {"^ready$", []string{"ready\r\n"}, true},
		"part of a line":      {"listening on .*:80", []string{"1 listening on *:80!\n"}, true},
		"after long lines":    {"^ready$", []string{long + long + "\n", "ready\n"}, true},
		"a long line":         {"^x+$", []string{long + "y\n"}, true},
		"the end of a line":   {"^ready$", []string{"not ready\n"}, false},
		"over two lines":      {"^a.b$", []string{"a\nb\n"}, false},
		"a line without end":  {"^ready$", []string{"ready"}, false},
		"not what is no text": {"^\\x00\\xff$", []string{"\x00\xff\n"}, false}, // RE2 matches UTF-8
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, pump.State{Pattern: test.pattern})
			for _, text := range test.text {
				go r.write(text)
				r.read(len(text))
			}
			r.ends("")
			if got := len(r.found) > 0; got != test.want {
				t.Errorf("found is %v, want %v", got, test.want)
			}
		})
	}
	if _, err := pump.Start(pump.Pipe{}, pump.State{Pattern: "("}, nil); err == nil {
		t.Error("a pattern that is none was taken")
	}
}

// fill fills the destination, and returns how much it took.
func (r *rig) fill() int {
	r.t.Helper()
	own, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", r.dest), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	must(r.t, err)
	defer unix.Close(own)
	size := 0
	for {
		n, err := unix.Write(own, make([]byte, 4096))
		if err != nil {
			return size
		}
		size += n
	}
}

// TestBlockedDestinationKeepsNobodyWaiting: the line is found, Halt stops it, and nothing is lost.
func TestBlockedDestinationKeepsNobodyWaiting(t *testing.T) {
	r := newRig(t, pump.State{Pattern: "ready"})
	filled := r.fill()
	r.write("al")
	r.write("ready\n")
	r.ready()
	text := numbers(30_000)
	r.write(text)
	r.p.Halt()
	state := r.stopped()
	if state.Pattern != "" || state.Line != nil {
		t.Errorf("it still looks for something: %+v", state)
	}
	if !strings.HasPrefix(string(state.Rest), "already\n") {
		t.Errorf("its rest is %.100q", state.Rest)
	}
	r.p.Resume()
	if got := r.read(filled); strings.Trim(got, "\x00") != "" {
		t.Errorf("before what was there came %.100q", got)
	}
	if got := r.read(8 + len(text)); got != "already\n"+text {
		t.Errorf("what came through is not what was written: %.100q", got)
	}
	r.ends("")
}

// TestHaltedPumpGoesOnElsewhere, as in the next image: at any moment, nothing is lost, and nothing is there twice.
func TestHaltedPumpGoesOnElsewhere(t *testing.T) {
	r := newRig(t, pump.State{Pattern: "^last$"})
	text := numbers(300_000) + "\nlast\n"
	go io.WriteString(r.in, text)
	var got bytes.Buffer
	for got.Len() < len(text) {
		got.WriteString(r.read(min(5000, len(text)-got.Len())))
		r.p.Halt()
		state := r.stopped()
		pipe := pump.Pipe{}
		var err error
		pipe.In, err = unix.FcntlInt(uintptr(r.p.In), unix.F_DUPFD_CLOEXEC, 3)
		must(t, err)
		pipe.Out, err = unix.FcntlInt(uintptr(r.p.Out), unix.F_DUPFD_CLOEXEC, 3)
		must(t, err)
		unix.Close(r.p.Out)
		r.start(pipe, state)
	}
	if got.String() != text {
		t.Error("what came through is not what was written")
	}
	r.ready()
	r.ends("")
}

// TestFoundThatNobodyHearsIsFoundAgain.
func TestFoundThatNobodyHearsIsFoundAgain(t *testing.T) {
	r := newRig(t, pump.State{Pattern: "ready"})
	r.found <- struct{}{} // nobody takes it
	r.write("ready\n")
	for range 3 {
		r.p.Halt()
		r.stopped()
		r.p.Resume()
	}
	r.ready()
	r.ready()
	if got := r.read(6); got != "ready\n" {
		t.Errorf("%q came through", got)
	}
	r.ends("")
}

// TestFinishTakesWhatIsThere: somebody holds the pipe open, and nobody waits for that.
func TestFinishTakesWhatIsThere(t *testing.T) {
	r := newRig(t, pump.State{})
	text := numbers(50_000)
	r.write(text)
	r.p.Finish()
	r.stopped()
	if r.p.Ended() {
		t.Error("it has ended")
	}
	if got := r.read(len(text)); got != text {
		t.Error("something is missing")
	}
	unix.Close(r.p.Out) // its other end is the garbage collector's
}

// TestFinishIsHeardByAPumpThatHasJustBegun: mwlua may end in the moment in which it has started a program.
func TestFinishIsHeardByAPumpThatHasJustBegun(t *testing.T) {
	for range 200 {
		r := newRig(t, pump.State{})
		r.p.Finish()
		r.stopped()
		unix.Close(r.p.Out) // its other end is the garbage collector's
	}
}

// TestReaderThatIsGoneDoesNotStopTheProgram.
func TestReaderThatIsGoneDoesNotStopTheProgram(t *testing.T) {
	r := newRig(t, pump.State{Pattern: "ready"})
	r.out.Close()
	r.write(numbers(200_000) + "\nready\n")
	r.ready()
	r.in.Close()
	r.stopped()
}
