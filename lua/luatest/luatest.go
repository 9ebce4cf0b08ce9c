// Package luatest runs tests that are written in Lua: of a configuration, of a policy, in virtual time (sim.go, on core/sim) or with a
// real mwlua and real processes (real.go).
//
// A file of tests is a lua.Script: the sandbox of configurations with what script.go and assert.go add. Each worker (run.go) has a state
// of its own for a file, runs one test after the other in it, and yields a Result for each, which report.go writes. property.go has the
// helper for properties that are tried with many seeds.
//
// It decides nothing about programs: it asks core/sim, or a mwlua.
package luatest

import (
	"context"
	"regexp"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/lua"
)

// Mode says which worlds a test may make. One that makes another is skipped.
type Mode string

const (
	All  Mode = "all"
	Sim  Mode = "sim"
	Real Mode = "real"
)

// Options says what to run, and how. Files, Load and Version must be set; Real needs Binary.
type Options struct {
	Files   []string
	Run     *regexp.Regexp // which tests, by their names; nil means all
	Mode    Mode           // "" means All
	Jobs    int            // tests that run at the same time; 0 means one a processor
	Seed    uint64         // of every world and of forall; 0 means one each, which a failure tells
	Keep    bool           // directories of tests are not removed
	Timeout time.Duration  // of one test; 0 means a minute
	Version string         // mwlua.version
	Binary  string         // mwlua, for real tests
	// Load reads a configuration. It is called from several goroutines.
	Load func(Source) (program.Config, *lua.Handlers, program.Problems)
	// Plugin starts a plugin for a test in virtual time, where that has no stub for it; nil means that none can be started.
	Plugin func(context.Context, program.Plugin) (Plugin, error)
}

// Source is a configuration.
type Source struct {
	Lua     []string // files
	HAProxy []string // files; both together are as on mwlua's command line
	Text    string   // a Lua configuration, as the file Name
	Name    string   // it need not be there
	Seed    uint64   // of the chance in its functions
	Log     func(level, text string)
}

// Plugin is one that runs.
type Plugin interface {
	Decide(ctx context.Context, ev policy.Event, blob []byte) (policy.Verdict, []byte, error)
	Close()
}

// Result is what became of a test.
type Result struct {
	File    string
	Name    string
	Place   program.Place // of the test, or of what failed
	Status  Status
	Took    time.Duration
	Text    string   // why it failed, or was skipped
	Callers []string // the lines that led there
	Seed    uint64   // of the world that the test made last; 0 if it made none
	Trace   string   // of a world in virtual time, its end
	Log     []string // of the world, its last lines
	Output  []string // what the test has printed
	Kept    string   // its directory, with Options.Keep
}

// Status is how a test ended.
type Status string

const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)
