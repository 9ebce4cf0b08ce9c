package proc_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/program"
)

// noCore is a limit that everybody can set, for what is under test with a limit but not the limit itself.
var noCore = []proc.Limit{{Name: "core"}}

// limitsOf are the lines of /proc/PID/limits, without the heading.
func limitsOf(t *testing.T, pid any) []string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%v/limits", pid))
	must(t, err)
	return strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
}

// TestProgramGetsItsLimits: each limit that can be declared, and nothing of the others.
func TestProgramGetsItsLimits(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	lines := map[string]string{
		"as": "address space", "core": "core file size", "cpu": "cpu time", "data": "data size", "fsize": "file size",
		"locks": "file locks", "memlock": "locked memory", "msgqueue": "msgqueue size", "nice": "nice priority", "nofile": "open files",
		"nproc": "processes", "rss": "resident set", "rtprio": "realtime priority", "rttime": "realtime timeout",
		"sigpending": "pending signals", "stack": "stack size",
	}
	plain := limitsOf(t, c.startSleeper(sleeper))
	for _, name := range program.LimitNames() {
		soft, hard := uint64(1<<20), uint64(1<<21)
		switch name {
		case "nice", "rtprio":
			soft, hard = 0, 0
		case "nofile", "locks", "sigpending", "nproc":
			soft, hard = 50, 100
		case "memlock", "msgqueue":
			soft, hard = 4096, 8192
		case "as", "data":
			soft, hard = 1<<28, 1<<29
		}
		command := sleeper
		command.Limits = []proc.Limit{{Name: name, Soft: soft, Hard: hard}}
		line := regexp.MustCompile(fmt.Sprintf(`^Max %s +%d +%d `, lines[name], soft, hard))
		for i, got := range limitsOf(t, c.startSleeper(command)) {
			about := strings.HasPrefix(got, "Max "+lines[name]+" ")
			if about && !line.MatchString(got) {
				t.Errorf("%s %d %d: %q", name, soft, hard, got)
			}
			if !about && got != plain[i] {
				t.Errorf("with a limit for %s: %q, without %q", name, got, plain[i])
			}
		}
	}
	command := sleeper
	command.Limits = []proc.Limit{{"core", 0, math.MaxUint64}, {"nofile", 20, 20}}
	got := strings.Join(limitsOf(t, c.startSleeper(command)), "\n")
	if !regexp.MustCompile(`(?s)core file size +0 +unlimited .*open files +20 +20 `).MatchString(got) {
		if !strings.Contains(strings.Join(plain, "\n"), "core file size           0 ") { // or else it cannot be told
			t.Errorf("with two limits: %s", got)
		}
	}
}

// TestProgramHasTheOriginalLimitOfOpenFiles, not the one that Go has raised for us (T-40).
func TestProgramHasTheOriginalLimitOfOpenFiles(t *testing.T) {
	if !alone(t, func(cmd *exec.Cmd) {
		shell := exec.Command("/bin/sh", "-c", `ulimit -Sn 256; exec "$0" "$@"`)
		cmd.Path, cmd.Args = shell.Path, append(shell.Args, cmd.Args...)
	}) {
		return
	}
	must(t, proc.Own())
	c := newChildren(t)
	files := regexp.MustCompile(`open files +256 `)
	if ours := strings.Join(limitsOf(t, "self"), "\n"); files.MatchString(ours) {
		t.Skip("Go does not raise it here")
	}
	for what, command := range map[string]proc.Command{
		"plain": sleeper, "with a umask": {Argv: sleeper.Argv, Umask: new(uint32)}, "with another limit": {Argv: sleeper.Argv, Limits: noCore},
	} {
		if got := strings.Join(limitsOf(t, c.startSleeper(command)), "\n"); !files.MatchString(got) {
			t.Errorf("%s: %s", what, got)
		}
	}
}

// TestLimitsDoNotHitTheShim: a program that gets by with little is started, however much its command and environment are.
func TestLimitsDoNotHitTheShim(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	command := proc.Command{Argv: []string{"/bin/true"}, Limits: []proc.Limit{{"as", 32 << 20, 32 << 20}, {"data", 8 << 20, 8 << 20}, {"nproc", 1, 1}}}
	for i := range 12 {
		command.Env = append(command.Env, fmt.Sprintf("V%d=%s", i, strings.Repeat("x", 100_000)))
		checkExit(t, c.run(command), proc.Exit{})
	}
	none(t)
}

