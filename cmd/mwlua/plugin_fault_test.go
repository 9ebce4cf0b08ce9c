package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/control"
)

// pluginFault is a plugin that does something wrong.
type pluginFault struct {
	word     string // what it does, as package faulty has it
	file     string // which file it is; "" is a good one
	sha256   string
	startsIn string // its start_timeout
	verdict  string // what the log says of the one that the declaration gave in its place; "" if it gives one itself
	early    string // a part of the warning that it does not start
	slow     bool   // it answers, or is too late
}

// pluginFaults are asked all at once, pluginFloods after them: a gigabyte takes all that a small machine has.
var (
	pluginFaults = map[string]pluginFault{
		"plain":     {file: "plain", early: "is not executable"},
		"writable":  {file: "writable", early: "can be written by its group or others"},
		"missing":   {file: "missing", early: "no such file"},
		"changed":   {sha256: strings.Repeat("0", 64), early: "has the sha256"},
		"silent":    {word: "no-handshake", startsIn: "1s", early: "it was not ready within 1s"},
		"garbage":   {word: "garbage-line", early: "hello, world"},
		"long":      {word: "long-line", early: "xxx"},
		"version":   {word: "wrong-version", early: "incompatible API version"},
		"elsewhere": {word: "elsewhere", early: "/run/docker.sock"},
		"ends":      {word: "ends", early: "it ended with status 3"},
		"dies":      {word: "speaks-then-dies", early: "it does not say what it is"},
		"panics":    {word: "panics", verdict: "as told"},
		"hangs":     {word: "hangs", verdict: "no (verdict|answer) within 3s"},
		"stopped":   {verdict: "no (verdict|answer) within 3s"}, // by SIGSTOP
		"gone":      {word: "dies-in-call", verdict: "it was gone before it answered|it was killed|it ended"},
		"huge":      {word: "huge-answer", verdict: "it answered garbage: .*larger than max"},
		"enum":      {word: "unknown-enum", verdict: "unknown action 99"},
		"delay":     {word: "negative-delay", verdict: "a delay of -1ns"},
		"child":     {word: "grandchild"},
		"escaped":   {word: "escapes"},
		"replaced":  {file: "replaced"}, // while it runs
		"deaf":      {word: "ignores-shutdown"},
		"stays":     {word: "stays"}, // whatever it is told
		"good":      {},
	}
	pluginFloods = map[string]pluginFault{
		"stderr": {word: "floods-stderr", slow: true},
		"stdout": {word: "floods-stdout", slow: true},
	}
)

// faultMark is in the environment of every plugin of a test, and of what it starts.
const faultMark = "MWLUA_FAULT_TEST"

// TestPluginFaults: whatever plugins do, each program has a verdict, mwlua goes on meanwhile, and leaves nothing of them.
func TestPluginFaults(t *testing.T) {
	short := shortDirectory(t)
	w := newWindow(t, "", func(w *window) {
		w.buildFaulty()
		w.runsFaulty(short, beat)
	})
	w.logged(luaLoaded, 1)
	w.reload(luaLoaded) // the first one makes the runtime open what it keeps
	w.beats(3)
	before := w.descriptors()

	w.write(luaFile, beat+w.declare(pluginFaults)+w.declare(pluginFloods))
	w.reload(luaLoaded)
	for name, fault := range pluginFaults {
		if fault.early == "" {
			w.until(name+" to be up", func() bool { return w.plugin(name).State == "up" })
		}
	}
	w.must(unix.Kill(w.plugin("stopped").PID, unix.SIGSTOP))
	w.write("replaced.new", "#!/bin/sh\nexec sleep 1000\n")
	w.must(os.Rename(w.path("replaced.new"), w.path("replaced")))
	w.judged(pluginFaults)
	w.judged(pluginFloods)

	w.write(luaFile, beat)
	w.reload(luaLoaded)
	defer w.tellMarked()
	w.until("the end of all plugins", func() bool { return len(marked(w.dir)) == 0 })
	w.until(fmt.Sprintf("the descriptors %q", before), func() bool { return slices.Equal(w.descriptors(), before) })
	w.stops()
	if left, _ := filepath.Glob(filepath.Join(short, "plugins", "*")); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
}

// TestPluginsOfAKilledMaster: those that go on without their host are ended by the next one.
func TestPluginsOfAKilledMaster(t *testing.T) {
	short := shortDirectory(t)
	faults := map[string]pluginFault{}
	for _, name := range []string{"silent", "stopped", "deaf", "good", "hangs", "stays"} {
		faults[name] = pluginFaults[name]
	}
	first := newWindow(t, "", func(w *window) {
		w.buildFaulty()
		w.runsFaulty(short, beat+w.declare(faults))
	})
	first.logged(luaLoaded, 1)
	for _, name := range []string{"stopped", "deaf", "good", "hangs", "stays"} {
		first.until(name+" to be up", func() bool { return first.plugin(name).State == "up" })
	}
	stays, stopped := first.plugin("stays").PID, first.plugin("stopped").PID
	first.must(unix.Kill(stopped, unix.SIGSTOP))
	first.signal(unix.SIGKILL)
	first.until("the end of mwlua", first.isGone)
	defer first.tellMarked()
	first.until("the end of those that can be told", func() bool {
		left := marked(first.dir)
		// The kernel lets a stopped process group go on when it becomes an orphan (setpgid(2)), unless it is only about to be stopped.
		left = slices.DeleteFunc(left, func(pid int) bool { return pid == stopped })
		return slices.Equal(left, []int{stays})
	})

	second := newWindowIn(t, first.dir, func(w *window) {
		w.runsFaulty(short, beat+strings.ReplaceAll(w.declare(map[string]pluginFault{"good": {}}), faultMark, "OTHER"))
	})
	second.logged(luaLoaded, 2)
	second.until("the end of all plugins", func() bool { return len(marked(first.dir)) == 0 })
	second.stops()
}

