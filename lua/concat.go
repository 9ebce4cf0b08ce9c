package lua

import (
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// concatFunc is the global that stands for .. in a rewritten source: gopher-lua's own operator knows no bound, and a text that doubles
// takes all memory within a few operations, faster than anybody looks at the heap.
const concatFunc = "(concat)"

// maxJoined bounds the operands of one call of concatFunc: they are values in registers. What is more is joined in parts.
const maxJoined = 50

// concat rewrites a .. b .. c as one call.
func (r *rewriter) concat(e *ast.StringConcatOpExpr) ast.Expr {
	operands := []ast.Expr{r.operand(e.Lhs)}
	rest := e.Rhs
	for {
		next, ok := rest.(*ast.StringConcatOpExpr) // a .. (b .. c)
		if !ok {
			break
		}
		operands, rest = append(operands, r.operand(next.Lhs)), next.Rhs
	}
	operands = append(operands, r.operand(rest))
	for len(operands) > maxJoined {
		var parts []ast.Expr
		for part := range slices.Chunk(operands, maxJoined) {
			parts = append(parts, r.joined(e.Line(), part))
		}
		operands = parts
	}
	return r.joined(e.Line(), operands)
}

func (r *rewriter) joined(line int, operands []ast.Expr) ast.Expr {
	r.constant(concatFunc)
	name := &ast.IdentExpr{Value: concatFunc}
	call := &ast.FuncCallExpr{Func: name, Args: slices.Clone(operands), AdjustRet: true}
	name.SetLine(line)
	call.SetLine(line)
	return call
}

// operand rewrites one operand, which is one value.
func (r *rewriter) operand(e ast.Expr) ast.Expr {
	e = r.expr(e)
	switch many := e.(type) {
	case *ast.FuncCallExpr:
		many.AdjustRet = true
	case *ast.Comma3Expr:
		many.AdjustRet = true
	}
	return e
}

// concat is what .. does with the operands on the stack.
func (l *loader) concat(L *lua.LState) int {
	last := L.GetTop()
	result := L.Get(last)
	for last--; last > 0; {
		left := L.Get(last)
		if !lua.LVCanConvToString(left) || !lua.LVCanConvToString(result) {
			result = concatOther(L, left, result)
			last--
			continue
		}
		first := last
		for first > 1 && lua.LVCanConvToString(L.Get(first-1)) {
			first--
		}
		result = concatTexts(L, first, last, lua.LVAsString(result))
		last = first - 1
	}
	L.Push(result)
	return 1
}

// concatTexts joins the values at first to last of the stack, which are texts or numbers, and what comes after them.
func concatTexts(L *lua.LState, first, last int, after string) lua.LValue {
	var b strings.Builder
	for i := first; i <= last; i++ {
		text := lua.LVAsString(L.Get(i))
		if b.Len()+len(text)+len(after) > maxString {
			raise(L, "the text is larger than the %d MiB allowed", maxString>>20)
		}
		b.WriteString(text)
	}
	b.WriteString(after)
	return lua.LString(b.String())
}

// concatOther asks the metamethod of one of two values.
func concatOther(L *lua.LState, left, right lua.LValue) lua.LValue {
	op := L.GetMetaField(left, "__concat")
	if op == lua.LNil {
		op = L.GetMetaField(right, "__concat")
	}
	if op.Type() != lua.LTFunction {
		raise(L, "cannot perform concat operation between %s and %s", left.Type(), right.Type())
	}
	L.Push(op)
	L.Push(left)
	L.Push(right)
	L.Call(2, 1)
	result := L.Get(-1)
	L.Pop(1)
	return result
}
