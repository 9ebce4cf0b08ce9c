package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a run waits for anything. It only ends a test that has failed: on a machine with ten times more to do
// than it can, 10 s were too short now and then.
const patience = 30 * time.Second

// Files of a run, beside eventsFile.
const (
	configFile = "haproxy.cfg"
	luaFile    = "conf.lua" // the same, converted
	stdoutFile = "stdout"
	stderrFile = "stderr"
)

// run is one master under test, in a directory of its own. Its methods end the test when what they wait for does not come.
type run struct {
	t      *testing.T
	kind   masterKind
	dir    string
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the master is gone
	loads  int           // good loads so far
	failed int           // bad ones
}

// newRun starts a master with config, and with more arguments. It does not wait for anything.
func newRun(t *testing.T, kind masterKind, config string, args ...string) *run {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir()) // as /proc/PID/cwd has it
	if err != nil {
		t.Fatal(err)
	}
	r := &run{t: t, kind: kind, dir: dir, ended: make(chan struct{})}
	if err := os.Symlink(testBinary(t), filepath.Join(dir, lifecycleProgram)); err != nil {
		t.Fatal(err)
	}
	r.configure(config)
	r.start(kind, args)
	t.Cleanup(r.clean)
	return r
}

func (r *run) start(kind masterKind, args []string) {
	r.t.Helper()
	argv := append(masterCommand(r.t, kind), args...)
	r.cmd = exec.Command(argv[0], argv[1:]...)
	r.cmd.Dir = r.dir
	// With a process group of its own, whose parent is in another one of the session, it is no orphan: those ignore SIGTTIN.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// The race detector would make every exit a second late, of programs and of mwlua.
	r.cmd.Env = append(os.Environ(), "PWD="+r.dir, "MWLUA_TEST_MAIN=mwlua", "GORACE=atexit_sleep_ms=0",
		"RUNTIME_DIRECTORY="+filepath.Join(r.dir, "run"))
	// Files, not pipes: reading them disturbs nobody, and a program that lives on does not keep Wait waiting.
	r.cmd.Stdout = r.create(stdoutFile)
	r.cmd.Stderr = r.create(stderrFile)
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() { // waits for the end of the master, which clean brings about at the latest
		r.cmd.Wait()
		close(r.ended)
	}()
}

func (r *run) create(name string) *os.File {
	f, err := os.OpenFile(filepath.Join(r.dir, name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { f.Close() })
	return f
}

// configure writes the configuration that the next load reads.
func (r *run) configure(config string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, configFile), []byte(config), 0o666); err != nil {
		r.t.Fatal(err)
	}
	if r.kind == luaMaster {
		r.convert()
	}
}

// convert writes the configuration in Lua. What cannot be converted becomes something that cannot be loaded.
func (r *run) convert() {
	r.t.Helper()
	c := exec.Command(testBinary(r.t), "convert", "-haproxy", configFile)
	c.Dir, c.Env = r.dir, append(os.Environ(), "PWD="+r.dir, "MWLUA_TEST_MAIN=mwlua", "GORACE=atexit_sleep_ms=0")
	text, err := c.Output()
	if err != nil {
		text = []byte("this is broken\n")
	}
	if err := os.WriteFile(filepath.Join(r.dir, luaFile), text, 0o666); err != nil {
		r.t.Fatal(err)
	}
}

// signal sends a signal, named without "SIG", to the master.
func (r *run) signal(name string) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(unix.SignalNum("SIG" + name)); err != nil {
		r.t.Fatalf("cannot send SIG%s to the master: %v", name, err)
	}
}

// reload asks for a reload by that signal and waits for its end.
func (r *run) reload(signal string) {
	r.t.Helper()
	r.signal(signal)
	r.loaded()
}

// loaded waits for the end of one more good load.
func (r *run) loaded() {
	r.t.Helper()
	r.loads++
	r.logged("Loading success.", r.loads)
	r.ready()
}

// reloadFails asks for a reload and waits until the master has given it up.
func (r *run) reloadFails() {
	r.t.Helper()
	r.failed++
	r.signal("USR2")
	r.logged("Loading failure!", r.failed)
	r.ready()
}

// ready waits until the master takes signals: after every load HAProxy executes itself once more, and would die of one that
// comes before its new image has handlers (H-6.3, H-6.14).
func (r *run) ready() {
	r.t.Helper()
	r.await("handlers of the master", func() bool {
		return caughtSignals(r.cmd.Process.Pid).hasAll(unix.SIGHUP, unix.SIGINT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGTERM, unix.SIGCHLD)
	})
}

// logged waits until the master's log has text that many times.
func (r *run) logged(text string, times int) {
	r.t.Helper()
	what := fmt.Sprintf("%q %d times in the log", text, times)
	r.await(what, func() bool { return strings.Count(r.read(stderrFile), text) >= times })
}

