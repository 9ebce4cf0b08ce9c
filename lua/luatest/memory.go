package luatest

import (
	"context"
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Memory of a run. A third more tests a second come out of collecting it less often than Go does: a run is short, and a world with a state
// of Lua needs some 10 MiB.
const (
	gcPercent = 800
	softLimit = 1 << 30 // bytes, from which on it is collected as often as it takes
	hardLimit = 2 << 30 // bytes that are alive, with which the run is given up
	sampling  = 100 * time.Millisecond
)

// boundMemory ends ctx when the tests together need too much. free puts back what it has changed.
func boundMemory(ctx context.Context) (bounded context.Context, free func()) {
	percent, limit := debug.SetGCPercent(gcPercent), debug.SetMemoryLimit(softLimit)
	bounded, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() { // looks now and then; ends the context; ends with it
		defer close(ended)
		ticks := time.NewTicker(sampling)
		defer ticks.Stop()
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for {
			select {
			case <-bounded.Done():
				return
			case <-ticks.C:
			}
			if metrics.Read(live); live[0].Value.Kind() == metrics.KindUint64 && live[0].Value.Uint64() > hardLimit {
				cancel(fmt.Errorf("the tests need more than %d GiB of memory: does a table in one of them grow without end?", hardLimit>>30))
			}
		}
	}()
	return bounded, func() {
		cancel(nil)
		<-ended
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}
