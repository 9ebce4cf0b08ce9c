package host

import (
	"fmt"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Alone is Processes of a process in which nobody else collects children: a test, or a command that runs one plugin. Its goroutine for
// each process costs a thread.
func Alone() Processes { return alone{} }

type alone struct{}

// Start implements Processes.
func (alone) Start(c Command) (Process, error) {
	attr := &syscall.ProcAttr{Dir: c.Dir, Env: c.Env, Files: c.Files, Sys: &syscall.SysProcAttr{Setpgid: true}}
	if c.User != nil {
		attr.Sys.Credential = &syscall.Credential{Uid: c.User.UID, Gid: c.User.GID, Groups: c.User.Groups, NoSetGroups: syscall.Geteuid() != 0}
	}
	pid, err := syscall.ForkExec(c.Path, c.Args, attr)
	if err != nil {
		return Process{}, err
	}
	ended := make(chan Exit, 1)
	child := &child{pid: pid}
	// It waits for the end of the process, sends it to ended, and ends with that.
	go func() { ended <- child.wait() }()
	return Process{Identity: Identity{PID: pid}, Ended: ended, Signal: child.signal}, nil
}

// Adopt implements Processes.
func (alone) Adopt(i Identity) (Process, error) {
	return Process{}, fmt.Errorf("%d is not our child", i.PID)
}

// child is a process that was started and maybe not yet collected.
type child struct {
	pid       int
	mu        sync.Mutex
	collected bool
}

func (c *child) signal(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.collected {
		unix.Kill(-c.pid, s)
	}
}

func (c *child) wait() Exit {
	// The number is the child's until it is collected, so what is left of its group can be killed before.
	for unix.Waitid(unix.P_PID, c.pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	c.signal(unix.SIGKILL)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.collected = true
	var ws syscall.WaitStatus
	for {
		if _, err := syscall.Wait4(c.pid, &ws, 0, nil); err != syscall.EINTR {
			break
		}
	}
	if ws.Signaled() {
		return Exit{Signal: int(ws.Signal())}
	}
	return Exit{Code: ws.ExitStatus()}
}
