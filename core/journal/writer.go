package journal

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/mwlua/mwlua/core/machine"
)

// File is where a journal is.
type File struct {
	Path string // absolute; "" means that there is none
	Size int64  // the largest that FILE, and FILE.1, may be, in bytes; 0 means DefaultSize
}

// Bounds of File.Size, in bytes.
const (
	DefaultSize = 16 << 20
	LeastSize   = 64 << 10
)

// Options say what a Writer writes.
type Options struct {
	File
	Version string // of mwlua
	// Say is called when the journal cannot be written, and when it can again, from any goroutine: level is "warn" or "info". It must
	// not wait.
	Say func(level, text string)
	// Env is the environment of mwlua, NAME=VALUE: its values are not to be in the journal either, whoever says them.
	Env []string
	// Carried is what Carried of the image before has returned; the zero one begins a life.
	Carried Carried
}

// Carried is what the next image has to know, so that a hand-over leaves no gap. The key is a secret.
type Carried struct {
	Run string
	Key []byte
	N   uint64
}

// Writer records what the loop of a supervisor does. Before, After, Carried, Flush and Close are called by that one goroutine. None waits
// for the disk, but for Flush and Close, for a second at most.
type Writer struct {
	Options
	queue  chan entry
	n      uint64 // steps so far
	begun  bool   // a segment was begun, by this image
	gap    bool   // a step found no room in the queue: what follows is of no use without a segment
	told   bool   // that was said
	closed bool

	// wanted is set by the disk: it needs a segment, but not before notBefore.
	wanted    atomic.Bool
	notBefore atomic.Int64
}

// entry is a step, or the begin of a segment, or, with done, the wish to know that all before it were written.
type entry struct {
	n       uint64 // steps before this entry
	at      machine.Instant
	event   machine.Event
	actions []machine.Action

	state  *machine.State
	wall   time.Time
	begins Begins

	done chan<- struct{}
	last bool // nothing follows
}

// maxQueue bounds what waits to be written, in entries.
const maxQueue = 4096

// NewWriter returns one that writes to a file. That it cannot is said, and no error: it tries again.
func NewWriter(o Options) *Writer {
	return newWriter(o, openFile)
}

func newWriter(o Options, open opener) *Writer {
	if o.Size == 0 {
		o.Size = DefaultSize
	}
	if o.Carried.Run == "" {
		o.Carried = Carried{Run: newRun(), Key: random(32)}
	}
	w := &Writer{Options: o, queue: make(chan entry, maxQueue), n: o.Carried.N}
	w.wanted.Store(true)
	d := newDisk(w, open)
	go d.drain() // waits for entries and for the disk; sends what Flush waits for; ends with Close, or with the process
	return w
}

func newRun() string { return hex.EncodeToString(random(8)) }

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // it never fails
	return b
}

// Before is called before a step, at the same instant: it begins a segment, if one is due.
func (w *Writer) Before(now machine.Instant, m *machine.Machine) {
	due := w.gap || w.wanted.Load() && int64(now) >= w.notBefore.Load()
	if !due || len(w.queue) > maxQueue/2 {
		return
	}
	w.wanted.Store(false)
	state := m.Snapshot()
	e := entry{n: w.n, at: now, state: &state, wall: time.Now().Round(0)}
	if !w.begun {
		e.begins = AtStart
		if w.n > 0 {
			e.begins = AtHandover
		}
	}
	w.begun, w.gap, w.told = true, false, false
	w.queue <- e // there is room: nobody else puts anything in
}

// After is called after a step, with what the machine answered, before any of that is performed.
func (w *Writer) After(now machine.Instant, ev machine.Event, actions []machine.Action) {
	e := entry{n: w.n, at: now, event: ev, actions: actions}
	w.n++
	if w.gap || !w.begun {
		return
	}
	select {
	case w.queue <- e:
	default:
		w.gap = true
		if !w.told {
			w.told = true
			w.Say("warn", w.about("the disk does not keep up: what happens now is not in it"))
		}
	}
}

// about is a text about this journal.
func (w *Writer) about(text string) string { return fmt.Sprintf("journal %q: %s", w.Path, text) }

// Carried is what the next image continues with.
func (w *Writer) Carried() Carried {
	return Carried{Run: w.Options.Carried.Run, Key: w.Options.Carried.Key, N: w.n}
}

// patience is how long Flush and Close wait for the disk.
const patience = time.Second

// Flush waits until all is written, but no longer than a second: it comes before an execve.
func (w *Writer) Flush() { w.flush(false) }

// Close is Flush, and the end of w. Another Close does nothing.
func (w *Writer) Close() {
	if !w.closed {
		w.closed = true
		w.flush(true)
	}
}

func (w *Writer) flush(last bool) {
	late := time.After(patience)
	done := make(chan struct{})
	select {
	case w.queue <- entry{done: done, last: last}:
	case <-late:
		return
	}
	select {
	case <-done:
	case <-late:
	}
}
