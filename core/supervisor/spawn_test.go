package supervisor_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// TestProgramGetsItsFiles: it reads from one, and what it writes is kept over restarts and over a reload.
func TestProgramGetsItsFiles(t *testing.T) {
	a := shell("a", `cat; echo $MWLUA_INSTANCE; echo $MWLUA_INSTANCE >&2; `+up+`exec sleep 1000`)
	a.Stdin, a.Stdout, a.Stderr = "file:@/in", "file:@/out", "file:@/err"
	a.Exit = policy.Policy{When: policy.Always}
	quiet := sleeper("quiet", "")
	quiet.Stdin, quiet.Stdout, quiet.Stderr = "null", "null", "null"
	r := newRun(t, programs(a, quiet), "sh", "-c", `echo text >in; exec "$@"`, "sh")
	first := r.pid("a#1")
	for fd, want := range []string{r.path("in"), r.path("out"), r.path("err")} {
		r.leads(first, fd, want)
		r.leads(r.pid("quiet#1"), fd, "/dev/null")
	}
	must(t, unix.Kill(first, unix.SIGKILL))
	r.pid("a#2")
	a.Env = []string{"A=1"} // it is replaced
	r.configure(programs(a, quiet))
	r.reload(loaded)
	r.leads(r.pid("a#3"), 1, r.path("out"))
	if out, errs := r.read("out"), r.read("err"); out != "text\na#1\ntext\na#2\ntext\na#3\n" || errs != "a#1\na#2\na#3\n" {
		t.Errorf("the files have %q and %q", out, errs)
	}
	r.signal(unix.SIGTERM)
	r.exits(0)
	r.alone()
}

// leads checks what a descriptor of a program leads to.
func (r *run) leads(pid, fd int, want string) {
	r.t.Helper()
	if got, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd)); got != want {
		r.t.Errorf("descriptor %d of %d leads to %q (%v), want %q", fd, pid, got, err, want)
	}
}

// TestProgramIsExpanded in each place that it can be.
func TestProgramIsExpanded(t *testing.T) {
	a := shell("a", `echo "$0 $A $B"; echo errors >&2; `+up+`exec sleep 1000`)
	a.Command = append(a.Command, "${name}-${instance}-${env:A}-${env:MWLUA_INSTANCE}-$${name}")
	a.Dir, a.Stdout, a.Stderr = "@/${name}", "file:@/${name}.${instance}", "file:@/${env:A}"
	a.Env = []string{"A=x${env:B}", "B=${name}"}
	a.Expand = true
	plain := shell("plain", `echo "$0"; `+up+`exec sleep 1000`)
	plain.Command, plain.Stdout = append(plain.Command, "${name}"), "file:@/${name}"
	r := newRun(t, programs(a, plain), "sh", "-c", `mkdir a; exec "$@"`, "sh")
	pid := r.pid("plain#1")
	r.until("a to be up", func() bool { return r.read("a/up.a#1") != "" })
	for file, want := range map[string]string{
		"a.0": "a-0-xa-a#1-${name} xa a\n", "xa": "errors\n", "${name}": "${name}\n",
	} {
		if got := r.read(file); got != want {
			t.Errorf("the file %s has %q, want %q%s", file, got, want, r.files())
		}
	}
	r.leads(pid, 1, r.path("${name}"))
	r.signal(unix.SIGTERM)
	r.exits(0)
	r.until("the end of a", func() bool { return len(r.processes()) == 0 })
}

