package proc

import (
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// seen is what /proc/PID/stat says of a process.
type seen struct {
	Member
	parent, group, session int
	alive                  bool
	unsure                 bool // whether it is of the unit that it was taken for
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

// children lists the children of a process, of all its threads, those that have ended among them. The kernel may skip some when others
// are collected meanwhile (proc(5)).
func (l look) children(pid int) []int {
	if l.byParent != nil {
		return l.byParent[pid]
	}
	var pids []int
	for _, thread := range namesIn(fmt.Sprintf("/proc/%d/task", pid)) {
		pids = append(pids, childrenOf(pid, thread)...)
	}
	return pids
}

// adopted lists the children of our first thread, to which the kernel gives all that we adopt (find_new_reaper in kernel/exit.c), and
// to which those belong that it has started itself. It misses none, because nobody but the caller collects them.
func (l look) adopted() []int {
	pid := os.Getpid()
	if l.byParent != nil {
		return l.byParent[pid]
	}
	return childrenOf(pid, strconv.Itoa(pid))
}

// childrenOf lists the children of a thread; none if it is gone.
func childrenOf(pid int, thread string) []int {
	text, _ := read(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread))
	var pids []int
	for word := range strings.FieldsSeq(string(text)) {
		if child, err := strconv.Atoi(word); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}

// maxLists bounds how often orphans lists our children.
const maxLists = 50

// orphans yields our children that are not mine, the dead among them. One that is dead may have been alive when it was listed, and have
// left its own children to us after that: then ours are listed again, until the list has nothing new.
func (l look) orphans(mine func(pid int) bool) iter.Seq[seen] {
	return func(yield func(seen) bool) {
		before := make(map[int]bool)
		for range maxLists {
			again := false
			for _, pid := range l.adopted() {
				if mine(pid) || before[pid] {
					continue
				}
				before[pid] = true
				if p, ok := see(pid); ok && !yield(p) {
					return
				}
				again = again || ended(pid)
			}
			if !again {
				return
			}
			l = newLook()
		}
	}
}

// ended reports whether a child of ours has ended, without collecting it.
func ended(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err != nil || info.Signo != 0
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

// environ is the environment of a process, as it was at its execve; none where we may not look, and a process may write over it (proc(5)).
// In the midst of an execve there is none to be seen, for some 0.1 ms. That is waited for, up to 2 ms; false means that it was not enough.
func environ(pid int) ([]string, bool) {
	without := 0 // how often it had none, and was in no execve after that: it may have ended one meanwhile
	for range 20 {
		if text := head(pid, "environ"); text != "" {
			return strings.Split(text, "\x00"), true
		}
		if p, ok := see(pid); !ok || !p.alive {
			return nil, true
		}
		if head(pid, "cmdline") != "" { // whoever has executed something has a command line
			without++
		} else {
			without = 0
		}
		if without == 2 {
			return nil, true
		}
		_ = poll(nil, 100*time.Microsecond)
	}
	return nil, false
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
