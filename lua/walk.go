package lua

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"
)

// statement rewrites one statement.
func (r *rewriter) statement(s ast.Stmt) {
	if !r.enter(s) {
		return
	}
	defer r.leave()
	switch s := s.(type) {
	case *ast.AssignStmt:
		for i, e := range s.Lhs {
			if name, ok := e.(*ast.IdentExpr); ok {
				r.assigned(name)
				continue
			}
			r.assignedIn(e)
			s.Lhs[i] = r.expr(e)
		}
		r.exprs(s.Rhs)
	case *ast.LocalAssignStmt:
		r.local(s)
	case *ast.FuncCallStmt:
		s.Expr = r.expr(s.Expr)
	case *ast.DoBlockStmt:
		s.Stmts = r.block(s.Stmts)
	case *ast.ReturnStmt:
		r.exprs(s.Exprs)
		if len(s.Exprs) == 1 { // gopher-lua returns from (f()) with whatever is in the registers above
			if call, ok := s.Exprs[0].(*ast.FuncCallExpr); ok && isTagged(call) {
				call.AdjustRet = false
			}
		}
	case *ast.FuncDefStmt:
		r.definition(s)
	case *ast.GotoStmt:
		if !slices.Contains(r.fn.labels, s.Label) { // gopher-lua's own check looks at one block only
			r.l.errorf(place(r.file, s.Line()), "goto %s: there is no such label here", quote(s.Label))
			r.failed = true
		}
	case *ast.IfStmt:
		s.Condition = r.expr(s.Condition)
		s.Then = r.block(s.Then)
		s.Else = r.block(s.Else)
	default:
		r.loop(s)
	}
}

func isTagged(call *ast.FuncCallExpr) bool {
	name, ok := call.Func.(*ast.IdentExpr)
	return ok && (name.Value == tableFunc || name.Value == concatFunc)
}

func (r *rewriter) local(s *ast.LocalAssignStmt) {
	// `local f = function` knows f inside, as `local function f` does: gopher-lua does not tell them apart.
	if len(s.Names) == 1 && len(s.Exprs) == 1 {
		if _, ok := s.Exprs[0].(*ast.FunctionExpr); ok {
			r.scope.declare(s.Names[0])
			r.exprs(s.Exprs)
			return
		}
	}
	r.exprs(s.Exprs)
	r.scope.declare(s.Names...)
}

func (r *rewriter) definition(s *ast.FuncDefStmt) {
	switch name := s.Name.Func.(type) {
	case nil:
		s.Name.Receiver = r.expr(s.Name.Receiver)
		r.constant(s.Name.Method)
		r.body(s.Func, "self")
		return
	case *ast.IdentExpr:
		r.assigned(name)
	default:
		s.Name.Func = r.expr(name)
	}
	r.body(s.Func)
}

func (r *rewriter) loop(s ast.Stmt) {
	mark := r.scope.begin()
	defer r.scope.end(mark)
	switch s := s.(type) {
	case *ast.WhileStmt:
		s.Condition = r.expr(s.Condition)
		s.Stmts = r.block(s.Stmts)
	case *ast.RepeatStmt: // the condition sees what the block declares
		s.Stmts = r.statements(s.Stmts)
		s.Condition = r.expr(s.Condition)
	case *ast.NumberForStmt:
		s.Init, s.Limit = r.expr(s.Init), r.expr(s.Limit)
		if s.Step != nil {
			s.Step = r.expr(s.Step)
		}
		r.scope.declare(s.Name)
		s.Stmts = r.block(s.Stmts)
	case *ast.GenericForStmt:
		r.exprs(s.Exprs)
		r.scope.declare(s.Names...)
		s.Stmts = r.block(s.Stmts)
	}
}

func (r *rewriter) exprs(list []ast.Expr) {
	for i, e := range list {
		list[i] = r.expr(e)
	}
}

// expr rewrites e and yields what takes its place.
func (r *rewriter) expr(e ast.Expr) ast.Expr {
	if !r.enter(e) {
		return e
	}
	defer r.leave()
	switch e := e.(type) {
	case *ast.IdentExpr:
		r.used(e)
	case *ast.StringExpr:
		r.constant(e.Value)
	case *ast.NumberExpr:
		r.constant(e.Value)
	case *ast.Comma3Expr:
		r.fn.varargs = true
	case *ast.TableExpr:
		return r.table(e)
	case *ast.FunctionExpr:
		r.body(e)
	case *ast.AttrGetExpr:
		e.Object, e.Key = r.expr(e.Object), r.expr(e.Key)
	case *ast.FuncCallExpr:
		r.call(e)
	case *ast.StringConcatOpExpr:
		return r.concat(e)
	default:
		r.operation(e)
	}
	return e
}

func (r *rewriter) call(e *ast.FuncCallExpr) {
	if e.Func != nil {
		e.Func = r.expr(e.Func)
	} else {
		e.Receiver = r.expr(e.Receiver)
		r.constant(e.Method)
	}
	r.exprs(e.Args)
}

func (r *rewriter) operation(e ast.Expr) {
	switch e := e.(type) {
	case *ast.LogicalOpExpr:
		e.Lhs, e.Rhs = r.expr(e.Lhs), r.expr(e.Rhs)
	case *ast.RelationalOpExpr:
		e.Lhs, e.Rhs = r.expr(e.Lhs), r.expr(e.Rhs)
	case *ast.ArithmeticOpExpr:
		e.Lhs, e.Rhs = r.expr(e.Lhs), r.expr(e.Rhs)
	case *ast.UnaryMinusOpExpr:
		e.Expr = r.expr(e.Expr)
	case *ast.UnaryNotOpExpr:
		e.Expr = r.expr(e.Expr)
	case *ast.UnaryLenOpExpr:
		e.Expr = r.expr(e.Expr)
	}
}

// body rewrites a function, whose parameters are local to it.
func (r *rewriter) body(fn *ast.FunctionExpr, implicit ...string) {
	mark := r.scope.begin()
	r.scope.declare(implicit...)
	r.scope.declare(fn.ParList.Names...)
	if fn.ParList.HasVargs {
		r.scope.declare("arg") // as in Lua 5.0, which 5.1 and gopher-lua still do
	}
	r.function(func() { fn.Stmts = r.statements(fn.Stmts) })
	r.scope.end(mark)
}
