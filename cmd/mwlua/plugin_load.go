package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/plugins/host"
)

// pluginTrial bounds the look at all plugins of a configuration. It is below the bound of a trial, so that it can say what is wrong.
const pluginTrial = 8 * time.Second

// tryPlugins starts plugins of config beside those that run, asks each whether its configuration is right, and ends it. A plugin that
// cannot be had is an error where it is required; where it is not, the declared policies decide without it.
func tryPlugins(config program.Config, plugins []program.Plugin, hands host.Processes) program.Problems {
	if len(plugins) == 0 {
		return nil
	}
	dir, err := trialDir(config.Settings)
	if err != nil {
		return program.Problems{{Text: fmt.Sprintf("cannot try plugins: %v", err)}}
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), pluginTrial)
	defer cancel()
	found := make([]program.Problems, len(plugins))
	var tried sync.WaitGroup
	for i, p := range plugins {
		tried.Go(func() { found[i] = tryPlugin(ctx, host.Place{Processes: hands, Dir: dir, Log: func(host.Line) {}}, p) }) // waits for the plugin; ends with it, or at the bound
	}
	tried.Wait()
	var all program.Problems
	for _, problems := range found {
		all = append(all, problems...)
	}
	return all
}

// trialDir is a directory for the sockets of plugins that are tried: where those that run have theirs, or, where that cannot be
// made, the one for temporary files.
func trialDir(settings program.Settings) (string, error) {
	if dir, err := pluginSockets(settings); err == nil && os.MkdirAll(dir, 0o711) == nil {
		if trial, err := os.MkdirTemp(dir, "trial-"); err == nil {
			return trial, nil
		}
	}
	return os.MkdirTemp("", "mwlua-plugins-")
}

func tryPlugin(ctx context.Context, place host.Place, p program.Plugin) program.Problems {
	problem := func(warning bool, text string) program.Problem {
		return program.Problem{Place: p.Place, Warning: warning, Text: fmt.Sprintf("plugin %q: %s", p.Name, text)}
	}
	run, err := place.Start(ctx, p)
	if err != nil {
		return program.Problems{problem(!p.Required, err.Error())}
	}
	defer run.Stop()
	name, _ := os.Hostname()
	err = run.Configure(ctx, p.Config, nil, host.Asker{Version: version, Hostname: name, CheckOnly: true})
	var wrong *host.ConfigError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &wrong):
		return program.Problems{problem(!p.Required, err.Error())}
	}
	var problems program.Problems
	for _, w := range wrong.Problems {
		path := "config"
		if w.Path != "" {
			path += "." + w.Path
		}
		problems = append(problems, problem(false, path+": "+w.Text))
	}
	return problems
}

// loadTried is load, with a look at the plugins of what can be used otherwise.
func loadTried(config program.Config, problems program.Problems) (program.Config, program.Problems) {
	if len(problems.Errors()) > 0 {
		return config, problems
	}
	return config, append(problems, tryPlugins(config, config.Plugins, host.Alone())...)
}

// loadRequired is loadTried for a master, at its first load: every other one had a trial. What is not required may come later.
func loadRequired(c *code, config program.Config, problems program.Problems) program.Problems {
	if len(problems.Errors()) > 0 {
		return problems
	}
	required := slices.DeleteFunc(slices.Clone(config.Plugins), func(p program.Plugin) bool { return !p.Required })
	return append(problems, tryPlugins(config, required, lent{c.plugins.hands})...)
}
