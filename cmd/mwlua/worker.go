package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
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
	version atomic.Value  // of the binary, a string, once a load has asked it
	known   chan struct{} // closed then
	next    atomic.Value  // the directory of the files of the last load, a string
}

// workerName is the program's name. A section of that name is refused, as one that is there twice.
const workerName = "haproxy"

// How long HAProxy may take to check a configuration with thousands of certificates, or to load it.
const workerTimeout = 2 * time.Minute

func (w *worker) haproxy() *supervisor.HAProxy {
	return &supervisor.HAProxy{Program: workerName, Client: mastercli.NewClient(w.socket()), Reload: w.reload}
}

// reload gives HAProxy the files of the last load, and those of before back if it refuses them: whoever makes it read them again
// by other means is to find what it runs with.
func (w *worker) reload(ctx context.Context, hard bool) error {
	before, _ := os.Readlink(w.files())
	if err := w.turn(); err != nil {
		return err
	}
	err := mastercli.Client{Path: w.socket()}.Reload(ctx, hard)
	if err != nil && before != "" {
		return errors.Join(err, w.point(before))
	}
	return err
}

// files is what HAProxy reads: a link, so that all files of a load come in one step, and its command stays the same.
func (w *worker) files() string { return filepath.Join(w.dir, "files") }

// turn makes the files of the last load those that HAProxy reads, and removes others.
func (w *worker) turn() error {
	next, _ := w.next.Load().(string)
	if next == "" {
		return errors.New("no load has prepared the files of HAProxy")
	}
	before, _ := os.Readlink(w.files())
	if err := w.point(next); err != nil {
		return fmt.Errorf("cannot write what HAProxy is to read: %w", err)
	}
	old, _ := filepath.Glob(filepath.Join(w.dir, "files-*"))
	for _, dir := range old {
		if name := filepath.Base(dir); name != next && name != before {
			os.RemoveAll(dir)
		}
	}
	return nil
}

func (w *worker) point(at string) error { return renameio.Symlink(at, w.files()) }

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
	prepared, err := os.MkdirTemp(w.dir, "files-")
	var names []string
	if err == nil {
		names, err = place(prepared, copies)
	}
	if err == nil {
		problems = append(problems, unsaid(problems, w.check(path, env, prepared, original(names, copies), run))...)
	} else {
		problems = append(problems, program.Problem{Text: err.Error()})
	}
	if len(problems.Errors()) > 0 || !use {
		os.RemoveAll(prepared)
	}
	if len(problems.Errors()) > 0 {
		return program.Config{}, problems
	}
	if use {
		if err := w.prepare(filepath.Base(prepared)); err != nil {
			return program.Config{}, append(problems, program.Problem{Text: err.Error()})
		}
	}
	for _, p := range config.Programs {
		if p.Name == workerName {
			text := fmt.Sprintf("program %q: this is what HAProxy itself is called with -with-haproxy: choose another name", p.Name)
			return program.Config{}, append(problems, program.Problem{Place: p.Place, Text: text})
		}
	}
	config.ReloadTimeout = workerTimeout
	config.Programs = append(config.Programs, w.spec(path, env))
	return config, problems
}

// prepare keeps the files of a load for the reload that follows. At the first one HAProxy is started with them.
func (w *worker) prepare(files string) error {
	w.next.Store(files)
	if _, err := os.Lstat(w.files()); err == nil {
		return nil
	}
	return w.turn()
}

// spec declares HAProxy, after the programs: they are started first (H-6.1).
func (w *worker) spec(path string, env []string) program.Spec {
	command := append([]string{path, "-W", "-db", "-S", "unix@" + w.socket() + ",mode,600"}, w.args...)
	return program.Spec{
		Name: workerName, Command: append(command, "-f", w.files()), Env: env, WholeEnv: true, StopTimeout: 30 * time.Second,
		OnReload: program.Itself, ReloadSignal: int(syscall.SIGUSR1), AnswerTimeout: workerTimeout,
		Exit: policy.Policy{Rule: policy.AnyExit},
	}
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

var versionLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^HA-?Proxy version (\S+)`) })

// ask has the binary say its version: conditions in the configuration are answered as it will answer them.
func (w *worker) ask(path string, env []string, run supervisor.Runner) (string, error) {
	output, status, err := run([]string{path, "-v"}, env)
	if err != nil {
		return "", fmt.Errorf("-with-haproxy: cannot execute %s: %w", path, err)
	}
	found := versionLine().FindStringSubmatch(output)
	if found == nil {
		return "", fmt.Errorf("-with-haproxy: %s -v ended with status %d and named no version: is it HAProxy?", path, status)
	}
	if w.version.Swap(found[1]) == nil {
		close(w.known)
	}
	return found[1], nil
}

// release is the version that the binary said last. After a re-exec it is asked again, and a session waits for that.
func (w *worker) release() string {
	select {
	case <-w.known:
	case <-time.After(2 * time.Second):
	}
	v, _ := w.version.Load().(string)
	return v
}

// place writes copies into dir, in their order (H-4.16), each under a name that tells its original's.
func place(dir string, copies []haproxycfg.Copy) ([]string, error) {
	var names []string
	for i, c := range copies {
		original, err := filepath.Abs(c.Name)
		if err != nil {
			return nil, err
		}
		name := strings.ReplaceAll(strings.ReplaceAll(strings.TrimSuffix(original, ".cfg"), ".cfg", "_cfg"), "/", "-")
		path := filepath.Join(dir, fmt.Sprintf("%04d%s.cfg", i, name))
		if err := os.WriteFile(path, c.Data, 0o600); err != nil {
			return nil, fmt.Errorf("cannot write what HAProxy is to read: %w", cause(err))
		}
		names = append(names, path)
	}
	return names, nil
}
