package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/compat/haproxycfg"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/lua"
	"github.com/mwlua/mwlua/lua/luatest"
	"github.com/mwlua/mwlua/plugins/host"
)

// tests is the command test.
type tests struct {
	run, mode, format, output string
	jobs                      int
	keep                      bool
	seed                      uint64
	timeout                   time.Duration
}

func testCommand(status *int) *cobra.Command {
	var t tests
	c := &cobra.Command{
		Use:   "test [FILE_test.lua|DIRECTORY]...",
		Short: "Run tests, written in Lua, of a configuration or a policy",
		Long: `Run tests, written in Lua, of a configuration or a policy: in virtual time, or with a real mwlua and real processes.

Without a file, *_test.lua in this directory. The status is 0 if all have passed, 1 if one has failed, and 2 if a file cannot be run.
docs/testing.md tells how they are written.`,
		Example: "  mwlua test\n  mwlua test -run 'crash' -mode sim -format tap conf_test.lua",
		RunE: func(c *cobra.Command, args []string) (err error) {
			*status, err = t.execute(c, args)
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&t.run, "run", "", "only the tests whose names match this regular `EXPRESSION` of Go")
	f.StringVar(&t.mode, "mode", string(luatest.All), "only tests in virtual time (sim), or only with processes (real)")
	f.StringVar(&t.format, "format", "pretty", "pretty, tap (14) or junit")
	f.StringVarP(&t.output, "output", "o", "", "write the results to this `FILE`")
	f.IntVarP(&t.jobs, "jobs", "j", 0, "how many tests run at a time (default one a processor)")
	f.BoolVar(&t.keep, "keep", false, "leave the directories of tests as they are")
	f.Uint64Var(&t.seed, "seed", 0, "of every world in virtual time, and of forall, which tries this one alone")
	f.DurationVar(&t.timeout, "timeout", time.Minute, "for one test")
	return c
}

func (t *tests) execute(c *cobra.Command, args []string) (int, error) {
	options, err := t.options(args)
	if err != nil {
		return exitUsage, err
	}
	out, err := resultsTo(t.output, c.OutOrStdout(), options.Files)
	if err != nil {
		return exitUsage, fmt.Errorf("-o: %w", err)
	}
	defer out.drop()
	ctx, stop := interruptible()
	defer stop()
	reporter := luatest.NewReporter(out, t.format, isTerminal(out.Writer) && os.Getenv("NO_COLOR") == "")
	progress := newProgress(c.ErrOrStderr())
	count, bad := 0, false
	problems, err := luatest.Run(ctx, options, func(r luatest.Result, done, all int) {
		count, bad = count+1, bad || r.Status == luatest.Failed
		progress.clear()
		reporter.Result(r, done, all)
		progress.show(done, all)
	})
	progress.clear()
	if len(problems) > 0 {
		tell(problems)
		return exitUsage, nil
	}
	if count > 0 || err != nil {
		reporter.End(err)
		if err := out.done(); err != nil {
			return exitFailed, failed{err}
		}
	}
	switch {
	case err != nil || bad:
		return exitFailed, nil
	case count == 0 && t.run != "":
		return exitUsage, fmt.Errorf("-run: no test has a name that matches %q", t.run)
	case count == 0:
		return exitUsage, errors.New("there is no test in these files: write test(\"name\", function() … end)")
	}
	return exitDone, nil
}

func (t *tests) options(args []string) (o luatest.Options, err error) {
	if !slices.Contains(luatest.Formats(), t.format) {
		return o, fmt.Errorf("-format: there is no %q: %s", t.format, strings.Join(luatest.Formats(), ", "))
	}
	mode := luatest.Mode(t.mode)
	if mode != luatest.All && mode != luatest.Sim && mode != luatest.Real {
		return o, fmt.Errorf("-mode: there is no %q: sim, real or all", t.mode)
	}
	switch {
	case t.jobs < 0:
		return o, fmt.Errorf("-j: expected how many tests run at a time, or 0 for one a processor, got %d", t.jobs)
	case t.timeout <= 0:
		return o, fmt.Errorf("-timeout: expected more than 0s, got %v", t.timeout)
	}
	o = luatest.Options{
		Mode: mode, Jobs: t.jobs, Seed: t.seed, Keep: t.keep, Timeout: t.timeout, Version: version, Load: loadTested, Plugin: startTested,
	}
	if t.run != "" {
		if o.Run, err = regexp.Compile(t.run); err != nil {
			return o, fmt.Errorf("-run: %w", err)
		}
	}
	if o.Binary, err = os.Executable(); err != nil {
		return o, failed{err}
	}
	o.Files, err = testFiles(args)
	return o, err
}

const testPattern = "*_test.lua"

// testFiles are the files that words mean, each once.
func testFiles(args []string) (files []string, err error) {
	add := func(name string) {
		same := func(other string) bool { return filepath.Clean(other) == filepath.Clean(name) }
		if !slices.ContainsFunc(files, same) {
			files = append(files, name)
		}
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	for _, name := range args {
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %v: name a file of tests, or a directory that has some", name, cause(err))
		}
		if !info.IsDir() {
			add(name)
			continue
		}
		found, err := filepath.Glob(filepath.Join(name, testPattern))
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("%s: no file in it is called %s: name one", name, testPattern)
		}
		for _, name := range found {
			add(name)
		}
	}
	return files, nil
}

