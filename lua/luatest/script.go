package luatest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	glua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/lua"
)

// state is a file of tests in a state of its own.
type state struct {
	options *Options
	script  *lua.Script
	vm      *glua.LState
	tests   []one
	names   []string          // of our functions
	before  []*glua.LFunction // before_each
	after   []*glua.LFunction // after_each
	current *running          // nil while the file is run
}

// one is a test that a file declares.
type one struct {
	name  string
	place program.Place
	fn    *glua.LFunction
}

// running is the test that is being run.
type running struct {
	ctx    context.Context
	dir    string // "" until it is asked for
	ends   []func() error
	result *Result
	worlds []*world
	real   []*master
	seed   uint64
	dice   *rand.Rand
}

// skipped is raised by skip, and by a world that the mode does not want.
type skipped string

func (s skipped) Error() string { return string(s) }

const instead = "give sim or run a configuration, as config = \"FILE\" or text = [[ … ]]"

// open runs a file, which declares its tests.
func open(ctx context.Context, options *Options, file string) (*state, program.Problems) {
	s := &state{options: options}
	s.script = lua.NewScript(lua.Options{Files: []string{file}, Env: os.Environ(), Version: options.Version, Check: true, Log: s.say}, s.globals, instead)
	ctx, cancel := context.WithTimeoutCause(ctx, options.Timeout, tooLong(options.Timeout))
	defer cancel()
	problems := s.script.Run(ctx)
	if ctx.Err() != nil && len(problems) > 0 {
		problems[0].Text = context.Cause(ctx).Error()
	}
	return s, problems.Errors()
}

func (s *state) close() { s.script.Close() }

// say takes what a script prints.
func (s *state) say(_, text string) {
	if s.current != nil {
		s.current.result.Output = append(s.current.result.Output, text)
	}
}

// globals are what a test script has besides the sandbox.
func (s *state) globals(L *glua.LState) map[string]glua.LValue {
	s.vm = L
	functions := map[string]glua.LGFunction{
		"test": s.test, "before_each": s.each(&s.before), "after_each": s.each(&s.after), "skip": s.skip,
		"eq": eq, "ok": isTrue, "matches": matches, "fails": s.fails, "forall": s.forall,
		"sim": s.during("sim", s.sim), "run": s.during("run", s.run),
	}
	globals := make(map[string]glua.LValue)
	for name, fn := range functions {
		globals[name] = L.NewFunction(fn)
		s.names = append(s.names, name)
	}
	globals["t"] = s.tester(L)
	return globals
}

// test is test("name", function() … end).
func (s *state) test(L *glua.LState) int {
	name, ok := L.Get(1).(glua.LString)
	fn, ok2 := L.Get(2).(*glua.LFunction)
	switch {
	case s.current != nil:
		lua.Raise(L, "test: only outside of other tests")
	case !ok || !ok2:
		lua.Raise(L, "test: expected a name and a function, got %s and %s: write test(\"name\", function() … end)", lua.Describe(L.Get(1)), lua.Describe(L.Get(2)))
	}
	if strings.TrimSpace(string(name)) == "" {
		lua.Raise(L, "test: its name is empty: say what is tested")
	}
	at := s.script.Caller(L)
	for _, other := range s.tests {
		if other.name == string(name) {
			lua.Raise(L, "test %q: there is another one of that name in line %d: give it another name", string(name), other.place.Line)
		}
	}
	s.tests = append(s.tests, one{name: string(name), place: at, fn: fn})
	return 0
}

func (s *state) each(list *[]*glua.LFunction) glua.LGFunction {
	return func(L *glua.LState) int {
		fn, ok := L.Get(1).(*glua.LFunction)
		if !ok || s.current != nil {
			lua.Raise(L, "before_each and after_each: expected a function, outside of tests")
		}
		*list = append(*list, fn)
		return 0
	}
}

// skip is skip("reason").
func (s *state) skip(L *glua.LState) int {
	s.script.Raise(L, skipped(L.OptString(1, "no reason is given")))
	return 0
}

// during makes an error of a call outside of tests.
func (s *state) during(name string, fn glua.LGFunction) glua.LGFunction {
	return func(L *glua.LState) int {
		if s.current == nil {
			lua.Raise(L, "%s: only in a test: write test(\"name\", function() … end) around it", name)
		}
		return fn(L)
	}
}

