package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

func TestReadyByDescriptor(t *testing.T) {
	if !alone(t) {
		return
	}
	for name, test := range map[string]struct {
		words []string
		ready bool
	}{
		"a newline":         {[]string{`to 5 \n`, "up done", "sleep"}, true},
		"text before it":    {[]string{`to 5 almost `, `to 5 ready\nmore`, "close 5", "up done", "sleep"}, true},
		"an end without it": {[]string{`to 5 almost`, "close 5", "up done", "sleep"}, false},
		"nothing":           {[]string{"up done", "sleep"}, false},
		"not written":       {[]string{"exit 0"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			spec := r.spec("a", test.words...)
			spec.Ready = program.Ready{By: program.ReadyFD, FD: 5}
			id, _ := r.spawn(spec)
			if test.ready {
				if got := expect[machine.Ready](r); got.ID != id {
					r.errorf("%v is ready", got.ID)
				}
				r.file("done")
			} else if name == "not written" {
				expect[machine.Exited](r)
			} else {
				r.file("done")
			}
			for in := r.s.instances[id]; name != "nothing" && in != nil && in.ready != none; {
				r.idle() // it is closed soon, or the test does not end
			}
			if count[machine.Ready](r) > 0 {
				r.errorf("it is ready")
			}
		})
	}
}

// logging is a program that is ready by a line.
func (r *rig) logging(pattern string, words ...string) program.Spec {
	s := r.spec("a", words...)
	s.Ready = program.Ready{By: program.ReadyLog, Pattern: pattern}
	s.Stdout = "file:" + filepath.Join(r.dir, "out")
	s.Stderr = s.Stdout
	return s
}

// has waits until a file has that text.
func (r *rig) has(name, want string) {
	r.t.Helper()
	for range 5000 {
		if text, _ := os.ReadFile(filepath.Join(r.dir, name)); string(text) == want {
			return
		}
		r.idle()
	}
	text, _ := os.ReadFile(filepath.Join(r.dir, name))
	r.errorf("%s has %.200q, want %.200q", name, text, want)
}

// TestReadyByOutput: both streams are one if they lead to the same file, and lines stay in order.
func TestReadyByOutput(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	id, _ := r.spawn(r.logging("^ready [0-9]+$", `print one\n`, `complain two\nrea`, `print dy 3\n`, `complain four\n`, "sleep"))
	if got := expect[machine.Ready](r); got.ID != id {
		r.errorf("%v is ready", got.ID)
	}
	r.has("out", "one\ntwo\nready 3\nfour\n")
	if len(r.s.outputs) != 1 {
		t.Errorf("there are %d pumps", len(r.s.outputs))
	}
}

func TestReadyByOutputOnEitherStream(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	spec := r.logging("ready", `print out\n`, `complain ready\n`, `print ready\n`, `complain err\n`, "wait go", "exit 0")
	spec.Stderr = "file:" + filepath.Join(r.dir, "err")
	r.spawn(spec)
	expect[machine.Ready](r)
	r.has("out", "out\nready\n")
	r.has("err", "ready\nerr\n")
	r.say("go")
	expect[machine.Exited](r)
	for !r.s.outputs[0].Ended() || !r.s.outputs[1].Ended() {
		r.idle()
	}
	r.spawn(r.logging("ready", "exit 0"))
	if len(r.s.outputs) != 1 {
		t.Errorf("there are %d pumps", len(r.s.outputs))
	}
}

// TestReadyWithABlockedDestination: nobody reads what the program writes, and the loop, the program and the end of mwlua do not wait.
func TestReadyWithABlockedDestination(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	fifo := filepath.Join(r.dir, "fifo")
	check(t, unix.Mkfifo(fifo, 0o600))
	reader, err := unix.Open(fifo, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	check(t, err)
	defer unix.Close(reader)
	filled := 0
	for n, err := 0, error(nil); err == nil; n, err = unix.Write(reader, make([]byte, 4096)) {
		filled += n
	}
	spec := r.logging("ready", `print `+strings.Repeat("x", 5000), `print \nready\n`, "up done", "sleep")
	spec.Stdout, spec.Stderr = "file:"+fifo, "null"
	r.spawn(spec)
	expect[machine.Ready](r)
	r.file("done")
	r.s.haltOutputs()
	r.s.resumeOutputs()
	r.s.finishOutputs()
	want := 5000 + len("\nready\n")
	got := strings.Builder{}
	for buffer := make([]byte, 4096); got.Len() < filled+want; {
		if n, err := unix.Read(reader, buffer); err == nil {
			got.Write(buffer[:n])
		} else {
			unix.Poll(nil, 3)
		}
	}
	if text := strings.TrimLeft(got.String(), "\x00"); text != strings.Repeat("x", 5000)+"\nready\n" {
		t.Errorf("%d bytes came through, want %d", len(text), want)
	}
}

// TestGrandchildThatHoldsThePipe: the end of the program is told, and so is what it wrote; the end of mwlua does not wait either.
func TestGrandchildThatHoldsThePipe(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	r.spawn(r.logging("ready", `print ready\n`, "daemon up held, wait go, print more\\n, up wrote, sleep", "wait held", `print last\n`, "exit 0"))
	expect[machine.Ready](r)
	expect[machine.Exited](r)
	r.has("out", "ready\nlast\n")
	r.say("go")
	r.file("wrote")
	r.has("out", "ready\nlast\nmore\n")
	r.s.finishOutputs()
}

func TestReadyByOutputThatCannotBeOpened(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	spec := r.logging("ready", "exit 0")
	spec.Stdout = "file:" + filepath.Join(r.dir, "none", "out")
	before := descriptors(t)
	id := machine.ID{Program: "a", Seq: 1}
	r.perform(machine.Spawn{ID: id, Spec: spec})
	want := machine.SpawnFailed{ID: id, Step: "stdout", Text: fmt.Sprintf("%s/none/out: no such file or directory", r.dir)}
	if got := expect[machine.SpawnFailed](r); got != want {
		r.errorf("%+v, want %+v", got, want)
	}
	spec.Stdout, spec.Command = "null", []string{"/none"}
	spec.Ready.By = program.ReadyNotify
	r.perform(machine.Spawn{ID: id, Spec: spec})
	expect[machine.SpawnFailed](r)
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}
