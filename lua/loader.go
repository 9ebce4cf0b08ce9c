package lua

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/program"
)

// loader is one load.
type loader struct {
	report
	options Options
	files   files
	bounds  *bounds
	env     map[string]string

	vm       *lua.LState
	broken   bool           // nothing can be run in vm any more
	globals  []string       // the names that a script may use, sorted
	origins  []*origin      // of the literals of all files; tableFunc's numbers begin at 1
	joins    [][]int        // of long tables; joinFunc's numbers begin at 1
	marks    []*lua.LTable  // their metatables, made when needed
	compiled []string       // the files that were compiled
	running  []string       // the files that are being run, the outermost first
	modules  map[string]any // what require has loaded: an lua.LValue, or loading
	main     string         // the file named on the command line that is being run

	directory  string // where relative paths begin: that of main
	fields     fieldSet
	defaults   *draft
	config     program.Config // what supervisor{} has said
	configured program.Place  // of supervisor{}; nowhere if there was none

	drafts   []*draft
	names    map[string]*draft
	handles  *lua.LTable // the metatable of all handles
	frozen   map[*lua.LTable]bool
	halves   []*half
	accounts map[string]Account
	groups   map[string]uint32

	hooks        []hook
	pluginDrafts []pluginDraft
	pluginDir    string             // "" if supervisor{} has not said it
	handlers     map[string]handler // by their names
	sources      []program.Source   // what was run
	again        bool               // the files were loaded and checked before: only their functions are wanted
	failed       bool               // a file did not run to its end
	loaded       bool               // from here on it is handlers that run
	lines        int                // of the log, by the load or by the call under way
	eventKeys    []eventKey         // of what they get

	eventIndex, eventNewIndex *lua.LFunction // of events

	answered draft // takes the verdicts of handlers, one after the other

	script *Script // whose file this is; nil for a configuration
}

func newLoader(o Options) *loader {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	if o.Version == "" {
		o.Version = "devel"
	}
	if o.Lookup == nil {
		o.Lookup = system{}
	}
	l := &loader{
		options:  o,
		files:    newFiles(o),
		env:      make(map[string]string, len(o.Env)),
		modules:  make(map[string]any),
		names:    make(map[string]*draft),
		accounts: make(map[string]Account),
		groups:   make(map[string]uint32),
		frozen:   make(map[*lua.LTable]bool),
		handlers: make(map[string]handler),
		fields:   newFieldSet(),
		defaults: newDraft(),
		config:   defaultConfig(),
	}
	for _, kv := range o.Env {
		if name, value, ok := strings.Cut(kv, "="); ok {
			l.env[name] = value
		}
	}
	if o.Base != nil {
		l.takeBase(*o.Base)
	}
	return l
}

// load runs all files until ctx ends. What is left in l.vm can be called then, with other bounds.
func (l *loader) load(ctx context.Context) {
	if len(l.options.Files) == 0 {
		l.errorf(nowhere, "no configuration file: name one")
		return
	}
	l.bounds = newBounds(ctx, l.options.Timeout, l.options.Memory)
	defer l.bounds.end()
	l.vm = l.newState()
	for _, name := range l.options.Files {
		dir, err := directory(name)
		if err != nil {
			l.errorf(place(name, 0), "cannot find its directory: %v", err)
			continue
		}
		l.main, l.directory = name, dir
		l.setConfigDir(dir)
		l.runMain(name)
		if l.broken || l.bounds.cause() != "" {
			break
		}
	}
	if l.again {
		return
	}
	l.incomplete()
	l.resolve()
}

// close gives back the state. Nothing can be called after it.
func (l *loader) close() {
	if l.vm != nil {
		l.vm.Close()
	}
}

func (l *loader) runMain(name string) {
	src, err := l.files.source(name)
	if err != nil {
		l.failed = true
		l.errorf(place(name, 0), "%v", err)
		return
	}
	fn, ok := l.compile(name, src)
	if !ok {
		l.failed = true
		return
	}
	l.running = append(l.running[:0], name)
	if _, failed := l.invoke(fn); failed != nil {
		l.reportFailure(failed)
	}
}

// invoke is protected for what no script has called. With its registry full, gopher-lua's PCall panics while it handles that; the
// state is of no use then.
func (l *loader) invoke(fn *lua.LFunction, args ...lua.LValue) (result lua.LValue, failed *failure) {
	defer func() {
		if r := recover(); r != nil {
			l.broken = true
			err, ok := r.(error)
			if !ok {
				err = fmt.Errorf("%v", r)
			}
			failed = l.failure(err, nil)
		}
	}()
	return l.protected(fn, args...)
}

// compile makes a function of a file. It reports what is wrong and is false then.
func (l *loader) compile(name, src string) (fn *lua.LFunction, ok bool) {
	p, ok := l.parseFile(name, src)
	if !ok || !l.rewrite(p) {
		return nil, false
	}
	defer func() {
		if r := recover(); r != nil { // gopher-lua's compiler panics at what it does not expect
			l.errorf(place(name, 0), "cannot compile it: %v", r)
			fn, ok = nil, false
		}
	}()
	l.compiled = append(l.compiled, name)
	if !slices.ContainsFunc(l.sources, func(s program.Source) bool { return s.Path == name }) {
		l.sources = append(l.sources, program.Source{Path: name, Text: src})
	}
	proto, err := lua.Compile(p.stmts, name)
	if err != nil {
		l.compileError(name, err)
		return nil, false
	}
	return l.vm.NewFunctionFromProto(proto), true
}

func (l *loader) compileError(name string, err error) {
	line, text := 0, err.Error()
	if found, ok := err.(*lua.CompileError); ok {
		line, text = found.Line, found.Message
	}
	if strings.Contains(text, "too many local variables") || strings.Contains(text, "register overflow") {
		text = "too many local variables or values in one function, at most some 200: put them into a table"
	}
	l.errorf(place(name, line), "cannot compile it: %s", text)
}

// isGlobal says whether a script may use name without declaring it.
func (l *loader) isGlobal(name string) bool {
	_, ok := slices.BinarySearch(l.globals, name)
	return ok
}

// constants are what mwlua.NAME yields.
func (l *loader) constants(t *lua.LTable) {
	hostname, err := os.Hostname()
	if err != nil {
		hostname = "localhost"
	}
	t.RawSetString("version", lua.LString(l.options.Version))
	t.RawSetString("hostname", lua.LString(hostname))
	t.RawSetString("cpus", lua.LNumber(runtime.NumCPU()))
	t.RawSetString("is_check", lua.LBool(l.options.Check))
	t.RawSetString("config_dir", lua.LString(""))
}

func (l *loader) setConfigDir(dir string) {
	if t, ok := l.vm.G.Global.RawGetString("mwlua").(*lua.LTable); ok {
		t.RawSetString("config_dir", lua.LString(dir))
	}
}

// chain is how a file came to be run, for messages.
func chain(running []string, last string) string {
	return fmt.Sprintf("%s → %s", strings.Join(running, " → "), last)
}
