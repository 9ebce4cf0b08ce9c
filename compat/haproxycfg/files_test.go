package haproxycfg

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const minimal = "program p\n command /bin/sh\n"

// inFiles makes files below a new directory and goes there. A name that ends with a slash is a directory.
func inFiles(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		dir, base := filepath.Split(name)
		if err := os.MkdirAll(filepath.Join(".", dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if base == "" {
			continue
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDirectory(t *testing.T) {
	inFiles(t, map[string]string{
		"d/b.cfg":     "program b\n command /bin/sh\n",
		"d/B.cfg":     "program B\n command /bin/sh\n",
		"d/1.cfg":     "program one\n command /bin/sh\n",
		"d/a.cfg.cfg": "wrong\n",
		"d/.c.cfg":    "wrong\n",
		"d/c.cfg~":    "wrong\n",
		"d/sub.cfg/":  "",
		"z.cfg":       "program z\n command /bin/sh\n",
	})
	config, problems := Load(Options{Files: []string{"z.cfg", "d/"}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var names []string
	for _, s := range config.Programs {
		names = append(names, s.Name+" "+s.Place.String())
	}
	want := []string{"z z.cfg:1", "one d//1.cfg:1", "B d//B.cfg:1", "b d//b.cfg:1"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	if got := config.Env[len(config.Env)-2]; got != "HAPROXY_CFGFILES=z.cfg;d//1.cfg;d//B.cfg;d//b.cfg" {
		t.Errorf("env = %q", config.Env)
	}
}

func TestUnusableFiles(t *testing.T) {
	inFiles(t, map[string]string{
		"empty.cfg": "", "blank.cfg": " \t\r\n\n ", "good.cfg": minimal, "huge.cfg": "", "nothing/": "", "d/x": "",
		"loop/ok.cfg": minimal,
	})
	if err := os.Truncate("huge.cfg", maxFile+1); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", "loop/dangling.cfg"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, files, want string }{
		{"none", "", `no configuration file: name one`},
		{"missing", "none.cfg", `none.cfg: cannot read the configuration: no such file or directory`},
		{"missing among others", "good.cfg none.cfg more.cfg good.cfg", `none.cfg: cannot read the configuration: no such file or directory
more.cfg: cannot read the configuration: no such file or directory`},
		{"empty", "empty.cfg", `empty.cfg: is empty: write a program section, or name another file`},
		{"blanks", "blank.cfg", `blank.cfg: is empty: write a program section, or name another file`},
		{"all empty", "blank.cfg empty.cfg", `blank.cfg: is empty: write a program section, or name another file
empty.cfg: is empty: write a program section, or name another file`},
		{"empty among others", "good.cfg empty.cfg", `warning: empty.cfg: is empty: write a program section, or name another file`},
		{"too large", "huge.cfg", `huge.cfg: larger than 16 MiB: this cannot be a configuration`},
		{"without an end", "/dev/zero", `/dev/zero: larger than 16 MiB: this cannot be a configuration`},
		{"directory without a .cfg", "nothing d", `nothing: no .cfg file in this directory: put one there, or name a file
d: no .cfg file in this directory: put one there, or name a file`},
		{"dangling link in a directory", "loop", `loop/dangling.cfg: cannot read the configuration: no such file or directory`},
		{"file as a directory", "good.cfg/x", `good.cfg/x: cannot read the configuration: not a directory`},
		{"same file twice", "good.cfg good.cfg", `good.cfg:1: program "p" is already declared at good.cfg:1: choose another name`},
	} {
		t.Run(test.name, func(t *testing.T) {
			config, problems := Load(Options{Files: strings.Fields(test.files)})
			if diff := cmp.Diff(test.want, strings.Join(texts(problems), "\n")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if len(problems.Errors()) > 0 && config.Env != nil {
				t.Errorf("a config although there are errors")
			}
		})
	}
}

// TestUnreadable has errors that root does not get from a real file system.
func TestUnreadable(t *testing.T) {
	for _, err := range []error{&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, errors.New("permission denied")} {
		_, problems := Load(Options{Files: []string{"x"}, ReadFile: func(string) ([]byte, error) { return nil, err }})
		if want := "x: cannot read the configuration: permission denied"; problems.Error() != want {
			t.Errorf("problems = %q, want %q", problems, want)
		}
	}
	l := newLoader(Options{})
	l.listed("d", nil, &fs.PathError{Op: "open", Path: "d", Err: syscall.EACCES})
	if want := "d: cannot read the directory: permission denied"; l.problems.Error() != want {
		t.Errorf("problems = %q, want %q", l.problems, want)
	}
}

// TestSeveralFiles checks what does not cross the border of a file (H-1.22, H-3.9), and that errors of one file do not hide those
// of the next (H-4.17), unless nobody knows what counts.
func TestSeveralFiles(t *testing.T) {
	for _, test := range []struct{ name, first, second, want string }{
		{"section", minimal, " user web\n", `b.cfg:1: "user" stands outside of any section: begin with one`},
		{"block", minimal + ".if 1\n", "program q\n command /bin/sh\n.endif\n", `a.cfg:3: this .if has no .endif: add one before the end of the file
b.cfg:3: .endif without .if: remove it`},
		{"errors", minimal + " foo\n", " bar\n", `a.cfg:3: program "p": unknown keyword "foo": only command, option, user and group are possible here
b.cfg:1: "bar" stands outside of any section: begin with one`},
		{"unknown directive", minimal + ".fi\n foo\n", " bar\n", `a.cfg:3: unknown directive ".fi": there are .if .elif .else .endif .alert .warning .notice .diag
b.cfg:1: "bar" stands outside of any section: begin with one`},
		{"alert", minimal + ".alert x\n foo\n", " bar\n", `a.cfg:3: .alert "x"`},
		{"condition", minimal + ".if x\n foo\n", " bar\n", `a.cfg:3: .if "x": cannot read "x" at character 1: write a number, or a predicate like defined(NAME)`},
		{"duplicate", minimal, minimal, `b.cfg:1: program "p" is already declared at a.cfg:1: choose another name`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, problems := Load(Options{
				Files:    []string{"a.cfg", "b.cfg"},
				ReadFile: oneFileEach(map[string]string{"a.cfg": test.first, "b.cfg": test.second}),
			})
			if diff := cmp.Diff(test.want, strings.Join(texts(problems), "\n")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
