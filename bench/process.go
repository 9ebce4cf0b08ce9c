package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// children are all processes that there are, by their parent.
func children() (map[int][]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	all := make(map[int][]int)
	for _, stat := range stats {
		fields, err := statFields(stat)
		if err != nil {
			continue // it has ended since
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if err != nil {
			return nil, err
		}
		parent, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, err
		}
		all[parent] = append(all[parent], pid)
	}
	return all, nil
}

// statFields are those of /proc/PID/stat behind the name, the first being the state (proc_pid_stat(5)).
func statFields(name string) ([]string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	_, rest, ok := strings.Cut(string(data[strings.LastIndexByte(string(data), ')'):]), ") ")
	if fields := strings.Fields(rest); ok && len(fields) > 1 {
		return fields, nil
	}
	return nil, fmt.Errorf("%s: cannot be read", name)
}

// hasEnded says whether a process is no more, or a zombie.
func hasEnded(pid int) bool {
	fields, err := statFields(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || fields[0] == "Z"
}

// descendants are all processes below pid.
func descendants(pid int) ([]int, error) {
	of, err := children()
	if err != nil {
		return nil, err
	}
	below := of[pid]
	for i := 0; i < len(below); i++ {
		below = append(below, of[below[i]]...)
	}
	return below, nil
}

// own are the processes of a supervisor: pid, and those below it that are not the program.
func own(pid int, program string) ([]int, error) {
	below, err := descendants(pid)
	if err != nil {
		return nil, err
	}
	pids := []int{pid}
	for _, p := range below {
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p))
		if err == nil && exe != program {
			pids = append(pids, p)
		}
	}
	return pids, nil
}

// pss is the proportional set size of processes together, in kB (proc_pid_smaps_rollup(5)).
func pss(pids []int) (sum int, err error) {
	for _, pid := range pids {
		n, err := field(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss")
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// switches is how often the threads of processes were switched to another one, since they began (proc_pid_status(5)).
func switches(pids []int) (sum int, err error) {
	err = eachThread(pids, func(dir string) error {
		for _, name := range []string{"voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"} {
			n, err := field(dir+"/status", name)
			if err != nil {
				return err
			}
			sum += n
		}
		return nil
	})
	return sum, err
}

// processorTime is how long the threads of processes that still run have been on a processor, in nanoseconds (the kernel's
// Documentation/scheduler/sched-stats.rst).
func processorTime(pids []int) (sum int, err error) {
	err = eachThread(pids, func(dir string) error {
		data, err := os.ReadFile(dir + "/schedstat")
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(string(data), " ")
		n, err := strconv.Atoi(first)
		sum += n
		return err
	})
	return sum, err
}

// eachThread calls do with the directory in /proc of each thread. One that ends meanwhile does not count.
func eachThread(pids []int, do func(dir string) error) error {
	for _, pid := range pids {
		dirs, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
		if err != nil {
			return err
		}
		for _, dir := range dirs {
			if err := do(dir); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
	}
	return nil
}

// field is the number behind a name in a file of /proc.
func field(file, name string) (int, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut("\n"+string(data), "\n"+name+":")
	line, _, _ := strings.Cut(rest, "\n")
	return strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(line, "kB")))
}
