package lua

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/policy"
)

// pending is an event whose keys are made when they are first read: handlers read two or three of some twenty, and to make them all takes
// longer than the call. It hangs in the metatable of its table, as an origin does.
type pending struct {
	event  policy.Event
	when   occasion
	stored bool // the store was read, or replaced
}

// storeKey is the key of an event that is read back after the call.
const storeKey = "store"

// prepareEvents is for the moment from which on functions get events.
func (l *loader) prepareEvents() {
	l.eventKeys = eventKeys()
	l.eventIndex, l.eventNewIndex = l.vm.NewFunction(l.readEvent), l.vm.NewFunction(l.writeEvent)
}

// eventTable is the table of p.
func (l *loader) eventTable(p *pending) *lua.LTable {
	meta := l.vm.CreateTable(1, 2)
	meta.Append(&lua.LUserData{Value: p, Metatable: lua.LNil})
	meta.RawSetString("__index", l.eventIndex)
	meta.RawSetString("__newindex", l.eventNewIndex)
	table := l.vm.CreateTable(0, 4)
	table.Metatable = meta
	return table
}

// pendingOf is what of t is not made yet; nil if it is no event.
func pendingOf(t *lua.LTable) *pending {
	meta, ok := t.Metatable.(*lua.LTable)
	if !ok {
		return nil
	}
	data, ok := meta.RawGetInt(1).(*lua.LUserData)
	if !ok {
		return nil
	}
	p, _ := data.Value.(*pending)
	return p
}

// readEvent is the __index of events. A key that no event has is an error, as is a variable that is not there.
func (l *loader) readEvent(L *lua.LState) int {
	table := L.CheckTable(1)
	p := pendingOf(table)
	name := lua.LVAsString(L.Get(2))
	i := slices.IndexFunc(l.eventKeys, func(k eventKey) bool { return k.name == name })
	if p == nil || i < 0 {
		var names []string
		for _, k := range l.eventKeys {
			names = append(names, k.name)
		}
		raise(L, "an event has no %s%s", describe(L.Get(2)), suggest(name, names))
	}
	L.Push(p.make(L, table, l.eventKeys[i]))
	return 1
}

// writeEvent is the __newindex of events.
func (l *loader) writeEvent(L *lua.LState) int {
	table := L.CheckTable(1)
	if p := pendingOf(table); p != nil && L.Get(2) == lua.LString(storeKey) {
		p.stored = true
	}
	table.RawSet(L.Get(2), L.Get(3))
	return 0
}

func (p *pending) make(L *lua.LState, table *lua.LTable, key eventKey) lua.LValue {
	if key.when > p.when {
		return lua.LNil
	}
	p.stored = p.stored || key.name == storeKey
	made := key.value(L, p.event)
	table.RawSetString(key.name, made)
	return made
}

// whole makes the keys of t that nobody has read yet, for those who go through all.
func (l *loader) whole(L *lua.LState, t *lua.LTable) {
	p := pendingOf(t)
	if p == nil {
		return
	}
	for _, key := range l.eventKeys {
		if t.RawGetString(key.name) == lua.LNil {
			p.make(L, t, key)
		}
	}
}

// pairs is pairs, for events too. next alone sees what was read.
func (l *loader) pairs(next lua.LValue) lua.LGFunction {
	return func(L *lua.LState) int {
		table := L.CheckTable(1)
		l.whole(L, table)
		L.Push(next)
		L.Push(table)
		L.Push(lua.LNil)
		return 3
	}
}
