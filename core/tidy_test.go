package core_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/mwlua/mwlua"

// pure are the packages, and what is below them, without clock, I/O, concurrency and randomness. In this order each may import
// those before it.
var pure = []string{"core/policy", "core/program", "core/machine"}

// walls says what of this module each directory may import; the row with the longest prefix counts. Tests may import all of
// core as well.
var walls = map[string][]string{
	"core":            nil,
	"core/policy":     nil,
	"core/program":    {"core/policy"},
	"core/machine":    {"core/policy", "core/program"},
	"core/sim":        {"core/policy", "core/program", "core/machine"},
	"core/journal":    {"core/policy", "core/program", "core/machine"},
	"core/cron":       nil,
	"core/internal":   {"core/policy", "core/program", "core/machine", "core/internal"},
	"core/supervisor": {"core"},
	"core/control":    {"core"},
	"core/keeper":     {"core/program", "core/internal"},
	"lua":             {"core/policy", "core/program", "core/cron", "lua"},
	"lua/luatest":     {"core", "lua"},
	"plugins":         {"core/policy", "core/program", "plugins"},
	"compat":          {"core/policy", "core/program", "compat"},
	"cmd":             {"core", "lua", "plugins", "compat"},
	"examples":        {"core", "lua", "plugins", "compat"},
	"bench":           {"core", "lua", "plugins", "compat"},
}

// libraries are the modules that we did not write, and where each may be imported. A new one is a new row, and a line in
// docs/rationale.md about what it replaces.
var libraries = map[string]struct {
	in      []string
	inTests []string // besides the tests of in
}{
	"github.com/yuin/gopher-lua":      {in: []string{"lua"}},
	"github.com/hashicorp/go-plugin":  {in: []string{"plugins"}},
	"github.com/hashicorp/go-hclog":   {in: []string{"plugins"}},
	"google.golang.org/grpc":          {in: []string{"plugins"}},
	"google.golang.org/protobuf":      {in: []string{"plugins"}},
	"github.com/google/jsonschema-go": {in: []string{"plugins"}},
	"github.com/spf13/cobra":          {in: []string{"cmd/mwlua"}},
	"github.com/spf13/pflag":          {in: []string{"cmd/mwlua"}}, // whose flags cobra has
	"github.com/moby/sys/user":        {in: []string{"compat/haproxycfg", "lua"}},
	"github.com/adhocore/gronx":       {in: []string{"core/cron"}},
	"github.com/fxamacker/cbor/v2":    {in: []string{"core/internal/carry"}},
	"github.com/google/renameio/v2":   {in: []string{"core/supervisor", "cmd/mwlua"}},
	"golang.org/x/sys":                {in: []string{"core/internal", "core/supervisor", "core/control", "plugins"}, inTests: []string{"cmd", "compat"}},
	"github.com/google/go-cmp":        {inTests: []string{"."}},
	"pgregory.net/rapid":              {inTests: []string{"."}},
	"github.com/rogpeppe/go-internal": {inTests: []string{"."}},
	"go.uber.org/goleak":              {inTests: []string{"."}},
}

// pureStd is what a pure package may import of the standard library, and simStd what core/sim may besides.
var (
	pureStd = []string{"cmp", "container/heap", "context", "encoding/json", "errors", "fmt", "hash/fnv", "iter", "math", "math/bits", "slices", "strconv",
		"strings", "time", "unicode", "unicode/utf8"}
	simStd = []string{"encoding/json", "math/rand/v2"}
)

// pureNames is what a pure package and core/sim may use of a package that has more than pure things.
var pureNames = map[string][]string{
	"context":      {"Context"}, // to name one in an interface
	"time":         {"Duration", "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour", "ParseDuration"},
	"iter":         {"Seq", "Seq2"},                                // Pull starts a coroutine
	"math/rand/v2": {"New", "NewPCG", "NewChaCha8", "Rand", "PCG"}, // all with a seed of the caller's
}

// topLevel is what the root of the repository holds, besides what .gitignore names.
var topLevel = []string{
	"core", "lua", "plugins", "cmd", "compat", "examples", "bench", "docs", ".ci", ".git", ".github",
	"go.mod", "go.sum", "Makefile", ".gitignore", ".gitattributes", ".dockerignore",
	"README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
}

