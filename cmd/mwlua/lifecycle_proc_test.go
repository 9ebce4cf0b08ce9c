package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// signalSet is a set of signals as /proc/PID/status shows it.
type signalSet uint64

func (s signalSet) has(sig syscall.Signal) bool { return s&(1<<(sig-1)) != 0 }

func (s signalSet) hasAll(sigs ...syscall.Signal) bool {
	for _, sig := range sigs {
		if !s.has(sig) {
			return false
		}
	}
	return true
}

// caughtSignals are those that the process has a handler for. A process that is gone catches none.
func caughtSignals(pid int) signalSet { return signalField(pid, "SigCgt") }

// ignoredSignals are those with SIG_IGN.
func ignoredSignals(pid int) signalSet { return signalField(pid, "SigIgn") }

// pendingSignals are those that wait for the process as a whole.
func pendingSignals(pid int) signalSet { return signalField(pid, "ShdPnd") }

func signalField(pid int, field string) signalSet {
	set, _ := strconv.ParseUint(statusField(fmt.Sprintf("/proc/%d/status", pid), field), 16, 64)
	return signalSet(set)
}

func statusField(file, field string) string {
	status, _ := os.ReadFile(file)
	_, rest, _ := strings.Cut(string(status), "\n"+field+":")
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value)
}

// isStopped reports whether every thread of the process is stopped. One that still runs could take a signal.
func isStopped(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, file := range threads {
		if !strings.HasPrefix(statusField(file, "State"), "T") {
			return false
		}
	}
	return len(threads) > 0
}

// runsIn reports whether the process is alive and has dir, or one below it, as its working directory.
func runsIn(dir string, pid int) bool {
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return err == nil && strings.HasPrefix(cwd+"/", dir+"/")
}

// processesIn lists the live processes that have dir, or one below it, as their working directory: everything that a scenario started.
func processesIn(dir string) (pids []int) {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if err == nil && runsIn(dir, pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}
