package luatest

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	glua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/cron"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/sim"
	"github.com/mwlua/mwlua/core/supervisor"
	"github.com/mwlua/mwlua/lua"
)

// soon is how long the answers of a world may take that a verb waits for: a trial, a load, a fork and exec take a millisecond each.
const soon = 100 * time.Millisecond

// maxTold bounds what a failure tells: lines of the log, and steps of the trace.
const maxTold = 50

// world is one in virtual time.
type world struct {
	*sim.World
	s       *state
	source  Source
	seed    uint64
	config  program.Config // that was loaded last
	offered *offer         // its functions, until it counts
	current *lua.Handlers  // of the configuration in force
	counts  uint64         // the generation whose functions these are
	stubs   map[string]*glua.LFunction
	frozen  map[string]bool // plugins
	booted  bool
	failure *string           // why the last reload failed; nil if it did not
	asking  bool              // a stub is being asked
	plugins map[string]Plugin // that were started for this world

	mu  sync.Mutex
	log []logged // its newest lines
}

// logged is a line of the log: a note of the machine, or, with a text, what a function has said.
type logged struct {
	at   time.Duration
	now  machine.Instant
	note machine.Note
	text string
}

// maxLogged and maxTrace bound what a world remembers: lines of its log, and steps. Half of that is always there.
const (
	maxLogged = 2_000
	maxTrace  = 2_000
)

// offer are the functions of a configuration; nil if it has none.
type offer struct{ handlers *lua.Handlers }

// sim is sim { config = "conf.lua" }: a world in virtual time in which nothing has happened yet.
func (s *state) sim(L *glua.LState) int {
	if s.options.Mode == Real {
		s.script.Raise(L, skipped("it is in virtual time, and -mode real was asked for"))
	}
	table := arguments(L, "sim", "config", "text", "haproxy", "now", "seed")
	w := &world{
		s: s, stubs: make(map[string]*glua.LFunction), frozen: make(map[string]bool), plugins: make(map[string]Plugin),
	}
	seed := s.current.seed
	switch n := table.RawGetString("seed").(type) {
	case glua.LNumber:
		seed = uint64(n)
	case *glua.LNilType:
	default:
		lua.Raise(L, "sim: seed: expected a number, got %s", lua.Describe(n))
	}
	w.World = sim.New(seed)
	s.current.result.Seed = seed
	w.Code, w.Tick, w.Told = w, tick, w.noted
	w.KeepTrace(maxTrace)
	w.Unchecked = true // it is not mwlua that is tested
	if text := optionalText(L, table, "sim", "now"); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			lua.Raise(L, "sim: now: expected a time such as \"2026-01-31T00:00:00Z\", got %q", text)
		}
		w.Born = at.UnixNano()
	}
	w.source, w.seed = s.source(L, "sim", table, w.say), seed
	config, ok := w.load(L)
	if !ok {
		return 0
	}
	for i := range config.Programs {
		if spec := &config.Programs[i]; spec.Ready.By != program.ReadyAtOnce {
			w.Behave(spec.Name, unready)
		}
	}
	s.current.worlds = append(s.current.worlds, w)
	s.current.ends = append(s.current.ends, w.close)
	L.Push(object(L, w, "s", "a world of sim", simVerbs(), func() bool { return s.current != nil && slices.Contains(s.current.worlds, w) }))
	return 1
}

// unready is a program that is not ready before the test says so.
func unready(b *sim.Behaviour) { b.Ready = sim.Answer{Fails: "connection refused"} }

// tick is when a schedule is due next.
func tick(schedule, zone string, from int64) (int64, error) {
	next, err := cron.Next(schedule, zone, time.Unix(0, from))
	return next.UnixNano(), err
}

// source reads which configuration is wanted.
func (s *state) source(L *glua.LState, verb string, table *glua.LTable, log func(level, text string)) Source {
	source := Source{Log: log}
	for _, key := range []string{"config", "haproxy"} {
		var files []string
		switch v := table.RawGetString(key).(type) {
		case glua.LString:
			files = []string{string(v)}
		case *glua.LTable:
			for i := 1; i <= v.Len(); i++ {
				files = append(files, v.RawGetInt(i).String())
			}
		case *glua.LNilType:
		default:
			lua.Raise(L, "%s: %s: expected the name of a file, got %s", verb, key, lua.Describe(v))
		}
		for i, name := range files {
			if !filepath.IsAbs(name) {
				files[i] = filepath.Join(s.script.Beside(), name)
			}
		}
		if key == "config" {
			source.Lua = files
		} else {
			source.HAProxy = files
		}
	}
	source.Text = optionalText(L, table, verb, "text")
	if source.Text != "" {
		at := s.script.Caller(L)
		source.Name = filepath.Join(s.script.Beside(), fmt.Sprintf("%s[%s in line %d]", filepath.Base(at.File), verb, at.Line))
	}
	return source
}

func (s Source) empty() bool { return len(s.Lua) == 0 && len(s.HAProxy) == 0 && s.Text == "" }

// load loads the configuration of w, which the next load of the world gets. If there is an error the test ends with it.
func (w *world) load(L *glua.LState) (program.Config, bool) {
	if w.source.empty() {
		lua.Raise(L, "expected a configuration: config = \"FILE\", haproxy = \"FILE\" or text = [[ … ]]")
	}
	config, text := w.tryLoad()
	if text != "" {
		lua.Raise(L, "the configuration cannot be used: %s", text)
	}
	return config, true
}

