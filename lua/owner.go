package lua

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// owner is the goroutine that may touch one state.
type owner struct {
	h     *Handlers
	l     *loader       // nil: it is to be made again
	again time.Time     // when that may be tried
	gone  bool          // given up; guarded by h.mu
	ended chan struct{} // closed at its end
}

// begin starts the owner of l, or of a state that is yet to be made. h.mu is held.
func (h *Handlers) begin(l *loader) {
	o := &owner{h: h, l: l, ended: make(chan struct{})}
	h.owner = o
	if h.options.Direct {
		return
	}
	go o.run() // waits for calls, answers them; ends with Close, or with the call during which it was given up
}

func (o *owner) run() {
	defer close(o.ended)
	defer func() { o.drop() }()
	for {
		select {
		case <-o.h.ctx.Done():
			return
		case c := <-o.h.calls:
			if !o.serve(c) {
				return
			}
		}
	}
}

// serve answers c. It is false if o was given up meanwhile.
func (o *owner) serve(c *call) bool {
	if c.ctx.Err() != nil { // who asked has its answer
		return true
	}
	if err := o.ready(); err != nil {
		c.answer <- answer{err: err}
		return true
	}
	c.begun.Store(true)
	w := newWatch(o, c)
	o.l.bounds = w.bounds
	a := o.l.call(c)
	w.end()
	if !o.keeps() {
		return false
	}
	c.answer <- a
	if o.l.broken || w.greedy { // what it holds may be all the memory that it took
		o.drop()
		runtime.GC() // or what is gone counts as what the next one takes
		o.ready()
	}
	return true
}

// ready makes a state if there is none.
func (o *owner) ready() error {
	if o.l != nil {
		return nil
	}
	if wait := time.Until(o.again); wait > 0 {
		return fmt.Errorf("the handlers cannot be made again, which is tried in %v", wait.Round(time.Second/10))
	}
	begin := time.Now()
	l, err := rebuild(o.h.ctx, o.h.sources, o.h.options, o.h.kept)
	if err != nil {
		o.again = time.Now().Add(max(pause, 5*time.Since(begin)))
		return fmt.Errorf("cannot make the handlers again: %w", err)
	}
	l.settle()
	o.l = l
	return nil
}

func (o *owner) drop() {
	if o.l != nil {
		o.l.close()
		o.l = nil
	}
}

// keeps says whether o still has its state to itself. If it was given up, it makes room for another one.
func (o *owner) keeps() bool {
	h := o.h
	h.mu.Lock()
	defer h.mu.Unlock()
	if !o.gone {
		return true
	}
	h.stuck--
	if h.owner == nil && h.ctx.Err() == nil {
		h.begin(nil)
	}
	return false
}

// giveUp leaves o to what it is stuck in, and goes on with another one. The answer of o, if it ever comes, reaches nobody. It is false
// if there is no need any more.
func (o *owner) giveUp() bool {
	h := o.h
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.owner != o { // closed meanwhile
		return false
	}
	o.gone, h.owner = true, nil
	h.stuck++
	if h.stuck < maxStuck {
		h.begin(nil)
	}
	return true
}

// watch keeps the bounds of one call, for which it looks at the clock and the heap now and then.
type watch struct {
	*bounds
	owner  *owner
	call   *call
	timer  *time.Timer
	heap   heap
	first  usage // of the heap, at the first look
	looked bool
	greedy bool      // it took too much memory
	over   time.Time // when the deadline was seen to be over
	ended  bool
}

func newWatch(o *owner, c *call) *watch {
	ctx, cancel := context.WithCancelCause(o.h.ctx)
	w := &watch{bounds: &bounds{ctx: ctx, cancel: cancel, memory: o.h.options.Memory}, owner: o, call: c}
	w.mu.Lock() // look must see its timer
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(sampling, w.look)
	return w
}

func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.timer.Stop()
	w.cancel(context.Canceled)
}

// look interrupts the call when it has exceeded something, and gives its state up when that does not help.
func (w *watch) look() {
	if w.lost() && w.owner.h.options.Log != nil {
		one := w.owner.h.known[w.call.handler]
		w.owner.h.options.Log("error", fmt.Sprintf("%v: %s: it does not come back: its Lua state is given up, and made again", one.at, one.name()))
	}
}

// lost looks once, and is true if that was the last time because the state is given up.
func (w *watch) lost() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return false
	}
	if w.call.ctx.Err() != nil && w.over.IsZero() {
		w.over = time.Now()
	}
	if !w.over.IsZero() && time.Since(w.over) > grace && !w.owner.h.options.Direct {
		w.ended = true
		return w.owner.giveUp()
	}
	if w.ctx.Err() == nil {
		if text := w.exceeded(); text != "" {
			w.cancel(exceeded(text))
		}
	}
	w.timer.Reset(sampling)
	return false
}

// exceeded says why the call is interrupted; "" if it may go on.
func (w *watch) exceeded() string {
	if !w.looked {
		w.looked, w.heap = true, newHeap()
		w.first = w.heap.read()
		return ""
	}
	now := w.heap.read()
	switch {
	case w.call.ctx.Err() != nil, time.Now().After(w.call.inside()):
		return fmt.Sprintf("it does not come back within %v: does a loop not end? (supervisor { lua = { handler_timeout = \"…\" } } allows more)",
			w.call.until.Sub(w.call.posted).Round(10*time.Millisecond))
	case now.live > w.first.live+w.memory, now.all > w.first.all+3*w.memory:
		w.greedy = true
		return fmt.Sprintf("it needs more than %d MiB of memory: does something grow without end? "+
			"(supervisor { lua = { memory = \"…\" } } allows more)", w.memory>>20)
	}
	return ""
}