// Limits of length. STYLE's usual sizes are far below them; what is long for a reason gets a row here, with the reason.
const (
	longestFunction = 70
	longestFile     = 400
)

var longOnPurpose = map[string]string{ // "core/machine/machine.go Machine.Step" or "core/machine/machine.go" → why
}

// rule is checked file by file. Its findings say what to do.
type rule struct {
	name  string
	check func(*file, report)
}

// rules are all rules, for a tree of these files.
func rules(files []*file) []rule {
	return []rule{
		{"walls", checkWalls},
		{"libraries", checkLibraries},
		{"pure imports", checkPureImports},
		{"pure names", checkPureNames},
		{"pure syntax", checkPureSyntax},
		{"pure variables", checkPureVariables},
		{"pure ranges", newTypeChecker(files).checkPureRanges},
		{"init", checkInit},
		{"exec", checkExec},
		{"thread", checkThread},
		{"go statements", checkGoStatements},
		{"todo", checkTodo},
		{"length", checkLength},
		{"sleep", checkSleep},
		{"documented", checkDocumented},
	}
}

// TestTidy holds the tree to the rules above. It reads the source only, so it says where to look even if nothing builds.
func TestTidy(t *testing.T) {
	files := readTree(t, "..")
	for _, rule := range rules(files) {
		t.Run(rule.name, func(t *testing.T) {
			for _, f := range files {
				for _, finding := range f.apply(rule.check) {
					t.Error(finding)
				}
			}
		})
	}
}

// TestTopLevel holds the root of the repository to its list.
func TestTopLevel(t *testing.T) {
	ignored, err := os.ReadFile("../.gitignore")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !belongsToRoot(e.Name(), strings.Fields(string(ignored))) {
			t.Errorf("%s: is not among the entries of the root: put it below one of them, or add it to topLevel", e.Name())
		}
	}
}

// file is one parsed source file.
type file struct {
	path string // below the root of the module, with slashes
	fset *token.FileSet
	ast  *ast.File
}

// report takes a finding and the place it is about.
type report func(at token.Pos, format string, args ...any)

func (f *file) dir() string     { return path.Dir(f.path) }
func (f *file) test() bool      { return strings.HasSuffix(f.path, "_test.go") }
func (f *file) generated() bool { return ast.IsGenerated(f.ast) }

func (f *file) line(at token.Pos) int { return f.fset.Position(at).Line }

func (f *file) apply(check func(*file, report)) []string {
	var findings []string
	check(f, func(at token.Pos, format string, args ...any) {
		findings = append(findings, fmt.Sprintf("%s:%d: ", f.path, f.line(at))+fmt.Sprintf(format, args...))
	})
	return findings
}

// pure says whether f belongs to a pure package and is no test of it.
func (f *file) pure() bool { return !f.test() && withinAny(f.dir(), pure) }

// sim says the same about core/sim, which makes its own time and its own chance.
func (f *file) sim() bool { return !f.test() && within(f.dir(), "core/sim") }

// imports yields what f imports.
func (f *file) imports(yield func(spec *ast.ImportSpec, path string) bool) {
	for _, spec := range f.ast.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err == nil && !yield(spec, p) {
			return
		}
	}
}

var majorVersion = regexp.MustCompile(`/v[0-9]+$`)

// selectors calls found for each NAME.Sel in f where NAME is the imported package with that path.
func (f *file) selectors(importPath string, found func(*ast.SelectorExpr)) {
	for spec, p := range f.imports {
		if p != importPath {
			continue
		}
		name := path.Base(majorVersion.ReplaceAllString(p, ""))
		if spec.Name != nil {
			name = spec.Name.Name
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == name {
					found(sel)
				}
			}
			return true
		})
	}
}

// within says whether p is dir or below it.
func within(p, dir string) bool { return dir == "." || p == dir || strings.HasPrefix(p, dir+"/") }

func withinAny(p string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return within(p, dir) })
}

