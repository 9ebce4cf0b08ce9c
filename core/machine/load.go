package machine

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/program"
)

// loaded takes a new configuration.
func (m *Machine) loaded(now Instant, ev Loaded) {
	r := &m.s.Reload
	if r.Step != Loading || r.N != ev.N {
		return
	}
	for _, w := range ev.Warnings {
		m.do(Note{Kind: NoteWarning, Text: w})
	}
	config := ev.Config.Expanded()
	if !m.ask(now, config) {
		m.carryOut(now, config)
	}
}

// carryOut carries out the plan of config: first the signals to everything that is to go or to be told, then the starts, and
// nobody waits for anybody (H-6.4).
func (m *Machine) carryOut(now Instant, config program.Config) {
	if config.Pidfile != "" {
		m.do(WritePidfile{Path: config.Pidfile})
	}
	if before, after := m.s.Config.Settings, config.Settings; before.Control != "" || after.Control != "" {
		m.do(OpenControl{Path: after.Control, Mode: after.ControlMode, Group: after.ControlGroup})
	}
	changes := m.plan(config)
	formers := m.formers()
	m.retime(changes, config)
	m.signalChanged(now, changes, config)
	m.signalFormers(formers)
	m.openSockets(config)
	code := hasCode(config) || hasCode(m.s.Config)
	m.adopt(config)
	if code {
		m.do(UseCode{})
	}
	m.s.Reload.Step, m.s.Reload.Deadline = Starting, 0
	if len(m.s.Reload.Waiting) > 0 {
		m.s.Reload.Changes = changes
	}
	for i := range m.s.Config.Programs {
		m.start(now, i, changes[i])
	}
	m.review(now)
	m.limitFormers(now)
	m.loadEnds(now)
}

// signalChanged tells the current instances, in the order of the old configuration, which is the order they were started in.
func (m *Machine) signalChanged(now Instant, changes []Change, config program.Config) {
	byKey := make(map[key]int, len(changes))
	for i, c := range changes {
		byKey[key{c.Name, c.Slot}] = i
	}
	for i := range m.s.Config.Programs {
		p, spec := &m.s.Programs[i], &m.s.Config.Programs[i]
		m.dropNext(now, p, spec)
		n := byKey[key{p.Name, p.Slot}]
		c := changes[n]
		in := p.find(p.Current)
		switch {
		case in == nil:
		case c.Do == RemoveIt && in.Cause == ByRequest:
			m.do(Note{Kind: NoteChange, ID: p.id(in.Seq), PID: in.PID, Text: string(c.Do) + ": " + c.Reason})
			m.leave(now, p, in, spec, 0)
		case c.Do == KeepIt && c.Signal != 0 && in.pending():
		case c.Do == KeepIt && c.Signal != 0 && (in.Step == Started || in.Step == Unready):
			in.Cause = ByReload
			m.signal(p, in, c.Signal)
		case c.Do == ReplaceIt && oneByOne(&config.Programs[n]) && in.Step != Emptying:
			m.do(Note{Kind: NoteChange, ID: p.id(in.Seq), PID: in.PID, Text: string(c.Do) + ", " + string(config.Programs[n].Overlap) + ": " + c.Reason})
		case c.Do == ReplaceIt || c.Do == RemoveIt:
			if m.s.Reload.Hard {
				c.Signal = sigTERM
			}
			m.do(Note{Kind: NoteChange, ID: p.id(in.Seq), PID: in.PID, Signal: c.Signal, Text: string(c.Do) + ": " + c.Reason})
			m.leave(now, p, in, spec, c.Signal)
		}
		if c.Do == RemoveIt {
			p.Held = false // one that is declared again later is a new one
			p.unschedule()
			m.signalBeside(now, p, spec, m.goSignal(spec))
			m.disappoint(p, "it is no longer declared")
			m.setDown(p, Removed)
		}
	}
}

// retime gives the instances that stay the time that config gives them, counted from when it was before.
func (m *Machine) retime(changes []Change, config program.Config) {
	for i := range config.Programs {
		place, ok := m.places[key{changes[i].Name, changes[i].Slot}]
		if !ok || changes[i].Do != KeepIt || place >= len(m.s.Config.Programs) {
			continue
		}
		before, is := &m.s.Config.Programs[place], &config.Programs[i]
		switch in := m.s.Programs[place].find(m.s.Programs[place].Current); {
		case in == nil || in.pending():
		case in.Step == Unready:
			in.retime(before.Ready.Timeout, is.Ready.Timeout)
		case in.Step == Started:
			in.retime(before.Timeout, is.Timeout)
		}
	}
}

// retime moves the deadline of an instance that had the time before, and has another one now; 0 is no limit. Adopt puts it on the
// schedule.
func (in *Instance) retime(before, is time.Duration) {
	switch {
	case is == 0:
		in.Deadline = 0
	case before == 0:
		in.Deadline = after(in.Since, is)
	case in.Deadline != 0: // it may have asked for more
		in.Deadline = after(in.Deadline, is-before)
	}
}

