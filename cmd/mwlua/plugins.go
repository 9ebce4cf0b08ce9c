package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/supervisor"
	"github.com/mwlua/mwlua/plugins/host"
)

// pluginHost has the plugins of the configuration in force. There is a host while there is a plugin, or one of the image before.
type pluginHost struct {
	say   func(level, text string)
	hands *supervisor.Hands

	mu         sync.Mutex // of what follows
	carried    host.Carried
	host       *host.Host
	directory  *host.Directory // that of host
	newest     int             // counts the calls of use
	using      chan struct{}   // closed when the newest one is done; nil before the first
	config     program.Config  // of the newest one
	generation uint64

	order sync.Mutex // one use at a time
}

func (p *pluginHost) begin(hands *supervisor.Hands, carried []byte) {
	p.hands = hands
	if err := json.Unmarshal(carried, &p.carried); len(carried) > 0 && err != nil {
		p.say("warn", fmt.Sprintf("what the plugins have left is lost: %v", err))
	}
	for _, c := range hands.Former() { // one that was just being started when the image before made its list is not in that
		who := process(c).Identity
		if !slices.ContainsFunc(p.carried.Plugins, func(f host.Former) bool { return f.Identity == who }) {
			p.carried.Plugins = append(p.carried.Plugins, host.Former{Identity: who})
		}
	}
}

// use makes the plugins of config those there are. It does not wait for them.
func (p *pluginHost) use(config program.Config, generation uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.config, p.generation = config, generation
	if p.host == nil && len(config.Plugins) == 0 && len(p.carried.Plugins) == 0 {
		return
	}
	p.newest++
	n, using := p.newest, make(chan struct{})
	p.using = using
	go func() { // waits for required plugins; closes using; ends then, or after a while
		defer close(using)
		p.order.Lock()
		defer p.order.Unlock()
		p.apply(n, config)
	}()
}

func (p *pluginHost) apply(n int, config program.Config) {
	h, err := p.open(n, config)
	if h == nil || err != nil {
		if err != nil {
			p.say("error", fmt.Sprintf("no plugin can be asked: %v", err))
		}
		return
	}
	if err := h.Use(context.Background(), config.Plugins); err != nil { // each has its start_timeout
		p.say("error", err.Error())
	}
	if len(config.Plugins) == 0 {
		p.retire(h)
	}
}

// retire ends a host that has no plugins any more, once the last ones are gone.
func (p *pluginHost) retire(h *host.Host) {
	ctx, cancel := context.WithTimeout(context.Background(), retireTimeout)
	defer cancel()
	err := h.Close(ctx)
	p.mu.Lock()
	directory := p.directory
	p.host, p.directory = nil, nil
	p.mu.Unlock()
	if err := errors.Join(err, directory.Remove()); err != nil {
		p.say("warn", err.Error())
	}
}

// retireTimeout is more than Close takes.
const retireTimeout = 5 * time.Second

// open makes the host, if need be. It is nil if a newer configuration has come meanwhile.
func (p *pluginHost) open(n int, config program.Config) (*host.Host, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n != p.newest || p.host != nil {
		if n != p.newest {
			return nil, nil
		}
		return p.host, nil
	}
	dir, err := pluginSockets(config.Settings)
	if err != nil {
		return nil, err
	}
	if err := host.Sweep(dir, lent{p.hands}.kill); err != nil {
		p.say("warn", fmt.Sprintf("sockets of plugins that are gone are left: %v", err))
	}
	if p.directory, err = host.NewDirectory(dir); err != nil {
		return nil, err
	}
	p.host = host.New(host.Options{
		Place: host.Place{Processes: lent{p.hands}, Dir: p.directory.Path, Log: p.line}, Asker: p.who,
	}, p.carried)
	p.carried = host.Carried{}
	return p.host, nil
}

// pluginSockets is the directory below which plugins have their sockets.
func pluginSockets(settings program.Settings) (string, error) {
	dir := settings.RuntimeDir
	if dir == "" {
		var err error
		if dir, err = runtimeDir(); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "plugins"), nil
}

func (p *pluginHost) line(l host.Line) {
	for text := range strings.Lines(l.Text) {
		p.say(l.Level, fmt.Sprintf("plugin %s: %s", l.Plugin, strings.TrimRight(text, "\r\n")))
	}
}