// readTree parses every Go file of the module at root.
func readTree(t *testing.T, root string) []*file {
	t.Helper()
	var files []*file
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		if d.IsDir() && rel != "." {
			_, noModule := os.Stat(filepath.Join(p, "go.mod"))
			if noModule == nil || d.Name() == "testdata" || strings.ContainsAny(d.Name()[:1], "._") {
				return filepath.SkipDir
			}
		}
		if d.IsDir() || filepath.Ext(p) != ".go" {
			return nil
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		f, err := parse(fset, filepath.ToSlash(rel), src)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range append(pure, "core/sim", "core/supervisor", "cmd/mwlua") {
		if !slices.ContainsFunc(files, func(f *file) bool { return f.dir() == dir }) {
			t.Errorf("no file of %s was found: these rules look in the wrong place", dir)
		}
	}
	return files
}

func parse(fset *token.FileSet, name string, src []byte) (*file, error) {
	parsed, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	return &file{path: name, fset: fset, ast: parsed}, err
}

// Imports

func checkWalls(f *file, report report) {
	row := ""
	for dir := range walls {
		if within(f.dir(), dir) && len(dir) > len(row) {
			row = dir
		}
	}
	if row == "" {
		report(f.ast.Package, "%s is in no row of walls: put it where it belongs, or add the row", f.dir())
		return
	}
	allowed := walls[row]
	if f.test() {
		allowed = append(slices.Clone(allowed), "core", f.dir())
	}
	for spec, p := range f.imports {
		if !within(p, modulePath) {
			continue
		}
		if dir := strings.TrimPrefix(p, modulePath+"/"); !withinAny(dir, allowed) {
			report(spec.Pos(), "imports %s: %s may import of this module %s; have it handed in by the caller instead",
				dir, row, cmp.Or(strings.Join(allowed, ", "), "nothing"))
		}
	}
}

func checkLibraries(f *file, report report) {
	for spec, p := range f.imports {
		if first, _, _ := strings.Cut(p, "/"); !strings.Contains(first, ".") || within(p, modulePath) {
			continue
		}
		known := false
		for module, lib := range libraries {
			if !within(p, module) {
				continue
			}
			known = true
			if !withinAny(f.dir(), lib.in) && !(f.test() && withinAny(f.dir(), lib.inTests)) {
				report(spec.Pos(), "imports %s, which belongs to [%s], tests of [%s]: use it through them", p,
					strings.Join(lib.in, ", "), strings.Join(lib.inTests, ", "))
			}
		}
		if !known {
			report(spec.Pos(), "imports %s, which has no row in libraries: do without it, or add the row", p)
		}
	}
}

func checkPureImports(f *file, report report) {
	allowed := pureStd
	if f.sim() {
		allowed = slices.Concat(pureStd, simStd)
	}
	for spec, p := range f.imports {
		if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") || !f.pure() && !f.sim() {
			continue
		}
		if !slices.Contains(allowed, p) {
			report(spec.Pos(), "imports %q, and %s has no clock, I/O, lock or environment: make it an event or an argument, "+
				"or, if the package is pure, add it to pureStd", p, f.dir())
		}
		if spec.Name != nil && spec.Name.Name == "." {
			report(spec.Pos(), "imports %q without a name, which hides what is used of it: name it", p)
		}
	}
}

func checkPureNames(f *file, report report) {
	if !f.pure() && !f.sim() {
		return
	}
	for p, names := range pureNames {
		f.selectors(p, func(sel *ast.SelectorExpr) {
			if !slices.Contains(names, sel.Sel.Name) {
				report(sel.Pos(), "uses %s.%s, and %s may use of %s only %s: time comes in as now, chance as a seed",
					p, sel.Sel.Name, f.dir(), p, strings.Join(names, ", "))
			}
		})
	}
}

// Syntax

func checkPureSyntax(f *file, report report) {
	if !f.pure() {
		return
	}
	no := func(n ast.Node, what string) {
		report(n.Pos(), "%s in a pure package: return an action instead, and let the shell wait", what)
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			no(n, "go statement")
		case *ast.SelectStmt:
			no(n, "select")
		case *ast.ChanType:
			no(n, "channel type")
		case *ast.SendStmt:
			no(n, "send on a channel")
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				no(n, "receive from a channel")
			}
		}
		return true
	})
}

