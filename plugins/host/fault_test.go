package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// TestStartFails: whatever is wrong with a plugin, the start fails in time, says why, and leaves nothing.
func TestStartFails(t *testing.T) {
	for word, want := range map[string]string{
		"no-handshake":     "no handshake: it was not ready within 1s",
		"ends":             "it ended with status 3",
		"garbage-line":     "hello, world",
		"long-line":        "xxx",
		"wrong-version":    "incompatible API version",
		"elsewhere":        "/run/docker.sock",
		"speaks-then-dies": "it",
		"other-api":        "it speaks version 7",
	} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			p := faultyPlugin(t, word)
			if word == "no-handshake" {
				p.StartTimeout = time.Second
			}
			_, err := r.Place.Start(t.Context(), p)
			if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 2000 {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

func TestFileIsChecked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	good := copyOf(t, "good", 0o755)
	writable := copyOf(t, "writable", 0o775)
	inWritable := copyOf(t, "x", 0o755)
	if err := os.Chmod(strings.TrimSuffix(inWritable, "/x"), 0o777); err != nil {
		t.Fatal(err)
	}
	fifo := t.TempDir() + "/fifo"
	if err := syscall.Mkfifo(fifo, 0o755); err != nil {
		t.Fatal(err)
	}
	right, err := SHA256(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path, sha256, want string
	}{
		{good, right, ""},
		{good, strings.Repeat("0", 64), "has the sha256 " + right},
		{good + "x", "", "no such file"},
		{copyOf(t, "plain", 0o644), "", "is not executable"},
		{writable, "", "can be written by its group or others"},
		{inWritable, "", "its directory can be written"},
		{fifo, "", "is no regular file"},
		{t.TempDir(), "", "is no regular file"},
	} {
		p := faultyPlugin(t, "good")
		p.Path, p.SHA256 = test.path, test.sha256
		run, err := r.Place.Start(t.Context(), p)
		if run != nil {
			run.Stop()
		}
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.path, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", test.path, err, test.want)
		}
	}
}

// TestForeignOwner needs root: only root can give a file away.
func TestForeignOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	r := newRig(t)
	p := faultyPlugin(t, "good")
	p.Path = copyOf(t, "foreign", 0o755)
	if err := os.Chown(p.Path, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Place.Start(t.Context(), p); err == nil || !strings.Contains(err.Error(), "belongs to user 65534") {
		t.Error(err)
	}
}

// TestAnswersThatAreNone: each is an error in time, and the plugin is asked again.
func TestAnswersThatAreNone(t *testing.T) {
	for word, want := range map[string]string{
		"panics":         "panic: as told",
		"huge-answer":    ErrGarbage.Error(),
		"large-state":    "a state of 65537 bytes",
		"unknown-enum":   "unknown action 99",
		"negative-delay": "a delay of -1ns",
		"hangs":          "no verdict within 300ms",
		"dies-in-call":   "it was gone before it answered",
	} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			p := faultyPlugin(t, word)
			p.Timeout = patience // 64 MiB take a while where everything is slow
			if word == "hangs" {
				p.Timeout = 300 * time.Millisecond
			}
			h := r.newHost(p)
			for range 2 {
				began := time.Now()
				_, _, err := h.Decide(t.Context(), "p", exit("web"), nil)
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q", err, want)
				}
				if took := time.Since(began); took > patience {
					t.Errorf("after %v", took)
				}
			}
		})
	}
}

// TestFloodsAreTaken: a plugin that writes a gigabyte before it answers works, and its log is cut. A policy.MaxDeadline is too short for
// that much under the race detector, on a machine that has other things to do.
func TestFloodsAreTaken(t *testing.T) {
	does := "floods-"
	if underRace {
		does = "spills-"
	}
	for _, where := range []string{"stderr", "stdout"} {
		word := does + where
		t.Run(word, func(t *testing.T) {
			r := newRig(t)
			p := faultyPlugin(t, word)
			p.Timeout, p.LogLines = 20*time.Second, 10
			h := r.newHost(p)
			if v, _, err := h.Decide(t.Context(), "p", exit("web"), nil); err != nil || v.Do != policy.Stop {
				t.Fatal(v, err)
			}
			if where == "stderr" {
				r.until("word of the lines that are lost", func() bool { return r.logged("lines of its log were dropped") })
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if len(r.lines) > 400 {
				t.Errorf("%d lines", len(r.lines))
			}
		})
	}
}

// TestStopIsBounded: also for a plugin that is stopped, or whose child holds its log open.
func TestStopIsBounded(t *testing.T) {
	t.Run("SIGSTOP", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		run := r.start(faultyPlugin(t, "good"))
		run.Signal(syscall.SIGSTOP)
		stopsWithin(t, run, 5*time.Second)
	})
	t.Run("grandchild", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		run := r.start(faultyPlugin(t, "grandchild"))
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if _, _, err := run.OnExit(ctx, exit("web"), nil); err != nil {
			t.Fatal(err)
		}
		stopsWithin(t, run, 5*time.Second)
	})
	t.Run("ignores Shutdown", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		stopsWithin(t, r.start(faultyPlugin(t, "ignores-shutdown")), 5*time.Second)
	})
}

func stopsWithin(t *testing.T, run *Run, limit time.Duration) {
	t.Helper()
	began := time.Now()
	run.Stop()
	if took := time.Since(began); took > limit {
		t.Errorf("stopped after %v", took)
	}
	select {
	case <-run.Ended():
	default:
		t.Error("it runs on")
	}
}