func TestStartSaysWhichLimitFailed(t *testing.T) {
	if !alone(t) {
		return
	}
	for _, test := range []struct {
		limits []proc.Limit
		name   string
		err    unix.Errno
	}{
		{[]proc.Limit{{"core", 0, 0}, {"nofile", 1 << 40, 1 << 40}}, "nofile", unix.EPERM}, // more than the kernel allows anybody
		{[]proc.Limit{{"core", 1, 0}}, "core", unix.EINVAL},
		{[]proc.Limit{{"cores", 0, 0}}, "cores", unix.EINVAL},
	} {
		t.Run(test.name, failure{
			command: proc.Command{Argv: []string{"/bin/true"}, Limits: test.limits},
			want:    proc.StartError{Step: "limits", Path: test.name, Err: test.err},
		}.check)
	}
}

// TestLimitsLeaveNoTrace: but for them, a program with limits is born as any other.
func TestLimitsLeaveNoTrace(t *testing.T) {
	if !alone(t, ignoring) {
		return
	}
	must(t, proc.Own())
	proc.DefaultIgnored()
	must(t, proc.CloseOnExec())
	c := newChildren(t)
	dir := t.TempDir()
	command := proc.Command{Argv: []string{"/bin/sleep", "1000", "0"}, Env: []string{"Z=", "A=x y", "Z=again", "odd"}, Dir: dir}
	plain := c.startSleeper(command)
	command.Limits = noCore
	limited := c.startSleeper(command)
	c.checkDescriptors(command, 0, 1, 2)
	for _, file := range []string{"cmdline", "environ"} {
		want := wordsOf(t, plain, file, "")
		until(t, file, func() bool { want = wordsOf(t, plain, file, ""); return want != "" })
		if got := wordsOf(t, limited, file, want); got != want {
			t.Errorf("%s is %q, want %q", file, got, want)
		}
	}
	for _, field := range []string{"Name", "Umask", "PPid", "TracerPid", "Uid", "Gid", "Groups", "FDSize", "Threads", "SigPnd", "ShdPnd",
		"SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "THP_enabled", "Cpus_allowed"} {
		if got, want := statusField(limited, field), statusField(plain, field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	if got, want := maxSignals(limited), maxSignals(plain); got != want {
		t.Errorf("%s signals may be queued, want %s", got, want)
	}
	for _, link := range []string{"exe", "cwd", "root", "fd/0", "fd/1", "fd/2"} {
		got, _ := os.Readlink(fmt.Sprintf("/proc/%d/%s", limited, link))
		if want, err := os.Readlink(fmt.Sprintf("/proc/%d/%s", plain, link)); got != want {
			t.Errorf("%s leads to %q, want %q (%v)", link, got, want, err)
		}
	}
	if group, err := unix.Getpgid(limited); group != limited {
		t.Errorf("its process group is %d, %v", group, err)
	}
}

// maxSignals is the limit of a process; how many are queued is said of all processes of its user (proc_pid_status(5), SigQ).
func maxSignals(pid int) string {
	_, most, _ := strings.Cut(statusField(pid, "SigQ"), "/")
	return most
}

func TestProgramOfAnotherUserGetsItsLimits(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	if !alone(t) {
		return
	}
	c := newChildren(t)
	command := sleeper
	command.Limits = []proc.Limit{{Name: "nofile", Soft: 50, Hard: 60}}
	for _, user := range []*proc.Identity{{UID: 4242, GID: 4343}, {UID: 4242, GID: 4343, Groups: []uint32{7, 9}}} {
		command.User = user
		pid := c.startSleeper(command)
		var groups []string
		for _, g := range user.Groups {
			groups = append(groups, fmt.Sprint(g))
		}
		if uid, gid := strings.Fields(statusField(pid, "Uid")), strings.Fields(statusField(pid, "Gid")); uid[1] != "4242" || uid[2] != "4242" || gid[1] != "4343" ||
			!slices.Equal(strings.Fields(statusField(pid, "Groups")), groups) || strings.Trim(statusField(pid, "CapEff"), "0") != "" {
			t.Errorf("it runs as %v, %v, %s", uid, gid, statusField(pid, "Groups"))
		}
		if got := strings.Join(limitsOf(t, pid), "\n"); !regexp.MustCompile(`open files +50 +60 `).MatchString(got) {
			t.Errorf("its limits are %s", got)
		}
	}
}

// A set-user-ID program has its rights with limits as it has without.
func TestLimitsLeaveSetUserID(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	if !alone(t) {
		return
	}
	c := newChildren(t)
	dir := t.TempDir()
	must(t, openToAll(dir))
	sleep, err := os.ReadFile("/bin/sleep")
	must(t, err)
	path := write(t, filepath.Join(dir, "sleep"), string(sleep), 0o755)
	must(t, unix.Chmod(path, 0o4755))
	command := proc.Command{Argv: []string{path, "1000"}, User: &proc.Identity{UID: 4242, GID: 4343}}
	plain := c.startSleeper(command)
	command.Limits = noCore
	if got, want := statusField(c.startSleeper(command), "Uid"), statusField(plain, "Uid"); got != want {
		t.Errorf("its users are %s, without limits %s", got, want)
	} else if !strings.Contains(got, "\t0\t0") {
		t.Logf("set-user-ID has no effect here: %s", got)
	}
}

// TestProgramGetsItsUmask, and we keep ours, in this thread and in the others, whichever way it is done.
func TestProgramGetsItsUmask(t *testing.T) {
	for name, forbid := range map[string]bool{"by this thread": false, "where unshare is forbidden": true} {
		t.Run(name, func(t *testing.T) { testUmask(t, forbid) })
	}
}

func testUmask(t *testing.T, forbid bool) {
	if !alone(t) {
		return
	}
	must(t, proc.Own())
	if forbid {
		forbidUnshare(t)
	}
	unix.Umask(0o022)
	c := newChildren(t)
	dir := t.TempDir()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // makes files in other threads until stop is closed
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			path := filepath.Join(dir, "file")
			must(t, os.WriteFile(path, nil, 0o666))
			if st, err := os.Stat(path); err != nil || st.Mode() != 0o644 {
				t.Errorf("file %d of another goroutine has mode %v, %v", i, st.Mode(), err)
			}
			must(t, os.Remove(path))
		}
	}()
	for _, umask := range []uint32{0, 0o077, 0o777, 0o027} {
		command := sleeper
		command.Umask, command.Stdio[1] = &umask, filepath.Join(dir, fmt.Sprintf("out%o", umask))
		pid := c.startSleeper(command)
		if got, want := statusField(pid, "Umask"), fmt.Sprintf("%04o", umask); got != want {
			t.Errorf("its umask is %s, want %s", got, want)
		}
		if st, err := os.Stat(command.Stdio[1]); err != nil || st.Mode() != 0o640 {
			t.Errorf("the file of its output has mode %v, %v", st.Mode(), err)
		}
		if got := statusField("thread-self", "Umask"); got != "0022" {
			t.Errorf("our umask is %s", got)
		}
		command.Limits = noCore
		if got, want := statusField(c.startSleeper(command), "Umask"), fmt.Sprintf("%04o", umask); got != want {
			t.Errorf("with a limit its umask is %s, want %s", got, want)
		}
		failure{
			command: proc.Command{Argv: []string{"/missing"}, Umask: &umask},
			want:    proc.StartError{Step: "exec", Path: "/missing", Err: unix.ENOENT},
		}.checkOnly(t)
	}
	if got := statusField(c.startSleeper(sleeper), "Umask"); got != "0022" {
		t.Errorf("the umask of a program that declares none is %s", got)
	}
	close(stop)
	<-stopped
}