// loadTested reads a configuration for a test.
func loadTested(from luatest.Source) (program.Config, *lua.Handlers, program.Problems) {
	o := lua.Options{Files: from.Lua, Env: os.Environ(), Version: version, Log: from.Log, Direct: true, Seed: from.Seed}
	var problems program.Problems
	if len(from.HAProxy) > 0 {
		config, found := haproxycfg.Load(haproxycfg.Options{Files: from.HAProxy, Env: os.Environ()})
		if len(found.Errors()) > 0 || len(from.Lua) == 0 && from.Text == "" {
			return config, nil, found
		}
		o.Base, problems = &config, found
	}
	if from.Text != "" {
		o.Files = append(slices.Clone(o.Files), from.Name)
		o.Glob = filepath.Glob
		o.ReadFile = func(name string) ([]byte, error) {
			if name == from.Name {
				return []byte(from.Text), nil
			}
			return os.ReadFile(name)
		}
	}
	config, handlers, found := lua.Open(o)
	return config, handlers, append(problems, found...)
}

// tested is a plugin that runs for a test in virtual time.
type tested struct {
	run *host.Run
	dir string
}

func startTested(ctx context.Context, declared program.Plugin) (luatest.Plugin, error) {
	dir, err := os.MkdirTemp("", "mwlua")
	if err != nil {
		return nil, err
	}
	place := host.Place{Processes: host.Alone(), Dir: dir, Log: func(host.Line) {}}
	run, err := place.Ready(ctx, declared, nil, host.Asker{Version: version})
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return tested{run, dir}, nil
}

// Decide implements luatest.Plugin.
func (t tested) Decide(ctx context.Context, ev policy.Event, blob []byte) (policy.Verdict, []byte, error) {
	return t.run.OnExit(ctx, ev, blob)
}

// Close implements luatest.Plugin.
func (t tested) Close() {
	t.run.Stop()
	os.RemoveAll(t.dir)
}

// progress is a line on a terminal that says how far a long run is.
type progress struct {
	w     io.Writer // nil: there is none
	begun time.Time
	shown bool
}

// progressAfter is how long a run takes before it is worth a word.
const progressAfter = time.Second

func newProgress(w io.Writer) *progress {
	if !isTerminal(w) {
		w = nil
	}
	return &progress{w: w, begun: time.Now()}
}

func (p *progress) show(done, all int) {
	if p.w != nil && done < all && time.Since(p.begun) > progressAfter {
		fmt.Fprintf(p.w, "%d of %d tests …", done, all)
		p.shown = true
	}
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
