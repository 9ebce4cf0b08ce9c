package control

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// alive is a program in phase running whose current instance is in.
func alive(name string, in machine.Instance) machine.Program {
	in.Seq, in.PID, in.Since = 1, 43, second(90)
	return machine.Program{Name: name, Phase: machine.Running, Seq: 1, Current: 1, Instances: []machine.Instance{in}}
}

func TestStatusOfOneProgram(t *testing.T) {
	const begin = `"held":false,`
	const end = `"starts":0,"restarts":0,"failures":0`
	// instance is what stands in the middle of a program that runs.
	instance := func(ready, step, more string) string {
		return begin + `"ready":` + ready + `,"instance":"x#1","seq":1,"pid":43,"step":"` + step + `","generation":0,` +
			`"since":"1970-01-01T00:01:30Z","uptime_s":10,` + more + `"starts":1,"restarts":0,"failures":0`
	}
	for name, test := range map[string]struct {
		spec    program.Spec
		program machine.Program
		want    string // without the braces and the name
	}{
		"a one-shot that is done": {
			program.Spec{Kind: program.OneShot}, machine.Program{Phase: machine.Done},
			`"kind":"oneshot","phase":"done","held":false,"ready":true,` + end,
		},
		"a cron that waits for its time": {
			program.Spec{Kind: program.Cron}, machine.Program{Phase: machine.Scheduled, TickAt: second(160.5), TickWall: 160e9},
			`"kind":"cron","phase":"scheduled","held":false,"ready":false,` + end +
				`,"next_tick":"1970-01-01T00:02:40Z","next_tick_in_s":60.5`,
		},
		"a cron that is due while it runs": {
			program.Spec{Kind: program.Cron},
			func() machine.Program {
				p := alive("x", machine.Instance{Step: machine.Started})
				p.Queued, p.TickAt = true, second(160)
				return p
			}(),
			`"kind":"cron","phase":"running",` + instance("true", "started", "") +
				`,"next_tick":"1970-01-01T00:02:40Z","next_tick_in_s":60,"queued":true`,
		},
		"one that is not ready yet": {
			program.Spec{}, alive("x", machine.Instance{Step: machine.Unready, Deadline: second(120),
				Health: machine.Health{N: 4, Failures: 4, Text: "connection refused", Due: second(101)}}),
			`"kind":"program","phase":"running",` + instance("false", "starting", `"deadline":"1970-01-01T00:02:00Z","deadline_in_s":20,`+
				`"health":{"ill":false,"failures":4,"text":"connection refused","next":"1970-01-01T00:01:41Z","next_in_s":1},`),
		},
		"an unhealthy one that says something": {
			program.Spec{}, alive("x", machine.Instance{Step: machine.Started, Health: machine.Health{N: 9, Failures: 3, Ill: true, Text: "503"},
				Said: machine.Said{Status: "busy", Doing: machine.IsReloading, WatchdogDue: second(105)}}),
			`"kind":"program","phase":"running",` + instance("true", "started", `"health":{"ill":true,"failures":3,"text":"503"},`+
				`"says":"reloading","status_text":"busy","watchdog":"1970-01-01T00:01:45Z","watchdog_in_s":5,`),
		},
		"one whose children live on": {
			program.Spec{}, alive("x", machine.Instance{Step: machine.Emptying, Left: []machine.Survivor{{PID: 77, Name: "sleep"}},
				Ended: &policy.Exit{Code: 3, Ran: 8 * time.Second}}),
			`"kind":"program","phase":"running",` + instance("false", "emptying",
				`"ended":{"seq":1,"status":3,"code":3,"at":"1970-01-01T00:01:38Z","ago_s":2},"survivors":[{"pid":77,"name":"sleep"}],`),
		},
		"a slot whose next instance starts": {
			program.Spec{Instances: 3, Slot: 2},
			machine.Program{Slot: 2, Phase: machine.Running, Seq: 2, Current: 1, Next: 2, Instances: []machine.Instance{
				{Seq: 1, PID: 42, Step: machine.Started, Since: second(99)}, {Seq: 2, PID: 43, Step: machine.Unready, Since: second(99)},
			}},
			`"slot":2,"instances":3,"kind":"program","phase":"running","held":false,"ready":true,"instance":"x[2]#1","seq":1,"pid":42,` +
				`"step":"started","generation":0,"since":"1970-01-01T00:01:39Z","uptime_s":1,"next":{"instance":"x[2]#2","seq":2,"pid":43,` +
				`"step":"starting","generation":0,"since":"1970-01-01T00:01:39Z","uptime_s":1},"starts":2,"restarts":0,"failures":0`,
		},
		"a slot that waits for its turn, and one that missed it": {
			program.Spec{Instances: 2}, machine.Program{Phase: machine.Down, Roll: true, Stale: true},
			`"instances":2,"kind":"program","phase":"down","held":false,"ready":false,` + end + `,"rolling":true,"stale":true`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.program.Name, test.spec.Name = "x", "x"
			status := StatusOf(Report{Now: second(100), State: machine.State{
				Config: program.Config{Programs: []program.Spec{test.spec}}, Programs: []machine.Program{test.program},
			}}, time.Unix(100, 0))
			got, err := json.Marshal(status.Programs[0])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(`{"name":"x",`+test.want+`}`, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStatusRestoresTheNamesOfSlots(t *testing.T) {
	s := StatusOf(Report{State: machine.State{Programs: []machine.Program{{Name: "\xff", Slot: 2, Seq: 2, Current: 1, Next: 2,
		Instances: []machine.Instance{{Seq: 1}, {Seq: 2}}}}}}, time.Unix(0, 0))
	var again Status
	if err := json.Unmarshal(encode(s), &again); err != nil {
		t.Fatal(err)
	}
	again.restore()
	if p := again.Programs[0]; p.Name != "\xff" || p.ID != "\xff[2]#1" || p.Next.ID != "\xff[2]#2" {
		t.Errorf("%q %q %q", p.Name, p.ID, p.Next.ID)
	}
}
