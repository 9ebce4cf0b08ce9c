package proc_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/program"
)

// tell runs a shell script as command says, and returns the lines of its output.
func (c *children) tell(command proc.Command, script string) []string {
	c.t.Helper()
	command.Stdio[1] = filepath.Join(c.t.TempDir(), "out")
	command.Argv = []string{"/bin/sh", "-c", script}
	checkExit(c.t, c.run(command), proc.Exit{})
	out, err := os.ReadFile(command.Stdio[1])
	must(c.t, err)
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

func (c *children) checkTells(command proc.Command, script string, want ...string) {
	c.t.Helper()
	if got := c.tell(command, script); !slices.Equal(got, want) {
		c.t.Errorf("%s says %q, want %q", script, got, want)
	}
}

func TestProgramGetsItsNiceAndScore(t *testing.T) {
	if !alone(t) {
		return
	}
	must(t, proc.Own())
	c := newChildren(t)
	const script = `set -- $(cat /proc/self/stat); shift 18; echo $1; cat /proc/self/oom_score_adj`
	plain := c.tell(proc.Command{}, script)
	score, err := strconv.Atoi(plain[1])
	must(t, err)
	c.checkTells(proc.Command{Nice: new(7)}, script, "7", plain[1])
	c.checkTells(proc.Command{OOMScoreAdj: new(score + 100)}, script, plain[0], fmt.Sprint(score+100))
	c.checkTells(proc.Command{OOMScoreAdj: new(score + 1), Nice: new(19), Limits: noCore}, script, "19", fmt.Sprint(score+1))
	if os.Getuid() == 0 {
		c.checkTells(proc.Command{Nice: new(-3), User: &proc.Identity{UID: nobody, GID: nobody}}, script, "-3", plain[1])
	}
}

// TestProgramGetsItsScoreWhateverItsLimits: what it takes to set it is had before they hold.
func TestProgramGetsItsScoreWhateverItsLimits(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	command := proc.Command{Argv: []string{"/bin/true"}, OOMScoreAdj: new(1000), Nice: new(19), NoNewPrivs: true}
	for _, command.Limits = range [][]proc.Limit{{{"as", 32 << 20, 32 << 20}, {"data", 8 << 20, 8 << 20}}, {{"fsize", 0, 0}}} {
		command.Env = []string{"V=" + strings.Repeat("x", 100_000)}
		checkExit(t, c.run(command), proc.Exit{})
	}
	command.Limits = []proc.Limit{{"nofile", 0, 0}} // it cannot open its libraries
	if exit := c.run(command); exit.Code != 127 {
		t.Errorf("it ended as %+v", exit)
	}
	none(t)
}

func TestProgramIsInTheGroupItShould(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	ours := fmt.Sprint(unix.Getpgrp())
	sid, err := unix.Getsid(0)
	must(t, err)
	for group, own := range map[program.Group][2]bool{program.OwnGroup: {true, false}, program.OwnSession: {true, true}, program.NoGroup: {false, false}} {
		for _, limits := range [][]proc.Limit{nil, noCore} {
			got := c.tell(proc.Command{Group: group, Limits: limits}, `read -r pid name state ppid pgrp session rest </proc/self/stat; echo $pid $pgrp $session`)
			f := strings.Fields(got[0])
			want := []string{f[0], ours, fmt.Sprint(sid)}
			if own[0] {
				want[1] = f[0]
			}
			if own[1] {
				want[2] = f[0]
			}
			if !slices.Equal(f, want) {
				t.Errorf("group %q, limits %v: pid, group and session are %v, want %v", group, limits, f, want)
			}
		}
	}
}

func TestProgramGetsNoNewPrivs(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	c.checkTells(proc.Command{NoNewPrivs: true}, `grep NoNewPrivs /proc/self/status`, "NoNewPrivs:\t1")
	c.checkTells(proc.Command{Limits: noCore}, `grep NoNewPrivs /proc/self/status`, "NoNewPrivs:\t0")
}

// set is a set of capabilities as /proc/PID/status has it.
func set(numbers ...uint) string {
	bits := uint64(0)
	for _, n := range numbers {
		bits |= 1 << n
	}
	return fmt.Sprintf("%016x", bits)
}

// TestProgramHasTheseCapabilities, and no others, in a program that it executes, too.
func TestProgramHasTheseCapabilities(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	if !alone(t) {
		return
	}
	c := newChildren(t)
	somebody := &proc.Identity{UID: nobody, GID: nobody}
	script := `grep ^Cap /proc/self/status | tr -d '\t'`
	for _, user := range []*proc.Identity{nil, somebody} {
		for _, numbers := range [][]uint{{}, {unix.CAP_NET_BIND_SERVICE}, {unix.CAP_CHOWN, unix.CAP_AUDIT_WRITE, unix.CAP_SETFCAP}} {
			s := set(numbers...)
			c.checkTells(proc.Command{Capabilities: numbers, User: user}, script, "CapInh:"+s, "CapPrm:"+s, "CapEff:"+s, "CapBnd:"+s, "CapAmb:"+s)
		}
	}
	plain := c.tell(proc.Command{User: somebody}, script)
	if got := c.tell(proc.Command{User: somebody, NoNewPrivs: true, Nice: new(1)}, script); !slices.Equal(got, plain) {
		t.Errorf("with none declared it has %q, want %q", got, plain)
	}
	if got := statusField("thread-self", "CapEff"); strings.Trim(got, "0") == "" {
		t.Errorf("we have %s", got)
	}
}

// TestCapabilitiesOfWhoHasNone: nobody can give up what others could get by a file, unless such files give nothing.
func TestCapabilitiesOfWhoHasNone(t *testing.T) {
	if !alone(t) {
		return
	}
	if os.Getuid() == 0 {
		must(t, unix.Setgid(nobody))
		must(t, unix.Setuid(nobody))
		must(t, os.Chdir("/"))
	}
	command := proc.Command{Argv: []string{"/bin/true"}, Capabilities: []uint{}, Limits: noCore}
	failure{command: command, want: proc.StartError{Step: "capabilities", Err: unix.EPERM}}.check(t)
	command.NoNewPrivs = true
	checkExit(t, newChildren(t).run(command), proc.Exit{})
	command.Capabilities = []uint{unix.CAP_KILL}
	failure{command: command, want: proc.StartError{Step: "capabilities", Path: "cap_kill", Err: unix.EPERM}}.check(t)
	failure{
		command: proc.Command{Argv: []string{"/bin/true"}, Chroot: "/"},
		want:    proc.StartError{Step: "chroot", Path: "/", Err: unix.EPERM},
	}.check(t)
	failure{
		command: proc.Command{Argv: []string{"/bin/true"}, OOMScoreAdj: new(-1000)},
		want:    proc.StartError{Step: "oom_score_adj", Err: unix.EACCES},
	}.check(t)
}

func TestStartSaysWhichAttributeFailed(t *testing.T) {
	if !alone(t) {
		return
	}
	dir := t.TempDir()
	missing, plain := filepath.Join(dir, "missing"), write(t, filepath.Join(dir, "plain"), "", 0o644)
	file, err := os.Open(plain)
	must(t, err)
	defer file.Close()
	argv := []string{"/bin/true"}
	three, four := []uintptr{0, 0, 0}, []string{"a", "b", "c"}
	step := func(step, path string, err unix.Errno) proc.StartError {
		return proc.StartError{Step: step, Path: path, Err: err}
	}
	for _, f := range []failure{
		{"missing chroot", proc.Command{Argv: argv, Chroot: missing, Dir: "/also missing"}, true, step("chroot", missing, unix.ENOENT)},
		{"missing chroot, program in PATH", proc.Command{Argv: []string{"true"}, Chroot: missing}, true, step("chroot", missing, unix.ENOENT)},
		{"chroot is a file", proc.Command{Argv: argv, Chroot: plain}, true, step("chroot", plain, unix.ENOTDIR)},
		{"directory is outside", proc.Command{Argv: argv, Chroot: dir, Dir: dir}, true, step("directory", dir, unix.ENOENT)},
		{"program is outside", proc.Command{Argv: argv, Chroot: dir}, true, step("exec", "/bin/true", unix.ENOENT)},
		{"program of PATH is outside", proc.Command{Argv: []string{"true"}, Chroot: dir}, true, step("exec", "true", unix.ENOENT)},
		{"score out of range", proc.Command{Argv: argv, OOMScoreAdj: new(1001)}, false, step("oom_score_adj", "", unix.EINVAL)},
		{"unknown capability", proc.Command{Argv: argv, Capabilities: []uint{63}}, false, step("capabilities", "63", unix.EPERM)},
		{"unknown signal", proc.Command{Argv: argv, Deathsig: 65, Nice: new(1)}, false, step("deathsig", "", unix.EINVAL)},
		{"no cgroup", proc.Command{Argv: argv, CGroup: int(file.Fd())}, false, step("cgroup", "", unix.EBADF)},
		{"closed socket", proc.Command{Argv: argv, Listen: []uintptr{999}, ListenNames: []string{"web"}}, false, step("sockets", "web", unix.EBADF)},
		{"socket without a name", proc.Command{Argv: argv, Listen: []uintptr{0}}, false, step("sockets", "names", unix.EINVAL)},
		{"extra in a socket's place", proc.Command{Argv: argv, Listen: three, ListenNames: four, Extra: []proc.Extra{{5, 0}}}, false,
			step("sockets", "descriptor 5", unix.EEXIST)},
		{"extra in an extra's place", proc.Command{Argv: argv, Extra: []proc.Extra{{5, 0}, {5, 0}}}, false, step("sockets", "descriptor 5", unix.EEXIST)},
		{"extra in the place of a file", proc.Command{Argv: argv, Files: []uintptr{0, 1, 2, 0}, Extra: []proc.Extra{{3, 0}}}, false,
			step("sockets", "descriptor 3", unix.EEXIST)},
		{"extra in place of stderr", proc.Command{Argv: argv, Extra: []proc.Extra{{2, 0}}}, false, step("sockets", "descriptor 2", unix.EBADF)},
		{"extra too high", proc.Command{Argv: argv, Extra: []proc.Extra{{1024, 0}}}, false, step("sockets", "descriptor 1024", unix.EBADF)},
	} {
		t.Run(f.name, f.check)
	}
}

// passed is what a program says of its descriptors.
const passed = `echo $$ $LISTEN_PID; echo $LISTEN_FDS $LISTEN_FDNAMES; ls -l /proc/$$/fd; :`

// TestProgramGetsItsSockets, whatever else it gets.
func TestProgramGetsItsSockets(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	pipe, err := os.OpenFile(write(t, filepath.Join(t.TempDir(), "pipe"), "", 0o644), os.O_WRONLY, 0)
	must(t, err)
	link := func(fd uintptr) string {
		to, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		must(t, err)
		return to
	}
	in := write(t, filepath.Join(t.TempDir(), "in"), "", 0o644)
	must(t, proc.CloseOnExec())
	for _, test := range []struct {
		name    string
		command proc.Command
		listen  string // LISTEN_FDS and LISTEN_FDNAMES; "" when there are none
		fds     map[int]uintptr
	}{
		{"sockets", proc.Command{Listen: []uintptr{uintptr(pair[1]), uintptr(pair[0])}, ListenNames: []string{"b", "a"}}, "2 b:a",
			map[int]uintptr{3: uintptr(pair[1]), 4: uintptr(pair[0])}},
		{"extra", proc.Command{Extra: []proc.Extra{{7, pipe.Fd()}}}, "", map[int]uintptr{7: pipe.Fd()}},
		{"both, with the inherited variables of others", proc.Command{
			Listen: []uintptr{uintptr(pair[0])}, ListenNames: []string{"web"}, Extra: []proc.Extra{{20, pipe.Fd()}, {4, uintptr(pair[1])}},
			Env: []string{"LISTEN_PID=1", "LISTEN_FDS=9", "LISTEN_FDNAMES=x", "LISTEN_PIDFDID=7", "A=1"}, Limits: noCore, Group: program.OwnSession,
		}, "1 web", map[int]uintptr{3: uintptr(pair[0]), 4: uintptr(pair[1]), 20: pipe.Fd()}},
		{"errors to a descriptor", proc.Command{
			Files: []uintptr{0, 1, pipe.Fd()}, Listen: []uintptr{uintptr(pair[0])}, ListenNames: []string{"web"}, Umask: new(uint32),
		}, "1 web", map[int]uintptr{2: pipe.Fd(), 3: uintptr(pair[0])}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.t = t
			test.command.Stdio[0] = in
			lines := c.tell(test.command, passed)
			ids := strings.Fields(lines[0])
			if test.listen != "" && (len(ids) != 2 || ids[0] != ids[1]) || test.listen == "" && len(ids) != 1 {
				t.Errorf("pid and LISTEN_PID are %v", ids)
			}
			if strings.TrimSpace(lines[1]) != test.listen {
				t.Errorf("LISTEN_FDS and LISTEN_FDNAMES are %q, want %q", lines[1], test.listen)
			}
			want := map[string]string{"0": in}
			for at, fd := range test.fds {
				want[fmt.Sprint(at)] = link(fd)
			}
			for _, line := range lines[3:] {
				left, to, _ := strings.Cut(line, " -> ")
				at := left[strings.LastIndex(left, " ")+1:]
				if to != want[at] && (want[at] != "" || at > "2") {
					t.Errorf("descriptor %s leads to %q, want %q", at, to, want[at])
				}
				delete(want, at)
			}
			if len(want) > 0 {
				t.Errorf("missing: %v", want)
			}
		})
	}
}

