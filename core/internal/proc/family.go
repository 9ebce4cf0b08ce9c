package proc

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// seen is what /proc/PID/stat says of a process.
type seen struct {
	Member
	parent, group, session int
	alive                  bool
}

// see looks at the process that has that pid now; false means that there is none.
func see(pid int) (seen, bool) {
	name, fields, err := stat(pid)
	if err != nil {
		return seen{}, false
	}
	number := func(field int) int {
		n, _ := strconv.Atoi(fields[field-3]) // the kernel writes numbers
		return n
	}
	start, _ := strconv.ParseUint(fields[22-3], 10, 64)
	// A process whose first thread has ended looks like one that has, but for the number of its threads.
	dead := (fields[0] == "Z" || fields[0] == "X") && number(20) <= 1
	return seen{
		Member: Member{PID: pid, StartTime: start, Name: name},
		parent: number(4), group: number(5), session: number(6), alive: !dead,
	}, true
}

// look is one look at who is whose child.
type look struct {
	byParent map[int][]int // nil where the kernel lists the children of a process
}

// newLook reads all processes if there is no other way: without CONFIG_PROC_CHILDREN (proc(5)).
func newLook() look {
	if _, err := os.Stat("/proc/thread-self/children"); err == nil {
		return look{}
	}
	return look{byParent: scan()}
}

// scan is the children of every process, by its pid.
func scan() map[int][]int {
	byParent := make(map[int][]int)
	for _, name := range namesIn("/proc") {
		if pid, err := strconv.Atoi(name); err == nil {
			if p, ok := see(pid); ok {
				byParent[p.parent] = append(byParent[p.parent], pid)
			}
		}
	}
	return byParent
}

// children lists the children of a process, those that have ended among them. It misses none of our own: the kernel may skip some
// when others are collected meanwhile (proc(5)), which only the caller does.
func (l look) children(pid int) []int {
	if l.byParent != nil {
		return l.byParent[pid]
	}
	var pids []int
	task := fmt.Sprintf("/proc/%d/task", pid)
	for _, thread := range namesIn(task) {
		text, _ := os.ReadFile(task + "/" + thread + "/children") // a thread may be gone
		for word := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// namesIn lists a directory; nothing if there is none.
func namesIn(dir string) []string {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	return names
}

// descendants adds to all who lives below a process. What it finds under a number is a child of whose child it should be: the
// children are listed first and the process is looked at then, so a number that changed hands meanwhile has the wrong parent.
func (l look) descendants(all []seen, pid int) []seen {
	for _, child := range l.children(pid) {
		below := l.descendants(nil, child)
		if p, ok := see(child); ok && p.parent == pid && p.alive {
			all = append(append(all, p), below...)
		}
	}
	return all
}

// has reports whether the environment of a process, as it was at its execve, has all these entries. A process may write over it, and
// that of another user may not be ours to read (proc(5)): then it has none.
func (p seen) has(entries []string) bool {
	if len(entries) == 0 {
		return false
	}
	env := environ(p.PID)
	return !slices.ContainsFunc(entries, func(e string) bool { return !slices.Contains(env, e) })
}

// environ is the environment of a process. In the midst of an execve there is none for some 0.1 ms, and that is waited for, up to 2 ms.
func environ(pid int) []string {
	for range 20 {
		if text := head(pid, "environ"); text != "" {
			return strings.Split(text, "\x00")
		}
		if p, ok := see(pid); !ok || !p.alive || head(pid, "cmdline") != "" { // whoever has executed something has a command line
			return nil
		}
		_ = poll(nil, 100*time.Microsecond)
	}
	return nil
}

// head is as much of a file of a process as an execve takes: a process may say that its environment is longer (prctl(2), PR_SET_MM).
// It is empty where we may not look.
func head(pid int, file string) string {
	f, err := os.Open(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return ""
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 6<<20))
	if err != nil {
		return ""
	}
	return string(text)
}
