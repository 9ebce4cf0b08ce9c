package main

import (
	"cmp"
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

// pluginTrial is how the plugins of a configuration are tried, before it is used.
type pluginTrial struct {
	hands     host.Processes
	required  bool          // only those that are
	limit     time.Duration // for all of them together; 0 is none
	elsewhere bool          // without a runtime directory, they are tried all the same
}

// checkTrial is that of a check, which may be another user's than mwlua itself will be.
func checkTrial() pluginTrial { return pluginTrial{hands: host.Alone(), elsewhere: true} }

// reloadTrial leaves a trial time to say what is wrong, before the master gives it up.
func reloadTrial(config program.Config) pluginTrial {
	return pluginTrial{hands: host.Alone(), limit: cmp.Or(config.ReloadTimeout, 10*time.Second) * 4 / 5}
}

// firstTrial is that of a master's first load: every other one had a trial. What is not required may come later.
func firstTrial(c *code) pluginTrial {
	return pluginTrial{hands: lent{c.plugins.hands}, required: true}
}

// try adds to the problems of a configuration those of its plugins, if it can be used otherwise: it starts them beside those that run,
// asks each whether its configuration is right, and ends it. A plugin that cannot be had is an error where it is required; where it
// is not, the declared policies decide without it.
func (t pluginTrial) try(config program.Config, problems program.Problems) program.Problems {
	plugins := slices.DeleteFunc(slices.Clone(config.Plugins), func(p program.Plugin) bool { return t.required && !p.Required })
	if len(plugins) == 0 || len(problems.Errors()) > 0 {
		return problems
	}
	return append(problems, t.each(config, plugins)...)
}

func (t pluginTrial) each(config program.Config, plugins []program.Plugin) program.Problems {
	directory, remove, err := t.directory(config.Settings)
	if err != nil {
		required := slices.ContainsFunc(plugins, func(p program.Plugin) bool { return p.Required })
		return program.Problems{{Warning: !required, Text: fmt.Sprintf("no plugin can be started: %v", err)}}
	}
	defer remove()
	ctx := context.Background()
	if t.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, t.limit, fmt.Errorf("it was not ready within %v, which is what reload_timeout "+
			"leaves for plugins", t.limit))
		defer cancel()
	}
	found := make([]program.Problems, len(plugins))
	var tried sync.WaitGroup
	for i, p := range plugins {
		// It waits for the plugin; ends with that, or at the limit of the plugin's start.
		tried.Go(func() {
			found[i] = tryPlugin(ctx, host.Place{Processes: t.hands, Dir: directory.Path, Log: func(host.Line) {}}, p, whoAsks(config, p.Name))
		})
	}
	tried.Wait()
	return slices.Concat(found...)
}

// directory is one for the sockets of plugins that are tried: where those that run have theirs, or, elsewhere, with temporary files.
func (t pluginTrial) directory(settings program.Settings) (d *host.Directory, remove func(), err error) {
	parent, err := pluginSockets(settings)
	if err == nil {
		d, err = host.NewDirectory(parent)
	}
	if err == nil {
		return d, func() { d.Remove() }, nil
	}
	if !t.elsewhere {
		return nil, nil, err
	}
	if parent, err = os.MkdirTemp("", "mwlua-plugins-"); err == nil {
		d, err = host.NewDirectory(parent)
	}
	return d, func() {
		d.Remove()
		os.RemoveAll(parent)
	}, err
}

func tryPlugin(ctx context.Context, place host.Place, p program.Plugin, by host.Asker) program.Problems {
	problem := func(warning bool, text string) program.Problem {
		return program.Problem{Place: p.Place, Warning: warning, Text: fmt.Sprintf("plugin %q: %s", p.Name, text)}
	}
	by.CheckOnly = true
	run, err := place.Ready(ctx, p, nil, by)
	if err == nil {
		run.Stop()
		return nil
	}
	var wrong *host.ConfigError
	if !errors.As(err, &wrong) {
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
