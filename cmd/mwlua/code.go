package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/supervisor"
	"github.com/mwlua/mwlua/lua"
)

// code answers for the functions and the plugins of the configuration in force: it is the supervisor.Code of a master.
type code struct {
	options func() lua.Options // to make handlers again from their sources
	say     func(level, text string)
	plugins pluginHost

	mu       sync.Mutex
	loaded   *lua.Handlers // of the newest load, until it counts
	handlers *lua.Handlers // of the configuration in force; nil if it has none, or they were not made yet
	sources  []program.Source
}

var errNoHandlers = errors.New("the configuration in force has no functions")

// offer takes the handlers of a load, which count if Use says so. nil are none.
func (c *code) offer(h *lua.Handlers) {
	c.mu.Lock()
	former := c.loaded
	c.loaded = h
	c.mu.Unlock()
	closeHandlers(former)
}

// Begin implements supervisor.Code.
func (c *code) Begin(hands *supervisor.Hands, carried []byte) {
	c.plugins.say = c.say
	c.plugins.begin(hands, carried)
}

// Carried implements supervisor.Code.
func (c *code) Carried() []byte { return c.plugins.state() }

// Use implements supervisor.Code. The handlers that were offered last are those of config, unless there are none: then the image
// before has loaded it.
func (c *code) Use(config program.Config, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	closeHandlers(c.handlers)
	c.handlers, c.loaded = c.loaded, nil
	c.sources = config.Sources
	c.plugins.use(config, generation)
}

// Status implements supervisor.Code.
func (c *code) Status() []control.Plugin { return c.plugins.status() }

// closeHandlers ends handlers that do not count any more, which may take a second.
func closeHandlers(h *lua.Handlers) {
	if h != nil {
		go h.Close() // waits for a call that runs; sends nothing; ends with that, or after a second
	}
}

// current returns the handlers of the configuration in force, which it makes if need be.
func (c *code) current() (*lua.Handlers, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handlers != nil {
		return c.handlers, nil
	}
	if len(c.sources) == 0 {
		return nil, errNoHandlers
	}
	h, err := lua.Rebuild(slices.Clone(c.sources), c.options())
	if err != nil {
		return nil, fmt.Errorf("the functions of the configuration in force cannot be made again: %w", err)
	}
	c.handlers = h
	return h, nil
}

// Decide implements supervisor.Code.
func (c *code) Decide(ctx context.Context, by program.Decider, ev policy.Event, blob []byte) (v policy.Verdict, store, left []byte, err error) {
	if by.By != program.ByHandler {
		v, left, err = c.plugins.decide(ctx, by.Name, ev, blob)
		return v, nil, left, err
	}
	h, err := c.current()
	if err != nil {
		return v, nil, nil, err
	}
	v, store, err = h.Decide(ctx, by.Name, ev)
	return v, store, nil, err
}

// Call implements supervisor.Code.
func (c *code) Call(ctx context.Context, hook machine.CallHook) error {
	h, err := c.current()
	if err != nil {
		return err
	}
	ev := policy.Event{
		Exit: hook.Exit, Instance: hook.ID.String(), Slot: hook.ID.Slot, PID: hook.PID, Time: time.Duration(time.Now().UnixNano()),
	}
	ev.Program, ev.Seq = hook.ID.Program, hook.ID.Seq
	return h.Call(ctx, hook.Name, hook.On, ev, hook.Text)
}

// Close implements supervisor.Code.
func (c *code) Close(ctx context.Context) {
	c.plugins.close(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	closeHandlers(c.handlers)
	closeHandlers(c.loaded)
	c.handlers, c.loaded, c.sources = nil, nil, nil
}

// luaOptions are those of every load of Lua files.
func (s *sources) luaOptions() lua.Options {
	return lua.Options{Files: s.lua, Env: os.Environ(), Check: s.checks, Version: version, Log: s.say}
}

// say is for what Lua files have to say: to the log of a master, and else to standard error.
func (s *sources) say(level, text string) {
	if s.code != nil {
		s.code.say(level, text)
		return
	}
	fmt.Fprintf(os.Stderr, "mwlua: %s: %s\n", level, text)
}
