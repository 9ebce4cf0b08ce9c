package control

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// highestSignal is the last one of signal(7), SIGRTMAX.
const highestSignal = 64

// ParseSignal reads a signal: HUP, SIGHUP, hup or 1.
func ParseSignal(text string) (int, error) {
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n <= highestSignal {
		return n, nil
	}
	name := strings.ToUpper(text)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if n := unix.SignalNum(name); n > 0 {
		return int(n), nil
	}
	return 0, fmt.Errorf("there is no signal %q: write a name such as HUP, or a number from 1 to %d", text, highestSignal)
}

// signalName is what ParseSignal reads; "" for 0.
func signalName(n int) string {
	name := unix.SignalName(unix.Signal(n))
	switch {
	case n == 0:
		return ""
	case name == "":
		return strconv.Itoa(n)
	}
	return strings.TrimPrefix(name, "SIG")
}
