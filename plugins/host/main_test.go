package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/plugins/internal/faulty"
)

func TestMain(m *testing.M) {
	faulty.RunIfAsked()
	if dir := os.Getenv(hostDir); dir != "" {
		beHost(dir)
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

// rig is a place for plugins, and what they logged in it.
type rig struct {
	*testing.T
	Place
	mu    sync.Mutex
	lines []Line
	pids  []int
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t}
	dir, err := os.MkdirTemp("", "p") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	r.Place = Place{Processes: counting{Alone(), r}, Dir: filepath.Join(dir, "p"), Log: func(l Line) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.lines = append(r.lines, l)
	}}
	if err := os.Mkdir(r.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.nothingLeft()
		os.RemoveAll(dir)
	})
	return r
}

// counting remembers who was started.
type counting struct {
	Processes
	rig *rig
}

func (c counting) Start(command Command) (Process, error) {
	p, err := c.Processes.Start(command)
	if err == nil {
		c.rig.mu.Lock()
		defer c.rig.mu.Unlock()
		c.rig.pids = append(c.rig.pids, p.PID)
	}
	return p, err
}

func (r *rig) logged(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lines {
		if strings.Contains(l.Text, text) {
			return true
		}
	}
	return false
}

// nothingLeft fails the test if a process group, socket or directory of a plugin is there.
func (r *rig) nothingLeft() {
	r.mu.Lock()
	pids := r.pids
	r.mu.Unlock()
	for _, pid := range pids {
		r.until("the end of "+fmt.Sprint(pid), func() bool { return unix.Kill(-pid, 0) == unix.ESRCH })
	}
	r.until("the end of the directories", func() bool {
		left, _ := os.ReadDir(r.Dir)
		return len(left) == 0
	})
}

// until waits for what no event tells.
func (r *rig) until(what string, ok func() bool) {
	r.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			r.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// faultyPlugin declares this test binary as a plugin in which word is wrong.
func faultyPlugin(t *testing.T, word string) program.Plugin {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return program.Plugin{Name: "p", Path: self, Env: []string{faulty.Mode + "=" + word}, Timeout: 2 * time.Second}
}

// copyOf makes a file of this test binary's that a test may change.
func copyOf(t *testing.T, name string, mode os.FileMode) string {
	data, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "bin")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func exit(program string) policy.Event {
	return policy.Event{Exit: policy.Exit{Program: program, Seq: 1, Code: 1, Reason: policy.Exited}, ID: program + "/1"}
}

// start starts p, configures it, and ends it with the test.
func (r *rig) start(p program.Plugin) *Run {
	r.Helper()
	run, err := r.Place.Start(r.Context(), p)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(run.Stop)
	if err := run.Configure(r.Context(), p.Config, nil, Asker{}); err != nil {
		r.Fatal(err)
	}
	return run
}

// newHost is a host with one plugin, closed with the test.
func (r *rig) newHost(p ...program.Plugin) *Host {
	r.Helper()
	h := New(Options{Place: r.Place}, Carried{})
	r.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			r.Error(err)
		}
	})
	h.Use(r.Context(), p)
	return h
}
