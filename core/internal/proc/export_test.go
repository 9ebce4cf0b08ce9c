package proc

import "strings"

// ListedChildren and ScannedChildren are the two ways to find the children of a process.
func ListedChildren(pid int) []int  { return look{}.children(pid) }
func ScannedChildren(pid int) []int { return look{byParent: scan()}.children(pid) }

// CGroupAt is where a cgroup is, given /proc/self/mountinfo.
func CGroupAt(path, mounts string) (string, error) { return cgroupAt(path, mounts) }

// Unwritten reports whether Trim takes anything of a process that has these mappings.
func Unwritten(smaps, path string) bool { return len(unwritten(strings.NewReader(smaps), path)) > 0 }

// Adopted lists the children of our first thread.
func Adopted() []int { return look{}.adopted() }
