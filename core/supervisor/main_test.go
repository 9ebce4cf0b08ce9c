package supervisor_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/journal"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/supervisor"
)

// patience is how long a test waits for anything. Nothing takes that long: it only ends a test that has failed.
const patience = 20 * time.Second

// roleVariable makes this binary a supervisor. Programs do not inherit it: their environment is that of the configuration.
const roleVariable = "SUPERVISOR_TEST_ROLE"

// journalVariable is where it records its steps, if it does.
const journalVariable = "SUPERVISOR_TEST_JOURNAL"

// limitVariable is how large its files may become, in bytes, if there is a limit (setrlimit(2), RLIMIT_FSIZE).
const limitVariable = "SUPERVISOR_TEST_FSIZE"

// formatVariable is the form of its log lines, if that is not text.
const formatVariable = "SUPERVISOR_TEST_FORMAT"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "":
	case "program":
		os.Exit(supervisor.Act())
	default:
		os.Exit(supervise())
	}
	os.Exit(m.Run())
}

// supervise is what cmd/mwlua does, but for where the configuration comes from.
func supervise() int {
	o := supervisor.Options{
		Load: load, Log: supervisor.NewLog(os.Stderr, supervisor.Format(cmp.Or(os.Getenv(formatVariable), string(supervisor.TextFormat)))),
		Args: os.Args[1:], TrialArgs: []string{"trial"}, Version: "test", Journal: journal.File{Path: os.Getenv(journalVariable)},
	}
	if n, err := strconv.ParseUint(os.Getenv(limitVariable), 10, 64); err == nil {
		unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: n})
	}
	if len(os.Args) > 1 && os.Args[1] == "trial" {
		o.Args = os.Args[2:]
		return supervisor.Trial(o)
	}
	status, err := supervisor.Run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "Run:", err)
	}
	return status
}

// config is the configuration of a test, in a file.
type config struct {
	program.Config
	Fault string `json:",omitempty"` // what goes wrong with loading it: "trial panics" and so on
}

func load(supervisor.Runner, bool) (program.Config, program.Problems) {
	var c config
	data, err := os.ReadFile("config.json")
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	image := "image"
	if os.Args[1] == "trial" {
		image = "trial"
	}
	switch c.Fault {
	case image + " panics":
		panic("of the test")
	case image + " exits":
		os.Exit(0)
	case image + " fails":
		err = errors.New("it is no good")
	}
	if err != nil {
		return program.Config{}, program.Problems{{Place: program.Place{File: "config.json", Line: 7}, Text: err.Error()}}
	}
	return c.Config, nil
}

// run is a supervisor under test, in a directory of its own.
type run struct {
	t     *testing.T
	dir   string
	cmd   *exec.Cmd
	ended chan struct{}
}

