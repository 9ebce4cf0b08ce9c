package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// longestSocket is how many bytes HAProxy takes for the name of a UNIX socket: it binds one with a longer name first.
const longestSocket = 97

// newWorker prepares for the master of that pid; 0 is none, for a check alone, which needs a directory that nobody else has to find.
func newWorker(binary string, master int) (*worker, error) {
	w := &worker{binary: binary, known: make(chan struct{})}
	var err error
	if master == 0 {
		w.dir, err = os.MkdirTemp("", "mwlua-check-") // for its owner alone
		return w, err
	}
	dir, err := runtimeDir()
	if err != nil {
		return nil, err
	}
	w.dir = filepath.Join(dir, workerPrefix+strconv.Itoa(master))
	switch path := w.socket(); {
	case len(path) > longestSocket:
		return nil, fmt.Errorf("the socket %q would have a name of %d bytes, where HAProxy takes %d: set RUNTIME_DIRECTORY to a shorter directory", path, len(path), longestSocket)
	case strings.ContainsAny(path, ", \t\n$"):
		return nil, fmt.Errorf("HAProxy cannot take the socket %q for its commas, blanks or dollar signs: set RUNTIME_DIRECTORY to another directory", path)
	}
	err = os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.MkdirAll(w.dir, 0o700)
	}
	return w, err
}

// workerPrefix begins the names of directories; the pid of the master follows.
const workerPrefix = "haproxy-"

func (w *worker) socket() string { return socketIn(w.dir) }

func socketIn(dir string) string { return filepath.Join(dir, "master.sock") }

// claim empties the directory, when a master begins, and removes those of masters that were killed. An error names an HAProxy that
// one of them has left: it has the addresses that ours is to listen at, or shares them.
func (w *worker) claim() error {
	entries, err := os.ReadDir(filepath.Dir(w.dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		suffix, found := strings.CutPrefix(e.Name(), workerPrefix)
		pid, err := strconv.Atoi(suffix)
		if !found || err != nil || pid != os.Getpid() && syscall.Kill(pid, 0) != syscall.ESRCH {
			continue
		}
		dir := filepath.Join(filepath.Dir(w.dir), e.Name())
		if err := unanswered(socketIn(dir)); err != nil {
			_ = os.Remove(w.dir) // unless it holds that
			return err
		}
		_ = os.RemoveAll(dir) // it is in nobody's way
	}
	return os.MkdirAll(w.dir, 0o700)
}

// unanswered is the error that an HAProxy answers at path.
func unanswered(path string) error {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot see whether an HAProxy of a mwlua that was killed still runs: %w: end it, and remove %s", err, filepath.Dir(path))
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	var peer *syscall.Ucred
	if err == nil {
		_ = raw.Control(func(fd uintptr) {
			peer, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
		})
	}
	if err != nil || peer == nil || peer.Pid == 0 { // of a container
		return fmt.Errorf("an HAProxy of a mwlua that was killed still runs, and listens at %s: end it", path)
	}
	return fmt.Errorf("HAProxy %d of a mwlua that was killed still runs: kill %d", peer.Pid, peer.Pid)
}

// clean removes what a supervisor that leaves has no more use for.
func (w *worker) clean() { os.RemoveAll(w.dir) }

// cleanAtStop cleans when Ctrl-C or SIGTERM ends this process, until what it returns is called.
func (w *worker) cleanAtStop() (enough func()) {
	stops := make(chan os.Signal, 1)
	signal.Notify(stops, syscall.SIGINT, syscall.SIGTERM)
	go func() { // waits for such a signal; ends with stops, or the process
		stop, ok := <-stops
		if !ok {
			return
		}
		w.clean()
		signal.Reset(stop)
		_ = syscall.Kill(os.Getpid(), stop.(syscall.Signal))
		os.Exit(exitFailed) // the first process of a container is still there
	}()
	return func() {
		signal.Stop(stops)
		close(stops)
	}
}
