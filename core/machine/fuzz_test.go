package machine

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// FuzzMachine feeds any events in any order, most of which fit nothing. The invariants hold after each, and a machine that
// goes through JSON before every step does the same.
func FuzzMachine(f *testing.F) {
	for i := range fuzzConfigs {
		f.Add(fuzzLife(byte(i)))
	}
	for seed := range uint64(20) {
		f.Add(fuzzChance(seed, 200))
	}
	f.Fuzz(live)
}

// longestLife bounds a life, in events: a fuzzer that makes them longer and longer gets nowhere.
const longestLife = 300

// live is one life.
func live(t *testing.T, data []byte) {
	m, other := New(7), New(7)
	now := Instant(time.Second)
	var story strings.Builder // for whoever reads a failure
	data = data[:min(len(data), 3*longestLife)]
	for len(data) >= 3 {
		g := fuzzer{t: t, m: m, now: &now, who: data[1], arg: data[2]}
		ev := g.event(data[0] % fuzzKinds)
		data = data[3:]
		other = clone(t, other)
		a, b := texts(m.Step(now, ev)), texts(other.Step(now, ev))
		fmt.Fprintf(&story, "%v %s\n%s", time.Duration(now), g.name(ev), a)
		if a != b {
			t.Fatalf("%sfrom JSON it is\n%s", story.String(), b)
		}
		if err := m.Check(); err != nil {
			t.Fatalf("%sinternal error: %v", story.String(), err)
		}
		checkDeadline(t, m, other, now)
	}
}

// checkDeadline: after a step nothing that is due is left but starts beyond startsPerStep, and both machines wait for the
// same time.
func checkDeadline(t *testing.T, m, other *Machine, now Instant) {
	t.Helper()
	if m.s.Stop.Done {
		return
	}
	at, ok := m.Deadline()
	if at2, ok2 := other.Deadline(); at != at2 || ok != ok2 {
		t.Fatalf("deadline %v %v, from JSON %v %v", at, ok, at2, ok2)
	}
	for i := 0; ok && at <= now; i++ {
		if i > 1000 {
			t.Fatal("the deadline stays in the past: a loop around this would spin")
		}
		m.Step(now, Wake{})
		other.Step(now, Wake{})
		at, ok = m.Deadline()
	}
}

// FuzzRestore takes any JSON as a state: it is refused, or it is one that holds the invariants and can be stepped.
func FuzzRestore(f *testing.F) {
	d := &driver{t: f, m: New(1), now: Instant(time.Second)}
	d.run("boot\nloaded 1\n  a restart=always\n  b\nspawned a#1\nspawned b#1\nexited a#1 1\nreload X")
	f.Add([]byte(encode(f, d.m)))
	f.Add([]byte(`{"Version":1,"Programs":[{"Name":"a","Phase":"removed","Seq":1}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s State
		if json.Unmarshal(data, &s) != nil {
			return
		}
		m, err := Restore(s)
		if err != nil {
			return
		}
		now := Instant(time.Second)
		for _, ev := range []Event{Booted{}, Wake{}, Request{Verb: ReloadAll}, TrialPassed{N: s.Reload.N + 1}, Request{Verb: StopAll}} {
			m.Step(now, ev)
			if err := m.Check(); err != nil {
				t.Fatalf("%#v: internal error: %v", ev, err)
			}
		}
	})
}
