package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// Options are what a Host needs.
type Options struct {
	Place
	// Asker says who asks, for a plugin of that name that is about to be configured.
	Asker func(plugin string) Asker
}

// Host has all declared plugins. Its methods may be called from any goroutine, but not from the one that carries out Processes.
type Host struct {
	options Options
	ctx     context.Context // of the members
	end     context.CancelFunc
	leaving sync.WaitGroup // what is being ended

	mu      sync.Mutex
	members []*member         // in the order of their declaration
	ending  []*member         // that are declared no more, and may still run
	formers []Former          // of an earlier image, that may still run
	states  map[string][]byte // carried over, until the first Use
}

// Carried is what survives an execve: plain data.
type Carried struct {
	Plugins []Former
}

// Former is a plugin that an earlier image has started, and what its last verdict left.
type Former struct {
	Name     string
	Identity        // PID 0 if it did not run
	Dir      string // where its socket is
	State    []byte `json:",omitempty"`
}

// New makes a host without plugins, and ends those that an earlier image left: they cannot be used from here, because the ends of their
// pipes are gone.
func New(o Options, carried Carried) *Host {
	h := &Host{options: o, formers: carried.Plugins, states: map[string][]byte{}}
	h.ctx, h.end = context.WithCancel(context.Background())
	for _, f := range carried.Plugins {
		if len(f.State) > 0 {
			h.states[f.Name] = f.State
		}
		// It waits for the end of the process, sends nothing, and ends within two seconds.
		h.leaving.Go(func() {
			h.endFormer(f)
			h.mu.Lock()
			defer h.mu.Unlock()
			h.formers = slices.DeleteFunc(slices.Clone(h.formers), func(g Former) bool { return g.Identity == f.Identity && g.Name == f.Name })
		})
	}
	return h
}

func (h *Host) endFormer(f Former) {
	if f.Dir != "" {
		defer os.RemoveAll(f.Dir)
	}
	if f.PID == 0 {
		return
	}
	p, err := h.options.Processes.Adopt(f.Identity)
	if err != nil {
		return
	}
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.Ended:
		return
	case <-time.After(stopTimeout):
	}
	p.Signal(syscall.SIGKILL)
	select {
	case <-p.Ended:
	case <-time.After(killTimeout):
	}
}

// Use makes declared the plugins there are: new ones are started, those that are gone are ended, and who did not change is left alone.
// It waits for the required ones to be up or to have failed, until ctx is done, and for no others. An error names all that cannot be
// used; Use has done its work all the same.
func (h *Host) Use(ctx context.Context, declared []program.Plugin) error {
	required := h.replace(declared)
	var errs []error
	for _, m := range required {
		if err := m.first(ctx); err != nil {
			errs = append(errs, fmt.Errorf("plugin %q: %w", m.declared.Name, err))
		}
	}
	return errors.Join(errs...)
}

// replace carries out Use, and returns the new ones that are required.
func (h *Host) replace(declared []program.Plugin) (required []*member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	former := h.members
	h.members = nil
	for _, p := range declared {
		i := slices.IndexFunc(former, func(m *member) bool { return same(m.declared, p) })
		if i >= 0 {
			h.members = append(h.members, former[i])
			former = slices.Delete(slices.Clone(former), i, i+1)
			continue
		}
		m := newMember(h.ctx, p, h.options.Place, func() Asker { return h.asker(p.Name) }, h.stateOf(former, p.Name))
		h.members = append(h.members, m)
		if p.Required {
			required = append(required, m)
		}
	}
	clear(h.states)
	for _, m := range former {
		m.end()
		h.ending = append(h.ending, m)
		// It waits for the end of a plugin, sends nothing, and ends within seconds.
		h.leaving.Go(func() {
			<-m.ended
			h.mu.Lock()
			defer h.mu.Unlock()
			h.ending = slices.DeleteFunc(h.ending, func(e *member) bool { return e == m })
		})
	}
	return required
}

