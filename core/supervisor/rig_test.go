package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

const (
	rigPatience = 20 * time.Second // how long a test waits for anything; it only ends one that has failed
	aloneMark   = "SUPERVISOR_TEST_ALONE"
	roleMark    = "SUPERVISOR_TEST_ROLE" // as in main_test.go
)

// alone runs the test that calls it in a process of its own, because it collects every child of its process. False says that this
// was done. There, each test and each part of one has the process for itself.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(aloneMark) != "" {
		return true
	}
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Split(t.Name(), "/")
	for i, name := range names {
		names[i] = "^" + name + "$"
	}
	c := exec.Command(self, "-test.run="+strings.Join(names, "/"), "-test.timeout=60s", "-test.v")
	c.Env = append(os.Environ(), aloneMark+"=1", "GORACE=atexit_sleep_ms=0")
	out, err := c.CombinedOutput()
	switch {
	case err == nil && os.Getenv("CI") == "" && strings.Contains(string(out), "--- SKIP: "+t.Name()+" "): // CI's machine can do all that they need
		t.Skipf("in a process of its own:\n%s", out)
	case err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" "):
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// rig is the shell without its loop: actions are performed by hand, and events looked at. The machine knows no program, so it ignores
// what it hears.
type rig struct {
	t    *testing.T
	s    *supervisor
	dir  string
	log  string
	seen []machine.Event
	// heard is called with each event, before the machine gets it.
	heard func(machine.Event)
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	check(t, err)
	r := &rig{t: t, dir: dir, log: filepath.Join(dir, "log")}
	log, err := os.Create(r.log)
	check(t, err)
	r.s, err = newSupervisor(Options{Log: NewLog(log, TextFormat)})
	check(t, err)
	runtime.LockOSThread()
	check(t, proc.Own())
	r.s.m = machine.New(1)
	t.Cleanup(r.end)
	return r
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// end kills and collects what is left: this process is the parent of all of it, sooner or later.
func (r *rig) end() {
	for {
		links, _ := filepath.Glob("/proc/[0-9]*/cwd")
		left := 0
		for _, link := range links {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			if cwd, err := os.Readlink(link); err == nil && cwd == r.dir && pid != os.Getpid() {
				left++
				unix.Kill(pid, unix.SIGKILL)
			}
		}
		if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); left == 0 && err == unix.ECHILD {
			return
		}
		unix.Poll(nil, 3)
	}
}

// spec is a program that does these things.
func (r *rig) spec(name string, words ...string) program.Spec {
	self, err := os.Executable()
	check(r.t, err)
	return program.Spec{
		Name: name, Command: append([]string{self}, words...), Dir: r.dir,
		Env: []string{roleMark + "=program", "PATH=" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0"},
	}
}

func (r *rig) perform(actions ...machine.Action) {
	r.s.performAll(machine.Instant(proc.Monotonic()), actions)
}

// spawn starts an instance, and returns its ID and its pid.
func (r *rig) spawn(spec program.Spec) (machine.ID, int) {
	r.t.Helper()
	id := machine.ID{Program: spec.Name, Seq: 1}
	r.perform(machine.Spawn{ID: id, Spec: spec})
	ev := expect[machine.Spawned](r)
	return id, ev.PID
}

// turn handles one event, or waits for one.
func (r *rig) turn() {
	r.t.Helper()
	if len(r.s.queue) == 0 {
		late := time.AfterFunc(rigPatience, func() { r.s.events <- machine.Wake{} })
		defer late.Stop()
		r.s.next(time.NewTimer(time.Hour))
		return
	}
	ev := r.s.queue[0]
	r.s.queue = r.s.queue[1:]
	if _, late := ev.(machine.Wake); late {
		text, _ := os.ReadFile(r.log)
		r.t.Fatalf("nothing happens any more; so far: %+v\n%s", r.seen, text)
	}
	r.seen = append(r.seen, ev)
	if r.heard != nil {
		r.heard(ev)
	}
	r.s.step(ev)
}

// expect waits for the next event of a type, and takes it and all before it away.
func expect[E machine.Event](r *rig) E {
	r.t.Helper()
	for {
		for i, ev := range r.seen {
			if ev, ok := ev.(E); ok {
				r.seen = r.seen[i+1:]
				return ev
			}
		}
		r.seen = nil
		r.turn()
	}
}

// count is how many events of a type were seen and not taken away.
func count[E machine.Event](r *rig) (n int) {
	for _, ev := range r.seen {
		if _, ok := ev.(E); ok {
			n++
		}
	}
	return n
}

// file waits until a program has written a file, while the loop goes on.
func (r *rig) file(name string) string {
	r.t.Helper()
	deadline := time.Now().Add(rigPatience)
	for {
		text, err := os.ReadFile(filepath.Join(r.dir, name))
		if err == nil && len(text) > 0 {
			return strings.TrimSuffix(string(text), "\n")
		}
		if !errors.Is(err, os.ErrNotExist) && err != nil || time.Now().After(deadline) {
			r.t.Fatalf("no file %s: %v", name, err)
		}
		r.idle()
	}
}

// idle handles what there is, for some milliseconds.
func (r *rig) idle() {
	time.AfterFunc(3*time.Millisecond, func() { r.s.events <- machine.Serving{} })
	for {
		if len(r.s.queue) > 0 {
			if _, mine := r.s.queue[0].(machine.Serving); mine {
				r.s.queue = r.s.queue[1:]
				return
			}
		}
		r.turn()
	}
}

// pid is what a program has written to a file.
func (r *rig) pid(name string) int {
	r.t.Helper()
	pid, err := strconv.Atoi(r.file(name))
	check(r.t, err)
	return pid
}

// say lets programs that wait for a file go on.
func (r *rig) say(name string) {
	r.t.Helper()
	check(r.t, os.WriteFile(filepath.Join(r.dir, name), []byte("x"), 0o644))
}

func (r *rig) errorf(format string, args ...any) {
	r.t.Helper()
	text, _ := os.ReadFile(r.log)
	r.t.Errorf("%s; seen: %+v\n%s", fmt.Sprintf(format, args...), r.seen, text)
}
