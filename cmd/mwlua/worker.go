package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/renameio/v2"

	"github.com/mwlua/mwlua/compat/haproxycfg"
	"github.com/mwlua/mwlua/core/control/mastercli"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/supervisor"
)

// worker is the HAProxy of -with-haproxy: a program with a master and workers of its own, which hands its listening sockets over
// by itself when it is reloaded, whatever its configuration says.
type worker struct {
	binary  string // as it was named; looked up at every load
	dir     string // of the copies of the configuration, and of the socket; the master's alone
	args    []string
	version atomic.Value // of the binary, a string, once a load has asked it
}

// workerName is the program's name. A section of that name is refused, as one that is there twice.
const workerName = "haproxy"

// How long HAProxy may take to check a configuration with thousands of certificates, or to load it.
const workerTimeout = 2 * time.Minute

// newWorker prepares a directory for the master of that pid; 0 is none, for a check alone.
func newWorker(binary string, master int) (*worker, error) {
	dir, err := runtimeDir()
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return nil, err
	}
	w := &worker{binary: binary, dir: filepath.Join(dir, "haproxy-"+strconv.Itoa(master))}
	if master == 0 {
		w.dir, err = os.MkdirTemp(dir, "check-")
		return w, err
	}
	return w, os.MkdirAll(w.dir, 0o700)
}

func (w *worker) haproxy() *supervisor.HAProxy {
	return &supervisor.HAProxy{Program: workerName, Client: mastercli.Client{Path: w.socket()}}
}

func (w *worker) socket() string { return filepath.Join(w.dir, "master.sock") }

// clean removes what a supervisor that leaves has no more use for.
func (w *worker) clean() { os.RemoveAll(w.dir) }

// load reads the configuration, has HAProxy check its part of it, and, with use, puts that where HAProxy reads it.
func (w *worker) load(o haproxycfg.Options, run supervisor.Runner, use bool) (program.Config, program.Problems) {
	path, env, err := w.find(o.Env)
	if err == nil && o.Version == "" {
		o.Version, err = w.ask(path, env, run)
	}
	if err != nil {
		return program.Config{}, program.Problems{{Text: err.Error()}}
	}
	config, copies, problems := haproxycfg.LoadBeside(o)
	if len(problems.Errors()) > 0 {
		return config, problems
	}
	check := filepath.Join(w.dir, "check-"+strconv.Itoa(os.Getpid()))
	defer os.RemoveAll(check)
	names, err := place(check, copies)
	if err == nil {
		problems = append(problems, w.check(path, env, names, copies, run)...)
	}
	if len(problems.Errors()) == 0 && err == nil && use {
		names, err = place(filepath.Join(w.dir, "files"), copies)
	}
	if err != nil {
		problems = append(problems, program.Problem{Text: err.Error()})
	}
	if len(problems.Errors()) > 0 {
		return program.Config{}, problems
	}
	for _, p := range config.Programs {
		if p.Name == workerName {
			text := fmt.Sprintf("program %q: this is what HAProxy itself is called with -with-haproxy: choose another name", p.Name)
			return program.Config{}, append(problems, program.Problem{Place: p.Place, Text: text})
		}
	}
	config.ReloadTimeout = workerTimeout
	config.Programs = append(config.Programs, w.spec(path, env, names))
	return config, problems
}

// spec declares HAProxy, after the programs: they are started first (H-6.1).
func (w *worker) spec(path string, env, names []string) program.Spec {
	command := append([]string{path, "-W", "-db", "-S", "unix@" + w.socket() + ",mode,600"}, w.args...)
	return program.Spec{
		Name: workerName, Command: append(command, fileArgs(names)...), Env: env, WholeEnv: true, StopTimeout: 30 * time.Second,
		OnReload: program.Itself, ReloadSignal: int(syscall.SIGUSR1), AnswerTimeout: workerTimeout,
		Exit: policy.Policy{Rule: policy.AnyExit},
	}
}

func fileArgs(names []string) []string {
	var args []string
	for _, name := range names {
		args = append(args, "-f", name)
	}
	return args
}

