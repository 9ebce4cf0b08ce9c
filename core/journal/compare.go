package journal

import (
	"slices"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
)

// compare compares what is said of ends, as far as both have said it. Under another configuration everybody has answered by now, so
// what was said and is not is a difference; a machine of another version may say it a step later.
func (r *replayer) compare() {
	left := r.then[:0]
	for _, t := range r.then {
		j := slices.IndexFunc(r.now, func(n said) bool { return n.ID == t.ID })
		var n *said
		if j >= 0 {
			n = new(r.now[j])
			r.now = slices.Delete(r.now, j, j+1)
		}
		switch {
		case t.undecided || r.Difference != nil:
		case n == nil && r.conf.Config == nil:
			left = append(left, t)
		case n == nil || !same(t, *n):
			r.differs(t, n)
		}
	}
	r.then = left
}

// end is the end of a history: what was said, and would not be said now, is a difference.
func (r *replayer) end() {
	if r.Difference == nil && len(r.then) > 0 {
		r.differs(r.then[0], nil)
	}
}

// differs tells of a difference, or of one before it.
func (r *replayer) differs(then said, now *said) {
	if len(r.then) > 0 && r.then[0].at < then.at {
		then, now = r.then[0], nil
	}
	r.Difference = &Difference{Place: then.place, At: then.wall, ID: then.ID, Then: &then.Outcome, ThenAt: then.at, NowAt: then.at}
	if now != nil {
		r.Difference.Now, r.Difference.NowAt = &now.Outcome, now.at
	}
}

// same says that the same follows. Who has decided, and with which words, does not count. A restart comes at the same time, or, where
// the answer took time then, sooner by that.
func same(then, now said) bool {
	if then.Verdict.Do != now.Verdict.Do || then.Verdict.ExitCode != now.Verdict.ExitCode {
		return false
	}
	if then.Verdict.Do != policy.Restart {
		return true
	}
	if d := then.Verdict.Delay - now.Verdict.Delay; d.Abs() > time.Millisecond {
		return false
	}
	sooner := then.Until - now.Until
	return sooner >= 0 && sooner <= max(then.at-now.at, 0)+machine.Instant(time.Millisecond)
}

// compareQuit compares whether mwlua leaves with this step, and with which status. left says that it had left before, now.
func (r *replayer) compareQuit(then *int, left bool) {
	var now *int
	if r.quit && !left {
		now = new(r.status)
	}
	if (then == nil) == (now == nil) && (then == nil || *then == *now) {
		return
	}
	r.Difference = &Difference{
		Place: r.line.Place, At: r.timeOf(r.last), QuitThen: then, QuitNow: now, ThenAt: r.last, NowAt: r.last,
	}
}