// shortDirectory is one for sockets, of whose names 108 bytes are all there are.
func shortDirectory(t *testing.T) string {
	dir, err := os.MkdirTemp("", "mw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// runsFaulty has mwlua run a configuration, with its sockets in a directory.
func (w *window) runsFaulty(sockets, config string) {
	w.write(luaFile, config)
	w.cmd.Args = []string{w.path("mwlua"), "run", luaFile}
	w.cmd.Env = append(w.cmd.Env, "RUNTIME_DIRECTORY="+sockets)
}

// beat is a program that shows that mwlua does not wait: it ends and is started again, all the time.
const beat = `program "beat" { command = { "true" }, restart = { policy = "always", delay = "50ms", min_interval = "50ms" } }
`

// beats waits until it has ended a number of times.
func (w *window) beats(times int) {
	w.t.Helper()
	w.logged("beat#", w.count("beat#")+2*times)
}

// buildFaulty makes the files of the plugins.
func (w *window) buildFaulty() {
	w.t.Helper()
	build := exec.Command("go", "build", "-o", w.path("good"), "github.com/mwlua/mwlua/plugins/internal/faulty/faultyplugin")
	if text, err := build.CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %s", err, text)
	}
	binary := w.read("good")
	for name, mode := range map[string]os.FileMode{"replaced": 0o755, "plain": 0o644, "writable": 0o775} {
		w.must(writeExecutable(w.path(name), binary, mode))
		w.must(os.Chmod(w.path(name), mode)) // the umask has counted so far
	}
}

// declare is a plugin and a program for each fault.
func (w *window) declare(faults map[string]pluginFault) string {
	var text strings.Builder
	for name, f := range faults {
		file, starts := f.file, f.startsIn
		if file == "" {
			file = "good"
		}
		if starts == "" {
			starts = "10s"
		}
		fmt.Fprintf(&text, `program %q { command = { "sh", "-c", "exit 7" }, restart = "never", autostart = false, on_exit = plugin %q {
	path = %q, sha256 = %s, env = { MWLUA_FAULTY = %q, %s = %q }, timeout = "3s", start_timeout = %q, log_lines = 10,
} }
`, "p-"+name, name, w.path(file), luaOrNil(f.sha256), f.word, faultMark, w.dir, starts)
	}
	return text.String()
}

func luaOrNil(text string) string {
	if text == "" {
		return "nil"
	}
	return fmt.Sprintf("%q", text)
}

// judged ends all these programs at once and checks whose the verdicts are.
func (w *window) judged(faults map[string]pluginFault) {
	w.t.Helper()
	beats := w.count("beat#")
	for name := range faults {
		w.mwlua("start", "--no-wait", "p-"+name)
	}
	for name, f := range faults {
		w.until("the verdict on p-"+name, func() bool {
			return regexp.MustCompile(`p-` + name + `#1 \(pid \d+\) exited with code 7 after .* stays down \(.*\)`).MatchString(w.read("log"))
		})
		by := "restart is never"
		switch {
		case f.slow:
			by = "(plugin " + name + "|restart is never)"
		case f.early != "":
			w.checkPlugin(name, `plugin `+name+`\b.*`+f.early)
		case f.verdict != "":
			w.checkPlugin(name, `plugin `+name+` gave no verdict on the end of p-`+name+`#1 \(pid \d+\): .*(`+f.verdict+`)`)
		default:
			by = "plugin " + name
		}
		w.checkPlugin(name, `p-`+name+`#1 .* stays down \(`+by+`\b`)
	}
	if n := w.count("beat#") - beats; n < 20 {
		w.t.Errorf("while the plugins were asked, beat was seen %d times in the log%s", n, w.files())
	}
}

// checkPlugin looks for a line, given as a regular expression, among those that are about a plugin.
func (w *window) checkPlugin(name, line string) {
	w.t.Helper()
	about := regexp.MustCompile(`.*\b`+name+`\b.*\n`).FindAllString(w.read("log"), -1)
	if text := strings.Join(about, ""); !regexp.MustCompile(line).MatchString(text) {
		w.t.Errorf("the log has no line %q:\n%s", line, text)
	}
}

// plugin is what the status says of a plugin.
func (w *window) plugin(name string) control.Plugin {
	w.t.Helper()
	var status control.Status
	w.must(json.Unmarshal(w.mwlua("status", "-o", "json"), &status))
	for _, p := range status.Plugins {
		if p.Name == name {
			return p
		}
	}
	return control.Plugin{}
}

// mwlua runs a command of mwlua and returns what it writes.
func (w *window) mwlua(args ...string) []byte {
	w.t.Helper()
	cmd := exec.Command(w.path("mwlua"), args...)
	cmd.Env = w.cmd.Env
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("mwlua %v: %v%s", args, err, w.files())
	}
	return out
}

// tellMarked says what is left of a test that has failed, and ends it.
func (w *window) tellMarked() {
	for _, pid := range marked(w.dir) {
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		w.t.Errorf("%d is left: %q\n%s", pid, environ, status)
		unix.Kill(pid, unix.SIGKILL)
	}
}

// marked are the processes that have faultMark with this value in their environment.
func marked(value string) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		text, _ := os.ReadFile(file) // one that is gone has none
		if slices.Contains(strings.Split(string(text), "\x00"), faultMark+"="+value) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}