// newRoot makes a directory with a shell in usr/bin, to which bin is a link.
func newRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	must(t, openToAll(root))
	libraries, err := exec.Command("ldd", "/bin/sh").Output()
	if err != nil {
		t.Skipf("no ldd here: %v", err)
	}
	files := map[string]string{"/bin/sh": "/usr/bin/sh"}
	for _, word := range strings.Fields(string(libraries)) {
		if filepath.IsAbs(word) {
			files[word] = word
		}
	}
	for from, to := range files {
		text, err := os.ReadFile(from)
		must(t, err)
		must(t, os.MkdirAll(filepath.Join(root, filepath.Dir(to)), 0o755))
		write(t, filepath.Join(root, to), string(text), 0o755)
	}
	must(t, os.Symlink("/usr/bin", filepath.Join(root, "bin")))
	must(t, os.Symlink("/bin/sleep", filepath.Join(root, "usr/bin/true"))) // that is not in there
	write(t, filepath.Join(root, "usr/bin/script"), "exit 13\n", 0o755)
	must(t, os.Mkdir(filepath.Join(root, "work"), 0o755))
	return root
}

func TestProgramRunsInItsChroot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	if !alone(t) {
		return
	}
	c := newChildren(t)
	root := newRoot(t)
	for name, more := range map[string]proc.Command{
		"plain": {}, "with limits": {Limits: noCore}, "as a user": {User: &proc.Identity{UID: nobody, GID: nobody}},
		"with all": {User: &proc.Identity{UID: nobody, GID: nobody}, Capabilities: []uint{}, NoNewPrivs: true, OOMScoreAdj: new(500), Nice: new(3)},
	} {
		t.Run(name, func(t *testing.T) {
			c.t = t
			more.Chroot = root
			c.checkTells(more, `unset PWD; pwd -P; echo *`, "/", "bin lib lib64 usr work")
			more.Dir = "/work"
			c.checkTells(more, `unset PWD; pwd -P; cd ..; cd ..; echo *`, "/work", "bin lib lib64 usr work")
			more.Argv, more.Stdio[1] = []string{"script"}, ""
			more.Env = []string{"PATH=/missing:/bin"}
			checkExit(t, c.run(more), proc.Exit{Code: 13})
			more.Env = []string{"PATH=../usr/bin"}
			checkExit(t, c.run(more), proc.Exit{Code: 13})
			more.Argv, more.Env = []string{"true"}, nil
			failure{command: more, want: proc.StartError{Step: "exec", Path: "true", Err: unix.ENOENT}}.check(t)
		})
	}
}

