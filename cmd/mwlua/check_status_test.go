package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// checkedFiles are what checks names.
const checkedFiles = `
-- good.cfg --
program a
	command sleep 1000
-- second.cfg --
program b
	command sleep 1000
-- dir/c.cfg --
program c
	command sleep 1000
-- keyword.cfg --
program a
	comand sleep 1000
-- no_command.cfg --
program a
-- missing_command.cfg --
program a
	command /no/such/file
-- no_programs.cfg --
global
	master-worker
-- warning.cfg --
.warning careful
program a
	command sleep 1000
-- zero_warning.cfg --
global
	zero-warning
-- second_user.cfg --
program a
	user root
	user root
	group root
	command sleep 1000
-- pidfile.cfg --
global
	pidfile one.pid
-- localpeer.cfg --
global
	localpeer here
-- quiet.cfg --
global
	quiet
	daemon
-- quiet_word.cfg --
global
	quiet now
-- daemon_word.cfg --
global
	daemon now
-- zero_warning_word.cfg --
global
	zero-warning now
-- no_quiet.cfg --
global
	no quiet
-- bad_if.cfg --
.if true
.endif
-- alert.cfg --
.alert stop
-- empty.d/no_configuration --
-- haproxy_only.cfg --
frontend f
	bind unix@f.sock
	mode tcp
	timeout client 1s
`

// checks are command lines behind `haproxy -W -c`, `mwlua check` and `mwlua run -c`. Each has the status of HAProxy, and, after
// a /, the one of mwlua where that is another: a wrong command line has a status of its own.
const checks = `
0   -f good.cfg
0   -f good.cfg -V
0   -f good.cfg -q
0   -f good.cfg -q -V
0   -W -f good.cfg
0   -Ws -f good.cfg
0   -D -f good.cfg
0   -D -db -f good.cfg
0   -f good.cfg -p x.pid -L me -S unix@x.sock -dW
0   -f good.cfg -S unix@x.sock,level,operator -S unix@y.sock
0   -f good.cfg -S EMPTY
0   -f good.cfg -f second.cfg -f dir
0   -f good.cfg -- second.cfg dir/c.cfg
0   -- good.cfg
0   -C dir -f c.cfg
0   -C missing -C dir -f c.cfg
0   -f missing_command.cfg -dW
0   -f no_programs.cfg
0   -f haproxy_only.cfg
0   -f warning.cfg
0   -f second_user.cfg -dW
0   -f pidfile.cfg -f pidfile.cfg -f good.cfg -dW
0   -f pidfile.cfg -p two.pid -f good.cfg -dW
0   -f localpeer.cfg -f good.cfg -dW
0   -f localpeer.cfg -f good.cfg -L me
0   -f zero_warning.cfg -f good.cfg
0   -f quiet.cfg -f good.cfg -dW
1   -f warning.cfg -dW
1   -f warning.cfg -q -dW
1   -f zero_warning.cfg -f warning.cfg
1   -f localpeer.cfg -f good.cfg -L me -dW
1   -f keyword.cfg
1   -f keyword.cfg -q
1   -f keyword.cfg -q -V
1   -f good.cfg -f keyword.cfg
1   -f quiet.cfg -f keyword.cfg
1   -f no_command.cfg
1   -f good.cfg -f good.cfg
1   -f good.cfg -- good.cfg
1   -f quiet_word.cfg -f good.cfg
1   -f daemon_word.cfg -f good.cfg
1   -f zero_warning_word.cfg -f good.cfg
1   -f no_quiet.cfg -f good.cfg
1   -f bad_if.cfg -f good.cfg
1   -f alert.cfg -f good.cfg
1   -f missing.cfg
1   -f good.cfg -f missing.cfg
1   -f EMPTY
1   -f empty.d
1   -C missing -f good.cfg
1   -C dir -f good.cfg
1/2
1/2 -f
1/2 -f good.cfg second.cfg
1/2 -f good.cfg -zz
1/2 -f good.cfg -S
1/2 -f good.cfg -S 1000
1/2 -f good.cfg -S unix@x.sock,level,none
`

// TestCheckHasTheStatusOfHAProxy: H-1.19, H-4.15, H-4.16.
func TestCheckHasTheStatusOfHAProxy(t *testing.T) {
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(checkedFiles)).Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	problem := haproxyProblem()
	if problem != "" && os.Getenv("CI") == "true" {
		t.Error(problem)
	}
	for line := range strings.Lines(strings.TrimPrefix(checks, "\n")) {
		words := strings.Fields(line)
		status, args := words[0], words[1:]
		for i, a := range args {
			args[i] = strings.ReplaceAll(a, "EMPTY", "")
		}
		want, ours, differs := strings.Cut(status, "/")
		if !differs {
			ours = want
		}
		t.Run(strings.TrimSpace(line), func(t *testing.T) {
			t.Parallel()
			checkExits(t, dir, ours, testBinary(t), append([]string{"check"}, args...))
			checkExits(t, dir, ours, testBinary(t), append([]string{"run", "-W", "-c"}, args...))
			if problem == "" {
				checkExits(t, dir, want, string(haproxyMaster), append([]string{"-W", "-c"}, args...))
			}
		})
	}
}

// checkExits runs a check and compares its status.
func checkExits(t *testing.T, dir, want, name string, args []string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	cmd.Env = append(os.Environ(), "MWLUA_TEST_MAIN=mwlua")
	_ = cmd.Run() // its status says all
	if got := masterStatus(cmd.ProcessState); got != "exit:"+want {
		t.Errorf("%s %q: %s, want %s\n%s", filepath.Base(name), args, got, want, out.String())
	}
}
