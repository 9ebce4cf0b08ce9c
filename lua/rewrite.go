package lua

import (
	"github.com/yuin/gopher-lua/ast"
)

const (
	// maxDepth bounds the depth of the tree: the compiler recurses over it, and 1+1+1+… has no brackets that scan.go could count.
	maxDepth = 1000
	// maxItems bounds the values without a key in one table: over 25,550 gopher-lua drops them without a word.
	maxItems = 20_000
	// longBlock is the number of calls and assignments in one block, or of values in one table, above which they are put into
	// functions of their own, groupSize at a time. The compiler looks every constant up by a scan of its function's constants:
	// 10,000 programs took 37 s in one function, 0.9 s in many.
	longBlock = 200
	groupSize = 16
	// maxCompile bounds that work: constants used times constants there, summed over all functions. It takes a second or two.
	maxCompile = 1 << 28
)

// tableFunc is the global that gives a table its origin, and joinFunc the one that puts a long table together. No source can name
// them.
const (
	tableFunc = "(table)"
	joinFunc  = "(join)"
)

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
	if separable > longBlock {
		stmts = r.groups(stmts)
	} else {
		for _, s := range stmts {
			r.statement(s)
		}
	}
	r.fn.labels = r.fn.labels[:labels]
	return stmts
}

// groups rewrites the statements of a long block, and puts those that can be separated into functions, a few in each: a function
// costs gopher-lua 12 KB.
func (r *rewriter) groups(stmts []ast.Stmt) []ast.Stmt {
	var out, group []ast.Stmt
	flush := func() {
		if len(group) > 0 {
			out = append(out, separate(group))
		}
		group = nil
	}
	for _, s := range stmts {
		if !isSeparable(s) {
			flush()
			r.statement(s)
			out = append(out, s)
			continue
		}
		fn := r.function(func() { r.statement(s) })
		r.fn.varargs = r.fn.varargs || fn.varargs
		switch {
		case fn.varargs:
			flush()
			out = append(out, s)
		case len(fn.constants) > longBlock:
			flush()
			out = append(out, separate([]ast.Stmt{s}))
		default:
			if group = append(group, s); len(group) == groupSize {
				flush()
			}
		}
	}
	flush()
	return out
}

// isSeparable says whether s means the same in a function of its own, unless it uses the arguments of the present one.
func isSeparable(s ast.Stmt) bool {
	switch s.(type) {
	case *ast.FuncCallStmt, *ast.AssignStmt:
		return true
	}
	return false
}

// separate makes (function() stmts end)() of stmts.
func separate(stmts []ast.Stmt) ast.Stmt {
	stmt := &ast.FuncCallStmt{Expr: callOf(stmts)}
	stmt.SetLine(stmts[0].Line())
	return stmt
}

func callOf(stmts []ast.Stmt) *ast.FuncCallExpr {
	line, last := stmts[0].Line(), stmts[len(stmts)-1]
	fn := &ast.FunctionExpr{ParList: &ast.ParList{}, Stmts: stmts}
	fn.SetLine(line)
	fn.SetLastLine(max(last.Line(), last.LastLine()))
	return &ast.FuncCallExpr{Func: fn} // on no line: it is not in the list of calls that lead to an error
}
