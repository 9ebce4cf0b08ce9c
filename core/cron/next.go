package cron

import (
	"sort"
	"time"
)

// onWall is what the clocks at t show, as a moment of UTC.
func onWall(t time.Time) time.Time {
	return t.UTC().Add(time.Duration(offset(t)) * time.Second)
}

// offset is how many seconds clocks are ahead of UTC at t.
func offset(t time.Time) int {
	_, seconds := t.Zone()
	return seconds
}

// at is when clocks of loc show wall while they are that many seconds ahead of UTC.
func at(wall time.Time, offset int, loc *time.Location) time.Time {
	return wall.Add(-time.Duration(offset) * time.Second).In(loc)
}

const (
	watched = 48 * time.Hour // in which change looks for one
	// shifted is more than clocks are ever moved at once: by 24 hours, when a zone changes sides of the date line.
	shifted = 25 * time.Hour
)

// change is the first moment after t at which clocks are put forward or back, or a later one without a change before it. It is
// not made of time.ZoneBounds, whose end lies before t on the last day of leap years (Go 1.26, for years that only a rule covers).
func change(t time.Time) time.Time {
	t = t.Truncate(time.Second)
	now := offset(t)
	for range int(watched / time.Hour) {
		later := t.Add(time.Hour)
		if offset(later) != now {
			n := sort.Search(int(time.Hour/time.Second), func(n int) bool { return offset(t.Add(time.Duration(n)*time.Second)) != now })
			return t.Add(time.Duration(n) * time.Second)
		}
		t = later
	}
	return t
}

// nextHourly follows the hours as they pass: between two changes, clocks are as those of UTC.
func (s schedule) nextHourly(after time.Time) (time.Time, error) {
	loc, from := after.Location(), onWall(after)
	for {
		wall, err := s.search(from)
		if err != nil {
			return time.Time{}, err
		}
		end, next := change(after), at(wall, offset(after), loc)
		switch {
		case next.Before(end):
			return next, nil
		case offset(end) != offset(after):
			after = end
		default: // nothing is due long before that, whatever clocks do until then
			after = next.Add(-shifted)
		}
		from = onWall(after).Add(-time.Nanosecond) // that moment itself may be due
	}
}

// nextDaily takes each moment that clocks show once.
func (s schedule) nextDaily(after time.Time) (time.Time, error) {
	wall := onWall(after)
	for {
		var err error
		if wall, err = s.search(wall); err != nil {
			return time.Time{}, err
		}
		// What is due in an hour that came before is over. There is no more of that than clocks are put back.
		if next := firstShown(wall, after.Location()); next.After(after) {
			return next, nil
		}
	}
}

// firstShown is when clocks of loc first show wall, or, if they leave it out, when they are put forward over it.
func firstShown(wall time.Time, loc *time.Location) time.Time {
	for early := at(wall, 0, loc).Add(-24 * time.Hour); ; {
		end, first := change(early), at(wall, offset(early), loc)
		switch {
		case first.Before(end):
			return first
		case onWall(end).After(wall):
			return end
		}
		early = end
	}
}
