package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/lua"
	"github.com/mwlua/mwlua/lua/luatest"
)

// crashes is a test with a function that decides: n ends of a program, each with what follows it.
const crashes = `test("crashes", function()
	local s = sim { text = [[
		program "web" {
			command = { "/bin/sh" }, restart = { policy = "on-failure", delay = "1s" },
			on_exit = function(ev)
				if ev.code == 78 then return "fail" end
				return { action = "restart", delay = "1s" }
			end,
		}
	]] }
	s:start()
	for _ = 1, 10000 do
		s:exit("web", 1)
		s:advance("1s")
	end
	eq(s:state("web").starts, 10001)
end)
`

// BenchmarkSimulatedExits is how many times a second a test lets a program end, asks a function what follows, and lets a second pass.
func BenchmarkSimulatedExits(b *testing.B) {
	file := filepath.Join(b.TempDir(), "crashes_test.lua")
	if err := os.WriteFile(file, []byte(crashes), 0o644); err != nil {
		b.Fatal(err)
	}
	o := luatest.Options{Files: []string{file}, Jobs: 1, Load: func(from luatest.Source) (program.Config, *lua.Handlers, program.Problems) {
		return lua.Open(lua.Options{Files: []string{from.Name}, Direct: true, ReadFile: func(string) ([]byte, error) { return []byte(from.Text), nil }})
	}}
	for b.Loop() {
		problems, err := luatest.Run(context.Background(), o, func(r luatest.Result, _, _ int) {
			if r.Status != luatest.Passed {
				b.Fatal(r.Place, r.Text)
			}
		})
		if len(problems) > 0 || err != nil {
			b.Fatal(problems, err)
		}
	}
	b.ReportMetric(float64(10000*b.N)/b.Elapsed().Seconds(), "exits/s")
}
