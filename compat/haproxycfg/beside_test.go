package haproxycfg

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCopiesKeepTheLinesOfHAProxy: what is mwlua's is blank, and everything else is where it was.
func TestCopiesKeepTheLinesOfHAProxy(t *testing.T) {
	const text = `# a
global
	daemon
	pidfile /run/x.pid
	setenv A "pro gram"
	default-path config
.if defined(MWLUA)
program "$A"
	command x # c
	.notice hello
	user root
.endif
	option start-on-reload
	no option start-on-reload

frontend f
	daemon
	bind :1
.if defined(NOBODY)
program y
.endif
  "program" z
	command y
defaults
	mode http
`
	const want = `# a
global


	setenv A "pro gram"
default-path origin "/etc/ha \$proxy/."
.if defined(MWLUA)


	.notice hello

.endif



frontend f
	daemon
	bind :1
.if defined(NOBODY)
program y
.endif


defaults
	mode http
`
	read := func(string) ([]byte, error) { return []byte(text), nil }
	_, copies, problems := LoadBeside(Options{Files: []string{"/etc/ha $proxy/a.cfg"}, ReadFile: read})
	if err := problems.Errors(); len(err) > 0 || len(copies) != 1 {
		t.Fatalf("%d copies, %v", len(copies), err)
	}
	if diff := cmp.Diff(want, string(copies[0].Data)); diff != "" {
		t.Error(diff)
	}
}

func TestThereAreNoCopiesOfABadConfiguration(t *testing.T) {
	read := func(string) ([]byte, error) { return []byte("program\n"), nil }
	config, copies, problems := LoadBeside(Options{Files: []string{"a.cfg"}, ReadFile: read})
	if len(copies) > 0 || len(config.Programs) > 0 || len(problems.Errors()) == 0 {
		t.Errorf("got %v, %v, %v", config, copies, problems)
	}
}

// TestDefaultPathGoesOnInTheNextFile: HAProxy reads `config` and `parent` anew for every file, and what they name in the copies is
// where it is for the originals.
func TestDefaultPathGoesOnInTheNextFile(t *testing.T) {
	versionOrSkip(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(name), 0o700)
		if err == nil {
			err = os.WriteFile(name, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	const page = "HTTP/1.0 503 No\r\n\r\n"
	for _, name := range []string{"one/x.http", "two/y.http", "three/z.http", "up.http", "four/w.http"} {
		write(name, page)
	}
	files := []string{
		write("one/a.cfg", "global\n\tdefault-path config\ndefaults\n\tmode http\n\terrorfile 503 x.http\n"),
		write("two/b.cfg", "# nothing\nfrontend b\n\tbind 127.0.0.1:1\n\terrorfile 503 y.http\n"),
		write("three/c.cfg", "frontend c\n\tbind 127.0.0.1:2\n\terrorfile 503 z.http\nglobal\n\tdefault-path parent\n"),
		write("four/d.cfg", "frontend d\n\tbind 127.0.0.1:3\n\terrorfile 503 up.http\nglobal\n\tdefault-path origin "+dir+"/four\n"),
		write("five/e.cfg", "frontend e\n\tbind 127.0.0.1:4\n\terrorfile 503 w.http\n"),
	}
	check := func(names []string) {
		t.Helper()
		argv := []string{"-c"}
		for _, name := range names {
			argv = append(argv, "-f", name)
		}
		if out, err := exec.Command("haproxy", argv...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v: %s", argv, err, out)
		}
	}
	check(files)
	_, copies, problems := LoadBeside(Options{Files: files})
	if err := problems.Errors(); len(err) > 0 {
		t.Fatal(err)
	}
	var names []string
	for _, c := range copies {
		names = append(names, write("copies"+c.Name, string(c.Data)))
	}
	check(names)
}
