package proc

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Process is the identity of a process: a pid is reused, these three together are not.
type Process struct {
	PID       int
	StartTime uint64 // in clock ticks since boot: field 22 of /proc/PID/stat; an execve does not change it
	BootID    string // of /proc/sys/kernel/random/boot_id
}

// Identify returns the identity of the process that has that pid now.
func Identify(pid int) (Process, error) {
	boot, err := read("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Process{}, err
	}
	_, fields, err := stat(pid)
	if err != nil {
		return Process{}, err
	}
	start, err := strconv.ParseUint(fields[22-3], 10, 64)
	if err != nil {
		return Process{}, fmt.Errorf("/proc/%d/stat: %w", pid, err)
	}
	return Process{PID: pid, StartTime: start, BootID: strings.TrimSpace(string(boot))}, nil
}

// stat returns the name in /proc/PID/stat, which may hold anything, and the fields from the third on (proc(5)).
func stat(pid int) (name string, fields []string, err error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	data, err := read(path)
	if err != nil {
		return "", nil, err
	}
	left, right := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	fields = strings.Fields(string(data[right+1:]))
	if left < 0 || right < left || len(fields) < 52-2 {
		return "", nil, fmt.Errorf("%s: %d fields", path, len(fields))
	}
	return string(data[left+1 : right]), fields, nil
}

// Pidfd is a descriptor of a process, child or not, that goes on naming it after its end.
type Pidfd int

// OpenPidfd opens the process that has that pid now.
func OpenPidfd(pid int) (Pidfd, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	return Pidfd(fd), err
}

// Signal sends a signal to the process and with group, on Linux 6.9 and later, to the process group that it is in as well.
func (p Pidfd) Signal(signal int, group bool) error {
	err := unix.PidfdSendSignal(int(p), unix.Signal(signal), nil, 0)
	if group {
		unix.PidfdSendSignal(int(p), unix.Signal(signal), nil, unix.PIDFD_SIGNAL_PROCESS_GROUP) // EINVAL before 6.9
	}
	if err == unix.ESRCH {
		return nil
	}
	return err
}

// Wait waits until one of the processes has ended, and returns its index; -1 when the time is over. A negative timeout is none.
// Entries below 0 are passed over.
func Wait(fds []Pidfd, timeout time.Duration) (int, error) {
	polled := make([]unix.PollFd, len(fds))
	for i, fd := range fds {
		polled[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	}
	if err := poll(polled, timeout); err != nil {
		return -1, err
	}
	for i, p := range polled {
		if p.Revents&(unix.POLLIN|unix.POLLHUP) != 0 {
			return i, nil
		}
	}
	return -1, nil
}

// poll is ppoll(2) over interruptions: Go's runtime sends its threads signals at any time.
func poll(fds []unix.PollFd, timeout time.Duration) error {
	deadline := Monotonic() + int64(timeout)
	for {
		var limit *unix.Timespec
		if timeout >= 0 {
			ts := unix.NsecToTimespec(max(0, deadline-Monotonic()))
			limit = &ts
		}
		if _, err := unix.Ppoll(fds, limit, nil); err != unix.EINTR {
			return err
		}
	}
}

// Fate returns the wait status of a process that has ended, whoever collects it: from /proc while nobody has, from the
// pidfd afterwards (Linux 6.15 and later). false means that it is not known.
func (p Pidfd) Fate(pid int) (unix.WaitStatus, bool) {
	if _, fields, err := stat(pid); err == nil && fields[0] == "Z" {
		if code, err := strconv.ParseUint(fields[52-3], 10, 32); err == nil {
			return unix.WaitStatus(code), true
		}
	}
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	if err := unix.IoctlPidfdInfo(int(p), &info); err != nil || info.Mask&unix.PIDFD_INFO_EXIT == 0 {
		return 0, false
	}
	return unix.WaitStatus(info.Exit_code), true
}
