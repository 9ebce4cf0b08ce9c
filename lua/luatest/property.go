package luatest

import (
	"fmt"
	"math/rand/v2"
	"time"

	glua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/lua"
)

// forall is forall(100, function(r) … end): the function is called that many times, each with dice of another seed. A failure names the
// seed, with which -seed tries that one alone.
func (s *state) forall(L *glua.LState) int {
	n, ok := L.Get(1).(glua.LNumber)
	fn, ok2 := L.Get(2).(*glua.LFunction)
	if !ok || !ok2 || n < 1 || s.current == nil {
		lua.Raise(L, "forall: expected a number and a function, in a test: write forall(100, function(r) … end)")
	}
	tries := int(n)
	if s.options.Seed != 0 {
		tries = 1
	}
	first, before := s.current.seed, s.current.begun()
	for i := range tries {
		seed := first
		if i > 0 {
			seed = 1 + s.current.dice.Uint64()>>12
		}
		if err := s.current.backTo(before); err != nil {
			s.script.Raise(L, property{&lua.Failure{Text: err.Error()}, i, tries, s.current.seed})
		}
		s.current.seed = seed
		dice := rand.New(rand.NewPCG(seed, 1))
		_, failed := s.script.Call(L.Context(), fn, s.dice(L, dice))
		switch {
		case failed == nil:
			continue
		case failed.Object != nil:
			s.script.Raise(L, failed.Object)
		}
		s.script.Raise(L, property{failed, i + 1, tries, seed})
	}
	return 0
}

// property is the failure of one try of forall.
type property struct {
	failure  *lua.Failure
	try, all int
	seed     uint64
}

func (p property) Error() string {
	return fmt.Sprintf("%s (try %d of %d; -seed %d tries it again)", p.failure.Text, p.try, p.all, p.seed)
}

// mark is how much a test has begun at a moment.
type mark struct{ ends, worlds, real int }

func (r *running) begun() mark { return mark{len(r.ends), len(r.worlds), len(r.real)} }

// backTo ends what was begun since then, the try before: of many, only the last one is told of. The error is that it has left something
// behind.
func (r *running) backTo(m mark) error {
	err := r.endFrom(m.ends)
	if err == nil {
		r.worlds, r.real = r.worlds[:m.worlds], r.real[:m.real]
	}
	return err
}

// dice are what a try of forall gets: r:int(1, 10), r:bool(), r:pick { … }, r:duration("1s", "1m").
func (s *state) dice(L *glua.LState, dice *rand.Rand) glua.LValue {
	methods := map[string]glua.LGFunction{
		"int": func(L *glua.LState) int {
			from, to := L.CheckInt64(2), L.CheckInt64(3)
			if to < from {
				lua.Raise(L, "int: expected two numbers, the smaller one first, got %d and %d", from, to)
			}
			L.Push(glua.LNumber(from + dice.Int64N(to-from+1)))
			return 1
		},
		"bool": func(L *glua.LState) int {
			L.Push(glua.LBool(dice.IntN(2) == 0))
			return 1
		},
		"pick": func(L *glua.LState) int {
			list, ok := L.Get(2).(*glua.LTable)
			if !ok || list.Len() == 0 {
				lua.Raise(L, "pick: expected a list, got %s", lua.Describe(L.Get(2)))
			}
			L.Push(list.RawGetInt(1 + dice.IntN(list.Len())))
			return 1
		},
		"duration": func(L *glua.LState) int {
			from, to := lua.Duration(L, L.Get(2), "duration"), lua.Duration(L, L.Get(3), "duration")
			if to < from {
				lua.Raise(L, "duration: expected the shorter one first")
			}
			d := from + time.Duration(dice.Int64N(int64(to-from)+1))
			L.Push(glua.LString(lua.DurationText(d.Round(time.Millisecond))))
			return 1
		},
	}
	meta, index := L.NewTable(), L.NewTable()
	for name, fn := range methods {
		index.RawSetString(name, L.NewFunction(fn))
	}
	meta.RawSetString("__index", index)
	meta.RawSetString("__metatable", glua.LFalse)
	return &glua.LUserData{Value: dice, Metatable: meta, Env: L.Env}
}