func checkPureVariables(f *file, report report) {
	for _, decl := range f.ast.Decls {
		vars, ok := decl.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR || !f.pure() {
			continue
		}
		for _, spec := range vars.Specs {
			spec := spec.(*ast.ValueSpec)
			for i, name := range spec.Names {
				isError := strings.HasPrefix(name.Name, "Err") && i < len(spec.Values) && callsErrorsNew(spec.Values[i])
				if name.Name != "_" && !isError {
					report(name.Pos(), "package variable %s in a pure package: make it a constant, a switch or a field", name.Name)
				}
			}
		}
	}
}

func callsErrorsNew(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	return ok && types.ExprString(call.Fun) == "errors.New"
}

func checkInit(f *file, report report) {
	if f.test() || f.generated() || withinAny(f.dir(), []string{"core/internal/shim", "core/internal/signals"}) {
		return
	}
	for _, decl := range f.ast.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			report(fn.Pos(), "func init: call it from cmd/mwlua, where all wiring is")
		}
	}
}

// namesCommand needs os/exec for a type: go-plugin hands its runner an exec.Cmd that is never run.
const namesCommand = "plugins/host/runner.go"

func checkExec(f *file, report report) {
	if f.test() || !withinAny(f.dir(), []string{"core", "lua", "plugins", "compat"}) {
		return
	}
	for spec, p := range f.imports {
		if p == "os/exec" && f.path != namesCommand {
			report(spec.Pos(), "imports os/exec, which would wait beside the one reaper: use core/internal/proc")
		}
	}
	f.selectors("os/exec", func(sel *ast.SelectorExpr) {
		if f.path == namesCommand && sel.Sel.Name != "Cmd" {
			report(sel.Pos(), "uses exec.%s: only the type exec.Cmd may be named here", sel.Sel.Name)
		}
	})
}

// checkThread keeps the directory and the umask of the process in one hand: the thread that spawns has its own (unshare(2)), so
// nothing that changes them after supervisor.Run began would reach it. cmd/mwlua changes its directory before.
func checkThread(f *file, report report) {
	if f.test() || withinAny(f.dir(), []string{"core/internal/proc", "cmd/mwlua"}) {
		return
	}
	for _, p := range []string{"os", "syscall", "golang.org/x/sys/unix"} {
		f.selectors(p, func(sel *ast.SelectorExpr) {
			if slices.Contains([]string{"Chdir", "Fchdir", "Chroot", "Umask", "Unshare"}, sel.Sel.Name) {
				report(sel.Pos(), "uses %s.%s, which the thread that spawns does not notice: leave it to core/internal/proc", p, sel.Sel.Name)
			}
		})
	}
}

// checkGoStatements wants a comment on the line of each go statement, or on lines of its own above it.
func checkGoStatements(f *file, report report) {
	if f.test() {
		return
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if stmt, ok := n.(*ast.GoStmt); ok && !f.explained(stmt) {
			report(stmt.Pos(), "go statement without a comment: say what it waits for, what it sends, what ends it")
		}
		return true
	})
}

func (f *file) explained(stmt *ast.GoStmt) bool {
	at := f.fset.Position(stmt.Pos())
	return slices.ContainsFunc(f.ast.Comments, func(c *ast.CommentGroup) bool {
		start := f.fset.Position(c.Pos())
		return start.Line == at.Line || f.line(c.End()) == at.Line-1 && start.Column == at.Column
	})
}

var (
	todo  = regexp.MustCompile(`\b(TODO|FIXME)\b`)
	issue = regexp.MustCompile(`#\d+|\bissue \d+`)
)

func checkTodo(f *file, report report) {
	for _, group := range f.ast.Comments {
		for _, c := range group.List {
			if todo.MatchString(c.Text) && !issue.MatchString(c.Text) && !f.test() && !f.generated() {
				report(c.Pos(), "TODO without the number of its issue: write TODO(#12), or do it")
			}
		}
	}
}

