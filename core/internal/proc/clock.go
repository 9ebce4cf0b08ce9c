package proc

import (
	"time"

	"golang.org/x/sys/unix"
)

// Monotonic is CLOCK_MONOTONIC in nanoseconds, ahead of it by some microseconds, and by the same in the whole life of a process. It goes on
// over an execve, which the monotonic reading of a time.Time does not.
func Monotonic() int64 { return origin.monotonic + int64(time.Since(origin.moment)) }

// origin is one moment on both clocks. They are the same (runtime.nanotime), but Go's gives differences only, and for a third of the time
// that a system call takes.
var origin = newOrigin()

type moment struct {
	monotonic int64
	moment    time.Time
}

// newOrigin reads Go's clock between two readings of the other, again until nobody has come between: the later one counts, so that the
// next image, which is up some milliseconds later, is never before this one.
func newOrigin() (o moment) {
	shortest := time.Hour
	for range 100 {
		before, now, after := clock(), time.Now(), clock()
		if took := time.Duration(after - before); took < shortest {
			shortest, o = took, moment{after, now}
		}
		if shortest < 10*time.Microsecond {
			break
		}
	}
	return o
}

func clock() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic("internal error: CLOCK_MONOTONIC: " + err.Error()) // clock_gettime(2): cannot fail with these arguments
	}
	return ts.Nano()
}
