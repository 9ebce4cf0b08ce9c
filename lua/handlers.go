package lua

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// What Handlers.Call can tell of besides the occasions of hooks.
const (
	OnStart = "start" // an instance was started
	OnStop  = "stop"  // an instance has ended
)

const (
	// maxQueue is how many calls wait in the queue; the others wait to get into it.
	maxQueue = 1024
	// grace is how long after its deadline a call that was interrupted may go on. Then its state is given up.
	grace = time.Second
	// maxStuck is how many states may be given up whose calls have not come back. Beyond, nothing is called any more.
	maxStuck = 4
	// pause is the shortest time between two attempts to make a state again.
	pause = time.Second
)

var (
	errClosed = errors.New("the configuration of this handler is not in use any more")
	errStuck  = fmt.Errorf("%d calls of handlers have not come back: none is called any more", maxStuck)
)

// Handlers are the functions of one load, which can be called until Close. They run one at a time, in the state of the load, on a
// goroutine of their own; calls wait in a queue. Every method may be called from any goroutine, and none waits longer than its context
// allows: a call that does not end is interrupted at its deadline, and one that cannot be interrupted is given up a second later,
// with its state; another one is made from the sources then.
type Handlers struct {
	options Options // of the load
	kept    *keptFiles
	sources []program.Source
	known   map[string]handler // without the functions
	calls   chan *call
	ctx     context.Context // until Close
	cancel  context.CancelFunc

	mu    sync.Mutex // of what follows
	owner *owner     // nil after Close, and while too many are stuck
	stuck int
}

// Open is Load for a configuration that will be used: its functions can be called. Handlers is nil if there is an error or no
// function; else the caller has to close it.
func Open(o Options) (program.Config, *Handlers, program.Problems) {
	l := newLoader(o)
	l.files.kept = &keptFiles{data: make(map[string][]byte)}
	config := l.evaluate()
	if l.errors > 0 || len(l.handlers) == 0 {
		l.close()
		return config, nil, l.problems
	}
	return config, newHandlers(l), l.problems
}

// newHandlers takes over l, which was loaded without an error.
func newHandlers(l *loader) *Handlers {
	h := &Handlers{
		options: l.options, kept: l.files.kept, sources: l.sources, known: make(map[string]handler), calls: make(chan *call, maxQueue),
	}
	for name, one := range l.handlers {
		one.fn = nil
		h.known[name] = one
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.options.Memory = l.bounds.memory // as supervisor{} says
	l.settle()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begin(l)
	return h
}

// settle ends the load: from here on handlers run.
func (l *loader) settle() {
	l.loaded = true
	l.prepareEvents()
	l.drafts, l.names, l.halves, l.pluginDrafts = nil, nil, nil, nil
	l.report = report{}
}

// Decide asks the handler of that name, one of program.Spec.OnExit, what follows ev. store is the JSON object that ev.Store is to be from
// now on, nil if that stays as it is. The deadline is that of ctx, counted from here, and policy.MaxDeadline if there is none. An
// error names the line and the program; the same call may be made again.
func (h *Handlers) Decide(ctx context.Context, name string, ev policy.Event) (verdict policy.Verdict, store []byte, err error) {
	a := h.ask(ctx, &call{handler: name, event: ev})
	return a.verdict, a.store, a.err
}

// Call tells the handler of that name what has happened: OnStart or OnStop with the event, or one of program.HookOn, of which only the
// time of ev counts, and text, which says more: the name of a signal, or why a load failed. Deadline and errors are as for Decide.
func (h *Handlers) Call(ctx context.Context, name, on string, ev policy.Event, text string) error {
	return h.ask(ctx, &call{handler: name, on: on, event: ev, text: text}).err
}

// Close interrupts what runs, and waits for that for a second at most. Whoever waits for an answer gets an error.
func (h *Handlers) Close() {
	h.cancel()
	h.mu.Lock()
	last := h.owner
	h.owner = nil
	h.mu.Unlock()
	if last == nil {
		return
	}
	if h.options.Direct {
		last.drop()
		return
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-last.ended:
	case <-late.C:
	}
}

// ask posts c and waits for its answer, or for the end of ctx.
func (h *Handlers) ask(ctx context.Context, c *call) answer {
	one, ok := h.known[c.handler]
	if !ok {
		return answer{err: fmt.Errorf("the configuration has no handler %s", quote(c.handler))}
	}
	c.posted, c.answer = time.Now(), make(chan answer, 1)
	c.until, ok = ctx.Deadline()
	if longest := c.posted.Add(policy.MaxDeadline); !ok || c.until.After(longest) {
		limited, cancel := context.WithDeadline(ctx, longest)
		defer cancel()
		ctx, c.until = limited, longest
	}
	c.ctx = ctx
	if h.hopeless() {
		return answer{err: errStuck}
	}
	if h.options.Direct {
		return h.serveDirect(c, one)
	}
	select {
	case h.calls <- c:
	case <-ctx.Done():
		return answer{err: c.late(one)}
	case <-h.ctx.Done():
		return answer{err: errClosed}
	}
	select {
	case a := <-c.answer:
		return a
	case <-ctx.Done():
	case <-h.ctx.Done():
		return answer{err: errClosed}
	}
	select {
	case a := <-c.answer: // just in time
		return a
	default:
		return answer{err: c.late(one)}
	}
}

func (h *Handlers) serveDirect(c *call, one handler) answer {
	if h.ctx.Err() != nil {
		return answer{err: errClosed}
	}
	h.owner.serve(c)
	select {
	case a := <-c.answer:
		return a
	default: // its time was up before
		return answer{err: c.late(one)}
	}
}

func (h *Handlers) hopeless() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.owner == nil && h.ctx.Err() == nil
}

// late is the error of a call whose time is up.
func (c *call) late(h handler) error {
	waited := time.Since(c.posted).Round(time.Millisecond)
	if !c.begun.Load() {
		return fmt.Errorf("%v: %s: its turn has not come within %v, because of other handlers", h.at, h.name(), waited)
	}
	return fmt.Errorf("%v: %s: no answer within %v", h.at, h.name(), waited)
}
