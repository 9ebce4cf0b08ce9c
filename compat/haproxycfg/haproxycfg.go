// Package haproxycfg reads the `program` sections of HAProxy configurations.
//
// Files are lexed, conditions evaluated and variables expanded as HAProxy 2.6 does it; then only what concerns programs is
// interpreted: the sections themselves, and the keywords of `global` that change the environment, the master or the life of
// its children. Every line of the other sections is lexed, but its keywords are never judged: that is HAProxy's task. The
// package starts nothing, writes nothing, and does not touch the environment or the directory of the process.
//
// A line goes through scan.go (bytes to lines), lex.go and variable.go (a line to words), preprocess.go and cond.go (which
// lines count), parse.go, statement.go, global.go and section.go (what they say), and convert.go (what becomes of it). Ids
// such as H-2.6 name facts recorded about HAProxy, T-24 its traps, and D-1 decisions of mwlua about them.
package haproxycfg

import (
	"os"

	"github.com/mwlua/mwlua/core/program"
)

// Options says what to load. The zero value loads nothing and reports that.
type Options struct {
	// Files as given on the command line, in order. A directory stands for its *.cfg files (H-4.16).
	Files []string
	// Env is the pristine environment, NAME=VALUE. It is never modified: each load starts from it, so that nothing of
	// an earlier load stays (T-20).
	Env []string
	// ReadFile reads one file of Files. nil means the file system, where directories are expanded and files that cannot
	// hold a configuration are refused by their size before they are read whole.
	ReadFile func(name string) ([]byte, error)
	// Lookup is the database of users and groups. nil means /etc/passwd and /etc/group.
	Lookup Lookup
	// Version is the HAProxy release that conditions are answered for; "" means DefaultVersion.
	Version string
	// LocalPeer is HAPROXY_LOCALPEER unless the configuration sets it; "" means the name of the host.
	LocalPeer string

	// The rest is what HAProxy's command line says. It wins over the keywords of `global`.

	// PeerGiven says that LocalPeer is that of -L: the configuration cannot set it.
	PeerGiven bool
	// Pidfile is that of -p, absolute or not; "" means that there was none.
	Pidfile string
	// MasterCLI is HAPROXY_MASTER_CLI; "" means that programs get none, not even that of the one who started us.
	MasterCLI string
	// ZeroWarning is -dW: whatever HAProxy warns of is an error (H-1.19).
	ZeroWarning bool
	// PlaceGiven says that the command line chose between background and foreground, so that the keyword `daemon` changes
	// nothing. Else it is a warning, because mwlua detaches only for the command line.
	PlaceGiven bool
}

// DefaultVersion is the release that is emulated unless another one is named: the last that had `program` sections.
const DefaultVersion = "3.2"

// Load reads the files of o. It returns every problem of the run, sorted by file and line; if one of them is an error, the
// Config is the zero one and must not be used. A configuration without any `program` section is no error but a warning,
// because a reload may remove the last one. Load may be called at any time, from any goroutine.
func Load(o Options) (program.Config, program.Problems) {
	l := newLoader(o)
	l.load()
	var config program.Config
	if l.errors == 0 {
		config = l.convert()
	}
	l.problems.Sort()
	if len(l.problems.Errors()) > 0 {
		return program.Config{}, l.problems
	}
	return config, l.problems
}

func newLoader(o Options) *loader {
	if o.Version == "" {
		o.Version = DefaultVersion
	}
	if o.LocalPeer == "" {
		o.LocalPeer, _ = os.Hostname()
	}
	if o.Lookup == nil {
		o.Lookup = system{}
	}
	l := &loader{
		options: o,
		env:     newEnviron(o.Env),
		ids:     make(map[string]program.Place),
		users:   make(map[string]identity),
		groups:  make(map[string]identity),
		global:  global{pidfile: o.Pidfile},
		room:    maxExpanded,
	}
	l.defineVersion()
	l.env.set("HAPROXY_LOCALPEER", o.LocalPeer)
	return l
}
