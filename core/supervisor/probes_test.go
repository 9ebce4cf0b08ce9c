package supervisor

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// probed performs a probe and returns its answer.
func (r *rig) probed(a machine.Probe) machine.Probed {
	r.t.Helper()
	r.perform(a)
	got := expect[machine.Probed](r)
	if got.ID != a.ID || got.N != a.N {
		r.errorf("the answer is that of another probe")
	}
	return got
}

func TestProbeByNetwork(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	id := machine.ID{Program: "a", Seq: 4}
	spec := r.spec("a")
	spec.Health = &program.Health{Probe: program.Probe{TCP: "127.0.0.1:${env:PORT}"}}
	spec.Env, spec.Expand = append(spec.Env, "PORT="+strconv.Itoa(l.Addr().(*net.TCPAddr).Port)), true
	ask := machine.Probe{ID: id, N: 7, What: spec.Health.Probe, Spec: spec, Limit: rigPatience}
	if got := r.probed(ask); !got.OK || got.Text != "" {
		r.errorf("%+v", got)
	}
	l.Close()
	if got := r.probed(ask); got.OK || got.Text != "connect "+l.Addr().String()+": connection refused" {
		r.errorf("%+v", got)
	}
	ask.Spec.Health.Probe.TCP = "${x}"
	ask.What = ask.Spec.Health.Probe
	if got := r.probed(ask); got.OK || got.Text != "cannot expand health: unknown ${x}" {
		r.errorf("%+v", got)
	}
}

func TestProbeByCommand(t *testing.T) {
	if !alone(t) {
		return
	}
	for name, test := range map[string]struct{ script, want string }{
		"success":      {"exit 0", ""},
		"status":       {"exit 3", "exit status 3"},
		"output":       {"echo; echo ' no connection '; echo more >&2; exit 1", "exit status 1: no connection"},
		"errors":       {"echo out of order >&2; exit 2", "exit status 2: out of order"},
		"signal":       {"echo bye; kill -9 $$", "killed by SIGKILL: bye"},
		"variables":    {`echo $MAINPID $MWLUA_INSTANCE $MWLUA_PROGRAM $A $(pwd); exit 1`, "exit status 1: 12 a[2]#4 a b @"},
		"no input":     {`read x; echo got $x; exit 1`, "exit status 1: got"},
		"much":         {"yes | head -c 3000000; exit 0", ""},
		"a long line":  {"yes | tr -d '\\n' | head -c 10000; exit 1", "exit status 1: " + strings.Repeat("y", maxReason)},
		"grandchild":   {"sleep 1000 & echo left it; exit 1", "exit status 1: left it"},
		"hang":         {"echo asking; sleep 1000 & echo $! >grandchild; wait", "no answer within 300ms: asking"},
		"what is none": {"", "cannot run it: exec: /none/none: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			what := program.Probe{Command: []string{"sh", "-c", test.script}}
			if test.script == "" {
				what.Command = []string{"/none/none"}
			}
			limit := rigPatience
			if name == "hang" {
				limit = 300 * time.Millisecond
			}
			spec := r.spec("a")
			spec.Env, spec.Ready.Probe = append(spec.Env, "A=b"), what
			got := r.probed(machine.Probe{ID: machine.ID{Program: "a", Slot: 2, Seq: 4}, PID: 12, N: 1, What: what, Spec: spec, Limit: limit})
			if want := strings.ReplaceAll(test.want, "@", r.dir); got.Text != want || got.OK != (want == "") {
				r.errorf("%+v, want %q", got, want)
			}
			if name == "hang" {
				pid := r.pid("grandchild")
				for len(r.s.helpers) > 0 || runs(pid) {
					r.idle()
				}
			}
			if len(r.s.helpers)+len(r.s.attempts)+len(r.s.probing) > 0 {
				t.Errorf("something is left: %v %v", r.s.helpers, r.s.attempts)
			}
		})
	}
}

// runs reports whether there is a process that is not a zombie. Whose child it becomes, and who collects it, is left open.
func runs(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := strings.Cut(string(text), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z")
}

// TestManyProbesTakeTurns.
func TestManyProbesTakeTurns(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	l, err := net.Listen("unix", filepath.Join(r.dir, "socket"))
	check(t, err)
	defer l.Close()
	for range maxProbes {
		r.s.probing <- struct{}{}
	}
	ask := machine.Probe{N: 1, What: program.Probe{Unix: l.Addr().String()}, Limit: 20 * time.Millisecond}
	if got := r.probed(ask); got.OK || got.Text != "512 other probes have no answer yet" {
		r.errorf("%+v", got)
	}
	ask.Limit = rigPatience
	r.perform(ask)
	r.idle()
	if count[machine.Probed](r) > 0 {
		r.errorf("it did not wait for its turn")
	}
	<-r.s.probing
	if got := expect[machine.Probed](r); !got.OK {
		r.errorf("%+v", got)
	}
}

func TestStopCommand(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	spec := r.spec("a")
	spec.StopCommand = []string{"sh", "-c", "echo ${name} is $MAINPID >stopped; echo no; exit $A"}
	spec.Env, spec.Expand = append(spec.Env, "A=0"), true
	ask := machine.RunStop{ID: machine.ID{Program: "a", Seq: 4}, PID: 12, Spec: spec, Limit: rigPatience}
	r.perform(ask)
	if got := expect[machine.StopRan](r); got != (machine.StopRan{ID: ask.ID, OK: true}) {
		r.errorf("%+v", got)
	}
	if got := r.file("stopped"); got != "a is 12" {
		t.Errorf("it ran with %q", got)
	}
	ask.Spec.Env = append(ask.Spec.Env, "A=5")
	r.perform(ask)
	if got := expect[machine.StopRan](r); got != (machine.StopRan{ID: ask.ID, Text: "exit status 5: no"}) {
		r.errorf("%+v", got)
	}
}
