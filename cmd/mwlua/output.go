package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/mwlua/mwlua/core/supervisor"
)

// loaded says to the launcher that the first load has succeeded. No line of the log holds it.
const loaded = 0

// output is where the log goes: standard error, and to the launcher of a daemon too until the first load has ended. The
// goroutine that writes the log owns it.
type output struct {
	own      io.Writer
	launcher *os.File // nil when there is none, or no more
	ends     func(line string) bool
	mute     atomic.Bool // the launcher is not to be told what is said
}

// Write never fails: there would be nobody to tell.
func (o *output) Write(text []byte) (int, error) {
	_, _ = o.own.Write(text)
	if o.launcher == nil {
		return len(text), nil
	}
	if !o.mute.Load() {
		_, _ = o.launcher.Write(text)
	}
	for line := range bytes.Lines(text) {
		if o.ends(strings.TrimSuffix(string(line), "\n")) {
			_, _ = o.launcher.Write([]byte{loaded})
			o.launcher.Close()
			o.launcher = nil
			break
		}
	}
	return len(text), nil
}

// loadedLine recognises the line of the log that says that a load has succeeded and its programs were started. It is the
// whole line, or its end after the time, so that no name in another one can look like it.
func loadedLine(format supervisor.Format) func(line string) bool {
	if format == supervisor.TextFormat {
		return func(line string) bool { return strings.HasSuffix(line, " NOTICE  configuration loaded") }
	}
	want := fmt.Sprintf("%-11s(%d) : Loading success.", "[NOTICE]", os.Getpid())
	return func(line string) bool { return line == want }
}
