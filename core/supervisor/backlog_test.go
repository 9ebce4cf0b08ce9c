package supervisor

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// heard is what was written, a write each.
type heard chan string

func (h heard) Write(text []byte) (int, error) {
	h <- string(text)
	return len(text), nil
}

func (h heard) next(t *testing.T) string {
	t.Helper()
	select {
	case text := <-h:
		return text
	case <-time.After(time.Minute):
		t.Fatal("nothing is written")
		return ""
	}
}

// TestBacklogIsWrittenInWholeLines: all that waits, in pieces between which nobody else's lines come; a line that is too long is not cut.
func TestBacklogIsWrittenInWholeLines(t *testing.T) {
	var all bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&all, "%d %s\n", i, strings.Repeat("x", i%90))
	}
	long := strings.Repeat("y", 2*pieceSize) + "\n"
	all.WriteString(long + "the last\n")
	var got string
	for piece := range pieces(all.Bytes()) {
		got += string(piece)
		if len(piece) > pieceSize && string(piece) != long || !bytes.HasSuffix(piece, []byte("\n")) {
			t.Errorf("a piece of %d bytes that ends with %q", len(piece), piece[len(piece)-1])
		}
	}
	if got != all.String() {
		t.Error("something else is written")
	}
}

// TestBacklogWaitsForPush: lines that are gathered are one write.
func TestBacklogWaitsForPush(t *testing.T) {
	b, w := newBacklog(), make(heard)
	go b.drain(w) // waits for what the test does; ends with the process
	b.add("one\n")
	b.add("two\n")
	select {
	case text := <-w:
		t.Errorf("it has written %q on its own", text)
	default:
	}
	b.push()
	if got := w.next(t); got != "one\ntwo\n" {
		t.Errorf("it has written %q", got)
	}
	b.push() // of nothing
	b.add("three\n")
	done := b.written()
	if got := w.next(t); got != "three\n" {
		t.Errorf("it has written %q", got)
	}
	<-done
}

// TestBacklogKeepsNobodyWaiting: what finds no room is lost, and its number is told before the next that does.
func TestBacklogKeepsNobodyWaiting(t *testing.T) {
	b := newBacklog()
	line := strings.Repeat("x", 1023) + "\n"
	for range maxBacklog/len(line) + 7 {
		b.add(line)
	}
	text, _ := b.take(nil)
	if got, want := bytes.Count(text, []byte("\n")), maxBacklog/len(line); got != want {
		t.Errorf("%d lines were kept, want %d", got, want)
	}
	b.add("there is room again\n")
	text, _ = b.take(nil)
	if want := "mwlua: 7 lines of the log were lost: nobody read it\nthere is room again\n"; string(text) != want {
		t.Errorf("got %q, want %q", text, want)
	}
}