// masterVariable makes this binary a master that starts a program for each way, says their pids, becomes another image, and waits to be
// killed.
const masterVariable = "PROC_TEST_MASTER"

// deathsigWays are ways to start a program that gets a signal at its parent's death.
func deathsigWays() []proc.Command {
	ways := []proc.Command{{}, {Limits: noCore}, {Group: program.OwnSession, NoNewPrivs: true}}
	if os.Getuid() == 0 {
		user := &proc.Identity{UID: nobody, GID: nobody}
		ways = append(ways, proc.Command{User: user}, proc.Command{User: user, Limits: noCore},
			proc.Command{User: user, Capabilities: []uint{unix.CAP_CHOWN}}, proc.Command{Capabilities: []uint{}, NoNewPrivs: true})
	}
	for i := range ways {
		ways[i].Argv, ways[i].Deathsig = sleeper.Argv, int(unix.SIGUSR1)
	}
	return ways
}

func runMaster() {
	if os.Getenv(masterVariable) == "again" {
		fmt.Println("done")
		for {
			_ = unix.Pause()
		}
	}
	check(proc.Own())
	for _, way := range deathsigWays() {
		pid, err := proc.Start(way)
		check(err)
		fmt.Println(pid)
	}
	check(os.Setenv(masterVariable, "again"))
	image := proc.Image{Path: "/proc/self/exe", Argv: os.Args, Env: os.Environ(), LastWord: func() error { return nil }, Back: func() {}}
	check(proc.Exec(image))
}

