package lua

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"
)

// scope knows which names are local at a point of a source.
type scope struct {
	names []string
	count map[string]int
}

func (s *scope) begin() int { return len(s.names) }

func (s *scope) end(mark int) {
	for _, name := range s.names[mark:] {
		s.count[name]--
	}
	s.names = s.names[:mark]
}

func (s *scope) declare(names ...string) {
	if s.count == nil {
		s.count = make(map[string]int)
	}
	for _, name := range names {
		s.count[name]++
	}
	s.names = append(s.names, names...)
}

// used checks a name that is read. What is not local must be ours: nothing else can become global (assigned), so what is
// unknown here is unknown when the script runs, on whatever path.
func (r *rewriter) used(name *ast.IdentExpr) {
	if r.scope.count[name.Value] > 0 {
		return
	}
	r.constant(name.Value)
	if !r.l.isGlobal(name.Value) {
		r.l.errorf(place(r.file, name.Line()), "%s", r.l.undefined(name.Value, slices.Sorted(slices.Values(r.scope.names))))
	}
}

// assigned checks a name that is assigned to.
func (r *rewriter) assigned(name *ast.IdentExpr) {
	if r.scope.count[name.Value] > 0 {
		return
	}
	r.constant(name.Value)
	r.l.errorf(place(r.file, name.Line()), "%s", r.l.unassignable(name.Value))
	// One error is enough: further down it counts as declared.
	r.scope.declare(name.Value)
}

// assignedIn checks an assignment to a key of a library.
func (r *rewriter) assignedIn(e ast.Expr) {
	get, ok := e.(*ast.AttrGetExpr)
	if !ok {
		return
	}
	object, isName := get.Object.(*ast.IdentExpr)
	key, isConstant := get.Key.(*ast.StringExpr)
	if isName && isConstant && r.scope.count[object.Value] == 0 && object.Value != "_G" && r.l.isGlobal(object.Value) {
		r.l.errorf(place(r.file, object.Line()), "cannot assign to %s.%s", object.Value, key.Value)
	}
}

// undefined says that nothing has this name. locals are names that would be known.
func (l *loader) undefined(name string, locals []string) string {
	text := "undefined variable " + quote(name)
	if hint := absent(name); hint != "" {
		return text + ": " + hint
	}
	return text + suggest(name, append(slices.Clone(l.globals), locals...))
}

func (l *loader) unassignable(name string) string {
	if l.isGlobal(name) {
		return "cannot assign to " + quote(name) + ", which belongs to mwlua: use another name"
	}
	return "assignment to the undeclared variable " + quote(name) + ": write \"local\" before it, where it is first used"
}

// absent says what to do instead of using what a configuration has not got.
func absent(name string) string {
	switch name {
	case "os":
		return "a configuration has no os library; env(\"NAME\") reads the environment"
	case "io":
		return "a configuration has no io library; read_file(\"path\") reads a file"
	case "dofile", "loadfile", "load", "loadstring":
		return "use include \"file.lua\" for declarations, require \"name\" for a module"
	case "module", "package":
		return "let the module return a table, and use require \"name\""
	case "debug", "coroutine", "channel", "collectgarbage", "newproxy", "getfenv", "setfenv":
		return "a configuration has no such library or function"
	case "null", "None", "NULL":
		return "Lua's word for nothing is nil"
	case "True", "TRUE":
		return "Lua writes true"
	case "False", "FALSE":
		return "Lua writes false"
	}
	return ""
}
