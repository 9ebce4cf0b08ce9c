package lua

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mwlua/mwlua/core/program"
)

// TestMain also looks for goroutines that a load leaves behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestBadInput loads what no configuration should be: always an error with a place, within the time and the memory allowed.
func TestBadInput(t *testing.T) {
	deep := strings.Repeat("{", 1_000_000)
	tests := []struct{ name, source, want string }{
		{"endless loop", "local x = 1\nwhile true do end", "c.lua:2: the configuration is not loaded after 150ms: does a loop not end?"},
		{"endless loop under pcall", "while true do\n pcall(function() while true do end end)\nend", "the configuration is not loaded after 150ms"},
		{"string that doubles", "local s = 'x'\nwhile true do s = s .. s end", "c.lua:2: the text is larger than the 1 MiB allowed"},
		{"string that doubles under pcall", "local s, t = 'x', {}\nwhile true do pcall(function() s = s .. s end) t[#t + 1] = s .. '' end", "c.lua:2: "},
		{"table that grows", "local t = {}\nwhile true do t[#t + 1] = {} end", "c.lua:2: the configuration needs more than 64 MiB of memory"},
		{"programs without end", "local i = 0\nwhile true do i = i + 1 program('p' .. i) { command = { 'a' } } end", "c.lua:2: "},
		{"million braces", deep, "c.lua:1: brackets and blocks are nested more than 100 deep"},
		{"million braces, closed", "local x = " + deep + strings.Repeat("}", 1_000_000), "nested more than 100 deep"},
		{"million blocks", strings.Repeat("do\n", 1_000_000), "c.lua:101: brackets and blocks are nested more than 100 deep"},
		{"million nots", "local x = " + strings.Repeat("not ", 1_000_000) + "1", "c.lua:1: more than 500 operators in one expression"},
		{"million minus", "local x = " + strings.Repeat("- ", 1_000_000) + "1", "more than 500 operators in one expression"},
		{"million sums", "local x = 1" + strings.Repeat("+1", 1_000_000), "c.lua:1: an expression or a block is nested more than 1000 deep"},
		{"million joins", "local x = 'a'" + strings.Repeat("..'a'", 500_000), "more than 500 operators in one expression"},
		{"million calls", "local f\nf" + strings.Repeat("()", 1_000_000), "c.lua:2: an expression or a block is nested more than 1000 deep"},
		{"million keys", "local f\nf.x" + strings.Repeat(".x", 1_000_000) + "()", "c.lua:2: "},
		{"million elseifs", "if a then" + strings.Repeat(" elseif a then", 200_000) + " end", "nested more than 1000 deep"},
		{"pathological pattern", "local s = ('a'):rep(40)\nlocal x = s:find(('a-'):rep(20) .. 'b')", "c.lua:2: "},
		{"pathological pattern, again and again", "while true do\npcall(string.find, ('a'):rep(40), ('a-'):rep(20) .. 'b') end", "not loaded after 150ms"},
		{"far index", "local t = {}\nt[6e7] = 1\nerror('after')", "c.lua:3: after"},
		{"endless recursion", "local function f() return 1 + f() end\nf()", "c.lua:1: functions call each other more than 200 deep"},
		{"endless tail call", "local function f() return f() end\nf()", "c.lua:1: the configuration is not loaded after 150ms"},
		{"endless metamethod", "local t = setmetatable({}, {})\ngetmetatable(t).__index = function(t, k) return t[k .. 'x'] end\nlocal x = t.a", "c.lua:2: "},
		{"endless index", "local t = {}\nsetmetatable(t, { __index = t })\nlocal x = t.a", "c.lua:3: "},
		{"what is not there", "nothing()", `c.lua:1: undefined variable "nothing"`},
		{"NULs", strings.Repeat("\x00", 3<<20), "c.lua:1: holds NUL bytes"},
		{"too many NULs", strings.Repeat("\x00", 5<<20), "c.lua: is larger than 4 MiB"},
		{"itself", "\ninclude 'c.lua'", `c.lua:2: include: "c.lua" includes itself: c.lua → c.lua`},
		{"huge list", "local t = {\n" + strings.Repeat("1,", 30_000) + "}", "c.lua:1: the table holds 30000 values, at most 20000 are taken"},
		{"too many constants", manyConstants(), "c.lua: holds too many different texts and numbers"},
		{"too many locals", manyLocals(), "too many local variables"},
		{"random bytes", "\xff\xfe\x01local", "c.lua:1: "},
		{"compiled", "\x1bLuaQ", "c.lua: is compiled Lua"},
		{"gsub that grows", "local s = 'x'\nwhile true do s = s:gsub('.', '%0%0') end", "c.lua:2: string.gsub: the result is larger than the 1 MiB allowed"},
		{"sort that lies", "local t = {} for i = 1, 1000 do t[i] = i end\nwhile true do table.sort(t, function() return true end) end", "not loaded after 150ms"},
		{"merge that grows", "local t = {}\nwhile true do t = merge(t, { a = t }) end", "c.lua:2: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := virtual(map[string]string{"c.lua": test.source}, "c.lua")
			o.Timeout, o.Memory = 20*time.Second, 64<<20
			if strings.Contains(test.want, "150ms") || test.want == "c.lua:2: " { // whichever bound comes first
				o.Timeout = 150 * time.Millisecond
			}
			begin := time.Now()
			_, problems := Load(o)
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			got := problems.Errors().Error()
			if !strings.Contains(got, test.want) || !strings.HasPrefix(got, "c.lua") {
				t.Errorf("got %s\nwant %s", line(got), test.want)
			}
		})
		runtime.GC()
	}
}