// did waits until instances did something. Each is named with all that it did since its start: "a#1 start USR1".
func (r *run) did(lines ...string) {
	r.t.Helper()
	for _, want := range lines {
		r.await(fmt.Sprintf("%q", want), func() bool {
			for _, in := range r.report().instances {
				if strings.HasPrefix(in.trace()+" ", want+" ") {
					return true
				}
			}
			return false
		})
	}
}

// reported waits until the master's log has the end of instances: after that it has drawn its conclusions.
func (r *run) reported(instances ...string) {
	r.t.Helper()
	for _, name := range instances {
		end := regexp.MustCompile(fmt.Sprintf(`\(%d\) exited with`, r.pid(name)))
		r.await("the end of "+name+" in the log", func() bool { return end.MatchString(r.read(stderrFile)) })
	}
}

// kill sends a signal to an instance.
func (r *run) kill(instance string, signal syscall.Signal) {
	r.t.Helper()
	pid := r.pid(instance)
	err := errors.New("it is not running")
	if runsIn(r.dir, pid) {
		err = unix.Kill(pid, signal)
	}
	if err != nil {
		r.t.Fatalf("cannot signal %s: %v", instance, err)
	}
}

// exits makes an instance exit with the code that its arguments name.
func (r *run) exits(instance string) {
	r.t.Helper()
	r.kill(instance, unix.SIGALRM)
}

// freeze stops an instance: signals to it wait until it is continued.
func (r *run) freeze(instance string) {
	r.t.Helper()
	r.kill(instance, unix.SIGSTOP)
	pid := r.pid(instance)
	r.until(instance+" to be stopped", func() bool { return isStopped(pid) })
}

func (r *run) pid(instance string) int {
	r.t.Helper()
	for _, in := range r.report().instances {
		if in.String() == instance {
			return in.pid
		}
	}
	r.t.Fatalf("there is no %s%s", instance, r.files())
	return 0
}

// gone waits until the master, and everything that it started, has ended.
func (r *run) gone() {
	r.t.Helper()
	r.until("the end of the master", r.isGone)
	r.until("the end of its children", func() bool { return len(processesIn(r.dir)) == 0 })
}

// report is what is known at this moment.
func (r *run) report() *report {
	report := newReport(r.cmd.Process.Pid, readEvents(r.dir), r.read(stderrFile))
	report.status = "runs"
	if r.isGone() {
		report.status = masterStatus(r.cmd.ProcessState)
	}
	return report
}

func (r *run) isGone() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

func masterStatus(state *os.ProcessState) string {
	if ws := state.Sys().(syscall.WaitStatus); ws.Signaled() {
		return "killed:" + strings.TrimPrefix(unix.SignalName(ws.Signal()), "SIG")
	}
	return fmt.Sprintf("exit:%d", state.ExitCode())
}

// await waits for what only a living master brings about.
func (r *run) await(what string, holds func() bool) {
	r.t.Helper()
	r.until(what, func() bool {
		gone := r.isGone() // looked at first: what a master does last counts
		return holds() || gone
	})
	if !holds() {
		r.t.Fatalf("the master ended without %s%s", what, r.files())
	}
}

// until waits for a condition. There is nothing to subscribe to that both masters offer, so it looks again and again.
func (r *run) until(what string, holds func() bool) {
	r.t.Helper()
	if !comes(holds) {
		r.t.Fatalf("waited in vain for %s%s", what, r.files())
	}
}

// comes looks again and again until a condition holds; false means that patience is over. A look that is expensive is taken
// less often, so that those who wait do not take the machine from those they wait for.
func comes(holds func() bool) bool {
	deadline := time.After(patience)
	for {
		began := time.Now()
		if holds() {
			return true
		}
		select {
		case <-time.After(3*time.Millisecond + 4*time.Since(began)):
		case <-deadline:
			return holds()
		}
	}
}

func (r *run) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(r.dir, name)) // one that is not there yet is empty
	return string(text)
}

// files is all that a reader of a failure needs.
func (r *run) files() string {
	var b strings.Builder
	for _, name := range []string{configFile, eventsFile, stdoutFile, stderrFile} {
		if text := r.read(name); text != "" {
			fmt.Fprintf(&b, "\n-- %s --\n%s", name, text)
		}
	}
	return b.String()
}

// clean ends what is left of a run that failed. A process is killed only if it runs in the directory of this run, and what
// it may have started meanwhile is looked for again.
func (r *run) clean() {
	r.cmd.Process.Kill() // an error says that it is gone
	<-r.ended
	r.until("the end of what is left", func() bool {
		left := processesIn(r.dir)
		for _, pid := range left {
			unix.Kill(pid, unix.SIGKILL)
		}
		return len(left) == 0
	})
}
