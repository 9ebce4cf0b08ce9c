package machine

import (
	"encoding/json"
	"testing"
	"time"
)

// FuzzMachine feeds any events in any order, most of which fit nothing. The invariants hold after each, and a machine that
// goes through JSON before every step does the same.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{0, 0, 9, 0, 12, 0, 12, 1, 1, 0, 4, 0, 0, 0, 9, 1, 15, 3, 2, 0, 19, 30})
	f.Add([]byte{0, 0, 9, 3, 12, 0, 15, 1, 19, 1, 12, 0, 2, 0, 19, 200})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, other := New(7), New(7)
		now := Instant(time.Second)
		for len(data) >= 2 {
			kind, arg := data[0], data[1]
			data = data[2:]
			if kind%24 == 23 {
				now += Instant(arg) * Instant(time.Second)
			}
			ev := fuzzEvent(t, m, kind%24, arg)
			other = clone(t, other)
			a, b := texts(m.Step(now, ev)), texts(other.Step(now, ev))
			if a != b {
				t.Fatalf("%#v: from JSON\n%sinstead of\n%s", ev, b, a)
			}
			if err := m.Check(); err != nil {
				t.Fatalf("%#v: internal error: %v", ev, err)
			}
			checkDeadline(t, m, other, now)
		}
	})
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

// fuzzEvent makes an event that has a fair chance to fit.
func fuzzEvent(t *testing.T, m *Machine, kind, arg byte) Event {
	id := ID{Program: string(rune('a' + arg%4))}
	if p, _ := m.program(id.Program, 0); p != nil {
		id.Seq = p.Seq - min(p.Seq, uint64(arg>>6))
	}
	n := m.s.Reload.N - uint64(arg>>7)
	d := &driver{t: t}
	switch kind {
	case 0:
		return Booted{}
	case 1, 2:
		return Request{Verb: ReloadAll, By: "SIGHUP"}
	case 3:
		return Request{Verb: []Verb{StopAll, SoftStop}[arg%2], By: "SIGTERM", Signal: sigTERM}
	case 4, 5:
		return TrialPassed{N: n}
	case 6:
		return TrialFailed{N: n, Text: "no"}
	case 7:
		return HandoverFailed{N: n, Text: "no"}
	case 8:
		return LoadFailed{N: n, Text: "no"}
	case 9, 10, 11:
		return Loaded{N: n, Config: d.config(fuzzConfigs[int(arg&0x3f)%len(fuzzConfigs)])}
	case 12, 13:
		return Spawned{ID: id, PID: int(id.Seq) + 1}
	case 14:
		return SpawnFailed{ID: id, Step: "exec", Text: "no such file or directory"}
	case 15, 16:
		return Exited{ID: id, Code: int(arg >> 4 & 3)}
	case 17:
		return Exited{ID: id, Signal: []int{sigUSR1, sigTERM, sigKILL, sigINT}[arg>>4&3]}
	case 18:
		return ReloadedItself{N: n, ID: id}
	case 19:
		return ReloadRefused{N: n, ID: id, Text: "no"}
	case 20, 21:
		verb := []Verb{StartProgram, StopProgram, RestartProgram, SignalProgram}[arg>>4&3]
		return Request{Verb: verb, By: "ctl", Program: id.Program, Signal: sigTERM, From: uint64(arg), NoWait: arg&8 != 0}
	case 22:
		return SignalFailed{ID: id, Signal: sigTERM}
	default:
		return Wake{}
	}
}

var fuzzConfigs = [][]string{
	{"a", "b", "c no-start-on-reload"},
	{"b", "a former-timeout=5s stop-timeout=2s", "d max-former=1"},
	{},
	{"a restart=always limit=3", "b on-reload=if-changed restart=", "c no-exit-on-failure"},
	{"env=X=1", "d stop-timeout=0s stop-signal=INT on-reload=itself", "b on-reload=itself", "a on-reload=keep restart=never"},
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
