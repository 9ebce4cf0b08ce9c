package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// window is one mwlua under test, in a directory of its own, called by a path there that can be turned to something else.
type window struct {
	t     *testing.T
	dir   string
	cmd   *exec.Cmd
	ended chan struct{}
}

const (
	windowOK     = "Loading success."
	windowFailed = "Loading failure!"
)

// newWindow starts mwlua with a configuration, "" meaning that the test makes haproxy.cfg itself before, by setup. It waits for
// nothing.
func newWindow(t *testing.T, config string, setup ...func(*window)) *window {
	t.Helper()
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir()) // as /proc/PID/cwd has it
	if err != nil {
		t.Fatal(err)
	}
	if config != "" {
		setup = append([]func(*window){func(w *window) { w.write(configFile, config) }}, setup...)
	}
	return newWindowIn(t, dir, setup...)
}

// newWindowIn starts mwlua in a directory where another one may have been.
func newWindowIn(t *testing.T, dir string, setup ...func(*window)) *window {
	t.Helper()
	w := &window{t: t, dir: dir, ended: make(chan struct{})}
	w.link("mwlua")
	w.link(lifecycleProgram)
	w.cmd = exec.Command(w.path("mwlua"), "run", "-haproxy", configFile)
	w.cmd.Dir = dir
	// The race detector would make every exit a second late, of programs and of mwlua.
	w.cmd.Env = append(os.Environ(), "MWLUA_TEST_MAIN=mwlua", "GORACE=atexit_sleep_ms=0", "RUNTIME_DIRECTORY="+w.path("run"))
	for _, f := range setup {
		f(w)
	}
	w.start()
	return w
}

func (w *window) start() {
	w.t.Helper()
	log, err := os.OpenFile(w.path("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	w.must(err)
	defer log.Close()
	w.cmd.Stdout, w.cmd.Stderr = log, log
	w.must(w.cmd.Start())
	w.t.Cleanup(w.clean)
	go func() { // waits for the end of mwlua, which clean brings about at the latest
		w.cmd.Wait()
		close(w.ended)
	}()
}

func (w *window) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *window) path(name string) string { return filepath.Join(w.dir, name) }

// link makes name this binary, in one go.
func (w *window) link(name string) {
	w.t.Helper()
	w.must(os.Symlink(testBinary(w.t), w.path(name+".new")))
	w.must(os.Rename(w.path(name+".new"), w.path(name)))
}

// write replaces a file in one go. It can be executed.
func (w *window) write(name, text string) {
	w.t.Helper()
	w.must(writeExecutable(w.path(name+".new"), text, 0o755))
	w.must(os.Rename(w.path(name+".new"), w.path(name)))
}

// writeExecutable keeps other tests from forking meanwhile: a child that has the file open for writing, until its execve, would
// make it a busy text file.
func writeExecutable(path, text string, mode os.FileMode) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, []byte(text), mode)
}

func (w *window) read(name string) string {
	text, _ := os.ReadFile(w.path(name)) // one that is not there yet is empty
	return string(text)
}

func (w *window) pid() int { return w.cmd.Process.Pid }

func (w *window) signal(s unix.Signal) {
	w.t.Helper()
	w.must(w.cmd.Process.Signal(s))
}

// logged waits until the log has text that many times.
func (w *window) logged(text string, times int) {
	w.t.Helper()
	w.until(fmt.Sprintf("%q %d times in the log", text, times), func() bool { return w.count(text) >= times })
}

func (w *window) count(text string) int { return strings.Count(w.read("log"), text) }

// reload asks for a reload and waits for its end, which the log tells by text.
func (w *window) reload(text string) {
	w.t.Helper()
	before := w.count(text)
	w.signal(unix.SIGUSR2)
	w.logged(text, before+1)
}

// started waits until ./prog has told as instance web#1 that it runs as a child of mwlua, and returns its pid.
func (w *window) started(instance string) (pid int) {
	w.t.Helper()
	w.until(instance, func() bool {
		e, ok := scriptInstance(w.dir, instance)
		pid = e.pid
		return ok && slices.Contains(e.words, fmt.Sprintf("parent[%d]", w.pid()))
	})
	return pid
}

// told waits until the instance with that pid has told exactly these events after its start.
func (w *window) told(pid int, events ...string) {
	w.t.Helper()
	w.until(fmt.Sprintf("%d to tell %q", pid, events), func() bool { return slices.Equal(w.events(pid), events) })
}

// events are those of an instance after its start.
func (w *window) events(pid int) (words []string) {
	for _, e := range readEvents(w.dir) {
		if e.pid == pid && e.words[0] != "start" {
			words = append(words, e.words...)
		}
	}
	return words
}

