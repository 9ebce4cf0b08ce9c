package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

var scriptUpdate = flag.Bool("script.update", false, "rewrite what testdata/script/*.txtar compare")

// TestScript runs testdata/script/*.txtar: what a user does and sees. Beside the commands of testscript there are those of
// scriptCommands. In its directory each script has ./prog, the life-cycle program, which tells what happens to it in the file
// events: program NAME is declared as `./prog name=NAME`.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setUpScript,
		Cmds:                scriptCommands,
		Condition:           scriptCondition,
		UpdateScripts:       *scriptUpdate,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"start":  scriptStart,  // start [NAME=VALUE…] COMMAND [ARG…]: the master, in the background; its output goes to the files out and log
	"signal": scriptSignal, // signal NAME [PIDFILE]: sends one to the master, or to the pid in a file
	"reload": scriptReload, // [!] reload [SIGNAL]: asks the master for one and waits until the log says that it worked, or failed
	"await":  scriptAwait,  // await FILE PATTERN [TIMES]: waits until a file matches
	"runs":   scriptRuns,   // [!] runs INSTANCE…: waits until ./prog as web#1 has started as a child of the master, or is gone
	"starts": scriptStarts, // starts PROGRAM N: it has been started that many times
	"ended":  scriptEnded,  // ended STATUS: waits until the master has ended, with that status, or killed:SIGNAL, and nothing of it is left
	"daemon": scriptDaemon, // daemon STATUS PIDFILE COMMAND [ARG…]: runs a launcher to its end; what it started, by that file, is the master
	"mask":   scriptMask,   // mask FROM TO: copies a file with a # for every pid in parentheses
	"alive":  scriptAlive,  // [!] alive PIDFILE…: the process with the pid in a file is alive at this moment, or not
	"dies":   scriptDies,   // dies PIDFILE…: waits until it is not
	"ask":    scriptAsk,    // ask NETWORK ADDRESS: connects, and writes to standard output what it is told
}

func scriptCondition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Getuid() == 0, nil
	case "cgroup":
		return hasCGroup(), nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// scriptMaster is the supervisor that a script started last.
type scriptMaster struct {
	base  []string // the environment of the script
	cmd   *exec.Cmd
	pid   int // that of cmd, or of the daemon that cmd waits for
	ended chan struct{}
}

type scriptMasterKey struct{}

func scriptMasterOf(ts *testscript.TestScript) *scriptMaster {
	return ts.Value(scriptMasterKey{}).(*scriptMaster)
}

func setUpScript(env *testscript.Env) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Symlink(self, filepath.Join(env.WorkDir, lifecycleProgram)); err != nil {
		return err
	}
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		return err
	}
	one, other, err := scriptAddresses()
	if err != nil {
		return err
	}
	short, err := os.MkdirTemp("", "mw") // of a socket's name, 108 bytes are all there are
	if err != nil {
		return err
	}
	env.Defer(func() { os.RemoveAll(short) })
	env.Setenv("SHORT", short)
	env.Setenv("ADDRESS", one)
	env.Setenv("ADDRESS2", other)
	env.Setenv("EXAMPLES", examples)
	env.Setenv("RUNTIME_DIRECTORY", filepath.Join(env.WorkDir, "run"))
	env.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector would make every exit a second late
	m := &scriptMaster{base: slices.Clone(env.Vars)}
	env.Values[scriptMasterKey{}] = m
	env.Defer(func() { m.clean(env.WorkDir) })
	return nil
}

// clean ends what a script left.
func (m *scriptMaster) clean(dir string) {
	if m.cmd != nil {
		m.cmd.Process.Kill() // an error says that it is gone
		<-m.ended
	}
	for range 1000 {
		left := processesIn(dir)
		for _, pid := range left {
			unix.Kill(pid, unix.SIGKILL)
		}
		if len(left) == 0 {
			return
		}
	}
}

func (m *scriptMaster) isGone() bool {
	select {
	case <-m.ended:
		return true
	default:
		return false
	}
}

// scriptRunning returns the master, which must not have ended.
func scriptRunning(ts *testscript.TestScript) *scriptMaster {
	m := scriptMasterOf(ts)
	if m.cmd == nil || m.isGone() {
		ts.Fatalf("the master does not run%s", scriptFiles(ts))
	}
	return m
}

func scriptStart(ts *testscript.TestScript, neg bool, args []string) {
	env := scriptMasterOf(ts).base
	for len(args) > 0 && strings.Contains(args[0], "=") {
		env, args = append(env, args[0]), args[1:]
	}
	if neg || len(args) == 0 {
		ts.Fatalf("usage: start [NAME=VALUE...] COMMAND [ARG...]")
	}
	scriptRun(ts, "log", env, args)
}

