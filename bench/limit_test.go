package bench

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a supervisor may take for anything, however slow the machine is.
const patience = 30 * time.Second

// supervisor is something that starts programs: mwlua, or a loop in C that does nothing else.
type supervisor struct {
	name      string
	command   func(n int) []string             // that starts n programs, each of which runs program with the socket's name
	configure func(n int, round string) string // is the file that it reads, another one each round
	replace   syscall.Signal
}

// life is what one run of n programs has taken.
type life struct {
	start, replace, stop time.Duration
	pss                  int // kB, of all its own processes
}

// place is where the benchmark has its files, and the socket that programs report to.
type place struct {
	dir    string
	socket *net.UnixConn
}

// newPlace builds what is measured.
func newPlace(b *testing.B) *place {
	b.Helper()
	p := &place{dir: b.TempDir()}
	build := func(name string, args ...string) {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			b.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	for _, name := range []string{"limit", "program"} {
		build("gcc", "-O2", "-static", "-o", p.path(name), filepath.Join("testdata", name+".c"))
	}
	build("go", "build", "-tags", "grpcnotrace", "-o", p.path("mwlua"), "github.com/mwlua/mwlua/cmd/mwlua")
	var err error
	p.socket, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: "@mwlua-bench-" + strconv.Itoa(os.Getpid())})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.socket.Close() })
	return p
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

func (p *place) address() string { return strings.TrimPrefix(p.socket.LocalAddr().String(), "@") }

// supervisors are mwlua and the limit.
func (p *place) supervisors() []supervisor {
	return []supervisor{
		{
			name: "limit",
			command: func(n int) []string {
				return []string{p.path("limit"), strconv.Itoa(n), p.path("program"), p.address()}
			},
			configure: func(int, string) string { return "" },
			replace:   syscall.SIGHUP,
		},
		{
			name:    "mwlua",
			command: func(int) []string { return []string{p.path("mwlua"), "run", p.path("mwlua.conf")} },
			configure: func(n int, round string) string {
				return fmt.Sprintf("for i = 1, %d do program(\"p\" .. i) { command = { %q, %q }, env = { ROUND = %q } } end\n",
					n, p.path("program"), p.address(), round)
			},
			replace: syscall.SIGUSR2,
		},
	}
}

// run has s start n programs, replace them and stop them.
func (p *place) run(b *testing.B, s supervisor, n int) (l life) {
	b.Helper()
	words := s.command(n)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = p.dir
	log, err := os.Create(p.path(s.name + ".log"))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() }) // it may have ended
	defer timer.Stop()
	p.write(b, s, n, "first")
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	p.reported(b, s, n)
	l.start = time.Since(begun)
	l.pss = pss(b, cmd.Process.Pid)
	p.write(b, s, n, "second")
	begun = time.Now()
	p.signal(b, cmd, s.replace)
	p.reported(b, s, n)
	l.replace = time.Since(begun)
	begun = time.Now()
	p.signal(b, cmd, syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		said, _ := os.ReadFile(log.Name())
		b.Fatalf("%s: %v\n%s", s.name, err, said)
	}
	l.stop = time.Since(begun)
	return l
}

func (p *place) write(b *testing.B, s supervisor, n int, round string) {
	b.Helper()
	if err := os.WriteFile(p.path(s.name+".conf"), []byte(s.configure(n, round)), 0o644); err != nil {
		b.Fatal(err)
	}
}

func (p *place) signal(b *testing.B, cmd *exec.Cmd, sig syscall.Signal) {
	b.Helper()
	if err := cmd.Process.Signal(sig); err != nil {
		b.Fatal(err)
	}
}

// reported waits until n programs have said that they run.
func (p *place) reported(b *testing.B, s supervisor, n int) {
	b.Helper()
	if err := p.socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
		b.Fatal(err)
	}
	seen := make(map[uint32]bool)
	var pid [4]byte
	for len(seen) < n {
		if _, err := p.socket.Read(pid[:]); err != nil {
			b.Fatalf("%s: %d of %d programs have started: %v", s.name, len(seen), n, err)
		}
		seen[binary.NativeEndian.Uint32(pid[:])] = true
	}
}

// pss is the proportional set size of a process in kB (proc_pid_smaps_rollup(5)).
func pss(b *testing.B, pid int) int {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "\nPss:")
	line, _, _ := strings.Cut(rest, "kB")
	n, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkLives starts, replaces and stops 1 and 1,000 programs, with mwlua and with the limit by turns, and tells medians and how much
// longer mwlua takes. A reload of mwlua has its trial and its exec in it.
func BenchmarkLives(b *testing.B) {
	p := newPlace(b)
	for _, n := range []int{1, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			lives := make(map[string][]life)
			for b.Loop() {
				for _, s := range p.supervisors() {
					lives[s.name] = append(lives[s.name], p.run(b, s, n))
				}
			}
			limit, ours := lives["limit"], lives["mwlua"]
			for what, of := range map[string]func(life) time.Duration{
				"start":   func(l life) time.Duration { return l.start },
				"replace": func(l life) time.Duration { return l.replace },
				"stop":    func(l life) time.Duration { return l.stop },
			} {
				b.ReportMetric(float64(median(ours, of))/float64(median(limit, of)), "x-"+what)
				b.ReportMetric(float64(median(ours, of).Microseconds())/1000, "ms-"+what)
			}
			b.ReportMetric(float64(median(ours, func(l life) int { return l.pss }))/1000, "MB-pss")
		})
	}
}

func median[T cmp.Ordered](lives []life, of func(life) T) T {
	var all []T
	for _, l := range lives {
		all = append(all, of(l))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
