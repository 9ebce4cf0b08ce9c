package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// inhabitant is a program of habitat: its declaration, and what it does at 1,000 s.
type inhabitant struct {
	spec  program.Spec
	state machine.Program
}

func (i inhabitant) of(name string) inhabitant {
	i.spec.Name, i.state.Name = name, name
	i.spec.Slot = i.state.Slot
	return i
}

// living is in phase running; its instances have the pids from 100 up, and the last is current.
func living(spec program.Spec, instances ...machine.Instance) inhabitant {
	p := machine.Program{Phase: machine.Running, Seq: uint64(len(instances)), Current: uint64(len(instances))}
	for i, in := range instances {
		in.Seq, in.PID, in.Since = uint64(i+1), 100+i, 900e9
		p.Instances = append(p.Instances, in)
	}
	return inhabitant{spec, p}
}

func (i inhabitant) slot(n int) inhabitant {
	i.state.Slot = n
	return i
}

// habitat has a program in every situation that a life can have.
func habitat() machine.State {
	ready, unready := machine.Instance{Step: machine.Started}, machine.Instance{Step: machine.Unready, Deadline: 1_020e9,
		Health: machine.Health{N: 3, Failures: 3, Text: "connect 127.0.0.1:80: connection refused"}}
	ill := machine.Instance{Step: machine.Started, Health: machine.Health{N: 9, Failures: 3, Ill: true, Text: "no answer within 2s"}}
	says := machine.Instance{Step: machine.Started, Health: machine.Health{N: 2}, Said: machine.Said{WatchdogDue: 1_005e9, Doing: machine.IsReloading,
		Status: "serving 12 clients\x1b[2J, and some more that want to be"}}
	left := machine.Instance{Step: machine.Emptying, Deadline: 1_009e9, Ended: &policy.Exit{},
		Left: []machine.Survivor{{PID: 77, Name: "sleep"}, {PID: 78, Name: "sh"}}}
	four, oneshot, cron := program.Spec{Instances: 4}, program.Spec{Kind: program.OneShot}, program.Spec{Kind: program.Cron}
	next := living(four, ready, unready).slot(2)
	next.state.Current, next.state.Next = 1, 2
	rolls := living(four, ready).slot(3)
	rolls.state.Roll = true
	stale := living(four, ready).slot(1)
	stale.state.Stale = true
	waiting := inhabitant{program.Spec{}, machine.Program{Phase: machine.Waiting, StartAt: 1_003e9}}
	after := func(names ...string) inhabitant {
		return inhabitant{program.Spec{After: names}, machine.Program{Phase: machine.Blocked}}
	}
	var s machine.State
	for _, i := range []inhabitant{
		living(four, ready).of("web"), stale.of("web"), next.of("web"), rolls.of("web"),
		waiting.of("db"), after("db", "migrate").of("api"), after("api").of("front"), living(program.Spec{}, unready).of("slow"),
		living(program.Spec{}, ill).of("ill"), living(program.Spec{}, says).of("says"), living(program.Spec{}, left).of("left"),
		inhabitant{oneshot, machine.Program{Phase: machine.Done, Seq: 1, Last: machine.Ending{Seq: 1, At: 990e9}}}.of("seed"),
		inhabitant{oneshot, machine.Program{Phase: machine.Failed, Seq: 1, Last: machine.Ending{Seq: 1, Code: 2, At: 990e9}}}.of("migrate"),
		inhabitant{cron, machine.Program{Phase: machine.Scheduled, TickAt: 4_700e9, TickWall: 1e18}}.of("clean"),
		inhabitant{program.Spec{}, machine.Program{Phase: machine.Down}}.of("web2"),
	} {
		s.Config.Programs, s.Programs = append(s.Config.Programs, i.spec), append(s.Programs, i.state)
	}
	return s
}

