package proc

import (
	"bufio"
	"io"
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
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer maps.Close()
	for _, m := range unwritten(maps, path) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.begin, m.end-m.begin, unix.MADV_DONTNEED) // pages that are locked stay
	}
}

// mapping is a range of addresses.
type mapping struct{ begin, end uintptr }

// unwritten finds in /proc/self/smaps (proc_pid_smaps(5)) where a file is mapped that can only be read there, and was never written: a
// linker makes what it has relocated read-only afterwards, and that is not in the file.
func unwritten(smaps io.Reader, path string) (all []mapping) {
	var m mapping
	ours := false
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		f := strings.Fields(lines.Text())
		switch {
		case len(f) < 2:
		case !strings.HasSuffix(f[0], ":"):
			m, ours = readOnly(lines.Text(), path)
		case f[0] == "Anonymous:" || f[0] == "Swap:":
			ours = ours && f[1] == "0"
		case f[0] == "VmFlags:" && ours: // the last line of each
			all = append(all, m)
		}
	}
	return all
}

// readOnly is the mapping of a line that begins one, if it is of that file and private, and cannot be written.
func readOnly(line, path string) (m mapping, ok bool) {
	f := strings.SplitN(line, " ", 6) // addresses, permissions, offset, device, inode, blanks and path
	if len(f) < 6 || !strings.HasPrefix(f[1], "r-") || !strings.HasSuffix(f[1], "p") || strings.TrimLeft(f[5], " ") != path {
		return m, false
	}
	from, to, _ := strings.Cut(f[0], "-")
	begin, err := strconv.ParseUint(from, 16, strconv.IntSize)
	if err != nil {
		return m, false
	}
	end, err := strconv.ParseUint(to, 16, strconv.IntSize)
	return mapping{uintptr(begin), uintptr(end)}, err == nil && begin < end
}