func manyConstants() string {
	var b strings.Builder
	b.WriteString("local t = {\n")
	for i := range longBlock {
		b.WriteString("{")
		for j := range longBlock {
			fmt.Fprintf(&b, "%d,", i*longBlock+j)
		}
		b.WriteString("},\n")
	}
	b.WriteString("}\n")
	return b.String()
}

func manyLocals() string {
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, "local v%d = 1\n", i)
	}
	return b.String()
}

// TestHeapIsGivenBack loads something again and again: nothing of a load may stay.
func TestHeapIsGivenBack(t *testing.T) {
	source := "for i = 1, 200 do program('p' .. i) { command = { 'a', i }, env = { A = i } } end"
	measure := func() uint64 {
		runtime.GC()
		return newHeap().read().live
	}
	load(source)
	before := measure()
	for range 50 {
		load(source)
	}
	if after := measure(); after > before+(4<<20) {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
}

func TestDisk(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	main := write("main.lua", "include 'conf.d/*.lua'\nlocal web = require 'lib.web'\nprogram 'm' { command = { web.path } }\nassert(require 'lib.web' == web)")
	write("conf.d/10-a.lua", "program 'a' { command = { '/bin/sh' }, stdout = 'file:a.log', env_file = 'e.env' }")
	write("conf.d/20-b.lua", "program 'b' { command = { 'sh' }, dir = 'sub' }")
	write("lib/web.lua", "return { path = '/bin/sh' }")
	write("e.env", "A='x y'\n# no\n\nexport B=2\n")
	config, problems := Load(Options{Files: []string{main}, Env: []string{"PATH=/bin:/usr/bin"}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var names []string
	for _, p := range config.Programs {
		names = append(names, p.Name)
	}
	if !slices.Equal(names, []string{"a", "b", "m"}) {
		t.Errorf("order is %q", names)
	}
	a := config.Programs[0]
	if a.Stdout != "file:"+dir+"/a.log" || !slices.Equal(a.Env, []string{"A=x y", "B=2"}) || config.Programs[1].Dir != dir+"/sub" {
		t.Errorf("%+v", a)
	}
	for _, test := range []struct{ file, want string }{
		{dir, dir + ": cannot be read: it is a directory, and a file is needed"},
		{"/dev/zero", "/dev/zero: cannot be read: it is not a regular file"},
		{dir + "/none.lua", dir + "/none.lua: cannot be read: no such file or directory"},
		{write("dir.lua", "\ninclude 'conf.d'"), dir + `/dir.lua:2: include: "` + dir + `/conf.d" cannot be read: it is a directory, and a file is needed`},
		{write("deep.lua", "require 'lib.bad'"), dir + "/lib/bad.lua:3: boom (called from " + dir + "/lib/bad.lua:4, from " + dir + "/deep.lua:1)"},
		{write("loop.lua", "require 'lib.loop'"), dir + `/lib/loop.lua:1: require "lib.loop": the module requires itself`},
	} {
		write("lib/bad.lua", "local function f()\n\nerror('boom')\nend f()")
		write("lib/loop.lua", "require 'lib.loop'")
		_, problems := Load(Options{Files: []string{test.file}})
		if got := problems.Error(); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: got %s\nwant %s", test.file, got, test.want)
		}
	}
}

func TestNothingToLoad(t *testing.T) {
	if _, problems := Load(Options{}); problems.Error() != "no configuration file: name one" {
		t.Error(problems)
	}
	config, problems := load("return")
	if problems.Error() != "c.lua: declares no program: nothing to run" || len(problems.Errors()) > 0 {
		t.Error(problems)
	}
	if len(config.Programs) > 0 {
		t.Error("programs out of nothing")
	}
}

func TestManyErrorsAreCounted(t *testing.T) {
	_, problems := load("for i = 1, 500 do program('p' .. i) {} end")
	if len(problems) != maxErrors || !slices.ContainsFunc(problems, func(p program.Problem) bool {
		return p.Text == "more than 99 errors: the others are not shown"
	}) {
		t.Errorf("%d problems", len(problems))
	}
}