func TestStatusOfALife(t *testing.T) {
	p := &pretender{state: habitat()}
	t.Setenv("MWLUA_SOCKET", p.serve(t))
	for _, test := range []struct {
		args      string
		status    int
		out, talk []string
	}{
		{"status", 0, []string{
			"web running 100 1m40s 1 -",
			"web[1] running 100 1m40s 1 could not be replaced",
			"web[2] running 100 1m40s 2 web[2]#2 is to follow it (pid 101, starting, not ready: connect 127.0.0.1:80: connection refused, given up in 20s)",
			"web[3] running 100 1m40s 1 is replaced in its turn",
			"db waiting - - 0 starts in 3s",
			"api blocked - - 0 waits for db, migrate",
			"front blocked - - 0 waits for api",
			"slow starting 100 1m40s 1 not ready: connect 127.0.0.1:80: connection refused, given up in 20s",
			"ill unhealthy 100 1m40s 1 3 checks failed: no answer within 2s",
			`says running 100 1m40s 1 says that it is reloading, says "serving 12 clients?[2J, and some more t…"`,
			"left emptying 100 1m40s 1 left: sleep (77), sh (78), killed in 9s",
			"seed done - - 1 ended with 0 10s ago",
			"migrate failed - - 1 ended with 2 10s ago",
			"clean scheduled - - 0 due in 1h1m",
			"web2 down - - 0 -",
		}, nil},
		{"status -o wide says ill clean", 0, []string{
			"ill unhealthy 100 1m40s 1 ill#1 0 0 0 0 program yes ill 3 checks failed: no answer within 2s",
			`says running 100 1m40s 1 says#1 0 0 0 0 program yes ok says that it is reloading, watchdog in 5s, says "serving 12 clients?[2J, and some more that want to be"`,
			"clean scheduled - - 0 - 0 0 - 0 cron no - due in 1h1m",
		}, nil},
		{"status -abs-time clean", 0, []string{"clean scheduled - - 0 due at 2001-09-09T01:46:40Z"}, nil},
		{"status -o name", 0, strings.Fields("web db api front slow ill says left seed migrate clean web2"), nil},
		{"status seed clean slow api", 3, []string{
			"api blocked - - 0 waits for db, migrate",
			"slow starting 100 1m40s 1 not ready: connect 127.0.0.1:80: connection refused, given up in 20s",
			"seed done - - 1 ended with 0 10s ago", "clean scheduled - - 0 due in 1h1m",
		}, []string{"mwlua: error: api is not running"}},
		{"stop web", 0, []string{"web stopped"}, nil},
		{"stop -o name web*", 0, []string{"web", "web2"}, nil},
		{"start seed web", 0, []string{"web started", "seed done"}, nil},
		{"start --no-wait seed", 0, []string{"seed starting"}, nil},
		{"signal HUP web", 0, []string{"web signalled"}, nil},
		{"stop web[2]", 4, nil, []string{`mwlua: error: "web[2]" is one of the 4 instances of "web"`, "mwlua: hint: name web, which is all of them"}},
		{"stop web[0]", 4, nil, []string{`mwlua: error: "web[0]" is one of the 4 instances of "web"`, "mwlua: hint: name web, which is all of them"}},
		{"stop web[13]", 4, nil, []string{`mwlua: error: no program is like "web[13]"`,
			"mwlua: hint: there are web, db, api, front, slow, ill, says, left and 4 more: mwlua status lists them"}},
		{"stop web[23]", 0, []string{"web2 stopped"}, nil},
		{"stop db[0]", 4, nil, []string{`mwlua: error: no program is like "db[0]"`,
			"mwlua: hint: there are web, db, api, front, slow, ill, says, left and 4 more: mwlua status lists them"}},
	} {
		status, out, talk := mwlua(strings.Fields(test.args)...)
		if status != test.status {
			t.Errorf("%s: status %d, want %d", test.args, status, test.status)
		}
		if diff := cmp.Diff(test.out, linesOf(strings.ReplaceAll(out, "\t", " "))); diff != "" {
			t.Errorf("%s\n%s", test.args, diff)
		}
		if diff := cmp.Diff(test.talk, linesOf(talk)); diff != "" {
			t.Errorf("%s\n%s", test.args, diff)
		}
	}
	for _, r := range p.requests() {
		if strings.Contains(r.Program, "[") {
			t.Errorf("asked for %q", r.Program)
		}
	}
	if n := len(p.requests()); n != 8 {
		t.Errorf("%d requests: a program is asked once, however many instances it has", n)
	}
}

