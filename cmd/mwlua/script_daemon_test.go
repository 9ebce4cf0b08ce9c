package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// launcherStatus is the file in which a reaper writes how the launcher ended.
const launcherStatus = "launcher.status"

// scriptDaemon has the launcher run by a reaper, which is the parent of the daemon that the launcher leaves: `ended` is about
// the daemon then. What the launcher says goes to the files out and launcher. PIDFILE is - if there is to be no daemon.
func scriptDaemon(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: daemon STATUS PIDFILE COMMAND [ARG...]")
	}
	self, err := os.Executable()
	ts.Check(err)
	want, pidfile := args[0], args[1]
	ts.Check(os.RemoveAll(ts.MkAbs(launcherStatus)))
	m := scriptMasterOf(ts)
	scriptRun(ts, "launcher", append(m.base, "MWLUA_TEST_MAIN=reaper"), append([]string{self, launcherStatus, pidfile}, args[2:]...))
	scriptUntil(ts, "the end of the launcher", func() bool { return scriptFile(ts, launcherStatus) != "" })
	if got := scriptFile(ts, launcherStatus); got != want {
		ts.Fatalf("the launcher ended with %s, want %s%s\n-- launcher --\n%s", got, want, scriptFiles(ts), scriptFile(ts, "launcher"))
	}
	if pidfile == "-" {
		return
	}
	m.pid, err = strconv.Atoi(strings.TrimSpace(ts.ReadFile(pidfile)))
	ts.Check(err)
	if !runsIn(ts.MkAbs("."), m.pid) {
		ts.Fatalf("%s: %d is no process of this script%s", pidfile, m.pid, scriptFiles(ts))
	}
}

// reap runs a command, writes its status to a file, waits for the orphans that it leaves, and exits with the status of the one
// in the pidfile. It is their parent: elsewhere that may be somebody who does not collect them.
func reap(statusFile, pidfile string, command []string) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	_ = cmd.Run() // its status says all
	status := cmd.ProcessState.ExitCode()
	text, _ := os.ReadFile(pidfile) // there is none if there is no daemon
	daemon, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	if err := os.WriteFile(statusFile+".new", []byte(fmt.Sprint(status)), 0o644); err != nil {
		panic(err)
	}
	if err := os.Rename(statusFile+".new", statusFile); err != nil {
		panic(err)
	}
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil: // there is none left
			os.Exit(status)
		case pid == daemon && ws.Signaled():
			status = 128 + int(ws.Signal())
		case pid == daemon:
			status = ws.ExitStatus()
		}
	}
}
