package proc

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CGroupRoot returns the directory of the cgroup2 that we are in, if we can make others in it (cgroups(7)). The error says why not.
// It stays the same until somebody moves us.
func CGroupRoot() (string, error) {
	dir, err := cgroupDir("self")
	if err != nil {
		return "", err
	}
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return "", fmt.Errorf("cannot make cgroups in %q: %w", dir, err)
	}
	return dir, nil
}

// cgroupDir returns the directory of the cgroup2 of a process, as we see it; pid may be "self".
func cgroupDir(pid string) (string, error) {
	cgroups, err := read("/proc/" + pid + "/cgroup")
	if err != nil {
		return "", err
	}
	mounts, err := read("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(cgroups)) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return cgroupAt(strings.TrimSuffix(path, "\n"), string(mounts))
		}
	}
	return "", errors.New("no cgroup2")
}

// cgroupAt returns where a path in the cgroup2 hierarchy is mounted, given /proc/self/mountinfo. On a hybrid system, that is a place
// such as /sys/fs/cgroup/unified.
func cgroupAt(path, mounts string) (string, error) {
	for line := range strings.Lines(mounts) {
		mount, source, _ := strings.Cut(line, " - ")
		f := strings.Fields(mount)
		if !strings.HasPrefix(source, "cgroup2 ") || len(f) < 5 {
			continue
		}
		root, point := strings.TrimSuffix(unescapeMount(f[3]), "/"), unescapeMount(f[4])
		if below, ok := strings.CutPrefix(path, root); ok && (below == "" || below[0] == '/') && !strings.HasPrefix(below, "/..") {
			return filepath.Join(point, below), nil
		}
	}
	return "", errors.New("no cgroup2 is mounted that has ours in it")
}

// unescapeMount undoes what mountinfo does to a space, a tab, a newline and a backslash (proc_pid_mountinfo(5)).
func unescapeMount(text string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(text)
}

// MakeCGroup makes a cgroup for something of that name, which may hold any bytes, below root (see CGroupRoot), and returns its
// directory, and a descriptor of it for Command.CGroup that the caller closes after the start. One that is left of an earlier process
// with our pid is used again if it is empty.
func MakeCGroup(root, name string) (dir string, fd int, err error) {
	dir = filepath.Join(root, fmt.Sprintf("mwlua.%d.%s", os.Getpid(), cgroupName(name)))
	err = unix.Mkdir(dir, 0o755)
	if err == unix.EEXIST && !populated(dir) {
		err = nil
	}
	if err == nil {
		if fd, err = unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			_ = unix.Rmdir(dir) // it has nothing in it
		}
	}
	if err != nil {
		return "", 0, fmt.Errorf("cannot make cgroup %q: %w", dir, err)
	}
	return dir, fd, nil
}

// cgroupName is name as the end of a file's name. What is too long for one ends with a hash.
func cgroupName(name string) string {
	const longest = 150
	var b strings.Builder
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.#[]@", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	if b.Len() <= longest {
		return b.String()
	}
	h := fnv.New128a()
	h.Write([]byte(name))
	return b.String()[:longest] + fmt.Sprintf("~%x", h.Sum(nil))
}

// populated reports whether a cgroup, or one below it, has a process that has not ended. One that does not exist has none.
func populated(dir string) bool {
	events, err := read(dir + "/cgroup.events")
	return err == nil && strings.Contains("\n"+string(events), "\npopulated 1\n")
}

// WasShortOfMemory reports whether the kernel has killed a process of a cgroup, or of one below it, for want of memory. Where the memory
// controller is not there it cannot be known, and is false.
func WasShortOfMemory(dir string) bool {
	events, _ := read(dir + "/memory.events") // it may not be there
	for line := range strings.Lines(string(events)) {
		if count, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			return count != "0"
		}
	}
	return false
}

// processesIn lists the processes of a cgroup and of those below it. Those that have ended are not among them, nor are those of other
// pid namespaces.
func processesIn(dir string) []int {
	var pids []int
	for _, d := range cgroupsFrom(dir) {
		text, _ := read(d + "/cgroup.procs") // it may be gone
		for word := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil && pid > 0 {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// cgroupsFrom lists dir and the cgroups below it, each before those that it has.
func cgroupsFrom(dir string) []string {
	var dirs []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil // one that is gone meanwhile is left out
	})
	return dirs
}

// seenIn looks at the processes of a cgroup.
func seenIn(dir string) []seen {
	if !populated(dir) {
		return nil
	}
	var all []seen
	for _, pid := range processesIn(dir) {
		if p, ok := see(pid); ok && p.alive {
			all = append(all, p)
		}
	}
	return all
}

// cgroupHas reports whether a process is in a cgroup or in one below it.
func cgroupHas(dir string, pid int) bool {
	its, err := cgroupDir(strconv.Itoa(pid))
	return err == nil && (its == dir || strings.HasPrefix(its, dir+"/"))
}

// killCGroup kills every process of a cgroup and of those below it, at one stroke. Before Linux 5.14 it cannot, and the error is
// os.ErrNotExist, as it is when there is no such cgroup.
func killCGroup(dir string) error {
	f, err := os.OpenFile(dir+"/cgroup.kill", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString("1")
	return err
}

// RemoveCGroup removes a cgroup that is empty, and those below it. It is no error that there is none.
func RemoveCGroup(dir string) error {
	if unix.Rmdir(dir) == nil {
		return nil
	}
	dirs := cgroupsFrom(dir)
	for i := len(dirs) - 1; i >= 0; i-- {
		if err := unix.Rmdir(dirs[i]); err != nil && err != unix.ENOENT {
			return fmt.Errorf("cannot remove cgroup %q: %w", dirs[i], err)
		}
	}
	return nil
}