// linesOf is text by lines; nil if it is empty.
func linesOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func TestTally(t *testing.T) {
	at := func(kind, phase string, ready bool) control.Program {
		return control.Program{Name: "x", Kind: kind, Phase: phase, Ready: ready, Instance: &control.Instance{}}
	}
	ill := at("program", "running", true)
	ill.Health = &control.Health{Ill: true}
	for want, programs := range map[string][]control.Program{
		"":                          {at("oneshot", "done", true), at("cron", "scheduled", false), at("program", "down", false)},
		"1 of 3 ready":              {at("program", "running", true), at("program", "running", false), at("program", "blocked", false)},
		"1 of 2 ready, 1 failed":    {at("program", "running", true), at("program", "failed", false)},
		"1 failed":                  {at("oneshot", "failed", false)},
		"1 of 1 ready, 1 unhealthy": {ill},
	} {
		if got := tally(programs); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// lookAt is the status of state, as a client gets it.
func lookAt(t *testing.T, state machine.State) control.Status {
	t.Helper()
	s, err := control.Client{Path: (&pretender{state: state}).serve(t)}.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLaggards(t *testing.T) {
	s := lookAt(t, habitat())
	for _, test := range []struct {
		verb machine.Verb
		name string
		want []string
	}{
		{machine.StartProgram, "api", []string{"api (waits for db (waiting, starts in 3s), migrate (failed))"}},
		{machine.StartProgram, "front", []string{"front (waits for api (waits for db (waiting, starts in 3s), migrate (failed)))"}},
		{machine.StartProgram, "db", []string{"db (waiting, starts in 3s)"}},
		{machine.StartProgram, "slow", []string{"slow#1 (pid 100, starting, not ready: connect 127.0.0.1:80: connection refused, given up in 20s)"}},
		{machine.RestartProgram, "web", []string{"web[2]#1 (pid 100, started)",
			"web[2]#2 (pid 101, starting, not ready: connect 127.0.0.1:80: connection refused, given up in 20s)"}},
		{machine.StopProgram, "left", []string{"left#1 (emptying, left: sleep (77), sh (78), killed in 9s)"}},
		{machine.StopProgram, "web2", []string{"web2 (down)"}},
	} {
		if diff := cmp.Diff(test.want, laggards(s, test.verb, map[string]bool{test.name: true})); diff != "" {
			t.Errorf("%s %s\n%s", test.verb, test.name, diff)
		}
	}
	s.Supervisor.Reloading = string(machine.Starting)
	if got := beingStarted(s); len(got) != 1 || !strings.HasPrefix(got[0], "web[2]#1 (pid 100, started), web[2]#2 (pid 101, ") ||
		!strings.HasSuffix(got[0], " more") {
		t.Errorf("%q", got)
	}
	s.Supervisor.Reloading = string(machine.Trying)
	if got := beingStarted(s); got != nil {
		t.Errorf("%q", got)
	}
}

func TestLaggardsThatWaitForEachOtherEnd(t *testing.T) {
	s := control.Status{Programs: []control.Program{
		{Name: "a", Phase: "blocked", WaitsFor: []string{"b"}}, {Name: "b", Phase: "blocked", WaitsFor: []string{"a"}},
	}}
	if got := laggard(s, s.Programs[0]); len(got) != 1 || !strings.HasPrefix(got[0], "a (waits for b (waits for a (") {
		t.Errorf("%q", got)
	}
}

func TestTimeoutOfAStartSaysWhatItWaitsFor(t *testing.T) {
	p := &pretender{state: habitat(), answer: func(ctx context.Context, r machine.Request) (machine.Reply, bool) {
		<-ctx.Done()
		return machine.Reply{}, false
	}}
	status, out, talk := mwlua("start", "-s", p.serve(t), "-timeout", "1s", "api")
	want := "mwlua: error: timed out after 1s, waiting for api (waits for db (waiting, starts in 3s), migrate (failed))\n" +
		"mwlua: hint: mwlua goes on with it: mwlua status shows how far it is\n"
	if status != exitTimeout || out != "api\ttimeout\n" || talk != want {
		t.Errorf("%d\n%s\n%s", status, out, talk)
	}
}

func TestAFailedOneShotIsExitStatusOne(t *testing.T) {
	p := &pretender{state: habitat(), answer: func(context.Context, machine.Request) (machine.Reply, bool) {
		return machine.Reply{Why: machine.WhyFailed, Text: "migrate#2 exited with code 2"}, true
	}}
	status, out, talk := mwlua("start", "-s", p.serve(t), "migrate")
	if want := "mwlua: error: cannot start \"migrate\": migrate#2 exited with code 2\n"; status != exitFailed || out != "migrate\tfailed\n" || talk != want {
		t.Errorf("%d\n%s\n%s", status, out, talk)
	}
}

// Services that wait for what is behind them in a long list are not kept from starting by it, and no one-shot runs twice.
func TestManyThatWaitForTheLastOneStart(t *testing.T) {
	p := &pretender{}
	add := func(name string, kind program.Kind) {
		p.state.Config.Programs = append(p.state.Config.Programs, program.Spec{Name: name, Kind: kind})
		p.state.Programs = append(p.state.Programs, machine.Program{Name: name, Phase: machine.Down})
	}
	for i := range 2 * mostOrders {
		add("p"+strings.Repeat("x", i), program.Service)
	}
	add("last", program.Service)
	add("once", program.OneShot)
	last := make(chan struct{})
	p.answer = func(ctx context.Context, r machine.Request) (machine.Reply, bool) {
		if r.Program == "last" && r.NoWait {
			close(last)
		}
		if !r.NoWait {
			select {
			case <-last:
			case <-ctx.Done():
			}
		}
		return machine.Reply{OK: ctx.Err() == nil}, ctx.Err() == nil
	}
	if status, _, talk := mwlua("start", "-s", p.serve(t), "-timeout", "20s", "all"); status != 0 {
		t.Errorf("%d %s", status, talk)
	}
	asked := slices.DeleteFunc(p.requests(), func(r machine.Request) bool { return r.Program != "once" })
	if len(asked) != 1 || asked[0].NoWait {
		t.Errorf("the one-shot is asked to start: %v", asked)
	}
}

func TestPlanOfSlots(t *testing.T) {
	changes := control.Plan{Changes: []control.Change{
		{Name: "web", Do: "keep"}, {Name: "web", Slot: 1, Do: "keep"}, {Name: "web", Slot: 2, Do: "start", Reason: "new"},
		{Name: "web", Slot: 3, Do: "start", Reason: "new"},
	}}
	for chosen, want := range map[string]string{
		"":       "start\tweb[2]\t-\tnew\nstart\tweb[3]\t-\tnew\nmwlua: 2 changes, 1 program kept\n",
		nameForm: "web\n",
	} {
		var b strings.Builder
		(&remote{out: &b, talk: &b, form: form{chosen: chosen}}).printChanges(changes, changes.Changes)
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Error(diff)
		}
	}
}
