package supervisor

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"sync"
)

const (
	// maxBacklog bounds what waits to be written, in bytes: the lines of some thousands of programs.
	maxBacklog = 512 << 10
	// pieceSize is how much is written at once, in bytes: PIPE_BUF, up to which what programs write into the same pipe does not come
	// between (pipe(7)).
	pieceSize = 4 << 10
)

// backlog is lines on their way to a file. It keeps nobody waiting: what finds no room is lost, and counted. Its methods may be called from
// any goroutine, but for drain.
type backlog struct {
	pushed chan struct{} // has one entry when there is something to be written

	mu   sync.Mutex // guards what follows
	text []byte
	lost int             // how many of add found no room since one did
	wait []chan struct{} // to be closed when all before is written
}

func newBacklog() *backlog { return &backlog{pushed: make(chan struct{}, 1)} }

// add takes whole lines. They are written after push, or earlier if there are many.
func (b *backlog) add(lines string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lost > 0 {
		lines = fmt.Sprintf("mwlua: %d lines of the log were lost: nobody read it\n", b.lost) + lines
	}
	if len(b.text)+len(lines) > maxBacklog {
		b.lost++
		return
	}
	b.lost = 0
	if b.text = append(b.text, lines...); len(b.text) >= pieceSize {
		b.wake()
	}
}

// push has all that was added written.
func (b *backlog) push() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.text) > 0 {
		b.wake()
	}
}

func (b *backlog) wake() {
	select {
	case b.pushed <- struct{}{}:
	default: // it was said already
	}
}

// written returns what is closed when all that was added is written.
func (b *backlog) written() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	done := make(chan struct{})
	b.wait = append(b.wait, done)
	b.wake()
	return done
}

// take takes all that is to be done, and leaves the room of spare for what follows.
func (b *backlog) take(spare []byte) (text []byte, wait []chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	text, wait = b.text, b.wait
	b.text, b.wait = spare[:0], nil
	return text, wait
}

// drain writes to w for good.
func (b *backlog) drain(w io.Writer) {
	var spare []byte
	for range b.pushed {
		text, wait := b.take(spare)
		for piece := range pieces(text) {
			_, _ = w.Write(piece) // there is nobody left to tell
		}
		for _, done := range wait {
			close(done)
		}
		spare = text
		if cap(spare) > 4*pieceSize {
			spare = nil
		}
	}
}

// pieces yields text in whole lines of at most pieceSize together; a longer one is a piece of its own.
func pieces(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(text) > 0 {
			n := bytes.LastIndexByte(text[:min(len(text), pieceSize)], '\n') + 1
			if n == 0 {
				n = bytes.IndexByte(text, '\n') + 1
			}
			if n == 0 {
				n = len(text)
			}
			if !yield(text[:n]) {
				return
			}
			text = text[n:]
		}
	}
}
