package luatest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	glua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/keeper"
	"github.com/mwlua/mwlua/lua"
)

// Times of a real mwlua.
const (
	leastStop = 2 * time.Second        // for an orderly stop, of a test that has no time left
	grace     = 500 * time.Millisecond // for what was told to go, once mwlua is gone
	usual     = 5 * time.Second        // for what a test waits for, where it does not say how long
)

// master is a real mwlua, below a keeper. It is started with the first method that needs it, so that a test can write files before.
type master struct {
	s       *state
	dir     string // of the test, where it runs
	runtime string // its RUNTIME_DIRECTORY, for this one alone
	logFile string
	argv    []string
	env     []string
	places  []place // of its configuration
	keeper  *keeper.Keeper
	child   keeper.Child // that was started last
	end     *keeper.End  // of it; nil while it runs
	killed  bool         // by the test: what it has left is no wonder
	names   map[string]bool
	frozen  map[int]bool // pids
	orders  int          // of ctl
}

// run is run { config = "conf.lua" }: a real mwlua with real processes.
func (s *state) run(L *glua.LState) int {
	if s.options.Mode == Sim {
		s.script.Raise(L, skipped("it runs real processes, and -mode sim was asked for"))
	}
	table := arguments(L, "run", "config", "text", "haproxy", "args", "env")
	source := s.source(L, "run", table, nil)
	if source.empty() {
		lua.Raise(L, "expected a configuration: config = \"FILE\", haproxy = \"FILE\" or text = [[ … ]]")
	}
	m := &master{s: s, names: make(map[string]bool), frozen: make(map[int]bool)}
	args, env := list(L, table, "run", "args"), variables(L, table)
	if err := m.prepare(source, args, env); err != nil {
		lua.Raise(L, "%v", err)
	}
	L.Push(object(L, m, "r", "a mwlua of run", realVerbs(), m.lives))
	return 1
}

// lives says that the test of m is being run.
func (m *master) lives() bool { return m.s.current != nil && slices.Contains(m.s.current.real, m) }

// prepare lays all down that m needs to start.
func (m *master) prepare(source Source, args []string, env map[string]*string) (err error) {
	r, number := m.s.current, ""
	if n := len(r.real); n > 0 {
		number = fmt.Sprint(n + 1)
	}
	if m.dir, err = r.directory(); err == nil {
		m.dir, err = filepath.Abs(m.dir)
	}
	if err != nil {
		return err
	}
	m.logFile = filepath.Join(m.dir, "mwlua"+number+".log")
	if m.runtime, err = runtimeDirectory(m.dir, number); err != nil {
		return fmt.Errorf("cannot make a runtime directory: %w", err)
	}
	r.real, r.ends = append(r.real, m), append(r.ends, m.close)
	if m.places, err = lay(m.dir, number, source); err != nil {
		return err
	}
	m.argv = slices.Concat([]string{m.s.options.Binary, "run", "-db", "-control", m.socket()}, args, wordsOf(m.places))
	env["RUNTIME_DIRECTORY"] = &m.runtime
	m.env = environment(env)
	return nil
}

func (m *master) socket() string { return filepath.Join(m.runtime, "control.sock") }

func (m *master) client() control.Client { return control.Client{Path: m.socket()} }

// launch starts mwlua, and waits until it has loaded its configuration. If it cannot, the test ends with what it said.
func (m *master) launch(L *glua.LState) {
	from := m.logSize()
	if err := m.begin(); err != nil {
		lua.Raise(L, "%v", err)
	}
	loaded := m.poll(L, 0, func() bool {
		status, err := m.client().Status(m.s.current.ctx)
		return err == nil && status.Supervisor.Generation > 0 || m.ended()
	})
	if !loaded || !m.ended() {
		return
	}
	if lines := m.refusal(from); len(lines) > 0 {
		lua.Raise(L, "mwlua does not start:\n%s", strings.Join(lines, "\n"))
	}
}

