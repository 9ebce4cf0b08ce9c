package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/supervisor"
	"github.com/mwlua/mwlua/plugins/host"
)

// pluginStart bounds how long a load waits for the plugins that it requires.
const pluginStart = 10 * time.Second

// pluginHost has the plugins of the configuration in force. There is a host once there was a plugin.
type pluginHost struct {
	say   func(level, text string)
	hands *supervisor.Hands

	mu      sync.Mutex // of what follows
	carried host.Carried
	host    *host.Host
	newest  int           // counts the calls of use
	using   chan struct{} // closed when the newest one is done; nil before the first

	order sync.Mutex // one use at a time
}

func (p *pluginHost) begin(hands *supervisor.Hands, carried []byte) {
	p.hands = hands
	if err := json.Unmarshal(carried, &p.carried); len(carried) > 0 && err != nil {
		p.say("warn", fmt.Sprintf("what the plugins have left is lost: %v", err))
	}
}

// use makes the plugins of config those there are. It does not wait for them.
func (p *pluginHost) use(config program.Config) {
	p.mu.Lock()
	defer p.mu.Unlock()
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
	ctx, cancel := context.WithTimeout(context.Background(), pluginStart)
	defer cancel()
	if err := h.Use(ctx, config.Plugins); err != nil {
		p.say("error", err.Error())
	}
}

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
	name := fmt.Sprintf("%d-%s", os.Getpid(), strconv.FormatInt(time.Now().UnixNano(), 36))
	if err := host.Sweep(dir, name); err != nil {
		p.say("warn", fmt.Sprintf("sockets of plugins that are gone are left: %v", err))
	}
	options := host.Options{
		Place: host.Place{Processes: lent{p.hands}, Dir: filepath.Join(dir, name), Log: p.line},
		Asker: func(string) host.Asker { return p.who() },
	}
	p.host, err = host.New(options, p.carried)
	p.carried = host.Carried{}
	return p.host, err
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
	p.say(l.Level, fmt.Sprintf("plugin %s: %s", l.Plugin, l.Text))
}

func (p *pluginHost) who() host.Asker {
	name, _ := os.Hostname()
	return host.Asker{Version: version, Hostname: name}
}

var errNoPlugin = errors.New("there is no such plugin")

// decide asks a plugin, once it can be asked.
func (p *pluginHost) decide(ctx context.Context, name string, ev policy.Event, blob []byte) (policy.Verdict, []byte, error) {
	p.mu.Lock()
	using := p.using
	p.mu.Unlock()
	if using == nil {
		return policy.Verdict{}, nil, errNoPlugin
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
		return policy.Verdict{}, nil, errNoPlugin
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
	h := p.host
	p.newest++ // what is still to be used is not any more
	p.mu.Unlock()
	if h == nil {
		return
	}
	if err := h.Close(ctx); err != nil {
		p.say("warn", err.Error())
	}
}

// lent is host.Processes by the hands of a supervisor.
type lent struct{ hands *supervisor.Hands }

// Start implements host.Processes.
func (l lent) Start(c host.Command) (host.Process, error) {
	child, err := l.hands.Start(supervisor.Order{
		Path: c.Path, Argv: c.Args, Env: c.Env, Dir: c.Dir, User: c.User, Files: c.Files,
	})
	return process(child), err
}

// Adopt implements host.Processes.
func (l lent) Adopt(i host.Identity) (host.Process, error) {
	child, err := l.hands.Adopt(i.PID, i.StartTime, i.BootID)
	return process(child), err
}

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
