// Command loop N PROGRAM ARGUMENT... is limit.c in Go: what a supervisor costs in this language if it does nothing but start programs, and
// one again when it ends. SIGHUP replaces them all, SIGTERM ends them and it.
package main

import (
	"log"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
)

// loop is what runs, by pid.
type loop struct {
	argv    []string
	mu      sync.Mutex // held while programs are stopped and started
	running map[int]bool
}

func (l *loop) start(n int) {
	attr := &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setpgid: true}}
	for range n {
		pid, err := syscall.ForkExec(l.argv[0], l.argv, attr)
		if err != nil {
			log.Fatalf("cannot start %q: %v", l.argv[0], err)
		}
		l.running[pid] = true
	}
}

// stop tells all to go, and forgets them.
func (l *loop) stop() {
	for pid := range l.running {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && err != syscall.ESRCH {
			log.Fatal(err)
		}
	}
	clear(l.running)
}

// collect starts what has ended again, until nothing runs.
func (l *loop) collect() {
	for {
		switch pid, err := syscall.Wait4(-1, nil, 0, nil); err {
		case nil:
			l.mu.Lock()
			if l.running[pid] {
				delete(l.running, pid)
				l.start(1)
			}
			l.mu.Unlock()
		case syscall.ECHILD:
			return
		}
	}
}

// obey does what signals ask for.
func (l *loop) obey(signals <-chan os.Signal, n int) {
	for sig := range signals {
		l.mu.Lock()
		l.stop()
		if sig == syscall.SIGHUP {
			l.start(n)
		}
		l.mu.Unlock()
	}
}

func main() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM)
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	l := &loop{argv: os.Args[2:], running: make(map[int]bool)}
	l.start(n)
	go l.obey(signals, n) // waits for signals, ends with the process
	l.collect()
}
