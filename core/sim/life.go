package sim

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// Others are processes that an instance has started and that outlive the one which mwlua started. The zero Others are none.
type Others struct {
	Count  int
	Runs   time.Duration // from that one's end to theirs; 0 means until a signal
	Ignore bool          // they die of SIGKILL only
}

// wallBirth is the wall clock's time at birth, nanoseconds since 1970: the first of January 2026.
const wallBirth = 1_767_225_600_000_000_000

// Wall is the time of the wall clock, nanoseconds since 1970.
func (w *World) Wall() int64 {
	return cmp.Or(w.Born, wallBirth) + int64(w.now-birth) + w.clockSet
}

// SetClock sets the wall clock by so much, back if that is negative.
func (w *World) SetClock(by time.Duration) {
	w.clockSet += int64(by)
	w.happen(machine.ClockSet{Wall: w.Wall()})
}

// Notify says something over the NOTIFY_SOCKET of the newest instance of a program. It returns false if none runs.
func (w *World) Notify(program string, said machine.Notified) bool {
	p := w.newest(program)
	if p == nil {
		return false
	}
	said.ID = p.id
	w.happen(said)
	return true
}

// NotifyInstance is Notify for one instance.
func (w *World) NotifyInstance(id machine.ID, said machine.Notified) {
	said.ID = id
	w.happen(said)
}

// Ready has the newest instance of a program say that it is ready, in the way that is declared. It returns false if none runs.
func (w *World) Ready(name string) bool {
	p := w.newest(name)
	return p != nil && w.ReadyInstance(p.id)
}

// ReadyInstance is Ready for one instance.
func (w *World) ReadyInstance(id machine.ID) bool {
	p := w.process(id)
	if p == nil || !p.running || p.dead {
		return false
	}
	w.happen(p.readyEvent())
	return true
}

// MakeReady makes an instance ready: it says so, or the next probe finds it, for which time passes. It returns false if the machine does
// not wait for that.
func (w *World) MakeReady(id machine.ID) bool {
	p := w.process(id)
	if p == nil || !p.running || p.dead || p.ready {
		return false
	}
	if p.spec.Ready.By != program.ReadyProbe {
		w.happen(p.readyEvent())
		return true
	}
	p.behaviour.Ready = Answer{}
	for range 2 { // one may be under way that fails
		if in := w.instance(id); in != nil && in.Step == machine.Unready && in.Health.Due != 0 {
			w.run(max(in.Health.Due, w.now), maxSteps)
			w.Quiet(soon)
		}
	}
	in := w.instance(id)
	return in != nil && in.Step != machine.Unready
}

// instance is what the machine knows of one.
func (w *World) instance(id machine.ID) *machine.Instance {
	p := w.slot(keyOfID(id))
	if p == nil {
		return nil
	}
	return instanceOf(p, id.Seq)
}

func (w *World) newest(name string) *process {
	var newest *process
	for _, t := range w.order {
		for _, p := range t.live {
			if t.name == name && p.running && !p.dead {
				newest = p
			}
		}
	}
	return newest
}

func (p *process) readyEvent() machine.Event {
	if p.spec.Ready.By == program.ReadyNotify {
		return machine.Notified{ID: p.id, Ready: true}
	}
	return machine.Ready{ID: p.id}
}

// begin is a process from the moment the machine knows that it runs.
func (w *World) begin(p *process) {
	p.running, p.ranAt = true, w.now
	answer := p.behaviour.Ready
	switch by := p.spec.Ready.By; {
	case by == program.ReadyAtOnce:
		p.ready = true
	case by == program.ReadyProbe, answer.Never, answer.Fails != "":
	default:
		w.queue.add(&delivery{at: w.later(answer.After), ev: p.readyEvent(), own: true})
	}
	w.petLater(p)
}

// petLater has a process say WATCHDOG=1 after a while.
func (w *World) petLater(p *process) {
	if p.spec.Watchdog > 0 && p.behaviour.Pets > 0 {
		w.queue.add(&delivery{at: w.later(p.behaviour.Pets), ev: machine.Notified{ID: p.id, Watchdog: true}, own: true})
	}
}

// hearSaid keeps the books of what an instance says of itself.
func (w *World) hearSaid(ev machine.Notified) {
	p := w.process(ev.ID)
	if p == nil {
		return
	}
	if ev.Ready && p.spec.Ready.By == program.ReadyNotify {
		p.ready = true
	}
	if ev.Watchdog {
		w.petLater(p)
	}
	if at := after(w.now, ev.Extend); ev.Extend > 0 && p.killBy != 0 {
		p.killBy = max(p.killBy, at)
	}
	p.extended = p.extended || ev.Extend > 0
}

