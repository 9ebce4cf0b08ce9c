package proc

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// firstPassed is SD_LISTEN_FDS_START.
const firstPassed = 3

// lastPassed bounds Extra.At. Nobody may have more descriptors by default.
const lastPassed = 1023

// unused is the entry of ProcAttr.Files for a descriptor that is closed.
const unused = ^uintptr(0)

// listenPID begins the variable without which the others mean nothing.
const listenPID = "LISTEN_PID="

// Extra is a descriptor of ours that a program gets under the number At, from 3 to 1023.
type Extra struct {
	At int
	FD uintptr
}

// passOn returns c with what it is passed among its Files, and with the variables that say so, but for LISTEN_PID.
func (c Command) passOn() (Command, error) {
	if len(c.Listen) == 0 && len(c.Extra) == 0 {
		return c, nil
	}
	if len(c.ListenNames) != len(c.Listen) {
		return c, &StartError{Step: "sockets", Path: "names", Err: syscall.EINVAL}
	}
	c.Files = slices.Clone(c.attr(forked).Files)
	for i, fd := range c.Listen {
		if err := c.pass(firstPassed+i, fd, c.ListenNames[i]); err != nil {
			return c, err
		}
	}
	for _, e := range c.Extra {
		if err := c.pass(e.At, e.FD, fmt.Sprintf("descriptor %d", e.At)); err != nil {
			return c, err
		}
	}
	if len(c.Listen) > 0 {
		c.Env = append(withoutListen(c.Env), "LISTEN_FDS="+strconv.Itoa(len(c.Listen)), "LISTEN_FDNAMES="+strings.Join(c.ListenNames, ":"))
	}
	return c, nil
}

// pass puts fd at its number, which must be free.
func (c *Command) pass(at int, fd uintptr, name string) error {
	if at < firstPassed || at > lastPassed {
		return &StartError{Step: "sockets", Path: name, Err: syscall.EBADF}
	}
	if _, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil {
		return &StartError{Step: "sockets", Path: name, Err: toErrno(err)}
	}
	for len(c.Files) <= at {
		c.Files = append(c.Files, unused)
	}
	if c.Files[at] != unused {
		return &StartError{Step: "sockets", Path: name, Err: syscall.EEXIST}
	}
	c.Files[at] = fd
	return nil
}

// withoutListen is env without what is said of sockets that were passed to us, or to nobody.
func withoutListen(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains([]string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"}, name)
	})
}
