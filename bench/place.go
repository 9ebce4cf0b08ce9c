package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// place is where supervisors are measured: their binaries, and the socket that programs report to.
type place struct {
	pace
	root   string // of the repository
	dir    string // its own
	socket *net.UnixConn
	runs   int
}

// newPlace makes a place in dir, an empty directory, with the program that all supervisors run. This process gets what they leave behind:
// nothing else in it may have children meanwhile.
func newPlace(root, dir string) (*place, error) {
	p := &place{pace: fullPace(), root: root, dir: dir}
	if err := p.compile("program"); err != nil {
		return nil, err
	}
	const setChildSubreaper = 36 // PR_SET_CHILD_SUBREAPER of prctl(2)
	if _, _, err := syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0); err != 0 {
		return nil, fmt.Errorf("cannot become a subreaper: %v", err)
	}
	var err error
	p.socket, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: "@" + p.crash()})
	return p, err
}

func (p *place) close() { _ = p.socket.Close() }

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

// crash is the file that has programs end as soon as they have started, and the name of the socket.
func (p *place) crash() string { return p.path("crash") }

// compile builds a binary from testdata.
func (p *place) compile(name string) error {
	return p.build("gcc", "-O2", "-static", "-o", p.path(name), filepath.Join("bench/testdata", name+".c"))
}

// buildGo builds a binary from a package, as `make build` does.
func (p *place) buildGo(name, pkg string, flags ...string) error {
	words := append([]string{"build", "-trimpath", "-tags", "grpcnotrace", "-ldflags", "-s -w", "-o", p.path(name)}, flags...)
	return p.build("go", append(words, pkg)...)
}

func (p *place) build(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = p.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build %q: %v: %s", args[len(args)-1], err, strings.TrimSpace(string(out)))
	}
	return nil
}

// report waits until a program says that it has started, and yields its pid.
func (p *place) report(deadline time.Time) (int, error) {
	var pid [4]byte
	if err := p.socket.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	if _, err := p.socket.Read(pid[:]); err != nil {
		return 0, err
	}
	return int(binary.NativeEndian.Uint32(pid[:])), nil
}

// drain forgets the reports that nobody has waited for.
func (p *place) drain() {
	for {
		if _, err := p.report(time.Now().Add(time.Millisecond)); errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
	}
}
