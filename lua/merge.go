package lua

import (
	"cmp"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

const (
	// maxMergeDepth bounds tables within tables, which may hold themselves.
	maxMergeDepth = 50
	// maxParents bounds how long the lines of merged tables are remembered.
	maxParents = 32
)

// merge is merge(a, b, …): a deep copy of all, the later ones winning; tables of names are merged, lists are replaced.
func (l *loader) merge(L *lua.LState) int {
	result := L.NewTable()
	o := &origin{}
	for i := range L.GetTop() {
		table, ok := L.Get(i + 1).(*lua.LTable)
		if !ok {
			raise(L, "merge: argument %d is %s, and a table is needed", i+1, describe(L.Get(i+1)))
		}
		if i == 0 && isList(table) {
			raise(L, "merge: argument 1 is a list: only tables of names can be merged")
		}
		l.whole(L, table)
		l.mergeInto(L, result, table, 0)
		o.add(originOfTable(table))
	}
	result.Metatable = mark(L, o)
	L.Push(result)
	return 1
}

// add makes p a parent of o, unless that would make a chain too long: then its own are taken, or none.
func (o *origin) add(p *origin) {
	if p == nil {
		return
	}
	if p.height >= maxParents {
		return
	}
	o.parents = append(o.parents, p)
	o.height = max(o.height, p.height+1)
}

func (l *loader) mergeInto(L *lua.LState, to, from *lua.LTable, depth int) {
	if depth > maxMergeDepth {
		raise(L, "merge: tables are nested more than %d deep: does one hold itself?", maxMergeDepth)
	}
	l.checkTime(L)
	for _, key := range keys(from) {
		value := from.RawGet(key)
		inner, ok := value.(*lua.LTable)
		if !ok {
			to.RawSet(key, value)
			continue
		}
		old, both := to.RawGet(key).(*lua.LTable)
		merged := L.NewTable()
		o := &origin{}
		if both && !isList(inner) && !isList(old) {
			l.mergeInto(L, merged, old, depth+1)
			o.add(originOfTable(old))
		}
		l.mergeInto(L, merged, inner, depth+1)
		merged.Metatable = copied(L, o, inner)
		to.RawSet(key, merged)
	}
}

// copied is the metatable of a copy of inner, which was merged over what o has already.
func copied(L *lua.LState, o *origin, inner *lua.LTable) lua.LValue {
	if len(o.parents) == 0 {
		if originOfTable(inner) != nil {
			return inner.Metatable
		}
		return lua.LNil
	}
	o.add(originOfTable(inner))
	return mark(L, o)
}

// isList says whether t holds values without keys.
func isList(t *lua.LTable) bool { return t.MaxN() > 0 }

// keys are the keys of t: the indexes first, then the names in byte order, then the rest by their types and values.
func keys(t *lua.LTable) []lua.LValue {
	var indexes, names, rest []lua.LValue
	t.ForEach(func(k, _ lua.LValue) {
		switch k.(type) {
		case lua.LNumber:
			indexes = append(indexes, k)
		case lua.LString:
			names = append(names, k)
		default:
			rest = append(rest, k)
		}
	})
	slices.SortFunc(indexes, func(a, b lua.LValue) int {
		if a.(lua.LNumber) < b.(lua.LNumber) {
			return -1
		}
		return 1
	})
	slices.SortFunc(names, func(a, b lua.LValue) int {
		if a.(lua.LString) < b.(lua.LString) {
			return -1
		}
		return 1
	})
	slices.SortFunc(rest, func(a, b lua.LValue) int { // as far as they can be told from each other in the next load, too
		if a.Type() == lua.LTBool && b.Type() == lua.LTBool {
			return cmp.Compare(a.String(), b.String())
		}
		return cmp.Or(cmp.Compare(a.Type(), b.Type()), cmp.Compare(describe(t.RawGet(a)), describe(t.RawGet(b))))
	})
	return append(append(indexes, names...), rest...)
}
