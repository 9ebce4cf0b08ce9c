package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/supervisor"
)

// loadAlone loads the configuration for a master, which must be the only one that has its control socket and its pidfile. self are pids that are no
// other master's.
func (s *sources) loadAlone(run supervisor.Runner, use bool, self ...int) (program.Config, program.Problems) {
	config, problems := s.load(run, use)
	if path := config.Settings.Control; path != "" {
		if pid := control.Owner(path); pid != 0 && !slices.Contains(self, pid) && isMwlua(pid) {
			return program.Config{}, append(problems, program.Problem{Text: fmt.Sprintf("control socket %q: mwlua runs already, as process %d: "+
				"stop that one (mwlua shutdown -s %s), or reload it, or give this one another RUNTIME_DIRECTORY or --control", path, pid, path)})
		}
	}
	pid := masterOf(config.Pidfile)
	if pid == 0 || slices.Contains(self, pid) {
		return config, problems
	}
	return program.Config{}, append(problems, program.Problem{Text: fmt.Sprintf("pidfile %q: mwlua runs already, as process %d: "+
		"stop that one (kill %d), or reload it (kill -USR2 %d), or write another pidfile", config.Pidfile, pid, pid, pid)})
}

// masterOf is the pid in a pidfile, if it is that of a process that lives and is mwlua; else 0. What else is there is of no
// interest: the file will be replaced.
func masterOf(pidfile string) int {
	if info, err := os.Stat(pidfile); err != nil || !info.Mode().IsRegular() {
		return 0
	}
	f, err := os.Open(pidfile)
	if err != nil {
		return 0
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	pid, err := strconv.Atoi(strings.TrimSpace(string(line)))
	if err != nil || pid <= 0 || !isMwlua(pid) {
		return 0
	}
	return pid
}

// isMwlua looks at the executable of a process, which one that has ended does not have, not even before it was collected. It
// may be another version, and may have been replaced since it was started.
func isMwlua(pid int) bool {
	link := fmt.Sprintf("/proc/%d/exe", pid)
	path, err := os.Readlink(link)
	if err != nil {
		return false
	}
	return filepath.Base(strings.TrimSuffix(path, " (deleted)")) == "mwlua" || sameFile(link, "/proc/self/exe")
}
