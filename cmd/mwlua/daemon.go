package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/mwlua/mwlua/core/supervisor"
)

// launcherFD is the descriptor by which a daemon reports to its launcher.
const launcherFD = 3

// launch starts the daemon, shows what it says, and leaves when its first load has ended (H-4.13, T-33): with 0 once its
// programs were started, with 1 if they were not. The daemon is a session of its own. Until then a stop of the launcher is
// one of the daemon.
func (s *sources) launch() (int, error) {
	supervisor.ReleaseSignals()
	stops := make(chan os.Signal, 2)
	signal.Notify(stops, syscall.SIGINT, syscall.SIGTERM)
	daemon, report, err := s.startDaemon()
	if err != nil {
		return 0, failed{fmt.Errorf("cannot start the daemon: %v", err)}
	}
	go func() { // waits for stops of the launcher; passes them on; ends with the process
		for stop := range stops {
			_ = daemon.Process.Signal(stop) // an error says that it is gone
		}
	}()
	if follow(os.Stderr, report) {
		return exitDone, nil
	}
	err = daemon.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed { // with that one it has said why
		fmt.Fprintf(os.Stderr, "mwlua: error: the daemon ended before its programs were started (%v)\n", daemon.ProcessState)
	}
	return exitFailed, nil
}

// startDaemon starts what launch waits for. The reader ends with the daemon.
func (s *sources) startDaemon() (*exec.Cmd, io.Reader, error) {
	path, err := ownPath()
	if err != nil {
		return nil, nil, err
	}
	if err := closeInherited(); err != nil {
		return nil, nil, err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer writer.Close()
	daemon := &exec.Cmd{
		Path: path, Args: os.Args, Stdin: os.Stdin, // settle takes it away
		ExtraFiles:  []*os.File{writer},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if s.logFile != "" {
		f, err := appendTo(s.logFile)
		if err != nil {
			return nil, nil, err
		}
		defer f.Close()
		daemon.Stdout, daemon.Stderr = f, f
	}
	return daemon, reader, daemon.Start()
}

// closeInherited keeps the descriptors that we inherited from the daemon: it would hold somebody's lock or pipe for ever. Our
// own ones are close-on-exec from birth.
func closeInherited() error {
	entries, err := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return err
}

// ownPath is what to execute: the path that we were called by, which names the process in lists, if it names this binary.
func ownPath() (string, error) {
	if called, err := exec.LookPath(os.Args[0]); err == nil && sameFile(called, "/proc/self/exe") {
		return called, nil
	}
	return os.Executable()
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// follow passes on what a daemon says until it has said that its first load succeeded, or has ended.
func follow(to io.Writer, report io.Reader) (succeeded bool) {
	buf := make([]byte, 4096)
	for {
		n, err := report.Read(buf)
		text, _, succeeded := bytes.Cut(buf[:n], []byte{loaded})
		_, _ = to.Write(text)
		if succeeded || err != nil {
			return succeeded
		}
	}
}
