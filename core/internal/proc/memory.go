package proc

import (
	"bufio"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Trim gives back the memory that only what is over has used, and takes some milliseconds of a processor. Of the heap it is what was
// collected. Of our binary it is all that can be read from the file again, most of which nothing but the initialisation has touched: it
// leaves this process, and stays in the page cache until somebody else needs the room (madvise(2), MADV_DONTNEED).
func Trim() {
	debug.FreeOSMemory()
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		begin, end, ok := unwritten(lines.Text(), path)
		if ok {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, begin, end-begin, unix.MADV_DONTNEED) // pages that are locked stay
		}
	}
}

// unwritten is where a line of /proc/self/maps (proc_pid_maps(5)) has a file that can only be read there; false means that it has something
// else: what can be written may be another thing by now than what is in the file.
func unwritten(line, path string) (begin, end uintptr, ok bool) {
	f := strings.SplitN(line, " ", 6) // addresses, permissions, offset, device, inode, blanks and path
	if len(f) < 6 || !strings.HasPrefix(f[1], "r-") || f[1][3] != 'p' || strings.TrimLeft(f[5], " ") != path {
		return 0, 0, false
	}
	from, to, _ := strings.Cut(f[0], "-")
	b, err := strconv.ParseUint(from, 16, strconv.IntSize)
	if err != nil {
		return 0, 0, false
	}
	e, err := strconv.ParseUint(to, 16, strconv.IntSize)
	return uintptr(b), uintptr(e), err == nil && b < e
}
