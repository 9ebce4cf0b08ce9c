package proc

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// stdio names the steps that open the descriptors 0 to 2 of a program.
var stdioSteps = [3]string{"stdin", "stdout", "stderr"}

// openStdio returns c with the files of Stdio among its Files, and the descriptors to close once it was started. They are ours,
// opened with our rights, whoever the program runs as.
func (c Command) openStdio() (Command, []int, error) {
	files := []uintptr{0, 1, 2}
	copy(files, c.Files)
	if len(c.Files) > len(files) {
		files = append(files, c.Files[len(files):]...)
	}
	var opened []int
	for i, path := range c.Stdio {
		switch {
		case path == "":
			continue
		case i == 2 && path == c.Stdio[1]:
			files[2] = files[1] // as 2>&1 does
			continue
		}
		fd, err := openFor(i, path)
		if err != nil {
			closeAll(opened)
			return c, nil, &StartError{Step: stdioSteps[i], Path: path, Err: toErrno(err)}
		}
		opened = append(opened, fd)
		files[i] = uintptr(fd)
	}
	c.Files = files
	return c, opened, nil
}

// openFor opens what descriptor number i of a program is to be. It waits for nobody: a FIFO that nobody reads is an error, and one
// that nobody writes is at its end. The program itself finds it blocking, as it would have opened it.
func openFor(i int, path string) (int, error) {
	flags := unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT
	if i == 0 {
		flags = unix.O_RDONLY
	}
	fd, err := openUninterrupted(path, flags|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0o640)
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	err = errors.Join(unix.SetNonblock(fd, false), unix.Fstat(fd, &st))
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR { // open(2) refuses it for writing only
		err = unix.EISDIR
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// openUninterrupted is open(2) over interruptions: some file systems have them, whatever signal(7) says about SA_RESTART.
func openUninterrupted(path string, flags int, mode uint32) (int, error) {
	for {
		fd, err := syscall.Open(path, flags, mode)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
