package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/supervisor"
	"github.com/mwlua/mwlua/plugins/host"
	"github.com/mwlua/mwlua/plugins/plugintest"
)

func pluginCommand(status *int) *cobra.Command {
	c := &cobra.Command{
		Use:   "plugin",
		Short: "Make, check and try a plugin that decides what follows an exit",
		Long: `Make, check and try a plugin that decides what follows an exit. None of these commands needs a supervisor, or touches one.

docs/plugins.md tells how a first one is written.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q: write new, check, describe, call or sha256", args[0])
			}
			return errors.New("plugin what: write new, check, describe, call or sha256")
		},
	}
	c.AddCommand(pluginNewCommand(), pluginCheckCommand(status), pluginDescribeCommand(), pluginCallCommand(), pluginSHA256Command())
	return c
}

// subject is the plugin that a command is about.
type subject struct {
	config string
	env    []string
	log    bool
}

func (s *subject) flags(c *cobra.Command) {
	c.Flags().StringVar(&s.config, "config", "", "its configuration, a JSON object; @FILE is what a file holds")
	c.Flags().StringArrayVar(&s.env, "env", nil, "NAME=VALUE of its environment, which has nothing else; may be repeated")
	c.Flags().BoolVar(&s.log, "log", false, "print what it logs")
}

// declared is the plugin at args[0], as a configuration would declare it.
func (s *subject) declared(args []string) (program.Plugin, error) {
	if len(args) != 1 {
		return program.Plugin{}, errors.New("which plugin: write the path of one")
	}
	path, err := filepath.Abs(args[0])
	if err != nil {
		return program.Plugin{}, failed{err}
	}
	config := s.config
	if name, ok := strings.CutPrefix(config, "@"); ok {
		if config, err = readPluginConfig(name); err != nil {
			return program.Plugin{}, failed{fmt.Errorf("--config: %q: %v", name, err)}
		}
	} else if config != "" {
		if err := checkPluginConfig(config); err != nil {
			return program.Plugin{}, fmt.Errorf("--config: %v", err)
		}
	}
	return program.Plugin{Name: filepath.Base(path), Path: path, Env: s.env, Config: config}, nil
}

// line prints what the plugin logs.
func (s *subject) line(c *cobra.Command) func(host.Line) {
	return func(l host.Line) {
		if s.log {
			fmt.Fprintf(c.ErrOrStderr(), "%s: %s: %s\n", l.Plugin, l.Level, l.Text)
		}
	}
}

// with starts a plugin for do, and ends it. Ctrl-C does so, too.
func (s *subject) with(c *cobra.Command, args []string, do func(context.Context, *host.Run, program.Plugin) error) error {
	declared, err := s.declared(args)
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	dir, err := os.MkdirTemp("", "mwlua-")
	if err != nil {
		return failed{err}
	}
	defer os.RemoveAll(dir)
	run, err := host.Place{Processes: host.Alone(), Dir: dir, Log: s.line(c)}.Start(ctx, declared)
	if err != nil {
		return failed{fmt.Errorf("cannot start %s: %v", args[0], err)}
	}
	defer run.Stop()
	if err := do(ctx, run, declared); err != nil {
		return failed{err}
	}
	return nil
}

// interruptible is a context that ends with SIGINT or SIGTERM.
func interruptible() (context.Context, context.CancelFunc) {
	supervisor.ReleaseSignals()
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

func pluginCheckCommand(status *int) *cobra.Command {
	var s subject
	c := &cobra.Command{
		Use:   "check PATH",
		Short: "Say whether a plugin does what mwlua expects of one",
		Long: `Say whether a plugin does what mwlua expects of one, whatever it is written in. It is started several times and asked about
programs that do not exist. A plugin that needs a configuration is to be given one that it accepts.`,
		Example: "  mwlua plugin check ./mwlua-plugin-budget --config '{\"max_restarts\":5}'",
		RunE: func(c *cobra.Command, args []string) error {
			declared, err := s.declared(args)
			if err != nil {
				return err
			}
			ctx, stop := interruptible()
			defer stop()
			*status = checkPlugin(ctx, c, plugintest.Check{Plugin: declared, Log: s.line(c)})
			return nil
		},
	}
	s.flags(c)
	return c
}

// checkPlugin prints what each point found, and returns the status to exit with.
func checkPlugin(ctx context.Context, c *cobra.Command, check plugintest.Check) int {
	wrong, points := 0, plugintest.Points()
	for _, point := range points {
		began := time.Now()
		err := check.Point(ctx, point)
		if ctx.Err() != nil {
			return exitFailed
		}
		if err != nil {
			wrong++
			fmt.Fprintf(c.OutOrStdout(), "FAIL  %-14s %s\n      %-14s (%s)\n", point.Name, printable(err.Error()), "", point.Rule)
			continue
		}
		fmt.Fprintf(c.OutOrStdout(), "ok    %-14s %v\n", point.Name, time.Since(began).Round(time.Millisecond))
	}
	if wrong > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "mwlua: error: %d of %d points failed\n", wrong, len(points))
		return exitFailed
	}
	return exitDone
}

func pluginDescribeCommand() *cobra.Command {
	var s subject
	c := &cobra.Command{
		Use:     "describe PATH",
		Short:   "Print what a plugin says about itself, as JSON",
		Long:    "Print what a plugin says about itself, as JSON: its name, its version, and the JSON Schema of its configuration.",
		Example: "  mwlua plugin describe ./mwlua-plugin-budget",
		RunE: func(c *cobra.Command, args []string) error {
			return s.with(c, args, func(_ context.Context, run *host.Run, _ program.Plugin) error {
				d := map[string]any{"name": run.Name, "version": run.Version, "doc": run.Doc, "capabilities": run.Capabilities}
				if run.ConfigSchema != "" {
					d["config_schema"] = json.RawMessage(run.ConfigSchema)
				}
				text, err := json.MarshalIndent(d, "", "  ")
				if err != nil {
					return fmt.Errorf("its config_schema is no JSON: %v", err)
				}
				fmt.Fprintln(c.OutOrStdout(), string(text))
				return nil
			})
		},
	}
	s.flags(c)
	return c
}

func pluginSHA256Command() *cobra.Command {
	return &cobra.Command{
		Use:     "sha256 PATH",
		Short:   "Print the checksum of a plugin's file, as its declaration takes it",
		Long:    "Print the checksum of a plugin's file, as its declaration takes it: mwlua starts no other file then.",
		Example: "  mwlua plugin sha256 ./mwlua-plugin-budget",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("which plugin: write the path of one")
			}
			sum, err := host.SHA256(args[0])
			if err != nil {
				return failed{fmt.Errorf("cannot read the plugin: %v", err)}
			}
			fmt.Fprintln(c.OutOrStdout(), sum)
			return nil
		},
	}
}
