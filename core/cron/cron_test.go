package cron

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	tests := []struct{ schedule, want string }{
		{"15 3 * * *", ""},
		{" */5\t0-23/2 1,15 jan-MAR,12 Mon-fri ", ""},
		{"0 0 * * fri-sun", ""},
		{"0 0 * * 7", ""},
		{"5/15 * * * *", ""},
		{"@hourly", ""}, {"@daily", ""}, {"@midnight", ""}, {"@weekly", ""}, {"@monthly", ""}, {"@yearly", ""}, {"@annually", ""},
		{"@every 1s", ""}, {"@every  1h30m", ""}, {"@every 7d", ""},
		{"0 0 29 2 *", ""},
		{"0 0 30 2 1", ""}, // on Mondays of February, as crontab(5) has it
		{"61 * * * *", `minute: "61" is not 0 to 59`},
		{"* 24 * * *", `hour: "24" is not 0 to 23`},
		{"* * 0 * *", `day: "0" is not 1 to 31`},
		{"* * * 13 *", `month: "13" is not 1 to 12, nor jan to dec`},
		{"* * * may-jul-sep *", `month: "jul-sep" is not 1 to 12, nor jan to dec`},
		{"* * * * 8", `weekday: "8" is not 0 to 7, nor sun to sat`},
		{"* * * * jan", `weekday: "jan" is not 0 to 7, nor sun to sat`},
		{"* * L * *", `day: "L" is not 1 to 31`},
		{"? * * * *", `minute: "?" is not 0 to 59`},
		{"+1 * * * *", `minute: "+1" is not 0 to 59`},
		{"-1 * * * *", `minute: something is missing beside a comma, a dash or a slash`},
		{"1, * * * *", `minute: something is missing beside a comma, a dash or a slash`},
		{"5-1 * * * *", `minute: the range 5-1 goes backwards`},
		{"*/0 * * * *", `minute: the step in "*/0" is not 1 to 59`},
		{"*/x * * * *", `minute: the step in "*/x" is not 1 to 59`},
		{"*/1/2 * * * *", `minute: the step in "*/1/2" is not 1 to 59`},
		{"*/+2 * * * *", `minute: the step in "*/+2" is not 1 to 59`},
		{"", `expected five fields (minute, hour, day, month, weekday), a name such as "@daily" or "@every 15m", got 0`},
		{"* * * *", `expected five fields (minute, hour, day, month, weekday), a name such as "@daily" or "@every 15m", got 4`},
		{"0 * * * * *", `expected five fields (minute, hour, day, month, weekday), a name such as "@daily" or "@every 15m", got 6`},
		{"0 * * * * 2030", `expected five fields (minute, hour, day, month, weekday), a name such as "@daily" or "@every 15m", got 6`},
		{"@always", `unknown name "@always": there are @hourly, @daily, @weekly, @monthly, @yearly and "@every 15m"`},
		{"@every", `unknown name "@every": there are @hourly, @daily, @weekly, @monthly, @yearly and "@every 15m"`},
		{"@reboot", `@reboot is no time: declare a oneshot`},
		{"@every 15", `@every: expected a duration such as "15m", got "15"`},
		{"@every xd", `@every: expected a duration such as "15m", got "xd"`},
		{"@every 999ms", `@every: expected at least 1s`},
		{"@every -5m", `@every: expected at least 1s`},
		{"@every 99999999999d", `@every: is longer than ten years`},
		{"0 0 30 2 *", `never comes: no month has such a day`},
		{"0 0 31 4,6,9,11 *", `never comes: no month has such a day`},
	}
	for _, test := range tests {
		if got := text(Check(test.schedule, "")); got != test.want {
			t.Errorf("%q: got  %s\nwant %s", test.schedule, got, test.want)
		}
		if _, err := Next(test.schedule, "", time.Unix(1e9, 0)); text(err) != test.want {
			t.Errorf("%q: Next says %s\nwant %s", test.schedule, text(err), test.want)
		}
	}
	want := `cannot find the time zone "Mars/Olympus": expected a name such as "Europe/Berlin", and the package tzdata`
	if got := text(Check("@daily", "Mars/Olympus")); got != want {
		t.Error(got)
	}
	if _, err := Next("@daily", "Mars/Olympus", time.Unix(0, 0)); text(err) != want {
		t.Error(err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestNextIsWithinTheDayWhenClocksChange(t *testing.T) {
	tests := []struct {
		name, schedule, zone, after string
		want                        string // the next ones, which show their zone
	}{
		{"an hour that is left out is due when it is over", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00",
			"Mar 29 03:00 CEST, Mar 30 02:30 CEST"},
		{"all that is due in it is due once", "*/10 2,3 * * *", "Europe/Berlin", "2026-03-29T01:59:00+01:00",
			"Mar 29 03:00 CEST, Mar 29 03:10 CEST"},
		{"an hour that comes twice counts once", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00",
			"Oct 25 02:30 CEST, Oct 26 02:30 CET"},
		{"also when asked between the two", "*/30 2 * * *", "Europe/Berlin", "2026-10-25T02:10:00+01:00",
			"Oct 26 02:00 CET, Oct 26 02:30 CET"},
		{"every hour is every hour there is, in spring", "30 * * * *", "Europe/Berlin", "2026-03-29T01:00:00+01:00",
			"Mar 29 01:30 CET, Mar 29 03:30 CEST"},
		{"and in autumn", "@hourly", "Europe/Berlin", "2026-10-25T01:30:00+02:00",
			"Oct 25 02:00 CEST, Oct 25 02:00 CET, Oct 25 03:00 CET"},
		{"every quarter of an hour", "*/15 0-23 * * *", "Europe/Berlin", "2026-10-25T02:30:00+02:00",
			"Oct 25 02:45 CEST, Oct 25 02:00 CET"},
		{"every second hour is not every hour", "0 */2 * * *", "Europe/Berlin", "2026-10-25T01:00:00+02:00",
			"Oct 25 02:00 CEST, Oct 25 04:00 CET"},
		{"half an hour is left out", "15 2 * * *", "Australia/Lord_Howe", "2026-10-04T01:00:00+10:30",
			"Oct  4 02:30 +11, Oct  5 02:15 +11"},
		{"a day is left out", "0 12 * * *", "Pacific/Apia", "2011-12-29T13:00:00-10:00",
			"Dec 31 00:00 +14, Dec 31 12:00 +14"},
		{"the last day of a leap year that only a rule covers", "30 2 * * *", "Europe/Berlin", "2040-12-30T12:00:00+01:00",
			"Dec 31 02:30 CET, Jan  1 02:30 CET"},
		{"the same every hour", "0 * * * *", "Europe/Berlin", "2040-12-31T22:00:00+01:00", "Dec 31 23:00 CET, Jan  1 00:00 CET"},
		{"UTC has no changes", "30 2 * * *", "UTC", "2026-03-28T12:00:00Z", "Mar 29 02:30 UTC, Mar 30 02:30 UTC"},
		{"a name is a time of day as well", "@daily", "America/Santiago", "2026-09-05T12:00:00-04:00",
			"Sep  6 01:00 -03, Sep  7 00:00 -03"},
		{"a duration is one on every clock", "@every 90m", "Europe/Berlin", "2026-03-29T01:10:20+01:00",
			"Mar 29 03:40 CEST, Mar 29 05:10 CEST"},
	}
	for _, test := range tests {
		after, err := time.Parse(time.RFC3339, test.after)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for range strings.Split(test.want, ", ") {
			if after, err = Next(test.schedule, test.zone, after); err != nil {
				t.Fatal(err)
			}
			got = append(got, after.Format("Jan _2 15:04 MST"))
		}
		if got := strings.Join(got, ", "); got != test.want {
			t.Errorf("%s: %s\ngot  %s\nwant %s", test.name, test.schedule, got, test.want)
		}
	}
}

func TestNextIsAfterTheSecond(t *testing.T) {
	noon := time.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC)
	for after, want := range map[time.Duration]time.Duration{-1: 0, 0: time.Minute, 1: time.Minute, time.Minute - 1: time.Minute} {
		got, err := Next("* * * * *", "UTC", noon.Add(after))
		if err != nil || !got.Equal(noon.Add(want)) {
			t.Errorf("after %v: %v, %v", after, got, err)
		}
	}
}

// TestNextFindsTheFirstMinuteThatFits compares with a search minute by minute.
func TestNextFindsTheFirstMinuteThatFits(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 1000 {
		words := make([]string, 5)
		for i, f := range fields() {
			words[i] = f.random(random)
		}
		text := strings.Join(words, " ")
		after := time.Date(2024, time.January, 1, 0, random.IntN(2*365*24*60), 0, 0, time.UTC)
		want, found := firstFit(t, words, after)
		got, err := Next(text, "UTC", after)
		if found && (err != nil || !got.Equal(want)) || !found && err == nil && got.Before(after.AddDate(searchedYears, 0, 0)) {
			t.Errorf("%d: %q after %v: got %v, %v; want %v", n, text, after, got, err, want)
		}
	}
}

// random is a text of f.
func (f field) random(r *rand.Rand) string {
	one := func() int { return f.low + r.IntN(f.high-f.low+1) }
	step := 1 + r.IntN(f.high/2)
	from, to := one(), one()
	switch r.IntN(8) {
	case 0, 1, 2:
		return "*"
	case 3:
		return fmt.Sprintf("*/%d", step)
	case 4:
		return fmt.Sprintf("%d,%d", from, to)
	case 5:
		return fmt.Sprintf("%d-%d", min(from, to), max(from, to))
	case 6:
		return fmt.Sprintf("%d-%d/%d,%d", min(from, to), max(from, to), step, one())
	}
	return fmt.Sprint(from)
}

const searchedYears = 9

// firstFit goes through days, then through minutes, by the words of crontab(5).
func firstFit(t *testing.T, words []string, after time.Time) (time.Time, bool) {
	var sets [5][]bool
	for i, f := range fields() {
		sets[i] = make([]bool, f.high+1)
		for item := range strings.SplitSeq(words[i], ",") {
			s, err := f.item(item)
			if err != nil {
				t.Fatal(err)
			}
			for n := s.from; n <= s.to; n += s.step {
				sets[i][n] = true
			}
		}
	}
	sets[4][0] = sets[4][0] || sets[4][7]
	day := time.Date(after.Year(), after.Month(), after.Day(), 0, 0, 0, 0, time.UTC)
	for range searchedYears * 366 {
		byDay, byWeekday := sets[2][day.Day()], sets[4][day.Weekday()]
		fits := byDay && byWeekday
		if words[2][0] != '*' && words[4][0] != '*' {
			fits = byDay || byWeekday
		}
		if fits && sets[3][day.Month()] {
			for minute := range 24 * 60 {
				at := day.Add(time.Duration(minute) * time.Minute)
				if sets[1][at.Hour()] && sets[0][at.Minute()] && at.After(after) {
					return at, true
				}
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

// TestNextGoesOnInEveryZone follows schedules over changes of clocks: each is later than the one before, and nothing is left out.
func TestNextGoesOnInEveryZone(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/Caracas", "Asia/Kathmandu"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, schedule := range []string{"17 * * * *", "30 2 * * *", "*/20 1-3 * * sun", "0 0 1 * *", "5 * 1 * *"} {
			at := time.Date(2005, time.January, 1, 0, 0, 0, 0, loc)
			for range 200 {
				next, err := Next(schedule, zone, at)
				if err != nil || !next.After(at) || next.Sub(at) > 32*24*time.Hour {
					t.Fatalf("%s %q: after %v comes %v, %v", zone, schedule, at, next, err)
				}
				if between, _ := Next(schedule, zone, at.Add(next.Sub(at)/2)); !between.Equal(next) {
					t.Fatalf("%s %q: after %v comes %v, but halfway %v", zone, schedule, at, next, between)
				}
				at = next
			}
		}
	}
}

func FuzzNext(f *testing.F) {
	for _, schedule := range []string{"15 3 * * *", "*/5 0-23/2 1,15 jan-mar mon-fri", "@every 15m", "@daily", "0 0 30 2 *"} {
		f.Add(schedule, int64(1_700_000_000))
	}
	f.Fuzz(func(t *testing.T, schedule string, after int64) {
		at := time.Unix(after%(1<<40), 0)
		wrong := Check(schedule, "Europe/Berlin")
		next, err := Next(schedule, "Europe/Berlin", at)
		switch {
		case text(wrong) != text(err):
			t.Errorf("%q: Check says %v, Next %v", schedule, wrong, err)
		case err == nil && !next.After(at):
			t.Errorf("%q: after %v comes %v", schedule, at, next)
		case err != nil && slices.ContainsFunc([]byte(err.Error()), func(b byte) bool { return b < ' ' }):
			t.Errorf("%q: %v is not one line", schedule, err)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	for _, schedule := range []string{"*/5 * * * *", "30 2 * * *", "0 0 29 2 *"} {
		b.Run(schedule, func(b *testing.B) {
			for b.Loop() {
				if _, err := Next(schedule, "Europe/Berlin", time.Unix(1_700_000_000, 0)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
