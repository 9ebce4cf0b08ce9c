package lua

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// maxDuration bounds durations: what is longer is a slip of the pen.
const maxDuration = 10 * 365 * 24 * time.Hour

func (v value) duration() (time.Duration, bool) {
	text, ok := v.lv.(lua.LString)
	if !ok {
		hint := ""
		if n, isNumber := v.lv.(lua.LNumber); isNumber {
			hint = fmt.Sprintf(": write the unit, such as \"%ss\"", numeral(float64(n)))
		}
		v.errorf("expected a duration such as \"5s\", got %s%s", describe(v.lv), hint)
		return 0, false
	}
	d, problem := parseDuration(string(text))
	if problem != "" {
		v.errorf("expected a duration such as \"250ms\", \"5s\", \"1h30m\" or \"1d\", got %s: %s", describe(v.lv), problem)
		return 0, false
	}
	return d, true
}

// parseDuration reads numbers with units. problem says what is wrong with text.
func parseDuration(text string) (total time.Duration, problem string) {
	rest := strings.TrimSpace(text)
	if rest == "" {
		return 0, "it is empty"
	}
	for rest != "" {
		n := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		number, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil {
			return 0, "it does not begin with a number"
		}
		rest = strings.TrimSpace(rest[n:])
		n = len(rest) - len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyzµABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		unit, ok := unitOf(rest[:n])
		switch {
		case rest[:n] == "" && number == 0:
			unit = 1
		case rest[:n] == "":
			return 0, "it has no unit"
		case !ok:
			return 0, fmt.Sprintf("the units are ms, s, m, h and d, not %s", quote(rest[:n]))
		}
		rest = strings.TrimSpace(rest[n:])
		if number*float64(unit) > float64(maxDuration) || total+time.Duration(number*float64(unit)) > maxDuration {
			return 0, "it is longer than ten years"
		}
		total += time.Duration(math.Round(number * float64(unit)))
	}
	return total, ""
}

func unitOf(name string) (time.Duration, bool) {
	switch name {
	case "ms":
		return time.Millisecond, true
	case "s":
		return time.Second, true
	case "m":
		return time.Minute, true
	case "h":
		return time.Hour, true
	case "d":
		return 24 * time.Hour, true
	}
	return 0, false
}

// timeout is a duration above 0, or 0 for false, which means none.
func (v value) timeout() (time.Duration, bool) {
	if v.lv == lua.LFalse {
		return 0, true
	}
	d, ok := v.duration()
	if ok && d == 0 {
		v.errorf("expected more than 0; false means no limit")
		return 0, false
	}
	return d, ok
}

// size is a number of bytes.
func (v value) size() (uint64, bool) {
	switch lv := v.lv.(type) {
	case lua.LNumber:
		if f := float64(lv); f >= 0 && f == math.Trunc(f) && f <= 1<<53 {
			return uint64(f), true
		}
	case lua.LString:
		if n, ok := parseSize(string(lv)); ok {
			return n, true
		}
	}
	v.expected("a size such as \"64MiB\", or a number of bytes")
	return 0, false
}

func parseSize(text string) (uint64, bool) {
	n := len(text) - len(strings.TrimLeft(text, "0123456789"))
	number, err := strconv.ParseUint(text[:n], 10, 63)
	if err != nil {
		return 0, false
	}
	shift, ok := map[string]int{"": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}[strings.TrimSpace(text[n:])]
	if !ok || number > math.MaxInt64>>shift {
		return 0, false
	}
	return number << shift, true
}

// mode is a file mode: "0640". A number would be read as a decimal one.
func (v value) mode() (uint32, bool) {
	text, ok := v.lv.(lua.LString)
	if n, err := strconv.ParseUint(string(text), 8, 32); ok && err == nil && n <= 0o777 {
		return uint32(n), true
	}
	v.expected("a mode in quotes such as \"0640\"")
	return 0, false
}

// signal is a signal by its name or number.
func (v value) signal() (int, bool) {
	switch lv := v.lv.(type) {
	case lua.LNumber:
		if f := float64(lv); f >= 1 && f <= 64 && f == math.Trunc(f) {
			return int(f), true
		}
	case lua.LString:
		if n, ok := signalNumber(string(lv)); ok {
			return n, true
		}
		var names []string
		for _, name := range signalNames() {
			if name != "" {
				names = append(names, "SIG"+name)
			}
		}
		v.errorf("expected a signal such as \"SIGTERM\", got %s%s", describe(v.lv), suggest(string(lv), names))
		return 0, false
	}
	v.expected("a signal such as \"SIGTERM\"")
	return 0, false
}

// signalNumber reads SIGTERM, TERM and SIGRTMIN+3.
func signalNumber(name string) (int, bool) {
	name = strings.TrimPrefix(strings.ToUpper(name), "SIG")
	for n, known := range signalNames() {
		if known == name && name != "" {
			return n, true
		}
	}
	if rest, ok := strings.CutPrefix(name, "RTMIN"); ok {
		n, err := strconv.Atoi(strings.TrimPrefix(rest, "+"))
		if rest == "" {
			n, err = 0, nil
		}
		if err == nil && n >= 0 && n <= 30 {
			return firstRealTime + n, true
		}
	}
	return 0, false
}

// firstRealTime is SIGRTMIN as the C libraries have it: they keep the first two for themselves.
const firstRealTime = 34

// signalNames are Linux's names of signals, by their numbers.
func signalNames() []string {
	return []string{"", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
		"TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
		"PWR", "SYS"}
}