func checkLength(f *file, report report) {
	if f.test() || f.generated() {
		return
	}
	if n := f.fset.File(f.ast.Pos()).LineCount(); n > longestFile && longOnPurpose[f.path] == "" {
		report(f.ast.Package, "%d lines, more than %d: give each noun a file of its own, or add a row to longOnPurpose", n, longestFile)
	}
	for _, decl := range f.ast.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name := fn.Name.Name
		if r := receiver(fn); r != "" {
			name = r + "." + name
		}
		n := f.line(fn.End()) - f.line(fn.Pos()) + 1
		if n > longestFunction && longOnPurpose[f.path+" "+name] == "" {
			report(fn.Pos(), "%s has %d lines, more than %d: split it by concern, or add a row to longOnPurpose", name, n,
				longestFunction)
		}
	}
}

// receiver is the name of fn's receiver type, "" for a function.
func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return ""
	}
	name, _, _ := strings.Cut(types.ExprString(fn.Recv.List[0].Type), "[")
	return strings.TrimPrefix(name, "*")
}

func checkSleep(f *file, report report) {
	if !f.test() {
		return
	}
	f.selectors("time", func(sel *ast.SelectorExpr) {
		if sel.Sel.Name == "Sleep" {
			report(sel.Pos(), "time.Sleep in a test: wait for an event with a deadline, or use testing/synctest")
		}
	})
}

// Comments

// wellKnown methods are documented where their interface is.
var wellKnown = []string{"Error", "String", "Unwrap"}

func checkDocumented(f *file, report report) {
	if f.test() || f.generated() || f.ast.Name.Name == "main" {
		return
	}
	want := func(name *ast.Ident, docs ...*ast.CommentGroup) {
		said := slices.ContainsFunc(docs, func(doc *ast.CommentGroup) bool { return doc.Text() != "" })
		if name.IsExported() && !said {
			report(name.Pos(), "exported %s has no comment: say what a caller must know (unit, 0, error, goroutine)", name.Name)
		}
	}
	for i, decl := range f.ast.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			r := receiver(decl)
			if r == "" || ast.IsExported(r) && !slices.Contains(wellKnown, decl.Name.Name) {
				want(decl.Name, decl.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec: // one comment for several types is for none
					docs := []*ast.CommentGroup{spec.Doc, spec.Comment}
					if len(decl.Specs) == 1 {
						docs = append(docs, decl.Doc)
					}
					want(spec.Name, docs...)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						want(name, decl.Doc, spec.Doc, spec.Comment, enumDoc(f.ast.Decls[:i], decl))
					}
				}
			}
		}
	}
}

// enumDoc is the comment of the type T if values is the block of T's constants and follows the declaration of T.
func enumDoc(before []ast.Decl, values *ast.GenDecl) *ast.CommentGroup {
	first, ok := values.Specs[0].(*ast.ValueSpec)
	if !ok || first.Type == nil || len(before) == 0 {
		return nil
	}
	decl, ok := before[len(before)-1].(*ast.GenDecl)
	if !ok || decl.Tok != token.TYPE || len(decl.Specs) != 1 {
		return nil
	}
	if decl.Specs[0].(*ast.TypeSpec).Name.Name != types.ExprString(first.Type) {
		return nil
	}
	return decl.Doc
}

// Types

// std imports the standard library from source, each package once for all tests.
var std = importer.ForCompiler(token.NewFileSet(), "source", nil)

// typeChecker knows the types in this module's packages, as far as they come from this module and the standard library.
type typeChecker struct {
	files map[string][]*file // by directory, no tests
	done  map[string]*types.Package
	info  types.Info
}

func newTypeChecker(files []*file) *typeChecker {
	c := &typeChecker{
		files: map[string][]*file{},
		done:  map[string]*types.Package{},
		info:  types.Info{Types: map[ast.Expr]types.TypeAndValue{}},
	}
	for _, f := range files {
		if !f.test() {
			c.files[f.dir()] = append(c.files[f.dir()], f)
		}
	}
	return c
}

