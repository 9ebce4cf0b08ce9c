package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	stormRuns = flag.Int("storm.runs", 0, "runs of the signal storm with SIGTERM; other signals get a quarter each; 0 is 200 in CI, 40 else")
	stormSeed = flag.Uint64("storm.seed", 0, "repeat the one storm with this seed (see the name of the failed test)")
)

// storms is how many there are: as many as the claim says where it is checked, and a sample elsewhere.
func storms() int {
	switch {
	case *stormRuns != 0:
		return *stormRuns
	case os.Getenv("CI") != "" && !underRace:
		return 200
	}
	return 40
}

// stormWords are what a line of the log says when a guard had to act, and when the master was not asked in time.
const guardActs = "stops its programs in its place"

// TestSignalStorm sends reloads by SIGUSR2 and SIGHUP every few milliseconds, each after the configuration was written anew,
// and one stop at a random moment (H-6.14, H-6.15). The master always ends; a second later no program is left; none was
// started after the stop; no second copy of a program ever ran. Without a stop, the last file written is the one that runs.
func TestSignalStorm(t *testing.T) {
	for _, kind := range []struct {
		stop string
		runs int
	}{{"TERM", storms()}, {"INT", storms() / 4}, {"USR1", storms() / 4}, {"", storms() / 4}} {
		t.Run("stop="+kind.stop, func(t *testing.T) {
			var acted, ended atomic.Int64
			t.Run("runs", func(t *testing.T) {
				for i := range kind.runs {
					seed := uint64(i + 1)
					if *stormSeed != 0 && *stormSeed != seed {
						continue
					}
					t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
						t.Parallel()
						s := newStorm(t, seed)
						s.blow(kind.stop)
						ended.Add(1)
						if strings.Contains(s.read("stderr"), guardActs) {
							acted.Add(1)
						}
					})
				}
			})
			t.Logf("the guard had to act in %d of %d runs", acted.Load(), ended.Load())
		})
	}
}

// storm is one master in bad weather.
type storm struct {
	t     *testing.T
	rng   *rand.Rand
	dir   string
	cmd   *exec.Cmd
	ended chan struct{}
	wrote int // the marker of the last configuration written
	// As process 1:
	wrap   []string // the command that makes the namespace
	target int      // the master's pid as we see it; 0 means that it is cmd's
}

func newStorm(t *testing.T, seed uint64) *storm {
	s := &storm{t: t, rng: rand.New(rand.NewPCG(seed, 4)), ended: make(chan struct{}), dir: t.TempDir()}
	dir, err := filepath.EvalSymlinks(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	s.dir = dir
	if err := os.Symlink(testBinary(t), filepath.Join(dir, "mwlua")); err != nil {
		t.Fatal(err)
	}
	s.write("prog.sh", "echo \"$MWLUA_INSTANCE $$ $1\" >>starts\nexec sleep 1000\n")
	s.configure()
	return s
}

// write replaces a file in one go.
func (s *storm) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		s.t.Fatal(err)
	}
}

func (s *storm) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(s.dir, name))
	return string(text)
}

// configure writes a configuration whose programs carry a new marker.
func (s *storm) configure() {
	s.wrote++
	s.write("haproxy.cfg", fmt.Sprintf("program a\n\tcommand sh prog.sh %d\nprogram b\n\tcommand sh prog.sh %d\n", s.wrote, s.wrote))
}

func (s *storm) start() {
	s.t.Helper()
	log, err := os.Create(filepath.Join(s.dir, "stderr"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	argv := append(s.wrap, filepath.Join(s.dir, "mwlua"), "run", "-haproxy", "haproxy.cfg")
	s.cmd = exec.Command(argv[0], argv[1:]...)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.dir, log, log
	s.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // or every end takes a second more
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.clean)
	go func() { // waits for the master; ends with it
		s.cmd.Wait()
		close(s.ended)
	}()
}

// blow sends 5 to 24 reloads, and the stop among them.
func (s *storm) blow(stop string) {
	s.start()
	s.until("the first start", func() bool { return strings.Contains(s.read("stderr"), "Loading success") })
	reloads := 5 + s.rng.IntN(20)
	at := s.rng.IntN(reloads)
	for i := range reloads {
		s.configure()
		s.signal([]string{"USR2", "HUP"}[s.rng.IntN(2)])
		s.pause(6 * time.Millisecond)
		if i == at && stop != "" {
			s.signal(stop)
		}
		s.pause(6 * time.Millisecond)
	}
	if stop == "" {
		s.lastWriteRuns()
		s.signal("TERM")
	}
	s.checkEnd()
}

// lastWriteRuns: no reload request is lost.
func (s *storm) lastWriteRuns() {
	s.t.Helper()
	for _, program := range []string{"a", "b"} {
		s.until(fmt.Sprintf("%s to run with %d", program, s.wrote), func() bool { return s.marker(program) == fmt.Sprint(s.wrote) })
	}
	masters := 1
	if s.wrap != nil {
		masters = 2 // with unshare
	}
	s.until("one instance of each", func() bool { return len(processesIn(s.dir)) == 2+masters })
}

// marker is what the last instance of a program was started with.
func (s *storm) marker(program string) string {
	last := ""
	for line := range strings.Lines(s.read("starts")) {
		if words := strings.Fields(line); len(words) == 3 && strings.HasPrefix(words[0], program+"#") {
			last = words[2]
		}
	}
	return last
}

func (s *storm) checkEnd() {
	s.t.Helper()
	s.until("the end of the master", s.isGone)
	s.until("the end of its programs", func() bool { return len(processesIn(s.dir)) == 0 })
	seen := map[string]bool{}
	for line := range strings.Lines(s.read("starts")) {
		id, _, _ := strings.Cut(line, " ")
		if seen[id] {
			s.t.Errorf("%s was started twice%s", id, s.files())
		}
		seen[id] = true
	}
	log := s.read("stderr")
	if _, after, ok := strings.Cut(log, "Exiting Master process..."); ok && strings.Contains(after, "forked") {
		s.t.Errorf("a program was started after the stop%s", s.files())
	}
	if strings.Contains(log, "panic") || strings.Contains(log, "DATA RACE") {
		s.t.Errorf("the log tells of a defect%s", s.files())
	}
}

// signal sends a signal to the master. It may be gone.
func (s *storm) signal(name string) {
	if !s.isGone() {
		s.kill(unix.SignalNum("SIG" + name))
	}
}

func (s *storm) isGone() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// pause lets up to limit pass: it makes the moment of the next signal a matter of chance, and waits for nothing.
func (s *storm) pause(limit time.Duration) {
	select {
	case <-time.After(time.Duration(s.rng.Int64N(int64(limit)))):
	case <-s.ended:
	}
}

func (s *storm) until(what string, holds func() bool) {
	s.t.Helper()
	if !comes(holds) {
		s.t.Fatalf("waited in vain for %s%s", what, s.files())
	}
}

func (s *storm) files() string {
	return fmt.Sprintf("\n-- starts --\n%s-- stderr --\n%s", s.read("starts"), s.read("stderr"))
}

// clean kills what a failed run left, by pid, if it still has our directory.
func (s *storm) clean() {
	s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.ended
	for range 1000 {
		left := processesIn(s.dir)
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
}
