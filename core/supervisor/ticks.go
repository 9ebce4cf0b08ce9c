package supervisor

import (
	"math"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/cron"
	"github.com/mwlua/mwlua/core/machine"
)

// nextTick says when a cron is due next.
func (s *supervisor) nextTick(now machine.Instant, a machine.NextTick) {
	s.watchClock()
	wall := time.Now()
	after := wall
	if a.Wall != 0 {
		after = time.Unix(0, a.Wall)
	}
	tick := machine.Tick{Program: a.Program, N: a.N}
	at, err := cron.Next(a.Spec.Schedule, a.Spec.Zone, after)
	if err == nil && at.Before(wall) { // this process was stopped for a while: one run makes good for all that it missed
		at, err = cron.Next(a.Spec.Schedule, a.Spec.Zone, wall)
	}
	if err != nil {
		tick.Text = err.Error()
	} else {
		tick.At, tick.Wall = now+machine.Instant(at.Sub(wall.Round(0))), at.UnixNano()
	}
	s.queue = append(s.queue, tick)
}

// watchClock hears when the wall clock is set, from now on. Without that, ticks stay where they were before it was.
func (s *supervisor) watchClock() {
	if s.clock != none {
		return
	}
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err == nil {
		err = armClock(fd)
	}
	if err == nil {
		err = s.watch.Add(fd, s.clockSet)
	}
	if err != nil {
		unix.Close(fd)
		s.Log.Warn("that the clock is set will not be noticed: %v", err)
		return
	}
	s.clock = fd
}

// armClock sets a timer that never ends, but is cancelled when the clock is set, also by a resume from suspend (timerfd_create(2),
// TFD_TIMER_CANCEL_ON_SET).
func armClock(fd int) error {
	never := unix.ItimerSpec{Value: unix.NsecToTimespec(math.MaxInt64)} // in 2262
	return unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &never, nil)
}

// clockSet is called when the timer can be read: it was cancelled.
func (s *supervisor) clockSet() {
	buffer := make([]byte, 8)
	if _, err := unix.Read(s.clock, buffer); err == unix.ECANCELED {
		_ = armClock(s.clock) // it was possible before
		s.queue = append(s.queue, machine.ClockSet{Wall: time.Now().UnixNano()})
	}
}

// takeClock goes on with the timer of the previous image: a clock that was set between the two is noticed.
func (s *supervisor) takeClock(fd int) {
	if fd == 0 {
		return
	}
	unix.CloseOnExec(fd)
	if err := s.watch.Add(fd, s.clockSet); err != nil { // watchClock will say so, if it is no better by then
		unix.Close(fd)
		return
	}
	s.clock = fd
}
