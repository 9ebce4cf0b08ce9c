package machine

import (
	"fmt"
	"testing"
	"time"
)

// What happens in FuzzMachine: the first of three bytes. Those that lead somewhere are there more than once.
const (
	fuzzBoot = iota
	fuzzReload
	fuzzStop
	fuzzTrialPassed
	fuzzTrialFailed
	fuzzHandoverFailed
	fuzzLoadFailed
	fuzzLoaded
	fuzzLoadedToo
	fuzzSpawned
	fuzzSpawnedToo
	fuzzSpawnFailed
	fuzzExited
	fuzzKilled
	fuzzLeft
	fuzzEmptied
	fuzzReady
	fuzzNotified
	fuzzProbed
	fuzzStopRan
	fuzzTick
	fuzzClockSet
	fuzzItself
	fuzzServing
	fuzzCommand
	fuzzCommandToo
	fuzzFailed
	fuzzWake
	fuzzDue
	fuzzKinds
)

// fuzzer makes events that have a fair chance to fit. who says of which instance, arg everything else.
type fuzzer struct {
	t        *testing.T
	m        *Machine
	now      *Instant
	who, arg byte
}

// id is an instance, mostly the newest of its slot, or one of the two before.
func (g fuzzer) id() ID {
	id := ID{Program: string(rune('a' + g.who%4)), Slot: int(g.who >> 2 % 3)}
	if p, _ := g.m.program(id.Program, id.Slot); p != nil {
		id.Seq = p.Seq - min(p.Seq, uint64(max(g.who>>4&7, 5)-5))
	}
	return id
}

// n is the number of the load under way, or of the one before.
func (g fuzzer) n() uint64 { return g.m.s.Reload.N - uint64(g.who>>7) }

// name is an event in a few words.
func (g fuzzer) name(ev Event) string {
	if _, ok := ev.(Loaded); ok {
		return fmt.Sprintf("Loaded %d %q", g.n(), fuzzConfigs[int(g.arg)%len(fuzzConfigs)])
	}
	return fmt.Sprintf("%T %+v", ev, ev)
}

// bit is one of those of arg.
func (g fuzzer) bit(n int) bool { return g.arg>>n&1 == 1 }

func (g fuzzer) event(kind byte) Event {
	switch kind {
	case fuzzBoot:
		return Booted{}
	case fuzzReload:
		return Request{Verb: ReloadAll, By: "SIGHUP", Hard: g.bit(0), From: uint64(g.arg >> 1)}
	case fuzzStop:
		if g.arg > 250 {
			return MasterEnded{PID: 1, Signal: []int{sigTERM, sigKILL}[g.arg%2]}
		}
		return Request{Verb: []Verb{StopAll, SoftStop}[g.arg%2], By: "SIGTERM", Signal: sigTERM}
	case fuzzTrialPassed:
		return TrialPassed{N: g.n()}
	case fuzzTrialFailed:
		return TrialFailed{N: g.n(), Text: "no"}
	case fuzzHandoverFailed:
		return HandoverFailed{N: g.n(), Text: "no"}
	case fuzzLoadFailed:
		return LoadFailed{N: g.n(), Text: "no"}
	case fuzzLoaded, fuzzLoadedToo:
		d := &driver{t: g.t}
		return Loaded{N: g.n(), Config: d.config(fuzzConfigs[int(g.arg)%len(fuzzConfigs)])}
	case fuzzItself:
		if g.bit(0) {
			return ReloadRefused{N: g.n(), ID: g.id(), Text: "no"}
		}
		return ReloadedItself{N: g.n(), ID: g.id()}
	case fuzzCommand, fuzzCommandToo:
		verb := []Verb{StartProgram, StopProgram, RestartProgram, SignalProgram}[g.arg&3]
		return Request{Verb: verb, By: "ctl", Program: g.id().Program, Signal: sigTERM, From: uint64(g.arg), NoWait: g.bit(2)}
	case fuzzWake:
		*g.now += Instant(g.arg) * Instant(time.Second)
		return Wake{}
	case fuzzDue:
		if at, ok := g.m.Deadline(); ok {
			*g.now = max(*g.now, at)
		}
		return Wake{}
	default:
		return g.ofProcess(kind)
	}
}

// ofProcess makes the events that tell of one instance.
func (g fuzzer) ofProcess(kind byte) Event {
	id := g.id()
	switch kind {
	case fuzzSpawned, fuzzSpawnedToo:
		return Spawned{ID: id, PID: 100 + int(id.Seq) + 1000*id.Slot}
	case fuzzSpawnFailed:
		return SpawnFailed{ID: id, Step: "exec", Text: "no such file or directory"}
	case fuzzExited:
		return Exited{ID: id, Code: int(g.arg & 3)}
	case fuzzKilled:
		return Exited{ID: id, Signal: []int{sigUSR1, sigTERM, sigKILL, sigINT}[g.arg&3]}
	case fuzzLeft:
		return Exited{ID: id, Code: int(g.arg & 1), Left: left("sh:7")}
	case fuzzEmptied:
		return Emptied{ID: id}
	case fuzzServing:
		if g.bit(0) {
			return NotServing{ID: id, Text: "no"}
		}
		return Serving{ID: id}
	case fuzzStopRan:
		return StopRan{ID: id, OK: g.bit(0), Text: "exit status 1"}
	case fuzzFailed:
		switch g.arg % 3 {
		case 0:
			return SignalFailed{ID: id, Signal: sigTERM, Text: "operation not permitted"}
		case 1:
			return NotifyRefused{ID: id, PID: 999}
		default:
			return SocketFailed{Program: id.Program, Name: "http", Text: "address already in use"}
		}
	default:
		return g.said(kind, id)
	}
}

// said makes the events of what is known of an instance while it runs, and of the clock.
func (g fuzzer) said(kind byte, id ID) Event {
	span := time.Duration(g.arg>>1) * time.Second
	p, _ := g.m.program(id.Program, id.Slot)
	if p == nil {
		p = &Program{}
	}
	switch kind {
	case fuzzReady:
		return Ready{ID: id}
	case fuzzNotified:
		ev := Notified{ID: id, Ready: g.bit(0), Watchdog: g.bit(1), Reloading: g.bit(2), Stopping: g.bit(3), Trigger: g.arg>>4 == 15}
		if g.bit(4) {
			ev.Extend, ev.WatchdogEvery = span, time.Duration(g.arg>>6)*time.Second
		}
		if g.arg>>4 == 6 {
			ev.MainPID = 5000 + int(id.Seq)
		}
		return ev
	case fuzzProbed:
		ev := Probed{ID: id, OK: g.bit(0), Text: "connection refused"}
		if in := p.find(id.Seq); in != nil {
			ev.N = in.Health.N - uint64(g.arg>>7)
		}
		return ev
	case fuzzTick:
		if g.arg == 255 {
			return Tick{Program: id.Program, N: p.TickN, Text: "it never comes"}
		}
		return Tick{Program: id.Program, N: p.TickN - min(p.TickN, uint64(g.arg&1)), At: *g.now + Instant(span), Wall: int64(*g.now) + int64(span)}
	case fuzzClockSet:
		return ClockSet{Wall: int64(*g.now) + int64(span) - int64(time.Minute)}
	default:
		panic("no such kind of event")
	}
}
