package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/sim"
)

// memory is a journal in memory: it records what a Writer would, with a segment whenever begin says so.
type memory struct {
	bytes.Buffer
	t     *testing.T
	hide  *hider
	n     uint64
	run   string
	begin func() bool
	drop  func() bool // a step that is not recorded; nil means none
	steps int
	ends  int
}

func newMemory(t *testing.T, begin func() bool) *memory {
	h := &hider{key: []byte("a key")}
	h.hashOf = h.hash
	return &memory{t: t, hide: h, begin: begin, run: "r"}
}

func (j *memory) line(data []byte, err error) {
	j.t.Helper()
	if err != nil {
		j.t.Fatal(err)
	}
	j.Write(data)
}

func (j *memory) Before(now machine.Instant, m *machine.Machine) {
	if j.n == 0 || j.begin() {
		state := j.hide.state(m.Snapshot())
		j.line(encodeLine(Head{
			Format: Format, Version: "1.2.3", Run: j.run, N: j.n, At: now, Wall: time.Unix(0, int64(now)).UTC(), State: state,
		}))
	}
}

func (j *memory) After(now machine.Instant, ev machine.Event, actions []machine.Action) {
	j.n++
	if j.drop != nil && j.drop() {
		return
	}
	s := newStep(now, ev, actions)
	j.steps++
	j.ends += len(s.Ends)
	j.line(encodeStep(j.hide.words().step(s)))
}

func (j *memory) replay(conf Conf) Result {
	j.t.Helper()
	r, err := Replay(Read("j", strings.NewReader(j.String())), conf)
	if err != nil {
		j.t.Fatal(err)
	}
	return r
}

// TestChaosIsReplayed: whatever happens in a made-up world, its replay says the same, from one snapshot or from many.
func TestChaosIsReplayed(t *testing.T) {
	steps, ends := 0, 0
	for seed := range uint64(25) {
		dice := rand.New(rand.NewPCG(seed, 2))
		j := newMemory(t, func() bool { return dice.IntN(50) == 0 })
		if err := sim.ChaosWatched(seed, j); err != nil {
			t.Fatal(err)
		}
		if j.n == 0 {
			continue
		}
		r := j.replay(Conf{})
		if r.Difference != nil || r.Events != j.steps || r.Exits != j.ends || len(r.Gaps) != 0 || r.Lives != 1 {
			t.Errorf("seed %d: %d steps and %d ends came to %+v: %+v", seed, j.steps, j.ends, r, r.Difference)
		}
		steps, ends = steps+j.steps, ends+j.ends
	}
	t.Logf("%d steps, %d ends", steps, ends)
	if steps < 3_000 || ends < 300 {
		t.Errorf("only %d steps, %d ends", steps, ends)
	}
}

// TestChaosEndsInTheNextSnapshot: a segment that is run leads to the state with which the next one begins.
func TestChaosEndsInTheNextSnapshot(t *testing.T) {
	compared := 0
	for seed := range uint64(12) {
		dice := rand.New(rand.NewPCG(seed, 3))
		j := newMemory(t, func() bool { return dice.IntN(30) == 0 })
		if err := sim.ChaosWatched(seed, j); err != nil {
			t.Fatal(err)
		}
		lines, err := ReadAll(Read("j", strings.NewReader(j.String())))
		if err != nil {
			t.Fatal(err)
		}
		var m *machine.Machine
		for _, l := range lines {
			if l.Step != nil {
				m.Step(l.Step.At, l.Step.Event)
				continue
			}
			if m != nil {
				compared++
				if diff := cmp.Diff(stateText(t, l.Head.State), stateText(t, m.State())); diff != "" {
					t.Fatalf("seed %d, %s (-recorded +replayed):\n%s", seed, l.Place, diff)
				}
			}
			if m, err = machine.Restore(l.Head.State); err != nil {
				t.Fatal(err)
			}
		}
	}
	if compared < 100 {
		t.Errorf("only %d snapshots were compared", compared)
	}
}

