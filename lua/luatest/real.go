package luatest

import (
	glua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/lua"
)

// run is run { config = "conf.lua" }: a real mwlua with real processes.
func (s *state) run(L *glua.LState) int {
	if s.options.Mode == Sim {
		s.script.Raise(L, skipped("it runs real processes, and -mode sim was asked for"))
	}
	lua.Raise(L, "run: this mwlua has none yet")
	return 0
}