// same says whether a plugin can run on under another declaration.
func same(a, b program.Plugin) bool {
	user := func(p program.Plugin) program.Credential {
		if p.User == nil {
			return program.Credential{}
		}
		return *p.User
	}
	ua, ub := user(a), user(b)
	return a.Name == b.Name && a.Path == b.Path && a.SHA256 == b.SHA256 && slices.Equal(a.Args, b.Args) && slices.Equal(a.Env, b.Env) &&
		(a.User == nil) == (b.User == nil) && ua.UID == ub.UID && ua.GID == ub.GID && slices.Equal(ua.Groups, ub.Groups) &&
		a.Config == b.Config && a.Timeout == b.Timeout && a.StartTimeout == b.StartTimeout && a.MTLS == b.MTLS && a.LogLines == b.LogLines
}

// stateOf is what the last verdict of a plugin left, under its former declaration or the former image.
func (h *Host) stateOf(former []*member, name string) []byte {
	for _, m := range former {
		if m.declared.Name == name {
			return m.last().State
		}
	}
	return h.states[name]
}

func (h *Host) asker(name string) Asker {
	if h.options.Asker == nil {
		return Asker{}
	}
	return h.options.Asker(name)
}

// first waits until the plugin is up for the first time, or could not be started.
func (m *member) first(ctx context.Context) error {
	for {
		m.mu.Lock()
		run, changed, why := m.run, m.changed, m.why
		m.mu.Unlock()
		if run != nil || why != nil {
			return why
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// ErrUnknown is the error of Decide for a plugin that is not declared.
var ErrUnknown = errors.New("there is no such plugin")

// Decide asks a plugin what follows an end. blob is what its last verdict about this program left, and the one that is returned is what
// it wants to have next time; nil leaves it as it was. It returns by the plugin's timeout, counted from the call, or when ctx is done,
// and never asks twice. The error says why there is no verdict.
func (h *Host) Decide(ctx context.Context, plugin string, ev policy.Event, blob []byte) (policy.Verdict, []byte, error) {
	h.mu.Lock()
	i := slices.IndexFunc(h.members, func(m *member) bool { return m.declared.Name == plugin })
	var m *member
	if i >= 0 {
		m = h.members[i]
	}
	h.mu.Unlock()
	if m == nil {
		return policy.Verdict{}, nil, ErrUnknown
	}
	return m.decide(ctx, ev, blob)
}

// Status is that of each declared plugin, in the order of their declaration.
func (h *Host) Status() []Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []Status
	for _, m := range h.members {
		all = append(all, m.status())
	}
	return all
}

// Carried is what the next image has to know. The plugins run on; those that are being ended have to be ended by that one.
func (h *Host) Carried() Carried {
	h.mu.Lock()
	defer h.mu.Unlock()
	var c Carried
	for name, state := range h.states {
		c.Plugins = append(c.Plugins, Former{Name: name, State: state})
	}
	for _, f := range h.formers {
		f.State = nil // it is in states, or a member has it
		c.Plugins = append(c.Plugins, f)
	}
	for _, m := range h.ending {
		f := m.last()
		f.State = nil // nobody asks for it any more
		c.Plugins = append(c.Plugins, f)
	}
	for _, m := range h.members {
		c.Plugins = append(c.Plugins, m.last())
	}
	return c
}

func (m *member) last() Former {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := Former{Name: m.declared.Name, State: m.state}
	if run := cmp.Or(m.run, m.stopping); run != nil {
		f.Identity, f.Dir = run.Identity(), run.runner.directory()
	}
	return f
}

// Close ends all plugins, and waits for that until ctx is done. It takes three seconds at most.
func (h *Host) Close(ctx context.Context) error {
	h.replace(nil)
	h.end()
	gone := make(chan struct{})
	// It waits for the ends of all plugins, closes gone, and ends with that.
	go func() {
		h.leaving.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("plugins have not ended: %w", cmp.Or(context.Cause(ctx), ctx.Err()))
	}
}