// tester is the table t: dir, which is made when it is asked for, and port().
func (s *state) tester(L *glua.LState) glua.LValue {
	t, meta := L.NewTable(), L.NewTable()
	t.RawSetString("port", L.NewFunction(s.during("t.port", s.port)))
	meta.RawSetString("__index", L.NewFunction(s.during("t.dir", func(L *glua.LState) int {
		if name := L.Get(2).String(); name != "dir" {
			lua.Raise(L, "t has no %q: it has dir and port()", name)
		}
		dir, err := s.current.directory()
		if err != nil {
			lua.Raise(L, "%v", err)
		}
		L.Push(glua.LString(dir))
		return 1
	})))
	meta.RawSetString("__newindex", L.NewFunction(func(L *glua.LState) int {
		lua.Raise(L, "cannot assign to t.%s", L.Get(2).String())
		return 0
	}))
	meta.RawSetString("__metatable", glua.LFalse)
	t.Metatable = meta
	return t
}

// port is t.port(): a TCP port of 127.0.0.1 that nobody has. It is held until the test has ended, by a socket that does not listen, so
// that no other test gets it, and programs can bind it (SO_REUSEADDR).
func (s *state) port(L *glua.LState) int {
	n, free, err := freePort()
	if err != nil {
		lua.Raise(L, "t.port: %v", err)
	}
	s.current.ends = append(s.current.ends, free)
	L.Push(glua.LNumber(n))
	return 1
}

// directory is that of the test.
func (r *running) directory() (string, error) {
	if r.dir == "" {
		dir, err := os.MkdirTemp("", "mwlua-test")
		if err != nil {
			return "", fmt.Errorf("cannot make a directory for the test: %w", err)
		}
		r.dir = dir
	}
	return r.dir, nil
}

// run runs one test.
func (s *state) runTest(ctx context.Context, n int) Result {
	test := s.tests[n]
	result := Result{File: test.place.File, Name: test.name, Place: test.place, Status: Passed}
	limit := s.options.Timeout
	whole := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, limit, tooLong(limit))
	defer cancel()
	r := &running{ctx: ctx, result: &result, seed: s.options.Seed}
	if r.seed == 0 {
		r.seed = 1 + rand.Uint64()>>12 // as a Lua number has it
	}
	r.dice = rand.New(rand.NewPCG(r.seed, 0))
	s.current = r
	begun := time.Now()
	failed := s.stages(ctx, whole, test)
	s.tellWorlds(r, failed)
	left := r.end()
	if left != nil && failed == nil {
		failed = &lua.Failure{Place: test.place, Text: left.Error()}
		left = nil
	}
	s.tellMasters(r, failed)
	result.Took = time.Since(begun)
	s.judge(r, failed)
	if left != nil && result.Status == Failed {
		result.Text += "\nand then: " + left.Error()
	}
	s.cleanUp(r)
	s.current = nil
	return result
}

func tooLong(limit time.Duration) error {
	return fmt.Errorf("it has not ended after %v: does a loop not end? (-timeout allows more)", limit)
}

// afterwards is what after_each has, also after a test whose time was over.
const afterwards = 5 * time.Second

// stages are before_each, the test, and after_each, which is called however the test ends, unless the whole run does.
func (s *state) stages(ctx, whole context.Context, test one) (failed *lua.Failure) {
	call := func(fn *glua.LFunction) {
		if _, f := s.script.Call(ctx, fn); failed == nil {
			failed = f
		}
	}
	for _, fn := range s.before {
		if call(fn); failed != nil {
			break
		}
	}
	if failed == nil {
		call(test.fn)
	}
	ctx, cancel := context.WithTimeoutCause(whole, afterwards, tooLong(afterwards))
	defer cancel()
	s.current.ctx = ctx
	for _, fn := range s.after {
		call(fn)
	}
	return failed
}

// judge puts down how the test ended.
func (s *state) judge(r *running, failed *lua.Failure) {
	if failed == nil {
		r.result.Trace, r.result.Log, r.result.Seed = "", nil, 0
		return
	}
	r.result.Status, r.result.Text = Failed, failed.Text
	if why, ok := failed.Object.(skipped); ok {
		r.result.Status, r.result.Text = Skipped, string(why)
		return
	}
	if p, ok := failed.Object.(property); ok {
		failed = p.failure
	}
	if failed.Line != 0 {
		r.result.Place = failed.Place
	}
	for _, at := range failed.Callers {
		r.result.Callers = append(r.result.Callers, at.String())
	}
}

// end ends what the test has begun, the last first. The error is the first one.
func (r *running) end() error { return r.endFrom(0) }

// endFrom is end for all but the first n.
func (r *running) endFrom(n int) (first error) {
	for i := len(r.ends) - 1; i >= n; i-- {
		if err := r.ends[i](); err != nil && first == nil {
			first = err
		}
	}
	r.ends = r.ends[:n]
	return first
}

func (s *state) cleanUp(r *running) {
	switch {
	case r.dir == "":
	case s.options.Keep:
		r.result.Kept = r.dir
	default:
		os.RemoveAll(r.dir)
	}
}
