package luatest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	glua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/lua"
)

// report is the status, as mwlua status has it.
func (w *world) report() control.Status {
	at := w.Instant()
	return control.StatusOf(control.Report{State: w.State(), Now: at, PID: 1, Started: at - machine.Instant(w.Elapsed()), Version: "sim"}, time.Unix(0, w.Wall()))
}

func (w *world) programStatus(name string, slot int) (control.Program, bool) {
	for _, p := range w.report().Programs {
		if p.Name == name && p.Slot == slot {
			return p, true
		}
	}
	return control.Program{}, false
}

// word is what a program does, in one word.
func (w *world) word(name string, slot int) string {
	p, ok := w.programStatus(name, slot)
	if !ok {
		return "down"
	}
	return p.Word()
}

// state is s:state("web"): what mwlua status says of it.
func (w *world) state(L *glua.LState) int {
	name, slot := w.programName(L, 2, "state")
	if n, ok := L.Get(3).(glua.LNumber); ok {
		slot = int(n)
	}
	p, ok := w.programStatus(name, slot)
	if !ok {
		L.Push(glua.LNil)
		return 1
	}
	L.Push(programTable(L, p))
	return 1
}

// programTable is a program of the status as a table: state, ready, pid, seq, starts, restarts, failures, next, and of the last end its
// code or its signal.
func programTable(L *glua.LState, p control.Program) glua.LValue {
	table := L.NewTable()
	table.RawSetString("state", glua.LString(p.Word()))
	table.RawSetString("ready", glua.LBool(p.Ready))
	table.RawSetString("starts", glua.LNumber(p.Starts))
	table.RawSetString("restarts", glua.LNumber(p.Restarts))
	table.RawSetString("failures", glua.LNumber(p.Failures))
	if p.Instance != nil {
		table.RawSetString("pid", glua.LNumber(p.PID))
		table.RawSetString("seq", glua.LNumber(p.Seq))
	}
	if p.NextIn != nil {
		table.RawSetString("next", glua.LString(lua.DurationText(hundredths(max(0, time.Duration(*p.NextIn*float64(time.Second)))))))
	}
	if p.LastExit != nil && p.LastExit.Code != nil {
		table.RawSetString("code", glua.LNumber(*p.LastExit.Code))
	}
	if p.LastExit != nil && p.LastExit.Signal != "" {
		table.RawSetString("signal", glua.LString("SIG"+strings.TrimPrefix(p.LastExit.Signal, "SIG")))
	}
	return table
}

// next is s:next("api"): in how long it is started, in hundredths of a second, nil if it is not waited for.
func (w *world) next(L *glua.LState) int {
	name, slot := w.programName(L, 2, "next")
	for _, p := range w.State().Programs {
		at := p.StartAt
		if p.Phase == machine.Scheduled {
			at = p.TickAt
		}
		if p.Name == name && p.Slot == slot && at != 0 {
			L.Push(glua.LString(lua.DurationText(hundredths(max(0, time.Duration(at-w.Instant()))))))
			return 1
		}
	}
	L.Push(glua.LNil)
	return 1
}

// hundredths is d in hundredths of a second, rounded up: who lets that time pass comes to the end of it.
func hundredths(d time.Duration) time.Duration {
	const unit = 10 * time.Millisecond
	return (d + unit - 1) / unit * unit
}

// status is s:status(): what mwlua ended with, nil while it runs.
func (w *world) status(L *glua.LState) int { return w.pushQuit(L) }

// trace is s:trace(): all that has happened.
func (w *world) trace(L *glua.LState) int {
	L.Push(glua.LString(w.Trace()))
	return 1
}

// clock is s:now(): how much time has passed.
func (w *world) clock(L *glua.LState) int {
	L.Push(glua.LString(lua.DurationText(w.Elapsed().Round(10 * time.Millisecond))))
	return 1
}

// expect is s:expect("web", "running").
func (w *world) expect(L *glua.LState) int {
	name, slot := w.programName(L, 2, "expect")
	want := word(L, 3, "expect")
	if got := w.word(name, slot); got != plainWord(want) {
		lua.Raise(L, "%s is %s, want %s", machine.ID{Program: name, Slot: slot}, got, want)
	}
	return 0
}

// word is the argument that says what a program should be doing.
func word(L *glua.LState, n int, verb string) string {
	want := text(L, n, verb, "what it should be doing, such as \"running\"")
	if !slices.Contains(words(), want) {
		lua.Raise(L, "%s: there is no such state: %q%s: there are %s", verb, want, lua.Suggest(want, words()), strings.Join(words(), ", "))
	}
	return want
}

// words are what expect knows.
func words() []string {
	return []string{
		"down", "failed", "waiting", "backoff", "blocked", "running", "deciding", "done", "scheduled", "removed", "stopped", "starting",
		"unhealthy", "leaving", "stopping", "killing", "emptying",
	}
}

// plainWord is the word of mwlua status for another one.
func plainWord(word string) string {
	if word == "backoff" {
		return "waiting"
	}
	return word
}

// expectLog is s:expect_log("pattern").
func (w *world) expectLog(L *glua.LState) int {
	pattern := text(L, 2, "expect_log", "a pattern")
	if w.logged(L, pattern) == "" {
		lua.Raise(L, "no line of the log matches the pattern %q", pattern)
	}
	return 0
}

func (w *world) expectNoLog(L *glua.LState) int {
	pattern := text(L, 2, "expect_no_log", "a pattern")
	if line := w.logged(L, pattern); line != "" {
		lua.Raise(L, "a line of the log matches the pattern %q: %s", pattern, line)
	}
	return 0
}

// logged is the first line of the log that a pattern matches.
func (w *world) logged(L *glua.LState, pattern string) string {
	for _, line := range w.lines(maxLogged) {
		if found(L, line, pattern) {
			return line
		}
	}
	return ""
}

// expectNoStart is s:expect_no_start("web", "1h"): time passes, and it is not started.
func (w *world) expectNoStart(L *glua.LState) int {
	name := w.wholeProgram(L, "expect_no_start")
	before, at := w.Spawns(name), w.Elapsed()
	w.pass(L, lua.Duration(L, L.Get(3), "expect_no_start"))
	if n := w.Spawns(name) - before; n > 0 {
		lua.Raise(L, "%s was started %s between %v and %v", name, times(n), at, w.Elapsed())
	}
	return 0
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// expectExit is s:expect_exit(3): mwlua has ended with that status.
func (w *world) expectExit(L *glua.LState) int {
	want := L.CheckInt(2)
	status, quit := w.Quit()
	if !quit {
		lua.Raise(L, "mwlua runs, and should have ended with %d", want)
	}
	if status != want {
		lua.Raise(L, "mwlua has ended with %d, want %d", status, want)
	}
	return 0
}
