package lua

import (
	"math/rand/v2"

	lua "github.com/yuin/gopher-lua"
)

// random is math.random() or math.random(n) or math.random(m, n), for handlers: a configuration that is loaded twice must be the same.
// gopher-lua's has one seed for the whole process.
func (l *loader) random() lua.LGFunction {
	seed := l.options.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	source := rand.New(rand.NewPCG(seed, 0))
	return func(L *lua.LState) int {
		if !l.loaded {
			raise(L, "math.random: only in handlers: a configuration must be the same whenever it is loaded")
		}
		first, last := int64(1), L.OptInt64(1, 0)
		switch L.GetTop() {
		case 0:
			L.Push(lua.LNumber(source.Float64()))
			return 1
		case 1:
		default:
			first, last = L.CheckInt64(1), L.CheckInt64(2)
		}
		if last < first || last-first < 0 || last-first+1 <= 0 {
			raise(L, "math.random: there is no number from %d to %d", first, last)
		}
		L.Push(lua.LNumber(first + source.Int64N(last-first+1)))
		return 1
	}
}
