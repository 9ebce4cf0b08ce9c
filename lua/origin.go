package lua

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"github.com/mwlua/mwlua/core/program"
)

// origin is where a table comes from: a literal in a source, or several that were merged. It is what gives an error in a table
// the line of its key.
type origin struct {
	file    string
	keys    map[string]int // the line of each named key
	items   []int          // the line of each value without a key
	open    bool           // the last item is a call or ..., which may yield any number of items
	parents []*origin      // of a merged table, the later ones winning
	height  int            // of the parents above it
}

// originOf is the origin of a literal.
func originOf(file string, table *ast.TableExpr) *origin {
	o := &origin{file: file}
	for i, f := range table.Fields {
		switch key := f.Key.(type) {
		case nil:
			o.items = append(o.items, f.Value.Line())
			o.open = i == len(table.Fields)-1 && manyValued(f.Value)
		case *ast.StringExpr:
			if o.keys == nil {
				o.keys = make(map[string]int, len(table.Fields))
			}
			if _, ok := o.keys[key.Value]; !ok {
				o.keys[key.Value] = key.Line()
			}
		}
	}
	return o
}

func manyValued(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		return !e.AdjustRet
	case *ast.Comma3Expr:
		return !e.AdjustRet
	}
	return false
}

// key is the place of a named key.
func (o *origin) key(name string) (program.Place, bool) {
	if o == nil {
		return nowhere, false
	}
	if line, ok := o.keys[name]; ok {
		return place(o.file, line), true
	}
	for i := len(o.parents) - 1; i >= 0; i-- {
		if p, ok := o.parents[i].key(name); ok {
			return p, true
		}
	}
	return nowhere, false
}

// item is the place of the value at index i, from 1.
func (o *origin) item(i int) (program.Place, bool) {
	if o == nil || i < 1 || i > len(o.items) {
		return nowhere, false
	}
	return place(o.file, o.items[i-1]), true
}

// An origin travels with its table as a metatable that has no metamethods: it costs nothing per table, and goes when the table
// goes. getmetatable does not show it (base.go), and setmetatable replaces it.

// mark makes a metatable of o.
func mark(L *lua.LState, o *origin) *lua.LTable {
	marker := L.CreateTable(1, 0)
	marker.Append(&lua.LUserData{Value: o, Env: nil, Metatable: lua.LNil})
	return marker
}

// marked is the origin in a metatable, nil if it is an ordinary one.
func marked(metatable lua.LValue) *origin {
	marker, ok := metatable.(*lua.LTable)
	if !ok {
		return nil
	}
	data, ok := marker.RawGetInt(1).(*lua.LUserData)
	if !ok {
		return nil
	}
	o, _ := data.Value.(*origin)
	return o
}

// originOfTable is where t comes from, nil if that is not known.
func originOfTable(t *lua.LTable) *origin { return marked(t.Metatable) }
