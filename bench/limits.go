package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// files is how many descriptors each supervisor may have: some have four for each program. More would cost memory in those that make room
// for all that they may have.
const files = 20_000

// raise lets this process, and what it starts, have this many processes, and says what is in the way.
func raise(processes int) (notes []string) {
	const nproc = 6 // RLIMIT_NPROC of getrlimit(2)
	for resource, wanted := range map[int]func(now uint64) uint64{
		syscall.RLIMIT_NOFILE: func(uint64) uint64 { return files }, // also where it seems to be: Go's runtime has raised it for this process only
		nproc:                 func(now uint64) uint64 { return max(now, uint64(processes)+1000) },
	} {
		if err := setLimit(resource, wanted); err != nil {
			notes = append(notes, fmt.Sprintf("resource limit %d cannot be set: %v", resource, err))
		}
	}
	for _, file := range append(pidsMax(), "/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max") {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if limit, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil && limit < processes+1000 { // else it is "max"
			notes = append(notes, fmt.Sprintf("%s is %d, too small for %d processes", file, limit, processes))
		}
	}
	return notes
}

func setLimit(resource int, wanted func(now uint64) uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(resource, &limit); err != nil {
		return err
	}
	limit.Cur = wanted(limit.Cur)
	limit.Max = max(limit.Max, limit.Cur)
	return syscall.Setrlimit(resource, &limit)
}

// pidsMax are the files that say how many processes the control group of this one may have, and those above it (the kernel's
// Documentation/admin-guide/cgroup-v2.rst).
func pidsMax() (all []string) {
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut("\n"+string(data), "\n0::")
	line, _, _ := strings.Cut(rest, "\n")
	for dir := line; dir != "/" && dir != "." && dir != ""; dir = filepath.Dir(dir) {
		all = append(all, filepath.Join("/sys/fs/cgroup", dir, "pids.max"))
	}
	return all
}