// scriptRun starts a command, whose standard error goes to that file.
func scriptRun(ts *testscript.TestScript, stderr string, env, args []string) {
	m := scriptMasterOf(ts)
	if m.cmd != nil && !m.isGone() {
		ts.Fatalf("the master runs already")
	}
	m.cmd, m.ended = exec.Command(args[0], args[1:]...), make(chan struct{})
	m.cmd.Dir, m.cmd.Env = ts.MkAbs("."), env
	out, log := scriptOpen(ts, "out"), scriptOpen(ts, stderr)
	defer out.Close()
	defer log.Close()
	m.cmd.Stdout, m.cmd.Stderr = out, log
	ts.Check(m.cmd.Start())
	m.pid = m.cmd.Process.Pid
	go func() { // waits for the end of the master, which clean brings about at the latest
		m.cmd.Wait()
		close(m.ended)
	}()
}

func scriptOpen(ts *testscript.TestScript, name string) *os.File {
	f, err := os.OpenFile(ts.MkAbs(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	ts.Check(err)
	return f
}

func scriptSignal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: signal NAME [PIDFILE]")
	}
	pid := 0
	if len(args) == 2 {
		var err error
		pid, err = strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[1])))
		ts.Check(err)
		if !runsIn(ts.MkAbs("."), pid) {
			ts.Fatalf("%s: %d is no process of this script", args[1], pid)
		}
	} else {
		pid = scriptRunning(ts).pid
	}
	ts.Check(unix.Kill(pid, unix.SignalNum("SIG"+args[0])))
}

func scriptReload(ts *testscript.TestScript, neg bool, args []string) {
	m := scriptRunning(ts)
	signal := unix.SIGUSR2
	if len(args) > 0 {
		signal = unix.SignalNum("SIG" + args[0])
	}
	end := "Loading success."
	if neg {
		end = "Loading failure!"
	}
	before := strings.Count(scriptFile(ts, "log"), end)
	ts.Check(unix.Kill(m.pid, signal))
	scriptUntil(ts, fmt.Sprintf("%q once more in the log", end), func() bool { return strings.Count(scriptFile(ts, "log"), end) > before })
}

func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	times := 1
	if len(args) == 3 {
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		times, args = n, args[:2]
	}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE PATTERN [TIMES]")
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	scriptUntil(ts, fmt.Sprintf("%s to match %s %d times", args[0], args[1], times), func() bool {
		return len(pattern.FindAllString(scriptFile(ts, args[0]), -1)) >= times
	})
}

func scriptRuns(ts *testscript.TestScript, neg bool, args []string) {
	m := scriptRunning(ts)
	dir := ts.MkAbs(".")
	for _, want := range args {
		scriptUntil(ts, want+" to run, or not", func() bool {
			start, ok := scriptInstance(dir, want)
			if ok && !slices.Contains(start.words, fmt.Sprintf("parent[%d]", m.pid)) {
				ts.Fatalf("%s is no child of the master%s", want, scriptFiles(ts))
			}
			return ok && runsIn(dir, start.pid) == !neg
		})
	}
	if m.isGone() {
		ts.Fatalf("the master has ended%s", scriptFiles(ts))
	}
}

// scriptInstance is the event in which an instance told of its start.
func scriptInstance(dir, instance string) (event, bool) {
	name, seq, _ := strings.Cut(instance, "#")
	n, _ := strconv.Atoi(seq)
	for _, e := range readEvents(dir) {
		if e.name == name && e.words[0] == "start" {
			n--
			if n == 0 {
				return e, true
			}
		}
	}
	return event{}, false
}

func scriptStarts(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: starts PROGRAM N")
	}
	n := 0
	for _, e := range readEvents(ts.MkAbs(".")) {
		if e.name == args[0] && e.words[0] == "start" {
			n++
		}
	}
	if strconv.Itoa(n) != args[1] {
		ts.Fatalf("%s was started %d times, want %s%s", args[0], n, args[1], scriptFiles(ts))
	}
}

func scriptEnded(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ended STATUS")
	}
	m := scriptMasterOf(ts)
	scriptUntil(ts, "the end of the master", m.isGone)
	want := args[0]
	if _, err := strconv.Atoi(want); err == nil {
		want = "exit:" + want
	}
	if got := masterStatus(m.cmd.ProcessState); got != want {
		ts.Fatalf("the master ended with %s, want %s%s", got, want, scriptFiles(ts))
	}
	scriptUntil(ts, "the end of what it started", func() bool { return len(processesIn(ts.MkAbs("."))) == 0 })
}

var scriptPID = regexp.MustCompile(`\(\d{2,}\)`)

func scriptMask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mask FROM TO")
	}
	text := scriptPID.ReplaceAllString(ts.ReadFile(args[0]), "(#)")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644))
}

// scriptFile is a file of the script; one that is not there yet is empty.
func scriptFile(ts *testscript.TestScript, name string) string {
	text, _ := os.ReadFile(ts.MkAbs(name))
	return string(text)
}

func scriptFiles(ts *testscript.TestScript) string {
	return fmt.Sprintf("\n-- events --\n%s-- log --\n%s", scriptFile(ts, "events"), scriptFile(ts, "log"))
}

// scriptUntil waits for a condition that nobody announces, so it looks again and again.
func scriptUntil(ts *testscript.TestScript, what string, holds func() bool) {
	look := time.NewTicker(3 * time.Millisecond)
	defer look.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-look.C:
		case <-deadline:
			ts.Fatalf("waited in vain for %s%s", what, scriptFiles(ts))
		}
	}
}
