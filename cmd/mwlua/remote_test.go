package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// pretender stands at a control socket as a supervisor would, and does nothing but answer.
type pretender struct {
	mu     sync.Mutex
	asked  []machine.Request
	state  machine.State
	answer func(ctx context.Context, r machine.Request) (machine.Reply, bool) // nil: OK
	plan   program.Problems
	end    func() // what a shutdown does
}

var planned = []machine.Change{
	{Name: "web", Do: machine.ReplaceIt, Signal: 10, Reason: "changed: command"}, {Name: "job", Do: machine.KeepIt, Reason: "unchanged"},
	{Name: "new", Do: machine.StartIt, Reason: "new"}, {Name: "old", Do: machine.RemoveIt, Signal: 10, Reason: "no longer declared"},
}

func (p *pretender) ask(ctx context.Context, r machine.Request) (machine.Reply, bool) {
	p.mu.Lock()
	r.By = ""
	p.asked = append(p.asked, r)
	p.mu.Unlock()
	switch {
	case p.answer != nil:
		return p.answer(ctx, r)
	case r.Verb == machine.StopAll || r.Verb == machine.SoftStop:
		go p.end()
	}
	return machine.Reply{OK: true}, true
}

// serve returns the path of its socket.
func (p *pretender) serve(t *testing.T) string {
	t.Helper()
	l, err := control.Listen(filepath.Join(t.TempDir(), "c.sock"), 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	p.end = func() { l.Close() }
	done := make(chan struct{})
	go func() {
		control.Serve(l, control.Backend{
			Status: func() (control.Report, bool) {
				return control.Report{State: p.state, Now: 1_000e9, Started: 10e9, PID: 4_000_000, Version: "1.0"}, true
			},
			Ask: p.ask,
			Plan: func(context.Context) ([]machine.Change, program.Problems, bool) {
				return planned, p.plan, true
			},
			Reload: func(conn net.Conn, hard bool) {
				reply := machine.Reply{OK: true, Changes: planned}
				if len(p.plan.Errors()) > 0 {
					reply = machine.Reply{Why: machine.WhyFailed, Text: p.plan.Errors().Error()}
				}
				if hard {
					reply = machine.Reply{Why: machine.WhyFailed, Text: "the trial did not answer"}
				}
				control.WriteReload(conn, reply)()
			},
		})
		close(done)
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Path()
}

func (p *pretender) requests() []machine.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// zoo has a program of each kind.
func zoo() machine.State {
	run := func(name string, seq uint64, steps ...machine.Step) machine.Program {
		p := machine.Program{Name: name, Phase: machine.Running, Seq: seq, Current: seq}
		for i, step := range steps {
			in := machine.Instance{Seq: seq - uint64(len(steps)-1-i), PID: 100 + i, Step: step, Since: 900e9, Generation: 2}
			if step == machine.Stopping {
				in.Deadline = 1_030e9
			}
			p.Instances = append(p.Instances, in)
		}
		return p
	}
	return machine.State{Generation: 2, Programs: []machine.Program{
		run("web", 3, machine.Started), run("web2", 2, machine.Leaving, machine.Started), run("going", 1, machine.Stopping),
		{Name: "job", Phase: machine.Waiting, Seq: 3, StartAt: 1_004e9, Failures: 3, Restarts: []machine.Instant{1, 2},
			Last: machine.Ending{Seq: 3, Signal: 11, At: 999e9}},
		{Name: "bad", Phase: machine.Failed, Seq: 5, Last: machine.Ending{Seq: 3, Code: 2, At: 1_000e9 - 90_000e9}},
		{Name: "held", Phase: machine.Down, Held: true}, {Name: "a b\x1b[31m", Phase: machine.Down},
		{Name: "gone", Phase: machine.Removed, Seq: 1, Instances: []machine.Instance{{Seq: 1, PID: 7, Step: machine.Leaving}}},
	}}
}

// mwlua runs a command line in this process.
func mwlua(args ...string) (status int, out, talk string) {
	var o, e bytes.Buffer
	status = execute(args, &o, &e)
	return status, o.String(), e.String()
}

func TestRemoteCommands(t *testing.T) {
	p := &pretender{state: zoo()}
	path := p.serve(t)
	t.Setenv("MWLUA_SOCKET", path)
	lines := func(l ...string) string { return strings.Join(l, "\n") + "\n" }
	const there = "mwlua: hint: there are: web, web2, going, job, bad, held, \"a b\\x1b[31m\"\n"
	for _, test := range []struct {
		args      string // blanks separate
		status    int
		out, talk string
	}{
		{"status", 0, lines("web\trunning\t100\t1m40s\t3\t-", "web2\trunning\t101\t1m40s\t2\tweb2#1 (pid 100) is leaving",
			"going\tstopping\t100\t1m40s\t1\tkilled in 30s", "job\twaiting\t-\t-\t3\tstarts in 4s, ended by SEGV 1s ago, 3 failures in a row",
			"bad\tfailed\t-\t-\t5\tended with 2 1d1h ago", "held\tstopped\t-\t-\t0\t-", "\"a b\\x1b[31m\"\tdown\t-\t-\t0\t-",
			"gone\tremoved\t-\t-\t1\tgone#1 (pid 7) is leaving"), ""},
		{"status web", 0, "web\trunning\t100\t1m40s\t3\t-\n", ""},
		{"status -o wide web", 0, "web\trunning\t100\t1m40s\t3\tweb#3\t0\t0\t2\t0\t-\tyes\t-\t-\n", ""},
		{"status -o name web*", 0, "web\nweb2\n", ""},
		{"status web job", 3, lines("web\trunning\t100\t1m40s\t3\t-", "job\twaiting\t-\t-\t3\tstarts in 4s, ended by SEGV 1s ago, 3 failures in a row"),
			"mwlua: error: job is not running\n"},
		{"status nope web zz*", 4, "", "mwlua: error: there is no program \"nope\"\nmwlua: error: no program is like \"zz*\"\n" + there},
		{"status [", 2, "", "mwlua: error: cannot read the pattern \"[\": write web* or web[12]\n" +
			"mwlua: hint: mwlua --help lists the commands, mwlua COMMAND --help its flags\n"},
		{"start web held", 0, "web\tstarted\nheld\tstarted\n", ""},
		{"start -no-wait web", 0, "web\tstarting\n", ""},
		{"stop -o name web web", 0, "web\n", ""},
		{"stop -o jsonl web2", 0, "{\"name\":\"web2\",\"result\":\"stopped\"}\n", ""},
		{"restart web?", 0, "web2\trestarted\n", ""},
		{"signal hup web", 0, "web\tsignalled\n", ""},
		{"signal NOPE web", 2, "", "mwlua: error: there is no signal \"NOPE\": write a name such as HUP, or a number from 1 to 64\n" +
			"mwlua: hint: mwlua --help lists the commands, mwlua COMMAND --help its flags\n"},
		{"stop nope web", 4, "", "mwlua: error: there is no program \"nope\"\n" + there},
		{"plan", 0, lines("replace\tweb\tUSR1\tchanged: command", "start\tnew\t-\tnew", "remove\told\tUSR1\tno longer declared"),
			"mwlua: 3 changes, 1 program kept\n"},
		{"plan -o wide", 0, lines("replace\tweb\tUSR1\tchanged: command", "keep\tjob\t-\tunchanged", "start\tnew\t-\tnew",
			"remove\told\tUSR1\tno longer declared"), ""},
		{"plan -o name", 0, "web\nnew\nold\n", ""},
		{"reload -o name", 0, "web\nnew\nold\n", ""},
		{"reload --hard", 1, "", "mwlua: error: the trial did not answer\n" +
			"mwlua: hint: nothing was changed, the programs run on: correct what it says and reload again\n"},
		{"reload --no-wait", 0, "mwlua\treloading\n", ""},
		{"update -o name", 0, "web\nnew\nold\n", "mwlua: hint: the native verb is mwlua reload\n"},
		{"reread -o name", 0, "web\nnew\nold\n", "mwlua: hint: the native verb is mwlua plan\n"},
		{"pid", 0, "4000000\n", "mwlua: hint: the native verb is mwlua status\n"},
		{"pid web job", 3, "100\n", "mwlua: hint: the native verb is mwlua status\nmwlua: error: job is not running\n"},
	} {
		status, out, talk := mwlua(strings.Fields(test.args)...)
		if status != test.status {
			t.Errorf("%s: status %d, want %d", test.args, status, test.status)
		}
		if diff := cmp.Diff(test.out, out); diff != "" {
			t.Errorf("%s\n%s", test.args, diff)
		}
		if diff := cmp.Diff(test.talk, talk); diff != "" {
			t.Errorf("%s\n%s", test.args, diff)
		}
	}
}

func TestRemoteUsage(t *testing.T) {
	for args, want := range map[string]string{
		"start":               "start what: name programs, or all",
		"stop -o wide web":    "write one of json, jsonl, name",
		"signal HUP":          "signal what: write a signal and the names of programs, or all",
		"reload web":          `mwlua restart web starts that one again`,
		"shutdown web":        `mwlua stop web stops that one`,
		"status -timeout -1":  `--timeout: expected a duration with a unit, such as 5s or 1m30s, got "-1"`,
		"stop -timeout=-1s x": "--timeout cannot be negative",
		"status -n":           "unknown flag -n: leave it out, or see mwlua status --help",
		"status -nope":        "unknown flag --nope: leave it out, or see mwlua status --help",
	} {
		status, out, talk := mwlua(strings.Fields(args)...)
		if status != exitUsage || out != "" || !strings.Contains(talk, want) {
			t.Errorf("%s: %d %s%s, want %s", args, status, out, talk, want)
		}
	}
}

func TestAllIsWhatIsDeclared(t *testing.T) {
	p := &pretender{state: zoo()}
	if status, _, talk := mwlua("stop", "-s", p.serve(t), "--no-wait", "all"); status != 0 {
		t.Fatal(status, talk)
	}
	var names []string
	for _, r := range p.requests() {
		names = append(names, r.Program)
	}
	slices.Sort(names)
	if want := []string{"a b\x1b[31m", "bad", "going", "held", "job", "web", "web2"}; !slices.Equal(names, want) {
		t.Errorf("asked for %q", names)
	}
}

func TestNamesComeBeforePatterns(t *testing.T) {
	s := control.Status{Programs: []control.Program{
		{Name: "web*"}, {Name: "web1"}, {Name: "all"}, {Name: "dir/x"}, {Name: "old", Phase: "removed"}, {Name: "\xff"},
	}}
	for word, want := range map[string]string{
		"web*": "web*", "web?": "web* web1", "all": "all", "*": "web* web1 all dir/x \xff", "old": "old", "ol?": "", `web\*`: "web*", "[a-d]*": "all dir/x",
		"*/*": "dir/x", "\xff": "\xff",
	} {
		programs, err := targets(s, []string{word})
		var names []string
		for _, p := range programs {
			names = append(names, p.Name)
		}
		if got := strings.Join(names, " "); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v", word, got, err)
		}
	}
	if programs, err := targets(control.Status{}, []string{"all"}); err != nil || len(programs) != 0 {
		t.Errorf("all of none: %v, %v", programs, err)
	}
}

func TestFailuresOfSeveralPrograms(t *testing.T) {
	p := &pretender{state: zoo(), answer: func(_ context.Context, r machine.Request) (machine.Reply, bool) {
		switch r.Program {
		case "job":
			return machine.Reply{Why: machine.WhyFailed, Text: "job#4 did not start: cannot execute no such file"}, true
		case "bad":
			return machine.Reply{Why: machine.WhySuperseded, Text: "somebody else asked for another thing: stop-program"}, true
		}
		return machine.Reply{OK: true}, true
	}}
	path := p.serve(t)
	status, out, talk := mwlua("start", "-s", path, "web", "job", "bad")
	wantOut := "web\tstarted\njob\tfailed\nbad\tfailed\n"
	wantTalk := "mwlua: error: cannot start \"job\": job#4 did not start: cannot execute no such file\n" +
		"mwlua: error: cannot start \"bad\": somebody else asked for another thing: stop-program\n" +
		"mwlua: hint: mwlua status shows what came of it\n"
	if status != exitFailed || out != wantOut || talk != wantTalk {
		t.Errorf("%d\n%s\n%s", status, out, talk)
	}
	status, out, _ = mwlua("start", "-s", path, "-o", "json", "bad")
	want := `[
  {
    "name": "bad",
    "result": "failed",
    "error": "somebody else asked for another thing: stop-program",
    "why": "superseded",
    "hint": "mwlua status shows what came of it"
  }
]
`
	if diff := cmp.Diff(want, out); diff != "" || status != exitFailed {
		t.Error(status, diff)
	}
	p.answer = func(context.Context, machine.Request) (machine.Reply, bool) {
		return machine.Reply{Why: machine.WhyNotRunning, Text: `program "web" is not running`}, true
	}
	if status, _, _ := mwlua("signal", "-s", path, "HUP", "web"); status != exitNotRunning {
		t.Errorf("status %d", status)
	}
}

func TestTimeoutNamesTheLaggard(t *testing.T) {
	p := &pretender{state: zoo(), answer: func(ctx context.Context, r machine.Request) (machine.Reply, bool) {
		if r.Program != "web" {
			<-ctx.Done()
		}
		return machine.Reply{OK: true}, true
	}}
	path := p.serve(t)
	status, out, talk := mwlua("stop", "-s", path, "-timeout", "1s", "web", "web2", "going")
	want := "mwlua: error: timed out after 1s, waiting for web2#1 (pid 100, leaving), web2#2 (pid 101, started), " +
		"going#1 (pid 100, stopping, killed in 30s)\nmwlua: hint: mwlua goes on with it: mwlua status shows how far it is\n"
	if status != exitTimeout || talk != want || out != "web\tstopped\nweb2\ttimeout\ngoing\ttimeout\n" {
		t.Errorf("%d\n%s\n%s", status, out, talk)
	}
}

func TestManyAreStoppedTogether(t *testing.T) {
	const n = 3 * mostOrders
	p := &pretender{}
	for i := range n {
		p.state.Programs = append(p.state.Programs, machine.Program{Name: fmt.Sprint("p", i), Phase: machine.Running})
	}
	var mu sync.Mutex
	asked, all := 0, make(chan struct{})
	p.answer = func(ctx context.Context, r machine.Request) (machine.Reply, bool) {
		if r.NoWait {
			mu.Lock()
			defer mu.Unlock()
			if asked++; asked == n {
				close(all)
			}
			return machine.Reply{OK: true}, true
		}
		select {
		case <-all: // nobody is waited for before all were asked
			return machine.Reply{OK: true}, true
		default:
			return machine.Reply{Why: machine.WhyFailed}, true
		}
	}
	if status, out, talk := mwlua("stop", "-s", p.serve(t), "all"); status != 0 || strings.Count(out, "stopped") != n {
		t.Errorf("%d %s", status, talk)
	}
}

func TestConfigurationThatCannotBeUsed(t *testing.T) {
	p := &pretender{plan: program.Problems{
		{Place: program.Place{File: "a.lua", Line: 3}, Text: "unknown field"}, {Place: program.Place{File: "a.lua", Line: 4}, Text: "no"},
		{Warning: true, Text: "odd"},
	}}
	path := p.serve(t)
	for _, command := range []string{"plan", "reload"} {
		status, out, talk := mwlua(command, "-s", path)
		if status != exitInvalid || out != "" || !strings.Contains(talk, "mwlua: error: a.lua:3: unknown field\nmwlua: error: a.lua:4: no\nmwlua: hint: ") {
			t.Errorf("%s: %d\n%s\n%s", command, status, out, talk)
		}
	}
	p.plan = p.plan.Warnings()
	if status, out, talk := mwlua("plan", "-s", path, "-o", "json"); status != 0 || !strings.HasPrefix(talk, "mwlua: warning: odd\n") ||
		!strings.HasPrefix(out, "{\n  \"changes\": [\n") {
		t.Errorf("%d\n%s\n%s", status, out, talk)
	}
}

func TestShutdown(t *testing.T) {
	for _, soft := range []string{"", "--soft"} {
		p := &pretender{}
		path := p.serve(t)
		status, out, talk := mwlua(strings.Fields("shutdown -s " + path + " " + soft)...)
		if status != 0 || out != "mwlua\tstopped\n" || talk != "" {
			t.Errorf("%d\n%s\n%s", status, out, talk)
		}
		if verb := p.requests()[0].Verb; (verb == machine.SoftStop) != (soft != "") {
			t.Errorf("asked to %s", verb)
		}
	}
	p := &pretender{state: zoo(), answer: func(context.Context, machine.Request) (machine.Reply, bool) { return machine.Reply{OK: true}, true }}
	path := p.serve(t)
	if status, out, _ := mwlua("shutdown", "-s", path, "--no-wait"); status != 0 || out != "mwlua\tstopping\n" {
		t.Errorf("%d %s", status, out)
	}
	status, out, talk := mwlua("shutdown", "-s", path, "--timeout", "1s")
	if status != exitTimeout || out != "" || !strings.Contains(talk, "timed out after 1s, waiting for web#3 (pid 100, started), web2#1 (pid 100") {
		t.Errorf("%d %s%s", status, out, talk)
	}
}

func TestNobodyIsThere(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("RUNTIME_DIRECTORY", dir+":/elsewhere")
	t.Setenv("MWLUA_SOCKET", "")
	for _, args := range []string{"status", "stop web", "reload", "plan", "shutdown", "signal HUP web", "pid"} {
		status, out, talk := mwlua(strings.Fields(args)...)
		want := fmt.Sprintf("mwlua: error: cannot reach mwlua at %q: no such file or directory\nmwlua: hint: start mwlua with mwlua run, or name its socket "+
			"by -s PATH or MWLUA_SOCKET\n", filepath.Join(dir, "control.sock"))
		if status != exitUnreachable || out != "" || !strings.HasSuffix(talk, want) {
			t.Errorf("%s: %d %s\n%s", args, status, out, talk)
		}
	}
	t.Setenv("MWLUA_SOCKET", "/from/environment")
	if _, _, talk := mwlua("status"); !strings.Contains(talk, `"/from/environment"`) {
		t.Error(talk)
	}
	if _, _, talk := mwlua("status", "-s", "/from/flag"); !strings.Contains(talk, `"/from/flag"`) {
		t.Error(talk)
	}
	if os.Geteuid() != 0 {
		t.Setenv("MWLUA_SOCKET", "")
		t.Setenv("RUNTIME_DIRECTORY", "")
		t.Setenv("XDG_RUNTIME_DIR", "")
		if status, _, talk := mwlua("status"); status != exitUnreachable || !strings.Contains(talk, "hint: name it by -s PATH or MWLUA_SOCKET") {
			t.Error(status, talk)
		}
	}
}

func TestTable(t *testing.T) {
	tab := table{header: []string{"NAME", "STATE", "X"}}
	tab.add(cell{text: "web"}, cell{"running", green}, cell{text: "1"})
	tab.add(cell{text: "längster"}, cell{"", red}, cell{text: ""})
	var b bytes.Buffer
	tab.align(&b, false)
	if want := "NAME      STATE    X\nweb       running  1\nlängster  -        -\n"; b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	b.Reset()
	tab.align(&b, true)
	if want := "\x1b[1mNAME\x1b[0m      \x1b[1mSTATE\x1b[0m    \x1b[1mX\x1b[0m\nweb       \x1b[32mrunning\x1b[0m  1\nlängster  \x1b[31m-\x1b[0m        -\n"; b.String() != want {
		t.Errorf("got\n%q", b.String())
	}
}

func TestTimesOfStatus(t *testing.T) {
	for seconds, want := range map[float64]string{-5: "0s", 0.9: "0s", 59.9: "59s", 60: "1m0s", 3599: "59m59s", 3600: "1h0m", 86399: "23h59m", 90000: "1d1h"} {
		if got := duration(seconds); got != want {
			t.Errorf("%v s are %s", seconds, got)
		}
	}
	p := &pretender{state: zoo()}
	_, out, _ := mwlua("status", "-s", p.serve(t), "-abs-time", "web", "job", "bad")
	for line := range strings.Lines(out) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		at := cells[3]
		if cells[0] != "web" {
			_, at, _ = strings.Cut(cells[5], " at ")
			at, _, _ = strings.Cut(at, ",")
		}
		if _, err := time.Parse(time.RFC3339, at); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}