// children are those of mwlua that are not just being started or collected: dead ones count.
func (w *window) children() (pids []int) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", w.pid()))
	for _, file := range threads {
		text, _ := os.ReadFile(file)
		for _, word := range strings.Fields(string(text)) {
			pid, _ := strconv.Atoi(word)
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// hasOnly waits until mwlua has these children and no other, and nothing else of this test runs.
func (w *window) hasOnly(pids ...int) {
	w.t.Helper()
	slices.Sort(pids)
	all := append([]int{w.pid()}, pids...)
	slices.Sort(all)
	w.until(fmt.Sprintf("mwlua to have the children %v and no other", pids), func() bool {
		running := processesIn(w.dir)
		slices.Sort(running)
		return slices.Equal(w.children(), pids) && slices.Equal(running, all)
	})
}

// unchanged checks that a reload that failed did nothing to an instance and to mwlua itself.
func (w *window) unchanged(pids ...int) {
	w.t.Helper()
	w.hasOnly(pids...)
	for _, pid := range pids {
		if did := w.events(pid); len(did) > 0 {
			w.t.Errorf("%d was told something: %v%s", pid, did, w.files())
		}
	}
}

// exits waits for the end of mwlua and of all that it started, and checks its status.
func (w *window) exits(want int) {
	w.t.Helper()
	w.until("the end of mwlua", w.isGone)
	if got := masterStatus(w.cmd.ProcessState); got != fmt.Sprintf("exit:%d", want) {
		w.t.Errorf("mwlua ended with %s, want status %d%s", got, want, w.files())
	}
	w.until("the end of all", func() bool { return len(processesIn(w.dir)) == 0 })
}

func (w *window) stops() {
	w.t.Helper()
	w.signal(unix.SIGTERM)
	w.exits(0)
}

// checkLog looks for a line, given as a regular expression.
func (w *window) checkLog(line string) {
	w.t.Helper()
	if !regexp.MustCompile(`(?m)` + line + `$`).MatchString(w.read("log")) {
		w.t.Errorf("the log has no line %q%s", line, w.files())
	}
}

func (w *window) isGone() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

// until waits for a condition that nobody announces, so it looks again and again. It waits longer than mwlua does for a trial.
func (w *window) until(what string, holds func() bool) {
	w.t.Helper()
	look := time.NewTicker(3 * time.Millisecond)
	defer look.Stop()
	deadline := time.After(10*time.Second + patience)
	for !holds() {
		select {
		case <-look.C:
		case <-deadline:
			w.t.Fatalf("waited in vain for %s%s", what, w.files())
		}
	}
}

func (w *window) files() string {
	log := w.read("log")
	if most := 20_000; len(log) > most { // how it ended says more than how it began
		log = "[…]" + log[len(log)-most:]
	}
	return fmt.Sprintf("\n-- events --\n%.20000s-- log --\n%s", w.read(eventsFile), log)
}

// clean ends what is left of a test that failed.
func (w *window) clean() {
	w.cmd.Process.Kill() // an error says that it is gone
	<-w.ended
	w.until("the end of what is left", func() bool {
		left := processesIn(w.dir)
		for _, pid := range left {
			unix.Kill(pid, unix.SIGKILL)
		}
		return len(left) == 0
	})
	if log := w.read("log"); strings.Contains(log, "DATA RACE") || strings.HasPrefix(log, "panic") || strings.Contains(log, "\npanic") || strings.Contains(log, "internal error") {
		w.t.Errorf("the log tells of a defect%s", w.files())
	}
}

// fifo makes the configuration a FIFO: each load waits in open(2) until it is fed.
func fifo(w *window) {
	w.must(unix.Mkfifo(w.path(configFile), 0o644))
}

// feed waits for a load, and gives it a configuration.
func (w *window) feed(config string) {
	w.t.Helper()
	w.until("a load", func() bool { return w.give(config) })
}

// give writes the configuration if a load waits for it. The next load finds another FIFO, or else it would be chance whether
// what is written next goes to this one or to that.
func (w *window) give(config string) bool {
	w.t.Helper()
	fd, err := unix.Open(w.path(configFile), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENXIO) { // nobody reads
		return false
	}
	w.must(err)
	w.must(unix.Mkfifo(w.path(configFile+".new"), 0o644))
	w.must(os.Rename(w.path(configFile+".new"), w.path(configFile)))
	_, err = unix.Write(fd, []byte(config))
	if errors.Is(err, unix.EPIPE) { // it was killed
		err = nil
	}
	w.must(errors.Join(err, unix.Close(fd)))
	return true
}

// helper waits until mwlua has one child beside these, and returns it: a trial, that is. It has done its execve: one that is
// stopped before that would stop mwlua, too, which waits for the execve (vfork(2)).
func (w *window) helper(instances ...int) (pid int) {
	w.t.Helper()
	w.until("a trial", func() bool {
		others := slices.DeleteFunc(w.children(), func(pid int) bool { return slices.Contains(instances, pid) })
		if len(others) != 1 {
			return false
		}
		pid = others[0]
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		return strings.Contains(string(line), "\x00trial\x00")
	})
	return pid
}