func (m *master) begin() (err error) {
	if m.keeper == nil {
		log, err := os.OpenFile(m.logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		defer log.Close()
		o := keeper.Options{Path: m.s.options.Binary, Argv: []string{m.s.options.Binary, keeper.Name}, Output: log, Discard: []string{m.runtime}}
		if !m.s.options.Keep {
			o.Discard = append(o.Discard, m.dir)
		}
		if m.keeper, err = keeper.Start(o); err != nil {
			return err
		}
	}
	m.child, err = m.keeper.Start(keeper.Command{Path: m.s.options.Binary, Argv: m.argv, Env: m.env, Dir: m.dir})
	if err == nil {
		m.end = nil
	}
	return err
}

// unknownStatus is that of a process of which nobody knows how it has ended.
const unknownStatus = -1

// ended says whether mwlua, which was started, has.
func (m *master) ended() bool {
	if m.end == nil {
		select {
		case end, known := <-m.child.Ended:
			if !known { // the keeper was killed
				end.Code = unknownStatus
			}
			m.end = &end
		default:
		}
	}
	return m.end != nil
}

// await waits for the end of mwlua, as long as the test may take, or the limit, if that is not 0.
func (m *master) await(L *glua.LState, limit time.Duration) bool {
	return m.poll(L, limit, m.ended)
}

// running starts mwlua if it was not yet, and ends the test if it does not run any more.
func (m *master) running(L *glua.LState, verb string) {
	m.launched(L)
	if m.ended() {
		lua.Raise(L, "%s: mwlua does not run: it has ended with %s", verb, fate(*m.end))
	}
}

func (m *master) launched(L *glua.LState) {
	if m.child.PID == 0 {
		m.launch(L)
	}
}

// Between two looks at something that nobody announces there is a pause of these.
const (
	firstPause = time.Millisecond
	lastPause  = 16 * time.Millisecond
)

// poll waits until something holds. False means that the limit was over, which is none if it is 0. When the test has no time left it ends.
func (m *master) poll(L *glua.LState, limit time.Duration, holds func() bool) bool {
	ctx := m.s.current.ctx
	var over <-chan time.Time
	if limit > 0 {
		over = time.After(limit)
	}
	for pause := firstPause; !holds(); pause = min(2*pause, lastPause) {
		select {
		case <-ctx.Done():
			lua.Raise(L, "%v", context.Cause(ctx))
		case <-over:
			return holds()
		case <-time.After(pause):
		}
	}
	return true
}

// close ends mwlua and all that it has started. The error says what was left.
func (m *master) close() error {
	defer os.RemoveAll(m.runtime)
	if m.keeper == nil {
		return nil
	}
	for pid := range m.frozen {
		_ = m.keeper.Signal(pid, syscall.SIGCONT) // it may have ended
	}
	ctx := m.s.current.ctx
	f := keeper.Finish{PID: m.child.PID, Limit: leastStop, Grace: grace}
	if deadline, ok := ctx.Deadline(); ok {
		f.Limit = max(f.Limit, time.Until(deadline))
	}
	if m.killed {
		f.Grace = 0
	}
	report, err := m.keeper.Finish(ctx, f, leastStop)
	switch {
	case err != nil:
		return err
	case len(report.Stuck) > 0:
		return fmt.Errorf("it has left what cannot be killed: %s", keeper.Names(report.Stuck))
	case report.Late:
		return fmt.Errorf("mwlua had not ended after SIGTERM, and was killed%s", alsoLeft(report.Left))
	case len(report.Left) > 0 && !m.killed:
		return fmt.Errorf("left behind: %s", keeper.Names(report.Left))
	}
	return nil
}

func alsoLeft(left []keeper.Process) string {
	if len(left) == 0 {
		return ""
	}
	return "; left behind: " + keeper.Names(left)
}

// fate is how mwlua ended, in words.
func fate(e keeper.End) string {
	if e.Signal != 0 {
		return fmt.Sprintf("signal %d (%v)", e.Signal, syscall.Signal(e.Signal))
	}
	return fmt.Sprintf("status %d", e.Code)
}
