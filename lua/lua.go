// Package lua reads configurations written in Lua, programs whose calls declare things, and writes them.
//
// It is the only package that knows gopher-lua. A file is checked before it reaches the parser (source.go, scan.go), parsed and
// rewritten so that tables know the lines they come from and no text grows without bound (parse.go, rewrite.go, scope.go, origin.go,
// concat.go), and run in a sandbox with a time and a memory of its own (sandbox.go, bounds.go, base.go, text.go, pattern.go). What it
// calls (declare.go, module.go, merge.go) fills drafts by ONE table of fields (kinds.go puts those of fields.go, order.go, attributes.go, ready.go and restart.go
// together, settings.go has those of supervisor; field.go says what a field is, value.go, unit.go and taken.go how a Lua value becomes
// a Go one), and draft.go makes program.Spec of them. problem.go and failure.go say what went wrong,
// reference.go and definitions.go write the table of fields down for people and for editors. write.go goes the other way: undraft.go
// makes drafts of a Config, the same fields say as literals (literal.go) what is in them, and compare.go looks whether that means
// the same.
//
// A configuration may have functions that are called later (handler.go; plugin.go declares what takes their place): handlers.go and
// owner.go call them, one at a time and each within bounds (call.go), with events (event.go, lazy.go) that they answer with verdicts
// (verdict.go), and rebuild.go makes their state again from the sources when one does not come back. What they keep is JSON (json.go).
//
// The bounds are against accidents: who writes a configuration can run any command as mwlua's user anyway. The package starts
// no process, writes nothing, and changes neither the environment nor the directory of the process. Nothing of one load is left
// for the next but the upper bound of array indexes, which gopher-lua has as a global variable.
package lua

import (
	"context"
	"time"

	"github.com/mwlua/mwlua/core/program"
)

// Options says what to load. The zero value loads nothing and reports that.
type Options struct {
	// Files as given on the command line, in order. Each is run by itself: local variables end with a file.
	Files []string
	// Base is what was declared before, in another language: override changes its programs, and the names of all are unique.
	// Its environment is taken over, and what supervisor{} does not change. nil means that there is nothing.
	Base *program.Config
	// Env is the pristine environment, NAME=VALUE: what env() asks, and what programs inherit. It is never modified.
	Env []string
	// ReadFile reads a whole file. nil means the file system, where only regular files are read, and not beyond their bound.
	ReadFile func(name string) ([]byte, error)
	// Glob lists the files that a pattern of include matches. nil means the file system, or, with ReadFile, no file.
	Glob func(pattern string) ([]string, error)
	// Lookup is the database of users and groups. nil means /etc/passwd and /etc/group.
	Lookup Lookup
	// Log takes what log.info and the like say, one line a call, while the load runs and when its handlers are called. Of
	// Handlers it may be called from several goroutines at once. nil means that nobody listens.
	Log func(level, text string)
	// Check is mwlua.is_check: the configuration is looked at and will not be used.
	Check bool
	// Version is mwlua.version; "" means "devel".
	Version string
	// Seed is that of math.random; 0 means another one each time.
	Seed uint64
	// Direct calls handlers on the goroutine that asks, which must be one: for who has nothing else to do meanwhile. One that cannot be
	// interrupted is waited for then.
	Direct bool
	// Timeout bounds the whole load, unless the configuration says otherwise; 0 means 10 s.
	Timeout time.Duration
	// Memory bounds what the load allocates, in bytes, unless the configuration says otherwise; 0 means 128 MiB.
	Memory uint64
}

const (
	defaultTimeout = 10 * time.Second
	defaultMemory  = 128 << 20
)

// Load runs the files of o. It returns every problem found, sorted by file and line; if one of them is an error, the Config
// is the zero one and must not be used. A configuration that declares no program is no error but a warning, because a reload
// may remove the last one. Load may be called at any time, from any goroutine; it takes no longer than its timeout and a little
// (one call into Go's own code is not interrupted), and leaves no goroutine behind. The functions that the Config names cannot be
// called: Open is for that.
func Load(o Options) (program.Config, program.Problems) {
	l := newLoader(o)
	defer l.close()
	return l.evaluate(), l.problems
}

// evaluate loads and makes a Config of it, the zero one if there is an error.
func (l *loader) evaluate() program.Config {
	l.load(context.Background())
	var config program.Config
	if l.errors == 0 {
		config = l.convert()
	}
	l.problems.Sort()
	if l.errors > 0 {
		return program.Config{}
	}
	return config
}
