package lua

import (
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

const (
	// maxDepth bounds the depth of the tree: the compiler recurses over it, and 1+1+1+… has no brackets that scan.go could count.
	maxDepth = 1000
	// maxItems bounds the values without a key in one table: over 25,550 gopher-lua drops them without a word.
	maxItems = 20_000
	// longBlock is the number of calls and assignments in one block above which each gets a function of its own. The compiler
	// looks every constant up by a scan of its function's constants: 10,000 programs took 37 s in one function, 0.9 s in many.
	longBlock = 200
	// maxCompile bounds that work: constants used times constants there, summed over all functions. It takes some 4 s.
	maxCompile = 1 << 30
)

// tableFunc is the global that gives a table its origin. No source can name it.
const tableFunc = "(table)"

// rewriter checks a tree and changes it: tables get their origins, long blocks are cut into functions.
type rewriter struct {
	l      *loader
	file   string
	scope  scope
	fn     *function
	depth  int
	work   int  // of the compiler, see maxCompile
	failed bool // the tree must not be compiled
}

// function is what the compiler will see of the function that is being rewritten.
type function struct {
	constants map[string]bool
	uses      int
	varargs   bool     // uses ...
	labels    []string // that a goto can see at this point
}

// rewrite is true if p may be compiled. It reports what is wrong, also what would do no harm to the compiler.
func (l *loader) rewrite(p *parsed) bool {
	r := &rewriter{l: l, file: p.file}
	r.function(func() { p.stmts = r.block(p.stmts) })
	if r.work > maxCompile && !r.failed {
		l.errorf(place(p.file, 0), "holds too many different texts and numbers to be compiled: write a loop, or split it with include")
		r.failed = true
	}
	return !r.failed
}

// function runs body, which rewrites what belongs to one function, and returns what it found.
func (r *rewriter) function(body func()) *function {
	outer := r.fn
	r.fn = &function{constants: make(map[string]bool)}
	body()
	done := r.fn
	r.fn = outer
	r.work += done.uses * len(done.constants)
	return done
}

func (r *rewriter) constant(text string) {
	r.fn.uses++
	r.fn.constants[text] = true
}

// enter is false when the tree is too deep below n.
func (r *rewriter) enter(n ast.PositionHolder) bool {
	r.depth++
	if r.depth <= maxDepth {
		return true
	}
	if !r.failed {
		r.l.errorf(place(r.file, n.Line()), "an expression or a block is nested more than %d deep: split it", maxDepth)
	}
	r.failed = true
	return false
}

func (r *rewriter) leave() { r.depth-- }

// block rewrites the statements of a block, with a scope of its own.
func (r *rewriter) block(stmts []ast.Stmt) []ast.Stmt {
	mark := r.scope.begin()
	stmts = r.statements(stmts)
	r.scope.end(mark)
	return stmts
}

func (r *rewriter) statements(stmts []ast.Stmt) []ast.Stmt {
	separable, labels := 0, len(r.fn.labels)
	for _, s := range stmts {
		if label, ok := s.(*ast.LabelStmt); ok {
			r.fn.labels = append(r.fn.labels, label.Name)
		}
		if isSeparable(s) {
			separable++
		}
	}
	defer func() { r.fn.labels = r.fn.labels[:labels] }()
	for i, s := range stmts {
		if separable <= longBlock || !isSeparable(s) {
			r.statement(s)
			continue
		}
		fn := r.function(func() { r.statement(s) })
		r.fn.varargs = r.fn.varargs || fn.varargs
		if !fn.varargs {
			stmts[i] = separate(s)
		}
	}
	return stmts
}

// isSeparable says whether s means the same in a function of its own, unless it uses the arguments of the present one.
func isSeparable(s ast.Stmt) bool {
	switch s.(type) {
	case *ast.FuncCallStmt, *ast.AssignStmt:
		return true
	}
	return false
}

// separate makes (function() s end)() of s.
func separate(s ast.Stmt) ast.Stmt {
	stmt := &ast.FuncCallStmt{Expr: callOf(s, s.Line())}
	stmt.SetLine(s.Line())
	return stmt
}

func callOf(s ast.Stmt, line int) *ast.FuncCallExpr {
	fn := &ast.FunctionExpr{ParList: &ast.ParList{}, Stmts: []ast.Stmt{s}}
	fn.SetLine(line)
	fn.SetLastLine(max(line, s.LastLine()))
	call := &ast.FuncCallExpr{Func: fn}
	call.SetLine(line)
	return call
}

// table rewrites a table and gives it its origin.
func (r *rewriter) table(t *ast.TableExpr) ast.Expr {
	o := originOf(r.file, t)
	r.checkTable(t, o)
	for _, f := range t.Fields {
		if f.Key != nil {
			f.Key = r.expr(f.Key)
		}
		inner, isTable := f.Value.(*ast.TableExpr)
		if len(t.Fields) <= longBlock || !isTable {
			f.Value = r.expr(f.Value)
			continue
		}
		fn := r.function(func() { f.Value = r.expr(inner) })
		r.fn.varargs = r.fn.varargs || fn.varargs
		if !fn.varargs {
			f.Value.(*ast.FuncCallExpr).AdjustRet = false // see ReturnStmt in walk.go
			result := &ast.ReturnStmt{Exprs: []ast.Expr{f.Value}}
			result.SetLine(inner.Line())
			call := callOf(result, inner.Line())
			call.AdjustRet = true
			f.Value = call
		}
	}
	r.l.origins = append(r.l.origins, o)
	return r.tagged(t, strconv.Itoa(len(r.l.origins)))
}

// tagged is a call of tableFunc with the number of an origin and the table.
func (r *rewriter) tagged(t *ast.TableExpr, number string) ast.Expr {
	r.constant(tableFunc)
	r.constant(number)
	name := &ast.IdentExpr{Value: tableFunc}
	id := &ast.NumberExpr{Value: number}
	call := &ast.FuncCallExpr{Func: name, Args: []ast.Expr{id, t}, AdjustRet: true}
	for _, n := range []ast.PositionHolder{name, id, call} {
		n.SetLine(t.Line())
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