// TestFailedStepIsNamed: the log says what could not be done with what, and why, and the program is tried again.
func TestFailedStepIsNamed(t *testing.T) {
	for name, test := range map[string]struct {
		want   string
		change func(*program.Spec)
	}{
		"stdin": {`cannot open its standard input @/missing: no such file or directory`,
			func(s *program.Spec) { s.Stdin = "file:@/missing" }},
		"stdout": {`cannot open its standard output @/no/out: no such file or directory`,
			func(s *program.Spec) { s.Stdout = "file:@/no/out" }},
		"stderr": {`cannot open its standard error @/fifo: no such device or address`,
			func(s *program.Spec) { s.Stderr = "file:@/fifo" }},
		"limits": {`cannot set its limits: nofile: operation not permitted`,
			func(s *program.Spec) { s.Limits = []program.Limit{{Name: "nofile", Soft: 1 << 40, Hard: 1 << 40}} }},
		"directory, with a limit": {`cannot enter the directory @/none: no such file or directory`,
			func(s *program.Spec) { s.Dir, s.Limits = "@/none", []program.Limit{{Name: "core"}} }},
		"command, with a limit": {`cannot execute @/none: no such file or directory`,
			func(s *program.Spec) { s.Command, s.Limits = []string{"@/none"}, []program.Limit{{Name: "core"}} }},
		"directory": {`cannot enter the directory @/none-0: no such file or directory`,
			func(s *program.Spec) { s.Dir, s.Expand = "@/none-${instance}", true }},
		"expand command": {`cannot expand command: unknown \${env:NONE}`,
			func(s *program.Spec) { s.Command, s.Expand = []string{"${env:NONE}"}, true }},
		"expand env": {`cannot expand env: A: unknown \${env:NONE}`,
			func(s *program.Spec) { s.Env, s.Expand = []string{"A=${env:NONE}"}, true }},
		"expand dir": {`cannot expand dir: unknown \${x}`,
			func(s *program.Spec) { s.Dir, s.Expand = "/${x}", true }},
		"expand stdout": {`cannot expand stdout: unknown \${env:NONE}`,
			func(s *program.Spec) { s.Stdout, s.Expand = "file:/${env:NONE}", true }},
		"expand stderr": {`cannot expand stderr: unknown \${env:NONE}`,
			func(s *program.Spec) { s.Stderr, s.Expand = "file:/${env:NONE}", true }},
	} {
		t.Run(name, func(t *testing.T) {
			a := sleeper("a", "")
			test.change(&a)
			a.Exit = policy.Policy{Backoff: policy.Backoff{Base: 10 * time.Millisecond}}
			r := newRun(t, programs(a, sleeper("b", "")), "sh", "-c", `mkfifo fifo; exec "$@"`, "sh")
			r.logged("a#2 did not start", 1)
			r.pid("b#1")
			r.checkLog(`a#1 did not start: ` + strings.ReplaceAll(test.want, "@/", r.dir+"/") + `; it starts again in 10ms \(attempt 1\)`)
			r.signal(unix.SIGTERM)
			r.exits(0)
			r.alone()
		})
	}
}

// TestProgramGetsItsUmaskAndLimits, and the next image of mwlua has neither.
func TestProgramGetsItsUmaskAndLimits(t *testing.T) {
	limits := []program.Limit{{Name: "core", Soft: 0, Hard: 0}, {Name: "nofile", Soft: 50, Hard: 60}}
	masked, limited, both, plain := sleeper("masked", ""), sleeper("limited", ""), sleeper("both", ""), sleeper("plain", "")
	masked.Umask, both.Umask = new(uint32(0o027)), new(uint32(0o077))
	limited.Limits, both.Limits = limits, limits
	r := newRun(t, programs(masked, limited, both, plain), "sh", "-c", `umask 002; ulimit -Sn 40; exec "$@"`, "sh")
	for seq := range 2 {
		for _, want := range []struct{ name, umask, files string }{
			{"masked", "0027", "40"}, {"limited", "0002", "50"}, {"both", "0077", "50"}, {"plain", "0002", "40"},
		} {
			pid := r.pid(fmt.Sprintf("%s#%d", want.name, seq+1))
			if got := r.field(pid, "status", "Umask:"); got != want.umask {
				t.Errorf("%s#%d has umask %s, want %s", want.name, seq+1, got, want.umask)
			}
			if got := r.field(pid, "limits", "Max open files"); got != want.files {
				t.Errorf("%s#%d may open %s files, want %s", want.name, seq+1, got, want.files)
			}
		}
		if got := r.field(r.cmd.Process.Pid, "status", "Umask:"); got != "0002" {
			t.Errorf("after %d reloads the umask of the supervisor is %s", seq, got)
		}
		if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", r.cmd.Process.Pid)); cwd != r.dir {
			t.Errorf("after %d reloads the supervisor is in %s, %v", seq, cwd, err)
		}
		for _, spec := range []*program.Spec{&masked, &limited, &both, &plain} {
			spec.Env = []string{"A=1"} // they are replaced
		}
		r.configure(programs(masked, limited, both, plain))
		r.reload(loaded)
	}
	r.signal(unix.SIGTERM)
	r.exits(0)
	r.alone()
}

// field is the first word after a name in a file of /proc/PID.
func (r *run) field(pid int, file, name string) string {
	r.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	must(r.t, err)
	_, rest, _ := strings.Cut("\n"+string(text), "\n"+name)
	if words := strings.Fields(rest); len(words) > 0 {
		return words[0]
	}
	return ""
}
