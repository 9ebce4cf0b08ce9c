package lua

import (
	"slices"
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

// maxParts bounds the parts of a long table: they are arguments of one call.
const maxParts = 100

// table rewrites a table and gives it its origin.
func (r *rewriter) table(t *ast.TableExpr) ast.Expr {
	o := originOf(r.file, t)
	r.checkTable(t, o)
	r.l.origins = append(r.l.origins, o)
	number := strconv.Itoa(len(r.l.origins))
	if len(t.Fields) > longBlock && onlyNamed(t.Fields) {
		return r.callOurs(t, tableFunc, number, r.join(t))
	}
	r.fields(t.Fields)
	return r.callOurs(t, tableFunc, number, t)
}

// join rewrites the fields of a long table and makes of it a call of joinFunc, which gets its parts from functions.
func (r *rewriter) join(t *ast.TableExpr) ast.Expr {
	size := max(longBlock, (len(t.Fields)+maxParts-1)/maxParts)
	var parts []ast.Expr
	var before []int // of each part: the values without a key in front of it
	items, varargs := 0, false
	for group := range slices.Chunk(t.Fields, size) {
		part := &ast.TableExpr{Fields: group}
		part.SetLine(group[0].Value.Line())
		if call, ok := group[len(group)-1].Value.(*ast.FuncCallExpr); ok && &group[len(group)-1] != &t.Fields[len(t.Fields)-1] {
			call.AdjustRet = true // only the last value of a table may be many
		}
		fn := r.function(func() { r.fields(group) })
		varargs = varargs || fn.varargs
		result := &ast.ReturnStmt{Exprs: []ast.Expr{part}}
		result.SetLine(part.Line())
		call := callOf([]ast.Stmt{result})
		call.AdjustRet = true
		parts, before = append(parts, call), append(before, items)
		for _, f := range group {
			if f.Key == nil {
				items++
			}
		}
	}
	if varargs { // ... is something else in another function
		r.fn.varargs = true
		return t
	}
	r.l.joins = append(r.l.joins, before)
	return r.callOurs(t, joinFunc, strconv.Itoa(len(r.l.joins)), parts...)
}

// onlyNamed says whether no field has an index of its own, which would mean something else in a part.
func onlyNamed(fields []*ast.Field) bool {
	return !slices.ContainsFunc(fields, func(f *ast.Field) bool {
		_, named := f.Key.(*ast.StringExpr)
		return f.Key != nil && !named
	})
}

func (r *rewriter) fields(fields []*ast.Field) {
	for _, f := range fields {
		if f.Key != nil {
			f.Key = r.expr(f.Key)
		}
		f.Value = r.expr(f.Value)
	}
}

// callOurs is a call of one of our globals with a number and other arguments.
func (r *rewriter) callOurs(at ast.PositionHolder, function, number string, args ...ast.Expr) ast.Expr {
	r.constant(function)
	r.constant(number)
	name := &ast.IdentExpr{Value: function}
	id := &ast.NumberExpr{Value: number}
	call := &ast.FuncCallExpr{Func: name, Args: append([]ast.Expr{id}, args...), AdjustRet: true}
	for _, n := range []ast.PositionHolder{name, id, call} {
		n.SetLine(at.Line())
	}
	return call
}

func (r *rewriter) checkTable(t *ast.TableExpr, o *origin) {
	if len(o.items) > maxItems {
		r.l.errorf(place(r.file, t.Line()), "the table holds %d values, at most %d are taken: build it in a loop", len(o.items), maxItems)
		r.failed = true
	}
	if len(o.keys) == 0 {
		return
	}
	named := make(map[string]int, len(o.keys))
	for _, f := range t.Fields {
		key, ok := f.Key.(*ast.StringExpr)
		if !ok {
			continue
		}
		if first, ok := named[key.Value]; ok {
			r.l.errorf(place(r.file, key.Line()), "the key %s is given twice in this table (first in line %d): remove one",
				quote(key.Value), first)
			continue
		}
		named[key.Value] = key.Line()
	}
}
