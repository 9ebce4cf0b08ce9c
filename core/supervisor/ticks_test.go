package supervisor

import (
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

func TestNextTick(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	spec := program.Spec{Schedule: "30 4 * * *", Zone: "UTC"}
	from := time.Date(2126, 3, 1, 12, 0, 0, 0, time.UTC)
	r.perform(machine.NextTick{Program: "a", N: 3, Spec: spec, Wall: from.UnixNano()})
	tick := expect[machine.Tick](r)
	if want := time.Date(2126, 3, 2, 4, 30, 0, 0, time.UTC); tick.Program != "a" || tick.N != 3 || tick.Wall != want.UnixNano() {
		r.errorf("%+v, want %v", tick, want)
	}
	now, wall := proc.Monotonic(), time.Now()
	if off := time.Duration(int64(tick.At)-now) - time.Unix(0, tick.Wall).Sub(wall.Round(0)); off.Abs() > time.Second {
		t.Errorf("the two times of the tick are %v apart", off)
	}
	r.perform(machine.NextTick{Program: "a", N: 4, Spec: spec, Wall: wall.Add(-1000 * time.Hour).UnixNano()})
	if tick = expect[machine.Tick](r); tick.Wall < wall.UnixNano() {
		r.errorf("a tick of the past: %+v", tick)
	}
	r.perform(machine.NextTick{Program: "a", N: 4, Spec: program.Spec{Schedule: "@every 1h"}})
	if tick = expect[machine.Tick](r); time.Duration(int64(tick.At)-now).Round(time.Minute) != time.Hour {
		r.errorf("%+v", tick)
	}
	r.perform(machine.NextTick{Program: "a", N: 5, Spec: program.Spec{Schedule: "0 0 30 2 *"}})
	if tick = expect[machine.Tick](r); tick.Text == "" || tick.At != 0 {
		r.errorf("%+v", tick)
	}
}

// TestClockIsWatched by a descriptor that is kept. What it says when the clock is set cannot be had without setting it, for everybody.
func TestClockIsWatched(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	if r.s.clock != none {
		t.Error("the clock is watched before anybody needs it")
	}
	r.s.watchClock()
	fd := r.s.clock
	r.s.watchClock()
	if fd == none || r.s.clock != fd {
		t.Errorf("the clock is watched by descriptors %d and %d", fd, r.s.clock)
	}
	r.idle()
	r.s.clockSet() // too early
	r.idle()
	if len(r.seen) > 0 {
		r.errorf("something happened")
	}
}