// find looks the binary up, in the directories for administrators as well, and makes its environment.
func (w *worker) find(env []string) (path string, clean []string, err error) {
	clean = haproxycfg.Environ(env)
	if strings.Contains(w.binary, "/") {
		path, err = filepath.Abs(w.binary)
		return path, clean, err
	}
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/local/sbin", "/usr/sbin", "/sbin") {
		path := filepath.Join(dir, w.binary)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path, clean, nil
		}
	}
	return "", nil, fmt.Errorf("-with-haproxy: there is no %s in PATH: install HAProxy, or name the file as in -with-haproxy /usr/sbin/haproxy", w.binary)
}

var versionLine = regexp.MustCompile(`(?m)^HA-?Proxy version (\S+)`)

// ask has the binary say its version: conditions in the configuration are answered as it will answer them.
func (w *worker) ask(path string, env []string, run supervisor.Runner) (string, error) {
	output, status, err := run([]string{path, "-v"}, env)
	if err != nil {
		return "", fmt.Errorf("-with-haproxy: cannot execute %s: %w", path, err)
	}
	found := versionLine.FindStringSubmatch(output)
	if found == nil {
		return "", fmt.Errorf("-with-haproxy: %s -v ended with status %d and named no version: is it HAProxy?", path, status)
	}
	w.version.Store(found[1])
	return found[1], nil
}

// release is the version that the binary said last.
func (w *worker) release() string {
	v, _ := w.version.Load().(string)
	return v
}

// place writes copies below dir, each at the path of its original, so that what HAProxy says about them names it.
func place(dir string, copies []haproxycfg.Copy) ([]string, error) {
	var names []string
	for _, c := range copies {
		original, err := filepath.Abs(c.Name)
		if err != nil {
			return nil, err
		}
		name := filepath.Join(dir, original)
		err = os.MkdirAll(filepath.Dir(name), 0o700)
		if err == nil {
			err = renameio.WriteFile(name, c.Data, 0o600, renameio.WithTempDir(filepath.Dir(name)))
		}
		if err != nil {
			return nil, fmt.Errorf("cannot write what HAProxy is to read: %w", err)
		}
		names = append(names, name)
	}
	return names, nil
}

// check runs `haproxy -c`. What it says about a copy is said about the original.
func (w *worker) check(path string, env, names []string, copies []haproxycfg.Copy, run supervisor.Runner) program.Problems {
	argv := append(append([]string{path, "-W", "-c"}, w.args...), fileArgs(names)...)
	output, status, err := run(argv, env)
	switch {
	case err != nil:
		return program.Problems{{Text: fmt.Sprintf("-with-haproxy: cannot check the configuration: %v", err)}}
	case status == 0, status == 2: // 2: nothing listens, which HAProxy will say when it starts (H-1.19)
		return nil
	}
	var problems program.Problems
	for line := range strings.Lines(output) {
		if p, ok := alert(line); ok {
			for i, name := range names {
				if p.Place.File == name {
					p.Place.File = copies[i].Name
				}
			}
			problems = append(problems, p)
		}
	}
	if len(problems) == 0 {
		problems = program.Problems{{Text: fmt.Sprintf("HAProxy ended with status %d when it checked the configuration: %s", status, lastLine(output))}}
	}
	return problems
}

var (
	alertLine = regexp.MustCompile(`^\[ALERT\]\s+\(\d+\) : (?:config : )?(.*)$`)
	parsingOf = regexp.MustCompile(`^parsing \[(.*):(\d+)\]\s*:\s*(.*)$`)
	summaryOf = regexp.MustCompile(`^(?:Error\(s\) found in configuration file|Fatal errors found in configuration)`)
)

// alert reads an ALERT line of HAProxy; its summaries are left out.
func alert(line string) (program.Problem, bool) {
	found := alertLine.FindStringSubmatch(strings.TrimSpace(line))
	if found == nil || summaryOf.MatchString(found[1]) {
		return program.Problem{}, false
	}
	p := program.Problem{Text: "HAProxy: " + found[1]}
	if at := parsingOf.FindStringSubmatch(found[1]); at != nil {
		p.Place.File, p.Text = at[1], "HAProxy: "+at[3]
		p.Place.Line, _ = strconv.Atoi(at[2])
	}
	return p, true
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
