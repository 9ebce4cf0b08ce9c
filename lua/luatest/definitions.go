package luatest

import (
	"fmt"
	"strings"
)

// doc is what an editor says of a function: its parameters as the Lua language server (LuaLS) has them, and what it yields.
type doc struct {
	name   string
	params string // NAME TYPE, NAME? TYPE, …
	yields string
	text   string
}

func scriptDocs() []doc {
	return []doc{
		{"test", "name string, fn fun()", "", "Declares a test. The names of a file are unique."},
		{"before_each", "fn fun()", "", "Is called before each test of the file."},
		{"after_each", "fn fun()", "", "Is called after each test of the file, also after one that has failed."},
		{"skip", "reason? string", "", "Ends the test, which counts as skipped."},
		{"eq", "got any, want any", "", "Fails unless both are the same; tables by what is in them."},
		{"ok", "value any, text? string", "", "Fails if the value is nil or false."},
		{"matches", "text string, pattern string", "", "Fails unless the text matches a pattern of Lua."},
		{"fails", "fn fun(), pattern? string", "string", "Fails unless fn raises an error that matches; yields its text."},
		{"forall", "n integer, fn fun(r: mwlua.Dice)", "", "Calls fn n times, each time with dice of another seed, which a failure names."},
		{"sim", "options mwlua.SimOptions", "mwlua.Sim", "Makes a world in virtual time."},
		{"run", "options mwlua.RunOptions", "mwlua.Run", "Starts a real mwlua, with real processes."},
	}
}

func simDocs() []doc {
	return []doc{
		{"start", "program? string", "", "Starts mwlua, or a program, as `mwlua start` does."},
		{"stop", "program string", "", "As `mwlua stop` does."},
		{"restart", "program string", "", "As `mwlua restart` does."},
		{"exit", "program string, code? integer, more? { signal: string, oom: boolean, instance: integer }", "",
			"A program ends, with a code or by a signal."},
		{"kill", "program string, signal? string", "", "Somebody kills it: with SIGKILL, if nothing is said."},
		{"ready", "program string", "", "It is ready, in the way that is declared."},
		{"health", "program string, ok boolean, why? string", "", "How its health checks end from now on."},
		{"notify", "program string, text string", "", "What it says to its NOTIFY_SOCKET, such as \"WATCHDOG=1\"."},
		{"freeze", "program string, frozen? boolean", "", "It does nothing any more; with false it goes on."},
		{"freeze_plugin", "name string, frozen? boolean", "", "A plugin does not answer any more; with false it goes on."},
		{"fail_start", "program string, why? string", "", "Its next starts fail; without a reason they work again."},
		{"on_stop", "program string, what string", "", "What it does about a signal that asks it to go: \"ignore\" or \"exit:0 after 3s\"."},
		{"set_clock", "by string", "", "The clock is set, forward by \"1h\" or back by \"-1h\"."},
		{"advance", "time string", "", "Time passes."},
		{"settle", "", "", "Time passes until nothing is under way."},
		{"reload", "with? { config: string|string[], text: string, haproxy: string|string[], broken: string }", "boolean, string?",
			"A reload; yields whether it worked, and why not."},
		{"reexec", "", "", "A reload of what there is, over which all that mwlua knows is carried."},
		{"signal", "name string", "", "A signal to mwlua itself."},
		{"shutdown", "", "integer?", "Stops all; yields what mwlua ended with, or nil if that takes longer."},
		{"stub_plugin", "name string, fn fun(ev: mwlua.Event): any", "", "Answers for a plugin: a verdict, or \"timeout\", \"error\", \"gone\"."},
		{"state", "program string, slot? integer", "mwlua.ProgramState?", "What `mwlua status` says of it."},
		{"next", "program string", "string?", "How long until its next start, in hundredths of a second; nil if none is planned."},
		{"status", "", "integer?", "What mwlua has ended with; nil while it runs."},
		{"trace", "", "string", "What has happened, the last two thousand steps."},
		{"now", "", "string", "How much time has passed."},
		{"expect", "program string, state string", "", "Fails unless that is what it does, in a word of `mwlua status`."},
		{"expect_log", "pattern string", "", "Fails unless a line of the log matches."},
		{"expect_no_log", "pattern string", "", "Fails if a line of the log matches."},
		{"expect_no_start", "program string, time string", "", "The time passes; fails if it is started meanwhile."},
		{"expect_exit", "code integer", "", "Fails unless mwlua has ended with that."},
	}
}