// tryLoad returns what is wrong with the configuration.
func (w *world) tryLoad() (program.Config, string) {
	source := w.source
	source.Seed = w.seed
	config, handlers, problems := w.s.options.Load(source)
	if failed := problems.Errors(); len(failed) > 0 {
		return config, failed.Error()
	}
	if failed := program.Problems(config.Validate()); len(failed) > 0 {
		return config, failed.Error()
	}
	if handlers != nil {
		w.s.current.ends = append(w.s.current.ends, func() error { handlers.Close(); return nil })
	}
	w.config, w.offered = config, &offer{handlers}
	w.SetConfig(config)
	return config, ""
}

// say takes what functions of the configuration log.
func (w *world) say(level, text string) {
	w.keep(logged{at: w.Elapsed(), text: strings.ToUpper(level) + " " + text})
}

// noted takes what the machine says.
func (w *world) noted(now machine.Instant, n machine.Note) {
	if n.Kind == machine.NoteReloadFailed || n.Kind == machine.NoteStays && w.failure == nil {
		w.failure = &n.Text
	}
	w.keep(logged{at: w.At(now), now: now, note: n})
}

func (w *world) keep(l logged) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.log) >= maxLogged {
		kept := copy(w.log, w.log[maxLogged/2:])
		clear(w.log[kept:])
		w.log = w.log[:kept]
	}
	w.log = append(w.log, l)
}

// lines are the last lines of the log, as a log has them.
func (w *world) lines(last int) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	for _, l := range w.log[max(0, len(w.log)-last):] {
		text := l.text
		if text == "" {
			text = supervisor.NoteText(l.now, l.note)
		}
		lines = append(lines, fmt.Sprintf("%-10v %s", l.at.Round(time.Millisecond), text))
	}
	return lines
}

// Use implements sim.Code: at a hand-over the next image begins with the functions that there were.
func (w *world) Use() {
	if g := w.State().Generation; w.offered != nil && g > w.counts {
		w.current, w.counts, w.offered = w.offered.handlers, g, nil
	}
}

// Decide implements sim.Code.
func (w *world) Decide(a machine.Decide) sim.Decision {
	ctx, cancel := context.WithTimeout(w.s.current.ctx, a.Limit)
	defer cancel()
	if a.By.By == program.ByHandler {
		if w.current == nil {
			return failing("the configuration has no functions")
		}
		v, store, err := w.current.Decide(ctx, a.By.Name, a.Event)
		return decision(v, store, nil, err)
	}
	if w.frozen[a.By.Name] {
		return silent(a.Limit)
	}
	if stub := w.stubs[a.By.Name]; stub != nil {
		return w.askStub(a, stub)
	}
	p, err := w.plugin(a.By.Name)
	if err != nil {
		return failing(err.Error())
	}
	v, blob, err := p.Decide(ctx, a.Event, a.Blob)
	return decision(v, nil, blob, err)
}

// silent is what becomes of a question to who does not answer.
func silent(limit time.Duration) sim.Decision {
	return sim.Decision{Answer: sim.Answer{After: limit, Fails: fmt.Sprintf("no verdict within %v", limit)}}
}

func failing(text string) sim.Decision { return sim.Decision{Answer: sim.Answer{Fails: text}} }

func decision(v policy.Verdict, store, blob []byte, err error) sim.Decision {
	if err != nil {
		return failing(err.Error())
	}
	return sim.Decision{Verdict: v, Store: store, Blob: blob}
}

// askStub asks the function of the test that stands for a plugin.
func (w *world) askStub(a machine.Decide, stub *glua.LFunction) sim.Decision {
	w.asking = true
	answer, failed := w.s.script.Call(w.s.current.ctx, stub, w.s.script.Event(a.Event))
	w.asking = false
	switch {
	case failed != nil:
		return failing(fmt.Sprintf("%v: %s", failed.Place, failed.Text))
	case answer == glua.LString("timeout"):
		return silent(a.Limit)
	case answer == glua.LString("error"):
		return failing("it answered an error: as the test says")
	case answer == glua.LString("gone"):
		return failing("it was gone before it answered")
	}
	v, err := w.s.script.Verdict(answer, "stub_plugin "+a.By.Name)
	return decision(v, nil, nil, err)
}

// plugin is the real one, started at the first question.
func (w *world) plugin(name string) (Plugin, error) {
	if p := w.plugins[name]; p != nil {
		return p, nil
	}
	for _, declared := range w.State().Config.Plugins {
		if declared.Name != name {
			continue
		}
		if w.s.options.Plugin == nil {
			break
		}
		p, err := w.s.options.Plugin(w.s.current.ctx, declared)
		if err == nil {
			w.plugins[name] = p
		}
		return p, err
	}
	return nil, fmt.Errorf("no plugin %q can be started: stub_plugin(%q, function(ev) … end) answers for it", name, name)
}

// Call implements sim.Code.
func (w *world) Call(a machine.CallHook) error {
	if w.current == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(w.s.current.ctx, a.Limit)
	defer cancel()
	ev := policy.Event{Exit: a.Exit, Instance: a.ID.String(), Slot: a.ID.Slot, PID: a.PID, Time: time.Duration(w.Wall())}
	ev.Program, ev.Seq = a.ID.Program, a.ID.Seq
	return w.current.Call(ctx, a.Name, a.On, ev, a.Text)
}

func (w *world) close() error {
	for _, p := range w.plugins {
		p.Close()
	}
	return nil
}

// tellWorlds puts down what the worlds of a test that has failed were like.
func (s *state) tellWorlds(r *running, failed *lua.Failure) {
	if failed == nil || len(r.worlds) == 0 {
		return
	}
	w := r.worlds[len(r.worlds)-1]
	r.result.Log = w.lines(maxTold)
	r.result.Trace = w.Tail(maxTold)
}
