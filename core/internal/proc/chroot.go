package proc

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// errUnknown says that a look at a file gives no answer, so that it is up to an execve.
var errUnknown = errors.New("not known")

// mode is the mode of the file that path is to the program, in its root and relative to its directory.
func (c Command) mode(path string) (os.FileMode, error) {
	if c.Chroot != "" {
		return c.modeInChroot(path)
	}
	if c.Dir != "" && !filepath.IsAbs(path) {
		path = filepath.Join(c.Dir, path)
	}
	st, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return st.Mode(), nil
}

// modeInChroot does not follow a link out of it (openat2(2), since Linux 5.6).
func (c Command) modeInChroot(path string) (os.FileMode, error) {
	if !filepath.IsAbs(path) {
		path = c.Dir + "/" + path
	}
	root, err := unix.Open(c.Chroot, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, errUnknown // the start will say why
	}
	defer unix.Close(root)
	fd, err := unix.Openat2(root, path, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT})
	switch err {
	case nil:
	case unix.ENOENT, unix.ENOTDIR, unix.EACCES:
		return 0, err
	default: // no such call, or a container that forbids it
		return 0, errUnknown
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, errUnknown
	}
	return st.Mode(), nil
}