func realDocs() []doc {
	return []doc{
		{"start", "program? string", "", "Starts mwlua, or a program, as `mwlua start` does."},
		{"stop", "program? string", "integer?", "Stops mwlua and yields its exit status, or a program, as `mwlua stop` does."},
		{"restart", "program string", "", "As `mwlua restart` does."},
		{"start_again", "", "", "Another mwlua, after kill_master."},
		{"reload", "with? { config: string|string[], text: string, haproxy: string|string[] }", "boolean, string?",
			"A reload; yields whether it worked, and why not."},
		{"reexec", "", "", "mwlua executes itself anew, and reads its configuration as it is."},
		{"signal", "name string", "", "A signal to mwlua itself. What follows is not waited for."},
		{"kill_master", "", "", "mwlua gets SIGKILL."},
		{"kill", "program string, signal? string", "", "Its process gets a signal: SIGKILL, if nothing is said."},
		{"freeze", "program string, frozen? boolean", "", "Its process gets SIGSTOP; with false SIGCONT."},
		{"freeze_plugin", "name string, frozen? boolean", "", "The process of a plugin gets SIGSTOP; with false SIGCONT."},
		{"ctl", "... string", "integer, string, string", "A command of mwlua; yields its status, standard output and standard error."},
		{"write", "name string, text string", "", "A file in the directory of the test."},
		{"script", "name string, text string", "", "A file in the directory of the test that can be executed."},
		{"read", "name string", "string?", "What is in a file in the directory of the test; nil if there is none."},
		{"state", "program string, slot? integer", "mwlua.ProgramState?", "What `mwlua status` says of it."},
		{"pid", "program string", "integer?", "That of its current instance."},
		{"status", "", "integer?", "What mwlua has ended with; nil while it runs."},
		{"wait", "program string, state string, limit? string", "", "Waits until that is what it does."},
		{"expect", "program string, state string", "", "Fails unless that is what it does at this moment."},
		{"expect_exit", "code integer, limit? string", "", "Waits for the end of mwlua, and fails unless that is its status."},
		{"expect_log", "pattern string, limit? string, times? integer", "", "Fails unless a line of the log matches, or comes to within the limit."},
		{"expect_no_log", "pattern string", "", "Fails if a line of the log matches."},
		{"log", "", "mwlua.Log", "What mwlua and its programs have written."},
		{"http", "url string", "integer, string", "Status and body of an answer of this machine."},
		{"rss", "", "integer", "How much memory of mwlua is resident, in KiB."},
		{"fds", "", "integer", "How many descriptors mwlua has."},
		{"children", "", "integer", "How many children mwlua has."},
	}
}

// Definitions are those of the functions of test scripts for the Lua language server (LuaLS).
func Definitions() string {
	var b strings.Builder
	b.WriteString(`---@meta
-- Written by mwlua: do not edit.

---@class mwlua.Dice
---@field int fun(self, from: integer, to: integer): integer
---@field bool fun(self): boolean
---@field pick fun(self, list: any[]): any
---@field duration fun(self, from: string, to: string): string

---@class mwlua.ProgramState
---@field state string A word of ` + "`mwlua status`" + `.
---@field ready boolean
---@field pid integer?
---@field seq integer? The number of its current instance.
---@field starts integer
---@field restarts integer
---@field failures integer In a row.
---@field next string? How long until its next start.
---@field code integer? Of its last end.
---@field signal string? The same, such as "SIGKILL".

---@class mwlua.SimOptions
---@field config? string|string[] Files in Lua.
---@field text? string A configuration in Lua.
---@field haproxy? string|string[] Files of HAProxy.
---@field now? string What the clock says at first, as "2026-01-31T00:00:00Z".
---@field seed? integer

---@class mwlua.RunOptions
---@field config? string|string[] Files in Lua.
---@field text? string A configuration in Lua.
---@field haproxy? string|string[] Files of HAProxy.
---@field args? string[] More words for the command line of mwlua.
---@field env? table<string, string|false>

---@class mwlua.Log
---@field text fun(self): string
---@field expect fun(self, pattern: string, limit?: string, times?: integer)
---@field expect_no fun(self, pattern: string)

---@class mwlua.Test
---@field dir string A directory of the test's own.
t = {}

---A free TCP port of 127.0.0.1, which no other test gets.
---@return integer
function t.port() end
`)
	for _, d := range scriptDocs() {
		d.write(&b, "")
	}
	b.WriteString("\n---@class mwlua.Sim\nlocal Sim = {}\n")
	for _, d := range simDocs() {
		d.write(&b, "Sim:")
	}
	b.WriteString("\n---@class mwlua.Run\nlocal Run = {}\n")
	for _, d := range realDocs() {
		d.write(&b, "Run:")
	}
	return b.String()
}

func (d doc) write(b *strings.Builder, of string) {
	fmt.Fprintf(b, "\n---%s\n", d.text)
	var names []string
	for _, param := range splitParams(d.params) {
		name, kind, _ := strings.Cut(param, " ")
		fmt.Fprintf(b, "---@param %s %s\n", name, kind)
		names = append(names, strings.TrimSuffix(name, "?"))
	}
	if d.yields != "" {
		fmt.Fprintf(b, "---@return %s\n", d.yields)
	}
	fmt.Fprintf(b, "function %s%s(%s) end\n", of, d.name, strings.Join(names, ", "))
}

// splitParams splits at the commas that are in no brackets.
func splitParams(text string) (params []string) {
	depth, from := 0, 0
	for i, c := range text {
		switch c {
		case '{', '(', '<':
			depth++
		case '}', ')', '>':
			depth--
		case ',':
			if depth == 0 {
				params = append(params, strings.TrimSpace(text[from:i]))
				from = i + 1
			}
		}
	}
	if rest := strings.TrimSpace(text[from:]); rest != "" {
		params = append(params, rest)
	}
	return params
}
