package main

import (
	"fmt"
	"os"
	"syscall"
)

// silent says whether nothing is to be said. The configuration may wish that (H-4.12), and -V overrides it.
func (s *sources) silent(configured bool) bool { return (s.quiet || configured) && !s.verbose }

// settle gives the descriptors their final form, for the programs that are about to be started have the same ones. It comes
// after a load that succeeded: that may have read standard input, and what is wrong with the configuration is told even if
// the configuration is quiet. A later image finds them as they are, and settles them again.
func (s *sources) settle(o *output, configuredQuiet bool) error {
	silent := s.silent(configuredQuiet)
	o.mute.Store(silent)
	var fds []int
	if silent || s.detaches() {
		fds = append(fds, 0)
	}
	if silent && s.logFile == "" {
		fds = append(fds, 1, 2)
	}
	return toNull(fds...)
}

// toNull puts /dev/null in the place of descriptors.
func toNull(fds ...int) error {
	if len(fds) == 0 {
		return nil
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	return replace(null, fds...)
}

// replace puts f in the place of descriptors, for us and for every program.
func replace(f *os.File, fds ...int) error {
	for _, fd := range fds {
		if err := syscall.Dup3(int(f.Fd()), fd, 0); err != nil {
			return err
		}
	}
	return nil
}

// openLog makes the file of --log-file standard output and error.
func (s *sources) openLog() error {
	if s.logFile == "" {
		return nil
	}
	f, err := appendTo(s.logFile)
	if err != nil {
		return err
	}
	defer f.Close()
	return replace(f, 1, 2)
}

// appendTo opens a file for a log. It does not wait for the reader of a FIFO, and takes no terminal for the session of a daemon.
func appendTo(path string) (*os.File, error) {
	const flags = syscall.O_WRONLY | syscall.O_APPEND | syscall.O_CREAT | syscall.O_CLOEXEC | syscall.O_NONBLOCK | syscall.O_NOCTTY
	fd, err := syscall.Open(path, flags, 0o640)
	if err == nil {
		err = syscall.SetNonblock(fd, false)
	}
	if err != nil {
		return nil, fmt.Errorf("--log-file: cannot open %q: %v: name a file that mwlua may write", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}