// TestStoppedPluginIsReplaced: one that does not answer is looked at, killed and started again.
func TestStoppedPluginIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := faultyPlugin(t, "good")
	p.Timeout = 300 * time.Millisecond
	h := r.newHost(p)
	r.until("the plugin", func() bool { return h.Status()[0].State == Up })
	former := h.Status()[0].PID
	syscall.Kill(former, syscall.SIGSTOP)
	r.until("all of its threads to be stopped", func() bool { return stopped(former) })
	if _, _, err := h.Decide(t.Context(), "p", exit("web"), nil); err == nil || !strings.Contains(err.Error(), "no verdict within 300ms") {
		t.Error(err)
	}
	r.until("another run", func() bool {
		s := h.Status()[0]
		return s.State == Up && s.PID != former
	})
	if v, _, err := h.Decide(t.Context(), "p", exit("web"), nil); err != nil || v.Do != policy.Stop {
		t.Error(v, err)
	}
}

// stopped says whether all threads of a process are: one that runs on another processor may go on for a while.
func stopped(pid int) bool {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, name := range stats {
		text, _ := os.ReadFile(name)
		if i := strings.LastIndex(string(text), ") "); i < 0 || text[i+2] != 'T' {
			return false
		}
	}
	return err == nil && len(stats) > 0
}

// TestReplacedOnDisk: a run goes on with the file it has; the next one is checked again.
func TestReplacedOnDisk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := faultyPlugin(t, "good")
	p.Path = copyOf(t, "plugin", 0o755)
	var err error
	if p.SHA256, err = SHA256(p.Path); err != nil {
		t.Fatal(err)
	}
	h := r.newHost(p)
	if _, _, err := h.Decide(t.Context(), "p", exit("web"), nil); err != nil {
		t.Fatal(err)
	}
	other := p.Path + ".new"
	if err := os.WriteFile(other, []byte("#!/bin/sh\nexec sleep 100\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, p.Path); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Decide(t.Context(), "p", exit("web"), nil); err != nil {
		t.Error(err)
	}
	syscall.Kill(h.Status()[0].PID, syscall.SIGKILL)
	r.until("the refusal of the other file", func() bool { return strings.Contains(h.Status()[0].Error, "has the sha256") })
}

// TestKilledInAStorm: of a thousand exits each gets an answer in time, and the plugin is back.
func TestKilledInAStorm(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := faultyPlugin(t, "good")
	p.Timeout = 10 * time.Second
	h := r.newHost(p)
	r.until("the plugin", func() bool { return h.Status()[0].State == Up })
	pid := h.Status()[0].PID
	var all sync.WaitGroup
	var mu sync.Mutex
	good, lost := 0, 0
	for i := range 1000 {
		all.Go(func() {
			if i == 500 {
				syscall.Kill(pid, syscall.SIGKILL)
			}
			v, _, err := h.Decide(t.Context(), "p", exit("web"), nil)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && v.Do == policy.Stop:
				good++
			case err != nil && strings.Contains(err.Error(), "it was gone"):
				lost++
			default:
				t.Error(v, err)
			}
		})
	}
	all.Wait()
	if good+lost != 1000 || lost > 2*atOnce {
		t.Errorf("%d verdicts, %d lost", good, lost)
	}
}

// TestBreaker: after five failures nobody waits for the plugin any more.
func TestBreaker(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.newHost(faultyPlugin(t, "panics"))
	for range breakAfter {
		h.Decide(t.Context(), "p", exit("web"), nil)
	}
	if _, _, err := h.Decide(t.Context(), "p", exit("web"), nil); err == nil || !strings.Contains(err.Error(), "not asked for 30s") {
		t.Error(err)
	}
	if s := h.Status()[0]; s.State != Paused || s.Errors != breakAfter || s.Refused != 1 || s.Pauses != 1 {
		t.Errorf("%+v", s)
	}
}

// TestDeadPluginDoesNotDelay: when the next start is too far away, the fallback comes at once.
func TestDeadPluginDoesNotDelay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := faultyPlugin(t, "ends")
	p.Timeout = 100 * time.Millisecond
	h := r.newHost(p)
	r.until("two starts", func() bool { return h.Status()[0].Ends >= 2 && h.Status()[0].State == Waiting })
	_, _, err := h.Decide(t.Context(), "p", exit("web"), nil)
	if err == nil || !strings.Contains(err.Error(), "it ended with status 3") {
		t.Error(err)
	}
}

func TestRequired(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.newHost()
	p := faultyPlugin(t, "ends")
	p.Required = true
	if err := h.Use(t.Context(), []program.Plugin{p}); err == nil || !strings.Contains(err.Error(), `plugin "p": cannot start it`) {
		t.Error(err)
	}
	p = faultyPlugin(t, "good")
	p.Required, p.Config = true, `{"mwlua":1}`
	err := h.Use(t.Context(), []program.Plugin{p})
	var wrong *ConfigError
	if !errors.As(err, &wrong) || wrong.Problems[0].Path != "mwlua-no-such-key" {
		t.Error(err)
	}
}

// TestSlowToConfigure: that has the time of a start, which is not that of a verdict.
func TestSlowToConfigure(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := faultyPlugin(t, "slow-to-configure")
	p.Timeout, p.StartTimeout, p.Required = 100*time.Millisecond, 20*time.Second, true
	h := New(Options{Place: r.Place}, Carried{})
	defer h.Close(t.Context())
	if err := h.Use(t.Context(), []program.Plugin{p}); err != nil {
		t.Error(err)
	}
	p.StartTimeout = 150 * time.Millisecond
	err := h.Use(t.Context(), []program.Plugin{p})
	if err == nil || !strings.Contains(err.Error(), "it was not ready within 150ms (start_timeout)") {
		t.Error(err)
	}
}
