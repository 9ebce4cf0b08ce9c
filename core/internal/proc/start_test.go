package proc_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
)

// nobody is a user that owns nothing.
const nobody = 65534

// failure is a start that must fail.
type failure struct {
	name    string
	command proc.Command
	root    bool // it takes root to try
	want    proc.StartError
}

// check starts it, with and without a limit, and looks for what a failed start may leave behind.
func (f failure) check(t *testing.T) {
	t.Helper()
	if f.root && os.Getuid() != 0 {
		t.Skip("needs root")
	}
	f.checkOnly(t)
	none(t)
	if f.command.Limits == nil { // it takes another way to the same end
		f.command.Limits = noCore
		f.checkOnly(t)
		none(t)
	}
}

// checkOnly starts it.
func (f failure) checkOnly(t *testing.T) {
	t.Helper()
	pid, err := proc.Start(f.command)
	var got *proc.StartError
	switch {
	case !errors.As(err, &got):
		t.Errorf("Start = %d, %v, want a StartError", pid, err)
	case *got != f.want:
		t.Errorf("Start failed with %+v, want %+v", *got, f.want)
	}
}

func TestStartSaysWhichStepFailed(t *testing.T) {
	if !alone(t) {
		return
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("plain"), "text", 0o644)
	write(t, at("uninterpreted"), "#!"+at("missing")+"\n", 0o755)
	write(t, at("interpreted"), "#!/bin/sh\n", 0o755)
	must(t, os.Symlink("loop", at("loop")))
	must(t, os.Mkdir(at("closed"), 0o700))
	write(t, at("closed/interpreted"), "#!/bin/sh\n", 0o755)
	busy, err := os.OpenFile(write(t, at("busy"), "\x7fELF", 0o755), os.O_WRONLY, 0)
	must(t, err)
	defer busy.Close()
	must(t, openToAll(dir))

	step := func(step, path string, err syscall.Errno) proc.StartError {
		return proc.StartError{Step: step, Path: path, Err: err}
	}
	argv := func(words ...string) proc.Command { return proc.Command{Argv: words} }
	in := func(dir string, words ...string) proc.Command { return proc.Command{Argv: words, Dir: dir} }
	long := "/" + strings.Repeat("x", unix.PathMax)
	for _, f := range []failure{
		{"missing file", argv(at("missing")), false, step("exec", at("missing"), unix.ENOENT)},
		{"missing file, relative to Dir", in(dir, "./missing"), false, step("exec", "./missing", unix.ENOENT)},
		{"file as a directory of the path", argv(at("plain/prog")), false, step("exec", at("plain/prog"), unix.ENOTDIR)},
		{"directory", argv(dir), false, step("exec", dir, unix.EACCES)},
		{"not executable", argv(at("plain")), false, step("exec", at("plain"), unix.EACCES)},
		{"missing interpreter", argv(at("uninterpreted")), false, step("exec", at("uninterpreted"), unix.ENOENT)},
		{"link to itself", argv(at("loop")), false, step("exec", at("loop"), unix.ELOOP)},
		{"open for writing", argv(at("busy")), false, step("exec", at("busy"), unix.ETXTBSY)},
		{"path too long", argv(long), false, step("exec", long, unix.ENAMETOOLONG)},
		{"argument too long", argv("/bin/true", strings.Repeat("x", 128<<10)), false, step("exec", "/bin/true", unix.E2BIG)},
		{"argument too long, in PATH", argv("true", strings.Repeat("x", 128<<10)), false, step("exec", "/bin/true", unix.E2BIG)},
		// These never reach the kernel: syscall.ForkExec refuses them.
		{"NUL in an argument", argv("/bin/true", "a\x00b"), false, step("fork", "", unix.EINVAL)},
		{"NUL in the environment", proc.Command{Argv: []string{"/bin/true"}, Env: []string{"A=\x00"}}, false, step("fork", "", unix.EINVAL)},
		{"descriptor that is not open", proc.Command{Argv: []string{"/bin/true"}, Files: []uintptr{0, 1, 2, 999}}, false, step("fork", "", unix.EBADF)},
		{"missing Dir", in(at("missing"), "/bin/true"), false, step("directory", at("missing"), unix.ENOENT)},
		{"missing Dir, program in PATH", in(at("missing"), "true"), false, step("directory", at("missing"), unix.ENOENT)},
		{"missing Dir and missing file", in(at("missing"), "/missing"), false, step("directory", at("missing"), unix.ENOENT)},
		{"Dir is a file", in(at("plain"), "/bin/true"), false, step("directory", at("plain"), unix.ENOTDIR)},
		{"Dir not enterable for the user", proc.Command{
			Argv: []string{"/bin/true"}, Dir: at("closed"), User: &proc.Identity{UID: nobody, GID: nobody},
		}, true, step("directory", at("closed"), unix.EACCES)},
		{"file not reachable for the user", proc.Command{
			Argv: []string{at("closed/interpreted")}, User: &proc.Identity{UID: nobody, GID: nobody},
		}, true, step("exec", at("closed/interpreted"), unix.EACCES)},
	} {
		t.Run(f.name, f.check)
	}
}