// probe answers an attempt: a process is ready when its time has come, and well as World.Program says now.
func (w *World) probe(a machine.Probe) {
	w.expectProbe(a)
	p := w.process(a.ID)
	if p == nil {
		return
	}
	answer, ok := w.behaviours[a.ID.Program].Health, true
	if !p.ready {
		answer = p.behaviour.Ready
		ok = w.now >= after(p.ranAt, answer.After)
		answer.After = 0
	}
	if answer.Never || p.behaviour.Frozen {
		return
	}
	ev := machine.Probed{ID: a.ID, N: a.N, OK: ok && answer.Fails == ""}
	if !ev.OK {
		ev.Text = cmp.Or(answer.Fails, "connection refused")
	}
	w.queue.add(&delivery{at: w.later(answer.After), ev: ev, own: true})
}

// runStop runs a stop command: one that works ends the process, unless that does not mind being told to end.
func (w *World) runStop(a machine.RunStop) {
	p := w.process(a.ID)
	w.expectRunStop(p, a)
	answer := w.behaviours[a.ID.Program].Stop
	if p == nil || p.dead || answer.Never {
		return
	}
	if answer.Fails != "" {
		w.queue.add(&delivery{at: w.later(answer.After), ev: machine.StopRan{ID: a.ID, Text: answer.Fails}})
		return
	}
	w.queue.add(&delivery{at: w.later(answer.After), ev: machine.StopRan{ID: a.ID, OK: true}})
	switch r := p.behaviour.reaction(TERM); r.Does { // what it is told by the command is what it would be told by the signal
	case Exit:
		w.dies(p, w.later(answer.After+r.After), Ending{Code: r.Code}, false)
	case Ignore:
	default:
		w.dies(p, w.later(answer.After), Ending{}, false)
	}
}

// survivors are the processes that outlive one that ends now.
func (w *World) survivors(p *process) []machine.Survivor {
	others := p.behaviour.Leaves
	if p.spec.Kill == program.KillProcess || others.Count == 0 {
		return nil
	}
	var left []machine.Survivor
	for i := range min(others.Count, machine.MaxSurvivors) {
		left = append(left, machine.Survivor{PID: p.pid*100 + i, Name: "child"})
	}
	if others.Runs > 0 {
		w.empties(p, others.Runs)
	}
	return left
}

// empties ends what is left of a process after a while, unless that happens before.
func (w *World) empties(p *process, in time.Duration) {
	at := w.later(in)
	if p.empty != nil {
		if p.empty.at <= at {
			return
		}
		w.queue.cancel(p.empty)
	}
	p.empty = &delivery{at: at, ev: machine.Emptied{ID: p.id}, own: true}
	w.queue.add(p.empty)
}

// signalUnit does to what is left of a process what the signal does.
func (w *World) signalUnit(a machine.SignalUnit) {
	p := w.process(a.ID)
	if p == nil || !p.remains {
		w.fail("signal %d to what is left of %v, and nothing is", a.Signal, a.ID)
		return
	}
	p.told = true
	if a.Signal == KILL || !p.behaviour.Leaves.Ignore {
		w.empties(p, p.behaviour.Dies)
	}
}

// nextTick says when a cron is due, in the few words that this world knows.
func (w *World) nextTick(a machine.NextTick) {
	w.expectNextTick(a)
	from := a.Wall
	if from == 0 {
		from = w.Wall()
	}
	tick := w.Tick
	if tick == nil {
		tick = nextTick
	}
	next, err := tick(a.Spec.Schedule, a.Spec.Zone, from)
	if err == nil && next < w.Wall() {
		next, err = tick(a.Spec.Schedule, a.Spec.Zone, w.Wall())
	}
	ev := machine.Tick{Program: a.Program, N: a.N, At: w.now + machine.Instant(next-w.Wall()), Wall: next}
	if err != nil {
		ev = machine.Tick{Program: a.Program, N: a.N, Text: err.Error()}
	}
	w.queue.add(&delivery{at: w.now, ev: ev})
}

// nextTick is the first tick after a moment.
func nextTick(schedule, _ string, from int64) (int64, error) {
	step := map[string]time.Duration{"@hourly": time.Hour, "@daily": 24 * time.Hour}[schedule]
	if every, ok := strings.CutPrefix(schedule, "@every "); ok {
		if d, err := time.ParseDuration(every); err == nil && d > 0 {
			return from + int64(d), nil
		}
	}
	if step == 0 {
		return 0, errors.New("it never comes")
	}
	return (from/int64(step) + 1) * int64(step), nil
}

// Behave changes what the instances of a program do, those that run as well.
func (w *World) Behave(name string, change func(*Behaviour)) {
	b := w.behaviours[name]
	change(&b)
	w.behaviours[name] = b
	for _, t := range w.order {
		for _, p := range t.live {
			if t.name == name && !p.dead {
				change(&p.behaviour)
			}
		}
	}
}