// dropNext lets go of an instance that was to follow the current one, and whose load has ended without it.
func (m *Machine) dropNext(now Instant, p *Program, spec *program.Spec) {
	in := p.find(p.Next)
	if in == nil {
		return
	}
	p.Next = 0
	in.ReloadSignal, in.StopSignal, in.StopTimeout = m.goSignal(spec), spec.StopSignal, int64(spec.StopTimeout)
	m.letGo(now, m.place(p), in, in.ReloadSignal, timeout(now, spec.FormerTimeout))
}

// signalBeside tells the runs of a cron that go on beside the current one that they are not wanted any more.
func (m *Machine) signalBeside(now Instant, p *Program, spec *program.Spec, signal int) {
	for i := range p.Instances {
		if in := &p.Instances[i]; in.Step == Leaving && in.Cause == ByTick {
			in.ReloadSignal = signal
			m.letGo(now, m.place(p), in, signal, timeout(now, spec.FormerTimeout))
		}
	}
}

// leave makes the current instance of p a former one.
func (m *Machine) leave(now Instant, p *Program, in *Instance, spec *program.Spec, signal int) {
	in.ReloadSignal, in.StopSignal, in.StopTimeout = signal, spec.StopSignal, int64(spec.StopTimeout)
	p.Current, p.Again, p.Stale = 0, false, false
	m.setDown(p, Down)
	m.letGo(now, m.place(p), in, signal, timeout(now, spec.FormerTimeout))
}

// letGo has an instance, which is no current one any more, finish and go in its own time.
func (m *Machine) letGo(now Instant, place int, in *Instance, signal int, until Instant) {
	if in.Step == Stopping || in.Step == Killing || in.Step == Emptying { // it is on its way already
		return
	}
	in.Step, in.Cause = Leaving, ByReload
	in.quiet()
	in.Deadline = m.due(place, in.Seq, until)
	m.signal(&m.s.Programs[place], in, signal)
}

func hasCode(c program.Config) bool { return len(c.Plugins) > 0 || len(c.Sources) > 0 }

// openSockets asks for the sockets of config, if there are any now or were before.
func (m *Machine) openSockets(config program.Config) {
	sockets := socketsOf(config)
	if len(sockets) > 0 || len(socketsOf(m.s.Config)) > 0 {
		m.do(OpenSockets{Sockets: sockets})
	}
}

// socketsOf are the sockets of all programs; those of several instances are the same.
func socketsOf(c program.Config) []ProgramSocket {
	var sockets []ProgramSocket
	for i := range c.Programs {
		if c.Programs[i].Slot > 0 {
			continue
		}
		for _, s := range c.Programs[i].Sockets {
			sockets = append(sockets, ProgramSocket{Program: c.Programs[i].Name, Socket: s})
		}
	}
	return sockets
}

// formerRef names a former instance by place.
type formerRef struct {
	place           int
	seq, generation uint64
}

// formers lists the former instances in the order in which HAProxy signals them: newest generation first, then as declared.
func (m *Machine) formers() []formerRef {
	var refs []formerRef
	for i := range m.s.Programs {
		for _, in := range m.s.Programs[i].Instances {
			if in.Seq != m.s.Programs[i].Current {
				refs = append(refs, formerRef{place: i, seq: in.Seq, generation: in.Generation})
			}
		}
	}
	slices.SortStableFunc(refs, func(a, b formerRef) int { return cmp.Compare(b.generation, a.generation) })
	return refs
}

// signalFormers repeats the reload signal to every instance that an earlier reload told to go (H-6.8).
func (m *Machine) signalFormers(refs []formerRef) {
	for _, ref := range refs {
		p := &m.s.Programs[ref.place]
		if in := p.find(ref.seq); in.Step == Leaving && in.Cause != ByTick {
			if m.s.Reload.Hard {
				in.ReloadSignal = sigTERM
			}
			m.signal(p, in, in.ReloadSignal)
		}
	}
}

// adopt makes config the one in force: its programs take the first places, in its order; removed ones with instances left
// follow in the order they had, and the rest is forgotten.
func (m *Machine) adopt(config program.Config) {
	old := m.s.Programs
	places := m.places
	taken := make([]bool, len(old))
	m.s.Programs = make([]Program, 0, len(config.Programs))
	for i := range config.Programs {
		p := Program{Name: config.Programs[i].Name, Slot: config.Programs[i].Slot, Phase: Down}
		if j, ok := places[key{p.Name, p.Slot}]; ok {
			p, taken[j] = old[j], true
			if p.Phase == Removed {
				p.Phase = Down
			}
		}
		m.s.Programs = append(m.s.Programs, p)
	}
	for j := range old {
		if !taken[j] && len(old[j].Instances) > 0 {
			m.s.Programs = append(m.s.Programs, old[j])
		}
	}
	m.s.Config = config
	m.s.Generation++
	m.s.Status = 0 // H-6.17
	m.derive()
}

