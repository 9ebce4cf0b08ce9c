package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestReloadOfThousand replaces 1,000 programs, and 1, three times each: every old instance goes, every new one comes, once, in
// the same process, and waiting for them takes no thread a program.
func TestReloadOfThousand(t *testing.T) {
	for _, n := range []int{1, 1000} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			config := "global\n\tmaster-worker\n"
			for i := range n {
				config += fmt.Sprintf("program p%d\n\tcommand sleep 1000\n", i)
			}
			began := time.Now()
			r := newRun(t, mwluaMaster, config)
			r.loaded()
			t.Logf("%d programs started in %v", n, time.Since(began))
			master := r.cmd.Process.Pid
			old := running(r, n)
			for range 3 {
				began = time.Now()
				r.reload("USR2")
				took := time.Since(began)
				fresh := running(r, n)
				t.Logf("%d programs replaced in %v, the old ones gone in %v", n, took, time.Since(began))
				for pid := range fresh {
					if old[pid] {
						t.Fatalf("process %d was not replaced", pid)
					}
				}
				old = fresh
			}
			if threads, _ := strconv.Atoi(statusField(fmt.Sprintf("/proc/%d/status", master), "Threads")); threads > 20 {
				t.Errorf("%d threads for %d programs", threads, n)
			}
			began = time.Now()
			r.signal("TERM")
			r.gone()
			t.Logf("%d programs stopped in %v", n, time.Since(began))
			if status := r.report().status; status != "exit:0" {
				t.Errorf("the master ended with %s", status)
			}
		})
	}
}

// running waits until the master has n children, and returns their pids.
func running(r *run, n int) map[int]bool {
	r.t.Helper()
	var pids map[int]bool
	r.until(fmt.Sprintf("%d programs", n), func() bool {
		pids = children(r.cmd.Process.Pid)
		return len(pids) == n
	})
	return pids
}

// children are the children of a process that have not ended. The kernel's list is exact only while none comes or goes
// (proc(5)), so a caller looks until it has what it waits for.
func children(pid int) map[int]bool {
	pids := map[int]bool{}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		for word := range strings.FieldsSeq(string(data)) {
			child, _ := strconv.Atoi(word)
			if state := statusField(fmt.Sprintf("/proc/%d/status", child), "State"); state != "" && state[0] != 'Z' {
				pids[child] = true
			}
		}
	}
	return pids
}
