package proc

// ListedChildren and ScannedChildren are the two ways to find the children of a process.
func ListedChildren(pid int) []int  { return look{}.children(pid) }
func ScannedChildren(pid int) []int { return look{byParent: scan()}.children(pid) }

// CGroupAt is where a cgroup is, given /proc/self/mountinfo.
func CGroupAt(path, mounts string) (string, error) { return cgroupAt(path, mounts) }

// Unwritten says which mappings Trim takes.
func Unwritten(line, path string) (begin, end uintptr, ok bool) { return unwritten(line, path) }

// Adopted lists the children of our first thread.
func Adopted() []int { return look{}.adopted() }
