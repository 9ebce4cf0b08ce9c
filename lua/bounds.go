package lua

import (
	"context"
	"fmt"
	"runtime/metrics"
	"sync"
	"time"
)

// sampling is how often the heap is looked at. A script can allocate some megabytes in that time.
const sampling = 2 * time.Millisecond

// bounds end a load that takes too long or too much memory, by cancelling the context that gopher-lua looks at before each
// instruction, and our own loops now and then.
type bounds struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	begin  time.Time

	mu      sync.Mutex // of what follows: supervisor{} changes it while the sampler looks
	timeout time.Duration
	memory  uint64

	stop chan struct{} // closed by end
	done chan struct{} // closed by the sampler
}

// exceeded is the cause of a cancelled context: a text for the problem.
type exceeded string

func (e exceeded) Error() string { return string(e) }

func newBounds(ctx context.Context, timeout time.Duration, memory uint64) *bounds {
	ctx, cancel := context.WithCancelCause(ctx)
	b := &bounds{
		ctx: ctx, cancel: cancel, begin: time.Now(), timeout: timeout, memory: memory,
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go b.sample() // waits for ticks and for end; cancels the context; ends with end
	return b
}

// set changes the bounds while they hold. 0 leaves one as it is.
func (b *bounds) set(timeout time.Duration, memory uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if timeout > 0 {
		b.timeout = timeout
	}
	if memory > 0 {
		b.memory = memory
	}
}

// end gives back what b holds. Nothing of b runs any more when it returns.
func (b *bounds) end() {
	close(b.stop)
	<-b.done
	b.cancel(context.Canceled)
}

// cause says why the load was ended, and "" if it was not.
func (b *bounds) cause() string {
	if e, ok := context.Cause(b.ctx).(exceeded); ok {
		return string(e)
	}
	return ""
}

func (b *bounds) sample() {
	defer close(b.done)
	ticks := time.NewTicker(sampling)
	defer ticks.Stop()
	heap := newHeap()
	first := heap.read()
	for {
		select {
		case <-b.stop:
			return
		case <-ticks.C:
		}
		if text := b.check(first, heap.read()); text != "" {
			b.cancel(exceeded(text))
			<-b.stop
			return
		}
	}
}

// check says what is exceeded. live lags behind by one collection, and all has what is dead and not collected: so the former may
// grow by the bound, and the latter by three times that.
func (b *bounds) check(first, now usage) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case time.Since(b.begin) > b.timeout:
		return fmt.Sprintf("the configuration is not loaded after %v: does a loop not end? "+
			"(supervisor { lua = { load_timeout = \"…\" } } allows more)", b.timeout)
	case now.live > first.live+b.memory, now.all > first.all+3*b.memory:
		return fmt.Sprintf("the configuration needs more than %d MiB of memory: does something grow without end? "+
			"(supervisor { lua = { memory = \"…\" } } allows more)", b.memory>>20)
	}
	return ""
}

// heap reads the size of the heap, in bytes.
type heap struct{ samples []metrics.Sample }

// usage is the heap at a moment.
type usage struct {
	live uint64 // what the last collection left
	all  uint64 // and what was allocated since
}

func newHeap() heap {
	return heap{[]metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}}
}

func (h heap) read() usage {
	metrics.Read(h.samples)
	value := func(i int) uint64 {
		if h.samples[i].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return h.samples[i].Value.Uint64()
	}
	return usage{value(0), value(1)}
}