// start carries out the rest of one change.
func (m *Machine) start(now Instant, place int, c Change) {
	p := &m.s.Programs[place]
	if c.Do == KeepIt {
		if p.Phase != Running || c.Signal != 0 {
			m.do(Note{Kind: NoteChange, ID: p.id(p.Seq), Signal: c.Signal, Text: string(c.Do) + ": " + c.Reason})
		}
		return
	}
	p.Failures, p.Restarts = 0, nil
	if p.Current != 0 {
		m.follow(now, place)
		return
	}
	if m.s.Config.Programs[place].Kind == program.Cron {
		m.schedule(place)
		return
	}
	m.awaited(p)
	m.wait(place, now)
}

// review brings what stays into line with a configuration that is new: clocks, health checks, and what is waited for.
func (m *Machine) review(now Instant) {
	for i := range m.s.Config.Programs {
		p := &m.s.Programs[i]
		spec := &m.s.Config.Programs[i]
		if p.Phase == Scheduled && spec.Kind != program.Cron || p.Phase == Done && spec.Kind != program.OneShot {
			p.Phase = Down
		}
		switch {
		case spec.Kind != program.Cron && p.Clock != "":
			p.unschedule()
		case m.onClock(i) && p.Clock != clockOf(spec):
			p.TickWall = 0
			m.askTick(i)
		}
		if p.Phase == Blocked && len(m.missing(i)) == 0 {
			m.wait(i, now)
		}
		if in := p.find(p.Current); in != nil {
			m.reviewInstance(now, i, in)
		}
		m.releaseInstances(now, i) // nobody may need it any more
	}
}

// reviewInstance: an instance that stays is ready, and well, as its new declaration has it.
func (m *Machine) reviewInstance(now Instant, place int, in *Instance) {
	if m.s.Config.Programs[place].Watchdog == 0 {
		in.Said.WatchdogDue = 0
	}
	switch by := m.s.Config.Programs[place].Ready.By; {
	case in.Step != Unready || in.pending():
		m.watch(now, place, in)
	case by == program.ReadyAtOnce:
		m.ready(now, place, in)
	case by == program.ReadyProbe && in.Health.Due == 0:
		m.probe(now, place, in)
	}
}

// limitFormers stops the oldest former instances of programs that have too many.
func (m *Machine) limitFormers(now Instant) {
	for i := range m.s.Config.Programs {
		m.limitFormersOf(now, i)
	}
}

func (m *Machine) limitFormersOf(now Instant, place int) {
	p, limit := &m.s.Programs[place], m.s.Config.Programs[place].MaxFormer
	if limit == 0 {
		return
	}
	excess := -limit
	for _, in := range p.Instances {
		if in.Step == Leaving && in.Cause != ByTick {
			excess++
		}
	}
	for j := range p.Instances {
		if excess > 0 && p.Instances[j].Step == Leaving && p.Instances[j].Cause != ByTick {
			m.endLeaving(now, place, &p.Instances[j], ByFormerLimit)
			excess--
		}
	}
}

// endLeaving stops an instance that was told to finish and go, and stayed too long.
func (m *Machine) endLeaving(now Instant, place int, in *Instance, cause Cause) {
	p := &m.s.Programs[place]
	declared, limit := m.terms(place, in)
	signal := stopSignal(declared, sigTERM)
	in.Step, in.Cause = Stopping, cause
	in.Deadline = m.due(place, in.Seq, timeout(now, limit))
	m.do(Note{
		Kind: NoteLeftTooLate, ID: p.id(in.Seq), PID: in.PID, Former: in.Seq != p.Current,
		Signal: signal, Until: in.Deadline, Text: string(cause),
	})
	m.signal(p, in, signal)
}

// loadEnds ends a load once every program that it starts has its answer.
func (m *Machine) loadEnds(now Instant) {
	if m.s.Reload.Step != Starting || m.s.Reload.Left > 0 || m.goesOn(now) {
		return
	}
	m.s.Failures = 0
	m.do(Note{Kind: NoteLoaded})
	if m.s.Generation == 1 {
		m.call(program.OnReadyAll, "")
	} else {
		m.call(program.OnReloaded, brokenText(m.s.Reload.Broken))
	}
	m.do(Notify{Doing: IsReady})
	if text := brokenText(m.s.Reload.Broken); text != "" {
		m.fail(m.s.Reload.Waiting, text)
		m.s.Reload.Waiting = nil
	}
	for _, id := range m.s.Reload.Waiting {
		m.do(Reply{To: id, OK: true, Changes: m.s.Reload.Changes})
	}
	m.reloadEnds(now)
}

// goesOn lets the next instances take their turn, when none is under way, and gives up what waits for something that does not come.
// False says that nothing is left of the load.
func (m *Machine) goesOn(now Instant) bool {
	for i := range m.s.Config.Programs {
		if p := &m.s.Programs[i]; p.Await {
			m.stayed(now, i, slotName(p.Name, p.Slot)+" waits for "+strings.Join(m.missing(i), ", "))
		}
	}
	for i := range m.s.Config.Programs {
		if m.s.Programs[i].Roll {
			m.roll(now, i)
		}
	}
	if m.s.Reload.Left > 0 {
		return true
	}
	for i := range m.s.Programs { // a load does not wait for what is blocked
		m.s.Programs[i].Starting = false
	}
	return false
}
