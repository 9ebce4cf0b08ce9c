package machine

import (
	"time"

	"github.com/mwlua/mwlua/core/program"
)

// fitting is one of the events that the machine waits for, so that a life gets somewhere.
func (g fuzzer) fitting() Event {
	s := &g.m.s
	var fit []Event
	switch s.Reload.Step {
	case Trying:
		fit = append(fit, TrialPassed{N: s.Reload.N})
	case Handing:
		fit = append(fit, Booted{})
	case Loading:
		fit = append(fit, Loaded{N: s.Reload.N, Config: g.config()})
	case Asking:
		for _, id := range s.Reload.Asked {
			fit = append(fit, ReloadedItself{N: s.Reload.N, ID: id})
		}
	}
	for i := range s.Programs {
		p := &s.Programs[i]
		if s.kind(i) == program.Cron && p.TickAt == 0 && p.TickN > 0 {
			span := time.Duration(g.arg) * time.Second
			fit = append(fit, Tick{Program: p.Name, N: p.TickN, At: *g.now + Instant(span), Wall: int64(*g.now) + int64(span)})
		}
		for j := range p.Instances {
			fit = append(fit, g.fittingOf(p, &p.Instances[j]))
		}
	}
	if len(fit) == 0 {
		return Booted{}
	}
	return fit[int(g.who)%len(fit)]
}

func (g fuzzer) fittingOf(p *Program, in *Instance) Event {
	id := p.id(in.Seq)
	switch {
	case in.Step == Spawning && g.arg < 16:
		return SpawnFailed{ID: id, Step: "exec", Text: "no such file or directory"}
	case in.Step == Spawning:
		return Spawned{ID: id, PID: 100 + int(id.Seq) + 1000*id.Slot}
	case in.Step == Emptying:
		return Emptied{ID: id}
	case in.Health.Out:
		return Probed{ID: id, N: in.Health.N, OK: g.bit(0), Text: "connection refused"}
	case in.Step == Unready:
		return Notified{ID: id, Ready: true}
	case g.bit(1):
		return Ready{ID: id}
	case g.bit(2):
		return Exited{ID: id, Code: int(g.arg & 1), Left: left("sh:7")}
	default:
		return Exited{ID: id, Code: int(g.arg & 1)}
	}
}