// Import makes c the importer of the packages that it checks. It gets on with what does not compile.
func (c *typeChecker) Import(importPath string) (*types.Package, error) {
	if !within(importPath, modulePath) {
		return std.Import(importPath)
	}
	dir := strings.TrimPrefix(importPath, modulePath+"/")
	if c.done[dir] != nil {
		return c.done[dir], nil
	}
	if len(c.files[dir]) == 0 {
		return nil, fmt.Errorf("there is no package in %s", dir)
	}
	var parsed []*ast.File
	for _, f := range c.files[dir] {
		parsed = append(parsed, f.ast)
	}
	conf := types.Config{Importer: c, Error: func(error) {}}
	pkg, _ := conf.Check(importPath, c.files[dir][0].fset, parsed, &c.info)
	c.done[dir] = pkg
	return pkg, nil
}

// checkPureRanges finds ranges over maps, whose order is another one each time.
func (c *typeChecker) checkPureRanges(f *file, report report) {
	if !f.pure() {
		return
	}
	if _, err := c.Import(path.Join(modulePath, f.dir())); err != nil {
		report(f.ast.Package, "cannot check its types: %v", err)
		return
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		loop, ok := n.(*ast.RangeStmt)
		if !ok {
			return true
		}
		over := types.ExprString(loop.X)
		t := c.info.TypeOf(loop.X)
		if t == nil || t == types.Typ[types.Invalid] {
			report(loop.Pos(), "range over %s, whose type is not known: make it compile first", over)
			return true
		}
		switch t.Underlying().(type) {
		case *types.Map:
			report(loop.Pos(), "range over the map %s in a pure package: keep a slice, and the map as an index into it", over)
		case *types.Interface: // of a type parameter
			report(loop.Pos(), "range over %s, which may be a map, in a pure package: name the type", over)
		}
		return true
	})
}

// belongsToRoot says whether name may be in the root of the repository. ignored are .gitignore's patterns.
func belongsToRoot(name string, ignored []string) bool {
	return slices.Contains(topLevel, name) || slices.ContainsFunc(ignored, func(pattern string) bool {
		ok, err := path.Match(strings.Trim(pattern, "/"), name)
		return ok && err == nil
	})
}

// Tests of the rules

