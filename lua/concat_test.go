package lua

import (
	"fmt"
	"strings"
	"testing"
)

// TestConcat: .. means what it means in Lua, with a bound.
func TestConcat(t *testing.T) {
	long := strings.TrimSuffix(strings.Repeat("'ab' .. ", 200), " .. ")
	tests := []struct{ source, want string }{
		{"local a, b = 1, 'x' assert(a .. b == '1x' and 1.5 .. 2 == '1.52' and 'a' .. 'b' .. 'c' .. 4 == 'abc4')", ""},
		{"local function many() return 'a', 'b' end local t = { 'x' .. many() } assert(#t == 1 and t[1] == 'xa')", ""},
		{"local function f(...) return 'x' .. ... end assert(f('a', 'b') == 'xa' and select('#', f('a', 'b')) == 1)", ""},
		{"local s = " + long + " assert(#s == 400 and s == ('ab'):rep(200))", ""},
		{"local order = '' local function f(x) order = order .. x return x end assert(f('a') .. f('b') .. f('c') == 'abc' and order == 'abc')", ""},
		{"local m = setmetatable({}, { __concat = function(a, b) return (type(a) == 'table' and 'M' or a) .. '+' .. (type(b) == 'table' and 'M' or b) end })\n" +
			"assert(m .. 'x' == 'M+x' and 'x' .. m == 'x+M' and 'a' .. 'b' .. m .. 'c' .. 'd' == 'abM+cd' and m .. m == 'M+M')", ""},
		{"local function f(a)\n return a .. 'x' end assert(f('a') == 'ax')\nlocal t = { f 'a' .. 'b' } assert(t[1] == 'axb')", ""},
		{"local x\nlocal y = 'a' .. x", "c.lua:2: cannot join string and nil with ..: use tostring()"},
		{"local function f(x)\nreturn 'a' .. x\nend\nf({})", "c.lua:2: cannot join string and table with ..: use tostring() (called from c.lua:4)"},
		{"local s = ('x'):rep(1e6)\ns = s .. 'y' .. s", "c.lua:2: the text is larger than the 1 MiB allowed"},
	}
	for _, test := range tests {
		_, problems := load(test.source)
		if got := problems.Errors().Error(); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.source, got, test.want)
		}
	}
}

func BenchmarkConcat(b *testing.B) {
	source := fmt.Sprintf("for i = 1, %d do local s = 'web-' .. i .. '.example.org' end", 100_000)
	for b.Loop() {
		load(source)
	}
}
