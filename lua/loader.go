package lua

import (
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
	halves   []*half
	accounts map[string]Account
	groups   map[string]uint32
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

// load runs all files.
func (l *loader) load() {
	if len(l.options.Files) == 0 {
		l.errorf(nowhere, "no configuration file: name one")
		return
	}
	l.bounds = newBounds(l.options.Timeout, l.options.Memory)
	defer l.bounds.end()
	l.vm = l.newState()
	defer l.vm.Close()
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
	l.incomplete()
	l.resolve()
}

func (l *loader) runMain(name string) {
	src, err := l.files.source(name)
	if err != nil {
		l.errorf(place(name, 0), "%v", err)
		return
	}
	fn, ok := l.compile(name, src)
	if !ok {
		return
	}
	l.running = append(l.running[:0], name)
	// With its registry full, gopher-lua's PCall panics while it handles that. The state is of no use then.
	defer func() {
		if r := recover(); r != nil {
			l.broken = true
			err, ok := r.(error)
			if !ok {
				err = fmt.Errorf("%v", r)
			}
			l.reportFailure(l.failure(err, nil))
		}
	}()
	if _, failed := l.protected(fn); failed != nil {
		l.reportFailure(failed)
	}
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
