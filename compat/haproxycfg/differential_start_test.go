package haproxycfg

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// dumpScript is the program that HAProxy runs, under the name that the command begins with. It writes its argv, whose strings
// are not empty, and an empty one that ends it. The kernel puts its path in the place of argv[0]. A small C program would take
// 0.8 ms instead of 1.3, one in Go 1.7, the test binary 5.
const dumpScript = "#!/bin/sh\nprintf '%s\\0' \"$0\" \"$@\" ''\n"

// start runs the programs of trials in one HAProxy and collects their argv. When that fails no verdict says started.
func (h *haproxy) start(t *testing.T, trials []*trial, verdicts map[*trial]*verdict) {
	t.Helper()
	if len(trials) == 0 {
		return
	}
	named := make(map[string]*verdict)
	for _, c := range trials {
		named[c.file()] = verdicts[c]
		for _, argv := range c.outcome.argvs {
			if err := os.Symlink("../dump", filepath.Join(h.bin, argv[0])); err != nil && !os.IsExist(err) {
				t.Fatal(err)
			}
		}
	}
	forks, dumps := h.live(t, trials)
	for _, v := range named {
		v.started = forks != nil
	}
	for _, f := range forks {
		if v := named[f.file]; v != nil {
			v.argvs = append(v.argvs, h.argv(dumps[f.pid]))
		}
	}
}

// argv is what a program wrote, nil if it did not.
func (h *haproxy) argv(dump string) []string {
	dump, complete := strings.CutSuffix(dump, "\x00\x00")
	if !complete {
		return nil
	}
	return strings.Split(strings.TrimPrefix(dump, h.bin+"/"), "\x00")
}

// fork is a program that HAProxy says it started.
type fork struct {
	file string // of the trial that it belongs to
	pid  int
}

// live starts HAProxy, waits until all programs wrote what they have to, and kills it together with its worker. They are a
// process group. The thread that starts HAProxy is kept: when it ends, by whatever end of the tests, HAProxy dies.
func (h *haproxy) live(t *testing.T, trials []*trial) ([]fork, map[int]string) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	packets, programs := socketPair(t)
	defer packets.Close()
	log, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := h.command(trials, restoreFile)
	cmd.Stdout, cmd.Stderr = programs, write
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	err = cmd.Start()
	programs.Close()
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // not yet waited for, the group is ours

	deadline := time.Now().Add(patience)
	log.SetReadDeadline(deadline)
	packets.SetReadDeadline(deadline)
	forks := forked(log)
	go io.Copy(io.Discard, log) // what HAProxy still says, until log is closed
	return forks, collect(packets, forks)
}

// socketPair is one that keeps the boundaries of what is written, and tells who wrote it.
func socketPair(t *testing.T) (*net.UnixConn, *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "packets"), os.NewFile(uintptr(fds[1]), "programs")
	defer ours.Close()
	if err := unix.SetsockoptInt(fds[0], unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		t.Fatal(err)
	}
	conn, err := net.FileConn(ours)
	if err != nil {
		t.Fatal(err)
	}
	return conn.(*net.UnixConn), theirs
}

var forkLine = regexp.MustCompile(`(?s)New program '(c\d+).*?' \((\d+)\) forked\n`)

// forked reads from the log which programs were started, nil if HAProxy gave up.
func forked(log io.Reader) []fork {
	var text strings.Builder
	for lines := bufio.NewReader(log); ; {
		line, err := lines.ReadString('\n')
		text.WriteString(line)
		if err != nil {
			return nil
		}
		if strings.HasSuffix(line, " : Loading success.\n") {
			break
		}
	}
	forks := []fork{}
	for _, m := range forkLine.FindAllStringSubmatch(text.String(), -1) {
		pid, _ := strconv.Atoi(m[2])
		forks = append(forks, fork{m[1], pid})
	}
	return forks
}

// collect reads until each of the programs wrote all, or none is left that could.
func collect(packets *net.UnixConn, forks []fork) map[int]string {
	dumps := make(map[int]string)
	buffer, control := make([]byte, 1<<18), make([]byte, 256)
	for missing := len(forks); missing > 0; {
		n, m, _, _, err := packets.ReadMsgUnix(buffer, control)
		if err != nil || n == 0 {
			break
		}
		pid, err := sender(control[:m])
		if err != nil {
			panic(fmt.Sprintf("internal error: the kernel does not say who writes: %v", err))
		}
		dumps[pid] += string(buffer[:n])
		if strings.HasSuffix(dumps[pid], "\x00\x00") {
			missing--
		}
	}
	return dumps
}

func sender(control []byte) (int, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) != 1 {
		return 0, fmt.Errorf("%d messages: %v", len(messages), err)
	}
	credential, err := unix.ParseUnixCredentials(&messages[0])
	if err != nil {
		return 0, err
	}
	return int(credential.Pid), nil
}
