package main

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestSignalStormAsPID1 is the storm with the master as process 1 of a PID namespace, as in a container. There the kernel drops
// a signal that the process does not handle at that moment, where elsewhere it would be fatal and the guard would carry it
// out. So a stop can be lost while one image takes over from the other: the test counts how often, and holds that the next
// stop outside of a reload is heard. docs/containers.md says what to make of the figures.
func TestSignalStormAsPID1(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: it makes a PID namespace")
	}
	for _, stop := range []string{"TERM", "INT", "USR1", ""} {
		t.Run("stop="+stop, func(t *testing.T) {
			var lost, brutal, ended atomic.Int64
			t.Run("runs", func(t *testing.T) {
				for i := range storms() / 8 {
					seed := uint64(i + 1)
					if *stormSeed != 0 && *stormSeed != seed {
						continue
					}
					t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
						t.Parallel()
						s := newStorm(t, seed)
						// A namespace of its own for the mounts too, for the /proc of the new PIDs.
						s.wrap = []string{"unshare", "--pid", "--fork", "--kill-child", "--mount-proc"}
						s.blowAsPID1(stop, &lost)
						ended.Add(1)
						if !strings.Contains(s.read("stderr"), "All workers exited") {
							brutal.Add(1)
						}
					})
				}
			})
			t.Logf("of %d runs: the stop was lost in %d, ended the namespace at once in %d", ended.Load(), lost.Load(), brutal.Load())
		})
	}
}

// blowAsPID1 is blow, but a stop that is lost is asked for again once the weather is calm.
func (s *storm) blowAsPID1(stop string, lost *atomic.Int64) {
	s.start()
	s.until("the first start", func() bool { return strings.Contains(s.read("stderr"), "Loading success") })
	s.target = s.masterInNamespace()
	reloads := 5 + s.rng.IntN(20)
	at := s.rng.IntN(reloads)
	for i := range reloads {
		s.configure()
		s.signal([]string{"USR2", "HUP"}[s.rng.IntN(2)])
		s.pause(6 * time.Millisecond)
		if i == at && stop != "" {
			s.signal(stop)
		}
		s.pause(6 * time.Millisecond)
	}
	if stop == "" {
		s.lastWriteRuns()
		stop = "TERM"
		s.signal(stop) // the last reload may still be under way: this one can be lost, too
	}
	if !s.endsWithin(2 * time.Second) {
		lost.Add(1)
		s.lastWriteRuns() // nothing else was lost with it
		s.signal(stop)
	}
	s.checkEnd()
}

// masterInNamespace is the pid, as we see it, of the child that unshare forked.
func (s *storm) masterInNamespace() int {
	s.t.Helper()
	pid := 0
	s.until("the child of unshare", func() bool {
		data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.cmd.Process.Pid, s.cmd.Process.Pid))
		_, err := fmt.Sscan(string(data), &pid)
		return err == nil
	})
	return pid
}

func (s *storm) endsWithin(d time.Duration) bool {
	select {
	case <-s.ended:
		return true
	case <-time.After(d):
		return false
	}
}

// kill sends a signal to what runs as process 1, or to the master itself.
func (s *storm) kill(signal syscall.Signal) {
	pid := s.target
	if pid == 0 {
		pid = s.cmd.Process.Pid
	}
	syscall.Kill(pid, signal) // an error says that it is gone, which endings are for
}
