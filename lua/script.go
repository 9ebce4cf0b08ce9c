package lua

import (
	"context"
	"path/filepath"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// Script is a file in the language of configurations that is none: it declares nothing, gets further functions from its owner, and has
// its own functions called later. A test is such. It belongs to one goroutine at a time.
type Script struct {
	l       *loader
	globals func(*lua.LState) map[string]lua.LValue
	instead string
}

// NewScript prepares a script, the only one of o.Files. globals are its further names, made for its state; instead says what to do
// instead of declaring something. Bounds of o do not count: each Run and Call has those of its context. Close it.
func NewScript(o Options, globals func(*lua.LState) map[string]lua.LValue, instead string) *Script {
	s := &Script{l: newLoader(o), globals: globals, instead: instead}
	s.l.script = s
	return s
}

// Run runs the file, until ctx is done. Functions that it has handed to its owner can be called afterwards, unless there is an error.
func (s *Script) Run(ctx context.Context) program.Problems {
	l := s.l
	l.bounds = within(ctx)
	l.vm = l.newState()
	name := l.options.Files[0]
	dir, err := directory(name)
	if err != nil {
		l.errorf(place(name, 0), "cannot find its directory: %v", err)
		return l.problems
	}
	l.main, l.directory = name, dir
	l.setConfigDir(dir)
	l.runMain(name)
	l.prepareEvents()
	l.problems.Sort()
	return l.problems
}

// within are bounds that hold nothing but a context.
func within(ctx context.Context) *bounds { return &bounds{ctx: ctx, cancel: func(error) {}} }

// Close gives its state back.
func (s *Script) Close() { s.l.close() }

// Beside is the directory of the script, as it was named.
func (s *Script) Beside() string { return filepath.Dir(s.l.options.Files[0]) }

// Failure is an error that a script has raised, or that ended it.
type Failure struct {
	program.Place
	Text    string
	Callers []program.Place // the lines that led there, the innermost first
	Object  any             // the Go value that was raised (see Raise); nil for an error of the script
}

// Call calls a function of the script, until ctx is done. It may be called by what the script itself has called.
func (s *Script) Call(ctx context.Context, fn *lua.LFunction, args ...lua.LValue) (lua.LValue, *Failure) {
	l := s.l
	before := l.bounds
	l.bounds = within(ctx)
	l.vm.SetContext(ctx)
	defer func() {
		l.bounds = before
		l.vm.SetContext(before.ctx)
	}()
	result, failed := l.invoke(fn, args...)
	if failed == nil {
		return result, nil
	}
	f := &Failure{Place: failed.place, Text: translate(failed.text), Callers: failed.callers, Object: failed.object}
	if ctx.Err() != nil {
		f.Text = context.Cause(ctx).Error()
	}
	return result, f
}

// Caller is the line that has called the Go function that L runs.
func (s *Script) Caller(L *lua.LState) program.Place { return s.l.caller(L) }

// Raise ends what the script runs with a Go value, which the Failure has, unless a pcall in the script holds it back.
func (s *Script) Raise(L *lua.LState, object any) {
	L.Error(&lua.LUserData{Value: carried{object}, Metatable: lua.LNil}, 0)
}

// carried is what Raise raises.
type carried struct{ object any }

// Duration reads a duration such as "5s", or raises an error that speaks of what.
func Duration(L *lua.LState, lv lua.LValue, what string) time.Duration {
	text, ok := lv.(lua.LString)
	if !ok {
		raise(L, "%s: expected a duration such as \"5s\", got %s", what, describe(lv))
	}
	d, problem := parseDuration(string(text))
	if problem != "" {
		raise(L, "%s: expected a duration such as \"250ms\", \"5s\" or \"1h30m\", got %s: %s", what, describe(lv), problem)
	}
	return d
}

// SignalNumber reads the name of a signal: SIGTERM, TERM or SIGRTMIN+3.
func SignalNumber(name string) (int, bool) { return signalNumber(name) }

// DurationText is d in the units that Duration reads: what is not negative, to the nanosecond.
func DurationText(d time.Duration) string { return plainDuration(d) }

// Raise ends the running function with an error at the line that has called it.
func Raise(L *lua.LState, format string, args ...any) { raise(L, format, args...) }

// Describe is a value in a few words, for a message.
func Describe(lv lua.LValue) string { return describe(lv) }

// Suggest is ", did you mean …?" if one of known is near word, else "".
func Suggest(word string, known []string) string { return suggest(word, known) }

// Event is what an on_exit function gets.
func (s *Script) Event(ev policy.Event) lua.LValue {
	return s.l.eventTable(&pending{event: ev, when: forExit})
}

// Verdict reads what an on_exit function has answered. name is what answered.
func (s *Script) Verdict(lv lua.LValue, name string) (policy.Verdict, error) {
	l := s.l
	l.report = report{}
	v, ok := value{l: l, lv: lv, what: name, path: "its answer"}.verdict()
	if !ok {
		return v, l.asError()
	}
	return v, nil
}
