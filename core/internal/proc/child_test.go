package proc_test

import (
	"fmt"
	"os"
	"os/signal"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
)

// children collects what this process started.
type children struct {
	t     *testing.T
	died  chan os.Signal
	exits map[int]proc.Exit
}

func newChildren(t *testing.T) *children {
	c := &children{t: t, died: make(chan os.Signal, 1), exits: make(map[int]proc.Exit)}
	signal.Notify(c.died, unix.SIGCHLD)
	return c
}

// start starts a program that must start.
func (c *children) start(command proc.Command) int {
	c.t.Helper()
	pid, err := proc.Start(command)
	if err != nil {
		c.t.Fatalf("Start(%.200q): %v", command.Argv, err)
	}
	return pid
}

// end waits for the end of a child, and returns it.
func (c *children) end(pid int) proc.Exit {
	c.t.Helper()
	c.until("the end of a child", func() bool { _, ok := c.exits[pid]; return ok })
	return c.exits[pid]
}

// until collects until a condition holds.
func (c *children) until(what string, holds func() bool) {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		c.collect()
		if holds() {
			return
		}
		select {
		case <-c.died:
		case <-deadline:
			c.t.Fatalf("waited in vain for %s; so far: %.500v", what, fmt.Sprint(c.exits))
		}
	}
}

func (c *children) collect() {
	proc.Collect(func(int) {}, func(e proc.Exit) {
		if before, twice := c.exits[e.PID]; twice {
			c.t.Errorf("%v was collected, and then %v", before, e)
		}
		c.exits[e.PID] = e
	})
}

// none checks that this process has no child, dead or alive.
func none(t *testing.T) {
	t.Helper()
	proc.Collect(func(int) {}, func(e proc.Exit) { t.Errorf("a child was left: %+v", e) })
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("a child is left: wait4 = %d, %v", pid, err)
	}
}

// run starts a command and returns how it ended. Its output is in the file out of dir.
func (c *children) run(command proc.Command) proc.Exit {
	c.t.Helper()
	return c.end(c.start(command))
}

func killed(signal unix.Signal) proc.Exit { return proc.Exit{Signal: int(signal)} }

func checkExit(t *testing.T, got, want proc.Exit) {
	t.Helper()
	got.PID = 0
	if got != want {
		t.Errorf("it ended as %+v, want %+v", got, want)
	}
}
