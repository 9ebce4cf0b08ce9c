package haproxycfg

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxTime is the longest time that HAProxy can count, about 24.8 days.
const maxTime = (1<<31 - 1) * time.Millisecond

// units of HAProxy's times. The first one that a word begins with is meant; without any, milliseconds are.
var units = []struct {
	name  string
	worth time.Duration
}{
	{"us", time.Microsecond}, {"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour},
	{"d", 24 * time.Hour}, {"", time.Millisecond},
}

// parseTime reads a number and a unit. rest is what follows them, which HAProxy 2.6 only warns of.
func parseTime(text string) (d time.Duration, rest string, err error) {
	unit := strings.TrimLeft(text, "0123456789")
	number := text[:len(text)-len(unit)]
	if number == "" {
		return 0, "", fmt.Errorf("this is no time: write a number and us, ms, s, m, h or d")
	}
	for _, u := range units {
		rest, found := strings.CutPrefix(unit, u.name)
		if !found {
			continue
		}
		if u.name == "" && rest != "" {
			return 0, "", fmt.Errorf("unknown unit %s: write us, ms, s, m, h or d", quote(rest))
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n > int64(maxTime/u.worth) {
			return 0, "", fmt.Errorf("too long: write %dd at most", maxTime/(24*time.Hour))
		}
		return time.Duration(n) * u.worth, rest, nil
	}
	panic("internal error: no unit matches")
}