// TestTidyFindsWhatIsWrong proves that each rule can fail, and does not when all is well: without a want, no rule may find
// anything.
func TestTidyFindsWhatIsWrong(t *testing.T) {
	const machine, shell, test = "core/machine/x.go", "core/supervisor/x.go", "core/machine/x_test.go"
	body := func(s string) string { return "func f() {\n" + s + "\n}" }
	tests := []struct {
		path, src string // without the package clause
		want      string // in a finding
	}{
		// walls
		{machine, `import _ "github.com/mwlua/mwlua/core/program"`, ""},
		{machine, `import _ "github.com/mwlua/mwlua/core/sim"`, "imports core/sim"},
		{"core/policy/x.go", `import _ "github.com/mwlua/mwlua/core/program"`, "of this module nothing"},
		{"core/sim/x.go", `import _ "github.com/mwlua/mwlua/core/supervisor"`, "imports core/supervisor"},
		{"core/internal/proc/x.go", `import _ "github.com/mwlua/mwlua/core/supervisor"`, "imports core/supervisor"},
		{shell, `import _ "github.com/mwlua/mwlua/core/sim"`, ""},
		{shell, `import _ "github.com/mwlua/mwlua/lua"`, "imports lua"},
		{shell, `import _ "github.com/mwlua/mwlua/cmd/mwlua"`, "imports cmd/mwlua"},
		{"lua/x.go", `import _ "github.com/mwlua/mwlua/core/program"`, ""},
		{"lua/x.go", `import _ "github.com/mwlua/mwlua/core/machine"`, "imports core/machine"},
		{"lua/x_test.go", `import _ "github.com/mwlua/mwlua/core/sim"`, ""},
		{"plugins/host/x.go", `import _ "github.com/mwlua/mwlua/plugins/proto"`, ""},
		{"compat/haproxycfg/x.go", `import _ "github.com/mwlua/mwlua/lua"`, "imports lua"},
		{"cmd/mwlua/x.go", `import _ "github.com/mwlua/mwlua/lua"`, ""},
		{"core/x.go", `import _ "github.com/mwlua/mwlua/core/policy"`, "imports core/policy"},
		{"util/x.go", ``, "util is in no row of walls"},
		{test, `import _ "github.com/mwlua/mwlua/core/sim"`, ""},
		{test, `import _ "github.com/mwlua/mwlua/lua"`, "imports lua"},
		// libraries
		{"lua/x.go", `import _ "github.com/yuin/gopher-lua/parse"`, ""},
		{shell, `import _ "github.com/yuin/gopher-lua"`, "belongs to [lua]"},
		{"cmd/mwlua/x.go", `import _ "github.com/hashicorp/go-plugin"`, "belongs to [plugins]"},
		{"core/internal/carry/x.go", `import _ "golang.org/x/sys/unix"`, ""},
		{"core/internal/carry/x.go", `import _ "github.com/google/renameio/v2"`, "belongs to [core/supervisor, cmd/mwlua]"},
		{"cmd/mwlua/x.go", `import _ "golang.org/x/sys/unix"`, "tests of [cmd, compat]"},
		{"cmd/mwlua/x_test.go", `import _ "golang.org/x/sys/unix"`, ""},
		{test, `import _ "github.com/google/go-cmp/cmp"`, ""},
		{shell, `import _ "github.com/google/go-cmp/cmp"`, "belongs to []"},
		{shell, `import _ "github.com/pkg/errors"`, "no row in libraries"},
		// pure imports and names
		{machine, `import _ "os"`, `imports "os"`},
		{machine, `import _ "sync/atomic"`, `imports "sync/atomic"`},
		{machine, `import _ "math/rand/v2"`, `imports "math/rand/v2"`},
		{machine, `import . "time"`, "without a name"},
		{"core/sim/x.go", `import _ "net/netip"`, `imports "net/netip"`},
		{"core/sim/x.go", `import _ "encoding/json"`, ""},
		{test, `import _ "os"`, ""},
		{machine, "import \"time\"\n" + body("var d time.Duration = 2*time.Second; _ = d"), ""},
		{machine, "import \"time\"\n" + body("_ = time.Now()"), "uses time.Now"},
		{machine, "import clock \"time\"\n" + body("_ = clock.NewTimer"), "uses time.NewTimer"},
		{"core/sim/x.go", "import \"time\"\n" + body("_ = time.After(1)"), "uses time.After"},
		{"core/sim/x.go", "import \"math/rand/v2\"\n" + body("_ = rand.IntN(1)"), "uses math/rand/v2.IntN"},
		{"core/sim/x.go", "import \"math/rand/v2\"\n" + body("_ = rand.New(rand.NewPCG(1, 2)).IntN(1)"), ""},
		// pure syntax and variables
		{machine, body("go f() // waits for nothing; ends at once"), "go statement in a pure"},
		{machine, body("select {}"), "select in a pure"},
		{machine, "type c chan int", "channel type"},
		{machine, "type c <-chan int", "channel type"},
		{shell, body("select {}"), ""},
		{machine, "var names = []string{}", "package variable names"},
		{machine, "var A, ErrB int // two", "package variable A"},
		{machine, "import \"errors\"\n// ErrGone means gone.\nvar ErrGone = errors.New(\"gone\")", ""},
		{machine, "type e struct{}\nvar _ any = e{}", ""},
		{shell, "var names = []string{}", ""},
		// map ranges
		{machine, body("for range []int{} {}\nfor range 3 {}\nfor range \"x\" {}"), ""},
		{machine, body("for range map[int]int{} {}"), "range over the map"},
		{machine, "type set map[string]bool\ntype all struct{ of set }\nfunc f(a *all) { for x := range a.of { _ = x } }",
			"range over the map a.of"},
		{machine, "func f[M ~map[int]int](m M) { for range m {} }", "which may be a map"},
		{shell, body("for range map[int]int{} {}"), ""},
		{machine, body("for range unknown {}"), "whose type is not known"},
		// init, exec, go, todo
		{"cmd/mwlua/x.go", "func init() {}", "func init"},
		{machine, "type t struct{}\nfunc (t) init() {}", ""},
		{"core/internal/signals/x.go", "func init() {}", ""},
		{"plugins/proto/x.go", "func init() {}", "func init"},
		{"lua/x.go", `import _ "os/exec"`, "imports os/exec"},
		{"plugins/x_test.go", `import _ "os/exec"`, ""},
		{shell, "import \"os\"\n" + body("_ = os.Chdir(\"/\")"), "uses os.Chdir"},
		{shell, "import \"golang.org/x/sys/unix\"\n" + body("unix.Umask(0)"), "unix.Umask"},
		{"cmd/mwlua/x.go", "import \"os\"\n" + body("_ = os.Chdir(\"/\")"), ""},
		{"core/internal/shim/x.go", "func init() {}", ""},
		{shell, body("go f()"), "go statement without a comment"},
		{shell, body("f() // of something else\ngo f()"), "go statement without a comment"},
		{shell, body("// waits for x; ends with it\ngo f()"), ""},
		{shell, body("go func() { // waits for x; ends with it\n}()"), ""},
		{shell, "// TODO: better", "TODO without"},
		{shell, "// TODO(#12): better", ""},
		{shell, "/* FIXME, see issue 12 */", ""},
		// length
		{shell, body(strings.Repeat("\n", longestFunction-2)), "f has 71 lines"},
		{shell, body(strings.Repeat("\n", longestFunction-3)), ""},
		{shell, "type t struct{}\nfunc (*t) f() {" + strings.Repeat("\n", longestFunction) + "}", "t.f has 71 lines"},
		{shell, strings.Repeat("\n", longestFile), "402 lines"},
		{"core/supervisor/x_test.go", strings.Repeat("\n", longestFile), ""},
		// sleep
		{test, "import \"time\"\n" + body("time.Sleep(1)"), "time.Sleep in a test"},
		{test, "import \"time\"\n" + body("<-time.After(1)"), ""},
		// documented
		{shell, "func F() {}", "exported F has no comment"},
		{shell, "// F does.\nfunc F() {}", ""},
		{shell, "// T is.\ntype T[E any] struct{}\nfunc (*T[E]) F() {}", "exported F has no comment"},
		{shell, "type t struct{}\nfunc (t) F() {}", ""},
		{shell, "// Kinds.\ntype (\n\tA int\n\tb int\n)", "exported A has no comment"},
		{shell, "// Kinds.\nconst (\n\tA = iota\n\tB\n)\nconst (\n\tC = 1 // one\n)", ""},
		{shell, "const (\n\tA = 1 // one\n\tB = 2\n)", "exported B has no comment"},
		{shell, "// K is.\ntype K int\nconst (\n\tA K = iota\n\tB\n)", ""},
		{shell, "// K is.\ntype K int\nfunc f() {}\nconst (\n\tA K = iota\n)", "exported A has no comment"},
		{shell, "// T is.\ntype T int\nfunc (T) String() string { return \"\" }", ""},
		{shell, "//go:generate false\nvar A = 1", "exported A has no comment"},
		{"core/supervisor/x_test.go", "func F() {}", ""},
	}
	for _, tt := range tests {
		pkg := path.Base(path.Dir(tt.path))
		f, err := parse(token.NewFileSet(), tt.path, []byte("package "+pkg+"\n\n"+tt.src))
		if err != nil {
			t.Fatal(err)
		}
		var findings []string
		for _, rule := range rules([]*file{f}) {
			findings = append(findings, f.apply(rule.check)...)
		}
		switch {
		case tt.want == "" && len(findings) > 0:
			t.Errorf("%s\n%s\nfound: %q, want nothing", tt.path, tt.src, findings)
		case tt.want != "" && !slices.ContainsFunc(findings, func(f string) bool { return strings.Contains(f, tt.want) }):
			t.Errorf("%s\n%s\nfound: %q, want %q", tt.path, tt.src, findings, tt.want)
		}
	}
}

func TestTopLevelFindsWhatIsWrong(t *testing.T) {
	ignored := []string{"/mwlua", "*.out"}
	for name, want := range map[string]bool{"core": true, "mwlua": true, "cpu.out": true, "util": false, "x.go": false} {
		if got := belongsToRoot(name, ignored); got != want {
			t.Errorf("belongsToRoot(%q) = %v", name, got)
		}
	}
}