// TestProgramGetsASignalWhenItsMasterDies, and not when it becomes another image.
func TestProgramGetsASignalWhenItsMasterDies(t *testing.T) {
	if !alone(t) {
		return
	}
	must(t, proc.Subreaper())
	c := newChildren(t)
	read, written, err := os.Pipe()
	must(t, err)
	master := c.start(proc.Command{
		Argv: []string{testBinary(t)}, Env: append(os.Environ(), masterVariable+"=1"), Files: []uintptr{0, written.Fd(), 2},
	})
	written.Close()
	var pids []int
	for lines := bufio.NewScanner(read); lines.Scan() && lines.Text() != "done"; {
		pid, err := strconv.Atoi(lines.Text())
		must(t, err)
		pids = append(pids, pid)
	}
	if len(pids) != len(deathsigWays()) {
		t.Errorf("%d programs were started", len(pids))
	}
	for i, pid := range pids {
		if !alive(pid) {
			t.Errorf("way %d: it has ended before", i)
		}
	}
	must(t, proc.Signal(master, int(unix.SIGKILL), false))
	c.end(master)
	for i, pid := range pids {
		if got := c.end(pid); got.Signal != int(unix.SIGUSR1) {
			t.Errorf("way %d: it ended as %+v", i, got)
		}
	}
}