// who says who asks a plugin, and which programs are meant, when it is started.
func (p *pluginHost) who(plugin string) host.Asker {
	p.mu.Lock()
	defer p.mu.Unlock()
	asker := whoAsks(p.config, plugin)
	asker.Generation = p.generation
	return asker
}

func whoAsks(config program.Config, plugin string) host.Asker {
	asker := host.Asker{Version: version}
	asker.Hostname, _ = os.Hostname()
	for _, s := range config.Programs {
		if slices.ContainsFunc(s.OnExit, func(d program.Decider) bool { return d.By == program.ByPlugin && d.Name == plugin }) {
			asker.Programs = append(asker.Programs, s.Name)
		}
	}
	return asker
}

// status is that of all plugins.
func (p *pluginHost) status() []control.Plugin {
	p.mu.Lock()
	h := p.host
	p.mu.Unlock()
	if h == nil {
		return nil
	}
	var all []control.Plugin
	for _, s := range h.Status() {
		plugin := control.Plugin{
			Name: s.Name, Path: s.Path, State: string(s.State), Since: toMillisecond(s.Since), PID: s.PID, Version: s.Version, Error: s.Error,
			Starts: s.Starts, Ends: s.Ends, Calls: s.Calls, Refused: s.Refused, Errors: s.Errors, Late: s.Late, Garbage: s.Garbage,
			Lost: s.Lost, Pauses: s.Pauses, Waiting: s.Waiting, UnderWay: s.UnderWay,
		}
		if !s.Retry.IsZero() {
			plugin.Next = new(toMillisecond(s.Retry))
		}
		all = append(all, plugin)
	}
	return all
}

func toMillisecond(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// decide asks a plugin, once it can be asked.
func (p *pluginHost) decide(ctx context.Context, name string, ev policy.Event, blob []byte) (policy.Verdict, []byte, error) {
	p.mu.Lock()
	using := p.using
	p.mu.Unlock()
	if using == nil {
		return policy.Verdict{}, nil, host.ErrUnknown
	}
	select {
	case <-using:
	case <-ctx.Done():
		return policy.Verdict{}, nil, ctx.Err()
	}
	p.mu.Lock()
	h := p.host
	p.mu.Unlock()
	if h == nil {
		return policy.Verdict{}, nil, host.ErrUnknown
	}
	return h.Decide(ctx, name, ev, blob)
}

// state is what the next image has to know.
func (p *pluginHost) state() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	carried := p.carried
	if p.host != nil {
		carried = p.host.Carried()
	}
	if len(carried.Plugins) == 0 {
		return nil
	}
	data, err := json.Marshal(carried)
	if err != nil {
		panic("internal error: the state of plugins: " + err.Error()) // strings, numbers and bytes only
	}
	return data
}

func (p *pluginHost) close(ctx context.Context) {
	p.mu.Lock()
	h, directory := p.host, p.directory
	p.newest++ // what is still to be used is not any more
	p.mu.Unlock()
	if h == nil {
		return
	}
	if err := errors.Join(h.Close(ctx), directory.Remove()); err != nil {
		p.say("warn", err.Error())
	}
}

// lent is host.Processes by the hands of a supervisor.
type lent struct{ hands *supervisor.Hands }

// Start implements host.Processes.
func (l lent) Start(c host.Command) (host.Process, error) {
	child, err := l.hands.Start(supervisor.Order{
		Path: c.Path, Argv: c.Args, Env: c.Env, Dir: c.Dir, User: c.User, Files: c.Files, Mark: c.Mark,
	})
	return process(child), err
}

// Adopt implements host.Processes.
func (l lent) Adopt(i host.Identity) (host.Process, error) {
	child, err := l.hands.Adopt(i.PID, i.StartTime, i.BootID)
	return process(child), err
}

// kill ends a plugin of a mwlua that is gone.
func (l lent) kill(i host.Identity) { l.hands.Kill(i.PID, i.StartTime, i.BootID) }

func process(c supervisor.Child) host.Process {
	ended := make(chan host.Exit, 1)
	if c.Ended != nil {
		go func() { // waits for the end of the child; sends it; ends with that
			e := <-c.Ended
			ended <- host.Exit{Code: e.Code, Signal: e.Signal}
		}()
	}
	return host.Process{
		Identity: host.Identity{PID: c.PID, StartTime: c.StartTime, BootID: c.BootID}, Ended: ended, Signal: c.Signal,
	}
}