// forbidUnshare does what a container does that lacks CAP_SYS_ADMIN.
func forbidUnshare(t *testing.T) {
	t.Helper()
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_UNSHARE, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	must(t, unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		t.Skipf("no seccomp here: %v", errno)
	}
	if err := unix.Unshare(unix.CLONE_FS); err != unix.EPERM {
		t.Fatalf("unshare: %v", err)
	}
}

// TestExecAfterAUmask: the next image has our umask and directory, not those of a program.
func TestExecAfterAUmask(t *testing.T) {
	t.Parallel()
	lines, _ := handOver(t, "a program with a umask is there", "/bin/sh", "-c", "umask; pwd -P; kill $CHILD")
	dir, err := os.Getwd()
	must(t, err)
	old := syscall.Umask(0)
	syscall.Umask(old)
	if want := []string{fmt.Sprintf("%04o", old), dir}; len(lines) < 3 || !slices.Equal(lines[1:3], want) {
		t.Errorf("the images said %q, want %q at the end", lines, want)
	}
}

// BenchmarkStart is what a start takes, up to the execve, and its collection.
func BenchmarkStart(b *testing.B) {
	if err := proc.Own(); err != nil {
		b.Fatal(err)
	}
	for name, command := range map[string]proc.Command{
		"plain": {}, "files": {Stdio: [3]string{"/dev/null", "/dev/null", "/dev/null"}}, "umask": {Umask: new(uint32)}, "limits": {Limits: noCore},
	} {
		command.Argv = []string{"/bin/true"}
		b.Run(name, func(b *testing.B) {
			for range b.N {
				pid, err := proc.Start(command)
				if err != nil {
					b.Fatal(err)
				}
				proc.Await(pid)
			}
		})
	}
}