func stateText(t *testing.T, s machine.State) string {
	t.Helper()
	data, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestChaosWithGapsIsReplayed: what is missing is counted, and what is there is run.
func TestChaosWithGapsIsReplayed(t *testing.T) {
	for seed := range uint64(15) {
		dice := rand.New(rand.NewPCG(seed, 4))
		open, lost := true, uint64(0)
		j := newMemory(t, func() bool {
			if !open && dice.IntN(20) == 0 {
				open = true
				return true
			}
			return false
		})
		j.drop = func() bool {
			open = open && dice.IntN(60) != 0
			if !open {
				lost++
			}
			return !open
		}
		if err := sim.ChaosWatched(seed, j); err != nil {
			t.Fatal(err)
		}
		if j.steps == 0 {
			continue
		}
		r := j.replay(Conf{})
		counted := uint64(0)
		for _, g := range r.Gaps {
			counted += g.Lost
		}
		if r.Difference != nil || r.Events != j.steps || counted > lost || open && counted != lost {
			t.Errorf("seed %d: %d steps and %d lost came to %+v", seed, j.steps, lost, r)
		}
	}
}

// crasher is a world in which web ends with code 1, each time a second after its start.
func crasher(t *testing.T, exit policy.Policy, onExit []program.Decider, j *memory) *sim.World {
	t.Helper()
	w := sim.New(1)
	w.Watch(j)
	w.SetConfig(program.Config{Programs: []program.Spec{crashing(exit, onExit)}})
	w.Program("web", sim.Behaviour{Runs: time.Second, Ends: sim.Ending{Code: 1}})
	w.Boot()
	return w
}

func crashing(exit policy.Policy, onExit []program.Decider) program.Spec {
	return program.Spec{
		Name: "web", Command: []string{"web"}, StopTimeout: time.Second, OnReload: program.IfChanged, ReloadSignal: 10, Exit: exit, OnExit: onExit,
	}
}

func conf(exit policy.Policy, onExit []program.Decider) Conf {
	return Conf{
		Config: &program.Config{Programs: []program.Spec{crashing(exit, onExit)}},
		Decide: func(program.Decider, policy.Event, time.Duration) (policy.Verdict, []byte, error) {
			return policy.Verdict{}, nil, errors.New("nobody is asked")
		},
	}
}

var everySecond = policy.Policy{Backoff: policy.Backoff{Base: time.Second}}

// never begins no segment but the first one.
func never() bool { return false }

// differs checks what a difference says: the instance, then and now.
func differs(t *testing.T, r Result, want string) {
	t.Helper()
	got := "none"
	if d := r.Difference; d != nil {
		say := func(o *Outcome) string {
			if o == nil {
				return "nothing"
			}
			return strings.TrimSpace(fmt.Sprintf("%s %s (%s)", o.Verdict.Do, o.By, o.Verdict.Reason))
		}
		got = fmt.Sprintf("%v %v: %s, now %s", time.Duration(d.At.UnixNano()), d.ID, say(d.Then), say(d.Now))
		if d.QuitThen != nil || d.QuitNow != nil {
			got = fmt.Sprintf("quit: %v, now %v", d.QuitThen != nil, d.QuitNow != nil)
		}
	}
	if got != want {
		t.Errorf("it differs by %s\nwant %s\n%+v", got, want, r)
	}
}

func TestReplayUnderAnotherPolicy(t *testing.T) {
	j := newMemory(t, never)
	w := crasher(t, everySecond, nil, j)
	w.Advance(5 * time.Second)
	w.Reload("SIGHUP")
	w.Advance(5 * time.Second)
	w.Stop(machine.StopAll, sim.TERM)
	w.Settle()

	r := j.replay(Conf{})
	differs(t, r, "none")
	if r.Exits < 5 || r.Over < 10*time.Second || r.Over > 11*time.Second {
		t.Errorf("%+v", r)
	}
	differs(t, j.replay(conf(everySecond, nil)), "none")

	limited := everySecond
	limited.Limit = 2
	differs(t, j.replay(conf(limited, nil)), "1h0m5.004s web#3: restart  (attempt 3), now fail  (2 restarts, the limit)")
	differs(t, j.replay(conf(policy.Policy{When: policy.Never}, nil)), "1h0m1.002s web#1: restart  (attempt 1), now fail  (restart is never)")

	slower := everySecond
	slower.Backoff.Factor = 2
	differs(t, j.replay(conf(slower, nil)), "1h0m3.003s web#2: restart  (attempt 2), now restart  (attempt 2)")
}

// TestReplayUnderTheSameConfiguration that is given anew: nothing differs, whatever happens.
func TestReplayUnderTheSameConfiguration(t *testing.T) {
	web, api, migrate, tick := crashing(everySecond, nil), crashing(everySecond, nil), crashing(everySecond, nil), crashing(everySecond, nil)
	api.Name, api.Needs, api.Instances, api.Exit.Limit, api.Exit.OnLimit = "api", []string{"web"}, 2, 2, policy.Retry
	migrate.Name, migrate.Kind, migrate.Exit = "migrate", program.OneShot, policy.Policy{Limit: 3, MinInterval: 3 * time.Second}
	tick.Name, tick.Kind, tick.Schedule, tick.Exit = "tick", program.Cron, "* * * * *", policy.Policy{When: policy.Never}
	web.OnReload, web.After = program.Replace, []string{"migrate"}
	config := program.Config{Programs: []program.Spec{migrate, web, api, tick}, Env: []string{"A=B"}}
	exits := 0
	for seed := range uint64(40) {
		dice := rand.New(rand.NewPCG(seed, 5))
		j := newMemory(t, func() bool { return dice.IntN(40) == 0 })
		w := sim.New(seed)
		w.Watch(j)
		w.WakeLate = time.Duration(dice.IntN(90)) * time.Millisecond
		w.SetConfig(config)
		w.Program("migrate", sim.Behaviour{Runs: time.Second, Ends: sim.Ending{Code: dice.IntN(2)}})
		w.Program("tick", sim.Behaviour{Runs: time.Second, Ends: sim.Ending{Code: dice.IntN(2)}})
		w.Boot()
		for range 60 {
			name := config.Programs[dice.IntN(4)].Name
			switch dice.IntN(8) {
			case 0:
				w.Reload("SIGHUP")
			case 1:
				w.Command([]machine.Verb{machine.StopProgram, machine.StartProgram, machine.RestartProgram}[dice.IntN(3)], name, 0)
			case 2, 3, 4:
				w.Exit(name, sim.Ending{Code: dice.IntN(3)})
			default:
				w.Advance(time.Duration(dice.IntN(5000)) * time.Millisecond)
			}
		}
		w.Stop(machine.StopAll, sim.TERM)
		w.Settle()
		r := j.replay(Conf{Config: &config})
		if differs(t, r, "none"); t.Failed() {
			t.Fatalf("seed %d: %v", seed, w.Err())
		}
		exits += r.Exits
	}
	if exits < 500 {
		t.Errorf("only %d exits", exits)
	}
}

// TestReplayCallsFunctions: what a function stores is there the next time, and what it says counts in the same instant.
func TestReplayCallsFunctions(t *testing.T) {
	j := newMemory(t, func() bool { return true }) // what is counted goes on over segments
	w := crasher(t, everySecond, nil, j)
	w.Advance(9 * time.Second)

	c := conf(everySecond, []program.Decider{{By: program.ByHandler, Name: "web.on_exit[1]"}})
	var asked []string
	c.Decide = func(by program.Decider, ev policy.Event, limit time.Duration) (policy.Verdict, []byte, error) {
		asked = append(asked, fmt.Sprintf("%s %s %q %v", by.Name, ev.Instance, ev.Store, limit))
		switch ev.Seq {
		case 1:
			return policy.Verdict{Do: policy.Default}, []byte(`{"seen":1}`), nil
		case 2:
			return policy.Verdict{}, nil, errors.New("web.lua:3: oops")
		}
		return policy.Verdict{Do: policy.Fail, Reason: "enough"}, nil, nil
	}
	differs(t, j.replay(c), "1h0m5.004s web#3: restart  (attempt 3), now fail handler web.on_exit[1] (enough)")
	if diff := cmp.Diff([]string{
		`web.on_exit[1] web#1 "" 500ms`, `web.on_exit[1] web#2 "{\"seen\":1}" 500ms`, `web.on_exit[1] web#3 "{\"seen\":1}" 500ms`,
	}, asked); diff != "" {
		t.Error(diff)
	}
}

// TestReplayAnswersForPlugins: by what was recorded, if it is the same one, and else by the declared policy.
func TestReplayAnswersForPlugins(t *testing.T) {
	budget := []program.Decider{{By: program.ByPlugin, Name: "budget"}}
	j := newMemory(t, never)
	w := sim.New(1)
	w.Watch(j)
	w.SetConfig(program.Config{Programs: []program.Spec{crashing(everySecond, budget)}})
	w.Program("web", sim.Behaviour{
		Runs: time.Second, Ends: sim.Ending{Code: 1},
		Verdict: policy.Verdict{Do: policy.Restart, Delay: 5 * time.Second, Reason: "of the budget"}, Decide: sim.Answer{After: 20 * time.Millisecond},
	})
	w.Boot()
	w.Advance(20 * time.Second)

	differs(t, j.replay(Conf{}), "none")
	r := j.replay(conf(policy.Policy{When: policy.Never}, budget))
	differs(t, r, "none")
	if got := fmt.Sprint(r.Remarks); got != "[plugin budget answers as it did then, whatever its configuration is now]" {
		t.Errorf("remarks: %s", got)
	}
	r = j.replay(conf(everySecond, []program.Decider{{By: program.ByPlugin, Name: "other"}}))
	differs(t, r, "1h0m1.022s web#1: restart plugin budget (of the budget), now restart  (attempt 1)")
	if got := fmt.Sprint(r.Remarks); got != "[what plugin other would answer is not known: it was not asked then, so the declared policy counts]" {
		t.Errorf("remarks: %s", got)
	}
	both := []program.Decider{{By: program.ByHandler, Name: "f"}, budget[0]}
	c := conf(everySecond, both)
	c.Decide = func(program.Decider, policy.Event, time.Duration) (policy.Verdict, []byte, error) {
		return policy.Verdict{Do: policy.Default}, nil, nil
	}
	differs(t, j.replay(c), "none")
}

// TestReplayTellsThatMwluaWouldLeave, or that it would not.
func TestReplayTellsThatMwluaWouldLeave(t *testing.T) {
	j := newMemory(t, never)
	w := crasher(t, policy.Policy{When: policy.Never}, nil, j)
	w.Advance(5 * time.Second)
	c := conf(policy.Policy{When: policy.Never}, nil)
	c.Config.Settings.ExitWhen = program.ExitWhenDone
	differs(t, j.replay(c), "quit: false, now true")

	j = newMemory(t, never)
	w = sim.New(1)
	w.Watch(j)
	w.SetConfig(program.Config{Programs: []program.Spec{crashing(policy.Policy{When: policy.Never}, nil)}, Settings: c.Config.Settings})
	w.Program("web", sim.Behaviour{Runs: time.Second, Ends: sim.Ending{Code: 1}})
	w.Boot()
	w.Advance(5 * time.Second)
	differs(t, j.replay(Conf{}), "none")
	differs(t, j.replay(conf(policy.Policy{When: policy.Never}, nil)), "quit: true, now false")
}

// TestReplayOfNothing and of what cannot be run.
func TestReplayOfNothing(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "nothing was recorded yet",
		headLine(t, 0):                  "",
		headLine(t, 0)[:50]:             "nothing was recorded yet",
		headLine(t, 0) + "x\n":          "j:2: the line is damaged (invalid character 'x' looking for beginning of value): copy the lines before it (head -n 1) to replay them alone",
		`{"mwlua-journal":1}` + "\n":    "j:1: cannot restore the state: its version is 0, this binary reads 1: was the journal changed?",
		headLine(t, 0) + headLine(t, 9): "",
	} {
		_, err := Replay(Read("j", strings.NewReader(text)), Conf{})
		if got := strings.TrimPrefix(fmt.Sprint(err), "<nil>"); got != want {
			t.Errorf("%.60s: %s, want %s", text, got, want)
		}
	}
}

var update = flag.Bool("update", false, "write testdata/v1.journal, which is not to be done once a release has written such")

// TestVersion1IsReplayed: a journal of the first release is read and run, and comes out as it did.
func TestVersion1IsReplayed(t *testing.T) {
	const name = "testdata/v1.journal"
	if *update {
		var all []byte
		for seed := range uint64(60) {
			steps := 0
			j := newMemory(t, func() bool { steps++; return steps%40 == 0 })
			j.run = fmt.Sprint("life ", seed)
			if err := sim.ChaosWatched(seed, j); err != nil {
				t.Fatal(err)
			}
			if j.Len() < 20_000 && len(all) < 150_000 {
				all = append(all, j.Bytes()...)
			}
		}
		if err := os.WriteFile(name, all, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	in, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	r, err := Replay(in, Conf{})
	if err != nil || r.Difference != nil || r.Exits < 20 || r.Lives < 5 {
		t.Errorf("%+v, %v", r, err)
	}
	t.Logf("%d events, %d exits", r.Events, r.Exits)
}
