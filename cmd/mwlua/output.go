package main

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// loaded says to the launcher that the first load has succeeded. No line of the log holds it.
const loaded = 0

// output is where the log goes: standard error, and to the launcher of a daemon too until the first load has ended.
type output struct {
	own      io.Writer
	mu       sync.Mutex
	launcher *os.File    // nil when there is none, or no more
	mute     atomic.Bool // the launcher is not to be told what is said
}

// Write never fails: there would be nobody to tell.
func (o *output) Write(text []byte) (int, error) {
	_, _ = o.own.Write(text)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.launcher != nil && !o.mute.Load() {
		_, _ = o.launcher.Write(text)
	}
	return len(text), nil
}

// ready lets the launcher go: the first load has succeeded, and its programs were started.
func (o *output) ready() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.launcher != nil {
		_, _ = o.launcher.Write([]byte{loaded})
		o.launcher.Close()
		o.launcher = nil
	}
}