// openToAll lets every user enter dir, which t.TempDir keeps to ourselves.
func openToAll(dir string) error {
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	return nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Without root nobody can become somebody else, and anybody can be what they are: HAProxy in a container without root does
// start a program that names its own user (H-5.10).
func TestStartSaysThatCredentialsFailedWithoutRoot(t *testing.T) {
	if !alone(t) {
		return
	}
	if os.Getuid() == 0 {
		must(t, syscall.Setgroups(nil))
		must(t, syscall.Setgid(nobody))
		must(t, syscall.Setuid(nobody))
	}
	want := proc.StartError{Step: "credentials", Err: unix.EPERM}
	c := newChildren(t)
	c.run(proc.Command{Argv: []string{"/bin/true"}, User: &proc.Identity{UID: nobody, GID: nobody, Groups: []uint32{0}}})
	for _, user := range []proc.Identity{{UID: 0, GID: 0}, {UID: 1, GID: nobody}, {UID: nobody, GID: 1}} {
		failure{command: proc.Command{Argv: []string{"/bin/true"}, User: &user}, want: want}.check(t)
		failure{command: proc.Command{Argv: []string{"/missing"}, Dir: "/missing", User: &user}, want: want}.check(t)
	}
}

// In a user namespace, the kernel refuses users and groups that it has no number for.
func TestStartSaysThatCredentialsFailedForAnUnknownUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: only root makes a user namespace with setgroups")
	}
	if !alone(t, userNamespace(true)) {
		return
	}
	want := proc.StartError{Step: "credentials", Err: unix.EINVAL}
	for _, user := range []proc.Identity{{UID: 4242}, {GID: 4242}, {Groups: []uint32{4242}}} {
		failure{command: proc.Command{Argv: []string{"/bin/true"}, User: &user}, want: want}.check(t)
		failure{command: proc.Command{Argv: []string{"/missing"}, Dir: "/missing", User: &user}, want: want}.check(t)
	}
}

// Where setgroups is denied, not even the user that we are can be taken on.
func TestStartSaysThatCredentialsFailedWithoutSetgroups(t *testing.T) {
	if !alone(t, userNamespace(false)) {
		return
	}
	failure{
		command: proc.Command{Argv: []string{"/bin/true"}, User: &proc.Identity{}},
		want:    proc.StartError{Step: "credentials", Err: unix.EPERM},
	}.check(t)
}

// userNamespace makes a process root of a user namespace that knows no other user.
func userNamespace(setgroups bool) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:                 unix.CLONE_NEWUSER,
			UidMappings:                []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings:                []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
			GidMappingsEnableSetgroups: setgroups,
		}
	}
}

// A file that the kernel does not know how to run is a script for the shell, as for execvp(3) (H-5.11).
func TestStartGivesAFileWithoutHeaderToTheShell(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	dir := t.TempDir()
	const tell = "tr '\\0' '\\n' </proc/$$/cmdline >out\n"
	path := write(t, filepath.Join(dir, "headless"), tell, 0o755)
	for _, test := range []struct {
		name    string
		command proc.Command
		want    []string
	}{
		{"absolute", proc.Command{Argv: []string{path, "a", "b c", ""}}, []string{"/bin/sh", path, "a", "b c", ""}},
		{"relative to Dir", proc.Command{Argv: []string{"./headless", "a"}}, []string{"/bin/sh", "./headless", "a"}},
		{"in PATH", proc.Command{Argv: []string{"headless", "a"}, Env: []string{"PATH=" + dir + ":/bin:/usr/bin"}}, []string{"/bin/sh", path, "a"}},
		{"in the current directory by PATH", proc.Command{Argv: []string{"headless"}, Env: []string{"PATH=/bin:/usr/bin:"}}, []string{"/bin/sh", "./headless"}},
		{"no argument", proc.Command{Argv: []string{path}}, []string{"/bin/sh", path}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.command.Dir = dir
			for _, test.command.Limits = range [][]proc.Limit{nil, noCore} {
				checkExit(t, c.run(test.command), proc.Exit{})
				out, err := os.ReadFile(filepath.Join(dir, "out"))
				must(t, err)
				if got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"); !slices.Equal(got, test.want) {
					t.Errorf("argv is %q, want %q", got, test.want)
				}
			}
		})
	}
	none(t)
}

// A program that exits with 1 at once has run; one that cannot be executed has not (T-8, T-9).
func TestStartTellsAnExitFromAFailedExec(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	checkExit(t, c.run(proc.Command{Argv: []string{"/bin/false"}}), proc.Exit{Code: 1})
	checkExit(t, c.run(proc.Command{Argv: []string{"/bin/sh", "-c", "exit 127"}}), proc.Exit{Code: 127})
	failure{command: proc.Command{Argv: []string{"/missing"}}, want: proc.StartError{Step: "exec", Path: "/missing", Err: unix.ENOENT}}.check(t)
}

// The longest argument that Linux takes.
func TestStartPassesLongArguments(t *testing.T) {
	if !alone(t) {
		return
	}
	c := newChildren(t)
	checkExit(t, c.run(proc.Command{Argv: []string{"/bin/sh", "-c", `[ ${#1} = 131071 ]`, "sh", strings.Repeat("x", 128<<10-1)}}), proc.Exit{})
}
