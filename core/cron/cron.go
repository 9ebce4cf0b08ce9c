// Package cron says when a schedule comes next: five fields as in crontab(5), a name such as @hourly, or "@every 15m".
//
// It reads no clock, starts nothing and remembers nothing: the caller says after which moment. Of the file system it reads the
// database of time zones. Fields are checked and written as numbers here, and gronx searches for the next moment that fits them, in
// a calendar where no hour is missing or comes twice; next.go puts that on the clock of a zone.
package cron

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

// maxEvery bounds "@every": what is longer is a slip of the pen.
const maxEvery = 10 * 365 * 24 * time.Hour

// Check returns what is wrong with a schedule or a zone, in one line that names the field, nil if nothing is. A schedule that
// never comes, such as one for a 30th of February, is wrong. zone is as for Next.
func Check(schedule, zone string) error {
	if _, err := location(zone); err != nil {
		return err
	}
	s, err := parse(schedule)
	if err != nil || s.every > 0 {
		return err
	}
	_, err = s.search(time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC))
	return err
}

// Next returns the first moment after after at which schedule is due in zone, a name of the tz database, or "" for the zone of the
// process. The moment is a whole minute, but for "@every", which adds to after.
//
// Where a clock is put forward, what was due in the hour that is left out is due once when it is over. Where a clock is put back,
// what is due in the hour that comes twice is due in the first one only. A schedule of every hour, whatever its minutes, follows the
// hours as they pass instead: it is not due in an hour that there is not, and is due in both that there are (cron(8)).
//
// It fails for what Check refuses, and takes milliseconds at most.
func Next(schedule, zone string, after time.Time) (time.Time, error) {
	loc, err := location(zone)
	if err != nil {
		return time.Time{}, err
	}
	s, err := parse(schedule)
	if err != nil {
		return time.Time{}, err
	}
	after = after.In(loc)
	switch {
	case s.every > 0:
		return after.Add(s.every), nil
	case s.hourly:
		return s.nextHourly(after)
	}
	return s.nextDaily(after)
}

func location(zone string) (*time.Location, error) {
	if zone == "" {
		return time.Local, nil
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("cannot find the time zone %q: expected a name such as \"Europe/Berlin\", and the package tzdata", zone)
	}
	return loc, nil
}

// schedule is what the text of one says.
type schedule struct {
	fields string        // five of them, in numbers
	hourly bool          // in every hour of a day
	every  time.Duration // with "@every"; then nothing else counts
}

// search is the first minute after the minute of after that fits. Both are on a clock of no zone, which time.UTC stands for here.
func (s schedule) search(after time.Time) (time.Time, error) {
	next, err := gronx.NextTickAfter(s.fields, after.Truncate(time.Minute), false)
	if err != nil {
		return time.Time{}, errors.New("never comes: no month has such a day")
	}
	return next, nil
}

func parse(text string) (schedule, error) {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, "@every "); ok {
		every, err := parseEvery(strings.TrimSpace(rest))
		return schedule{every: every}, err
	}
	if strings.HasPrefix(text, "@") {
		fields, err := named(text)
		if err != nil {
			return schedule{}, err
		}
		text = fields
	}
	words := strings.Fields(text)
	if len(words) != len(fields()) {
		return schedule{}, fmt.Errorf("expected five fields (minute, hour, day, month, weekday), a name such as \"@daily\" or "+
			"\"@every 15m\", got %d", len(words))
	}
	s := schedule{}
	for i, f := range fields() {
		word, all, err := f.parse(words[i])
		if err != nil {
			return schedule{}, fmt.Errorf("%s: %w", f.name, err)
		}
		words[i] = word
		s.hourly = s.hourly || f.name == "hour" && all
	}
	s.fields = strings.Join(words, " ")
	return s, nil
}

// parseEvery reads a duration as Go writes it, or a number of days.
func parseEvery(text string) (time.Duration, error) {
	every, err := time.ParseDuration(text)
	if number, ok := strings.CutSuffix(text, "d"); ok {
		var days int
		if days, err = strconv.Atoi(number); err == nil {
			every = time.Duration(min(max(days, 0), 1+int(maxEvery/(24*time.Hour)))) * 24 * time.Hour
		}
	}
	switch {
	case err != nil:
		return 0, fmt.Errorf("@every: expected a duration such as \"15m\", got %q", text)
	case every < time.Second:
		return 0, errors.New("@every: expected at least 1s")
	case every > maxEvery:
		return 0, errors.New("@every: is longer than ten years")
	}
	return every, nil
}

// named is what a name means, as in crontab(5).
func named(name string) (string, error) {
	switch name {
	case "@hourly":
		return "0 * * * *", nil
	case "@daily", "@midnight":
		return "0 0 * * *", nil
	case "@weekly":
		return "0 0 * * 0", nil
	case "@monthly":
		return "0 0 1 * *", nil
	case "@yearly", "@annually":
		return "0 0 1 1 *", nil
	case "@reboot":
		return "", errors.New("@reboot is no time: declare a oneshot")
	}
	return "", fmt.Errorf("unknown name %q: there are @hourly, @daily, @weekly, @monthly, @yearly and \"@every 15m\"", name)
}
