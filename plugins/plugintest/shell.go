package plugintest

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/plugins/host"
)

// underShell starts a plugin as the child of a shell, which stands for a host that can be killed. What host.Alone does at the end of
// a process, to kill the rest of its group, would end the plugin here.
type underShell struct {
	shell  int // its pid
	plugin int // a pidfd
}

// pidScript runs a plugin and tells descriptor 9 its pid.
const pidScript = `"$@" 9>&- & echo $! >&9; exec 9>&-; wait`

// Start implements host.Processes.
func (u *underShell) Start(c host.Command) (host.Process, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return host.Process{}, err
	}
	defer read.Close()
	files := append([]uintptr{}, c.Files[:3]...)
	for len(files) < 9 {
		files = append(files, ^uintptr(0)) // closed
	}
	attr := &syscall.ProcAttr{Dir: c.Dir, Env: c.Env, Files: append(files, write.Fd()), Sys: &syscall.SysProcAttr{Setpgid: true}}
	if c.User != nil {
		attr.Sys.Credential = &syscall.Credential{Uid: c.User.UID, Gid: c.User.GID, Groups: c.User.Groups}
	}
	// The path of c is one of our descriptors; its first word is the file itself.
	u.shell, err = syscall.ForkExec("/bin/sh", append([]string{"sh", "-c", pidScript, "sh"}, c.Args...), attr)
	write.Close()
	if err != nil {
		return host.Process{}, err
	}
	ended := make(chan host.Exit, 1)
	// It waits for the end of the shell, sends that, and ends with it.
	go func() {
		var ws syscall.WaitStatus
		for {
			if _, err := syscall.Wait4(u.shell, &ws, 0, nil); err != syscall.EINTR {
				break
			}
		}
		ended <- host.Exit{Code: ws.ExitStatus()}
	}()
	if err := u.open(read); err != nil {
		unix.Kill(-u.shell, unix.SIGKILL)
		return host.Process{}, err
	}
	return host.Process{
		Identity: host.Identity{PID: u.shell}, Ended: ended,
		Signal: func(s syscall.Signal) { unix.PidfdSendSignal(u.plugin, s, nil, 0) },
	}, nil
}

// open opens the plugin, whose pid comes from read.
func (u *underShell) open(read io.Reader) error {
	text, err := io.ReadAll(read)
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("the shell said %q: %w", text, err)
	}
	u.plugin, err = unix.PidfdOpen(pid, 0)
	return err
}

// Adopt implements host.Processes.
func (u *underShell) Adopt(i host.Identity) (host.Process, error) {
	return host.Process{}, fmt.Errorf("%d is not our child", i.PID)
}

// kill kills the shell, and nobody else.
func (u *underShell) kill() error { return unix.Kill(u.shell, unix.SIGKILL) }

func (u *underShell) close() { unix.Close(u.plugin) }
