package proc_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
)

// TestStartSearchesPathAsExecvp looks for the program `prog` in directories that have it in one way or another (H-5.11, H-4.4).
func TestStartSearchesPathAsExecvp(t *testing.T) {
	if !alone(t) {
		return
	}
	dir := t.TempDir()
	must(t, openToAll(dir))
	for name, text := range map[string]string{
		"one":           "#!/bin/sh\nexit 11\n",
		"two":           "#!/bin/sh\nexit 12\n",
		"script":        "exit 13\n", // the shell's, by ENOEXEC
		"here":          "#!/bin/sh\nexit 14\n",
		"uninterpreted": "#!/missing\n",
	} {
		must(t, os.Mkdir(filepath.Join(dir, name), 0o755))
		write(t, filepath.Join(dir, name, "prog"), text, 0o755)
	}
	must(t, os.MkdirAll(filepath.Join(dir, "directory/prog"), 0o755))
	must(t, os.Mkdir(filepath.Join(dir, "none"), 0o755))
	must(t, os.Mkdir(filepath.Join(dir, "closed"), 0o700)) // to others than us
	write(t, filepath.Join(dir, "closed/prog"), "#!/bin/sh\nexit 15\n", 0o755)
	must(t, os.Mkdir(filepath.Join(dir, "plain"), 0o755))
	write(t, filepath.Join(dir, "plain/prog"), "#!/bin/sh\nexit 16\n", 0o644)
	write(t, filepath.Join(dir, "file"), "", 0o755)

	c := newChildren(t)
	for _, test := range []struct {
		path string // PATH, with @ for dir; "unset" for none
		code int    // that prog exits with; 0: it cannot be started
		err  error
	}{
		{path: "@/one:@/two", code: 11},
		{path: "@/two:@/one", code: 12},
		{path: "@/none:@/missing:@/file:@/two", code: 12},
		{path: "@/none:@/missing:@/file", err: unix.ENOENT},
		{path: "@/script:@/two", code: 13},
		// What cannot be executed is remembered, and a later hit wins.
		{path: "@/plain:@/two", code: 12},
		{path: "@/plain:@/none", err: unix.EACCES},
		{path: "@/none:@/plain", err: unix.EACCES},
		{path: "@/directory:@/two", code: 12},
		{path: "@/directory:@/none", err: unix.EACCES},
		{path: "@/uninterpreted:@/two", code: 12},
		{path: "@/uninterpreted:@/none", err: unix.ENOENT},
		{path: "@/uninterpreted:@/plain", err: unix.EACCES},
		// An empty element is the current directory, that is the program's.
		{path: ":@/two", code: 14},
		{path: "@/two:", code: 12},
		{path: "@/none:", code: 14},
		{path: "@/none::@/two", code: 14},
		{path: ":", code: 14},
		{path: ".", code: 14},
		{path: "../one", code: 11},
		// Without PATH it is /bin:/usr/bin, and not ours.
		{path: "unset", err: unix.ENOENT},
	} {
		t.Run("PATH="+test.path, func(t *testing.T) {
			command := proc.Command{Argv: []string{"prog"}, Dir: filepath.Join(dir, "here")}
			if test.path != "unset" {
				command.Env = []string{"PATH=" + strings.ReplaceAll(test.path, "@", dir)}
			}
			t.Setenv("PATH", filepath.Join(dir, "one")) // it is not the one that counts
			if test.code != 0 {
				checkExit(t, c.run(command), proc.Exit{Code: test.code})
				command.Limits = noCore
				checkExit(t, c.run(command), proc.Exit{Code: test.code})
				return
			}
			failure{command: command, want: proc.StartError{Step: "exec", Path: "prog", Err: test.err.(unix.Errno)}}.check(t)
		})
	}
	t.Run("PATH empty", func(t *testing.T) {
		command := proc.Command{Argv: []string{"prog"}, Env: []string{"PATH="}, Dir: filepath.Join(dir, "here")}
		checkExit(t, c.run(command), proc.Exit{Code: 14})
	})
	t.Run("PATH twice", func(t *testing.T) {
		env := []string{"PATH=" + filepath.Join(dir, "one"), "PATH=" + filepath.Join(dir, "two")}
		checkExit(t, c.run(proc.Command{Argv: []string{"prog"}, Env: env}), proc.Exit{Code: 11})
	})
	t.Run("PATH unset", func(t *testing.T) {
		checkExit(t, c.run(proc.Command{Argv: []string{"false"}}), proc.Exit{Code: 1})
	})
	t.Run("a slash keeps PATH out of it", func(t *testing.T) {
		env := []string{"PATH=" + filepath.Join(dir, "one")}
		checkExit(t, c.run(proc.Command{Argv: []string{"./prog"}, Env: env, Dir: filepath.Join(dir, "two")}), proc.Exit{Code: 12})
	})
	t.Run("a path of its own counts, and the first word is only what the program sees", func(t *testing.T) {
		command := proc.Command{Argv: []string{"two/prog", "-c", `test "$0" = two/prog; exit $?`}, Path: "/bin/sh", Dir: dir}
		checkExit(t, c.run(command), proc.Exit{Code: 0})
		command.Limits = noCore
		checkExit(t, c.run(command), proc.Exit{Code: 0})
		command.Path = filepath.Join(dir, "none/prog")
		failure{command: command, want: proc.StartError{Step: "exec", Path: command.Path, Err: unix.ENOENT}}.check(t)
	})
	t.Run("the user of the program counts", func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Skip("needs root")
		}
		user := &proc.Identity{UID: nobody, GID: nobody}
		env := []string{"PATH=" + filepath.Join(dir, "closed") + ":" + filepath.Join(dir, "two")}
		checkExit(t, c.run(proc.Command{Argv: []string{"prog"}, Env: env, User: user}), proc.Exit{Code: 12})
		command := proc.Command{Argv: []string{"prog"}, Env: []string{"PATH=" + filepath.Join(dir, "closed")}, User: user}
		failure{command: command, want: proc.StartError{Step: "exec", Path: "prog", Err: unix.EACCES}}.check(t)
	})
}