// newRun does not wait for anything. via is a command that ends by executing what follows it.
func newRun(t *testing.T, c config, via ...string) *run {
	t.Helper()
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir()) // as /proc/PID/cwd has it
	must(t, err)
	r := &run{t: t, dir: dir, ended: make(chan struct{})}
	self, err := os.Executable()
	must(t, err)
	must(t, os.Symlink(self, r.path("supervisor")))
	r.configure(c)
	log, err := os.OpenFile(r.path("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	must(t, err)
	defer log.Close()
	argv := append(via, r.path("supervisor"), "run")
	r.cmd = exec.Command(argv[0], argv[1:]...)
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = dir, log, log
	r.cmd.Env = append(os.Environ(), roleVariable+"=supervisor", "GORACE=atexit_sleep_ms=0")
	must(t, r.cmd.Start())
	t.Cleanup(r.clean)
	go func() { // waits for the end of the supervisor, which clean brings about at the latest
		r.cmd.Wait()
		close(r.ended)
	}()
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *run) path(name string) string { return filepath.Join(r.dir, name) }

// write replaces a file in one go. No other test may fork meanwhile: a child that has the file open for writing, until its
// execve, would make it a busy text file.
func (r *run) write(name, text string, mode os.FileMode) {
	r.t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	must(r.t, os.WriteFile(r.path(name)+".new", []byte(text), mode))
	must(r.t, os.Rename(r.path(name)+".new", r.path(name)))
}

// configure writes what the next load reads. Programs run in the directory of the test, which @/ stands for.
func (r *run) configure(c config) {
	r.t.Helper()
	c.Env = []string{"PATH=" + os.Getenv("PATH")}
	programs := c.Programs
	c.Programs = nil
	for _, spec := range programs {
		spec.Dir = cmp.Or(spec.Dir, r.dir)
		c.Programs = append(c.Programs, spec)
	}
	data, err := json.Marshal(c)
	must(r.t, err)
	r.write("config.json", strings.ReplaceAll(string(data), "@/", r.dir+"/"), 0o644)
}

func (r *run) read(name string) string {
	text, _ := os.ReadFile(r.path(name)) // one that is not there yet is empty
	return string(text)
}

func (r *run) signal(s unix.Signal) {
	r.t.Helper()
	must(r.t, r.cmd.Process.Signal(s))
}

// reload asks for a reload and waits until the log says how it ended.
func (r *run) reload(want string) {
	r.t.Helper()
	r.logged(loaded, 1) // the first load's line is not the one to wait for
	before := strings.Count(r.read("log"), want)
	r.signal(unix.SIGUSR2)
	r.logged(want, before+1)
}

const (
	loaded    = "configuration loaded"
	notLoaded = "reload failed: nothing changed"
)

// logged waits until the log has text that many times.
func (r *run) logged(text string, times int) {
	r.t.Helper()
	r.until(fmt.Sprintf("%q %d times in the log", text, times), func() bool { return strings.Count(r.read("log"), text) >= times })
}

// pid waits until an instance has said that it is up, and returns its pid.
func (r *run) pid(instance string) (pid int) {
	r.t.Helper()
	r.until(instance, func() bool {
		var err error
		pid, err = strconv.Atoi(strings.TrimSpace(r.read("up." + instance)))
		return err == nil
	})
	return pid
}

// exits waits for the end of the supervisor, and checks its status.
func (r *run) exits(want int) {
	r.t.Helper()
	r.until("the end of the supervisor", r.isGone)
	if got := r.cmd.ProcessState.ExitCode(); got != want {
		r.t.Errorf("it left with status %d (%v), want %d%s", got, r.cmd.ProcessState, want, r.files())
	}
}

// dies waits for the death of the supervisor by a signal.
func (r *run) dies(want unix.Signal) {
	r.t.Helper()
	r.until("the end of the supervisor", r.isGone)
	if ws := r.cmd.ProcessState.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != want {
		r.t.Errorf("it ended with %v, want death by %v%s", r.cmd.ProcessState, want, r.files())
	}
}

// alone waits until nothing that the supervisor started is left.
func (r *run) alone() {
	r.t.Helper()
	r.until("the end of all", func() bool { return len(r.processes()) == 0 })
}

// checkLog looks for lines, given as regular expressions, in this order.
func (r *run) checkLog(lines ...string) {
	r.t.Helper()
	if missing := r.missing(lines); missing != "" {
		r.t.Errorf("the log does not have %q where it should%s", missing, r.files())
	}
}

// missing is the first of those lines that the log does not have; "" when it has all.
func (r *run) missing(lines []string) string {
	rest := r.read("log")
	for _, line := range lines {
		at := regexp.MustCompile(`(?m)` + line + `$`).FindStringIndex(rest)
		if at == nil {
			return line
		}
		rest = rest[at[1]:]
	}
	return ""
}

// between is the time from the first line of the log that has one text to the first that has another.
func (r *run) between(one, other string) time.Duration {
	r.t.Helper()
	at := func(text string) time.Time {
		for line := range strings.Lines(r.read("log")) {
			if stamp, rest, _ := strings.Cut(line, " "); strings.Contains(rest, text) {
				when, err := time.Parse("2006-01-02T15:04:05.000Z07:00", stamp)
				must(r.t, err)
				return when
			}
		}
		r.t.Fatalf("no line of the log has %q%s", text, r.files())
		return time.Time{}
	}
	return at(other).Sub(at(one))
}

func (r *run) isGone() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// lives reports whether the process is alive and one of this test.
func (r *run) lives(pid int) bool {
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return err == nil && cwd == r.dir
}

// processes are the live processes of this test.
func (r *run) processes() (pids []int) {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil && r.lives(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// until waits for a condition that nobody announces, so it looks again and again.
func (r *run) until(what string, holds func() bool) {
	r.t.Helper()
	look := time.NewTicker(3 * time.Millisecond)
	defer look.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-look.C:
		case <-deadline:
			r.t.Fatalf("waited in vain for %s%s", what, r.files())
		}
	}
}

func (r *run) files() string {
	return fmt.Sprintf("\n-- config.json --\n%.2000s\n-- log --\n%s", r.read("config.json"), r.read("log"))
}

// clean ends what is left of a test that failed.
func (r *run) clean() {
	r.cmd.Process.Kill() // an error says that it is gone
	<-r.ended
	r.until("the end of what is left", func() bool {
		left := r.processes()
		for _, pid := range left {
			unix.Kill(pid, unix.SIGKILL)
		}
		return len(left) == 0
	})
	if log := r.read("log"); strings.Contains(log, "DATA RACE") || strings.Contains(log, "internal error") {
		r.t.Errorf("the log tells of a defect%s", r.files())
	}
}

// up is what a script says first: that it runs, in a file of its own.
const up = `echo $$ >new.$MWLUA_INSTANCE; mv new.$MWLUA_INSTANCE up.$MWLUA_INSTANCE; `

// shell is a program that runs a script. A script that ends in exec leaves no shell behind that could act otherwise.
func shell(name, script string) program.Spec {
	return program.Spec{
		Name: name, Command: []string{"sh", "-c", script},
		StopTimeout: 200 * time.Millisecond, OnReload: program.IfChanged, ReloadSignal: int(unix.SIGUSR1),
	}
}

// sleeper runs until a signal that it does not ignore.
func sleeper(name, ignored string) program.Spec {
	return shell(name, `trap "" `+ignored+` PIPE; `+up+`exec sleep 1000`)
}

func programs(specs ...program.Spec) config { return config{Config: program.Config{Programs: specs}} }
