package haproxycfg

import (
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
default-path origin "/etc/ha \$proxy"
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
