package journal

import (
	"fmt"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// disk is the part of a Writer that may have to wait. It belongs to a goroutine of its own.
type disk struct {
	w    *Writer
	open opener
	hide hider

	file   file   // nil when none is open
	size   int64  // of file, what is in buffer included
	good   int64  // of file, as far as whole lines were written
	buffer []byte // lines that are not written yet
	next   uint64 // the number of steps before the one that belongs here
	kept   uint64 // the same, without what is in buffer
	asked  bool   // a segment was asked for, because the file is nearly full
	failed bool   // there is no segment: steps are left out until the next one
	said   bool   // that was said
	pause  time.Duration
	broke  machine.Instant // when it failed the last time
}

func newDisk(w *Writer, open opener) *disk {
	d := &disk{w: w, open: open, hide: hider{key: w.Options.Carried.Key}, next: w.n, kept: w.n, failed: true}
	d.hide.hashOf = d.hide.hash
	d.hide.own = w.Env
	d.hide.learn(program.Config{})
	return d
}

// maxBatch is how many bytes are written at once.
const maxBatch = 64 << 10

func (d *disk) drain() {
	var at machine.Instant
	for e := range d.w.queue {
		at = max(at, e.at)
		switch {
		case e.state != nil:
			d.begin(e)
		case e.event != nil:
			d.step(e)
		}
		if len(d.w.queue) == 0 || len(d.buffer) >= maxBatch || e.done != nil {
			d.write(at)
		}
		if e.done != nil {
			close(e.done)
		}
		if e.last {
			d.close()
			return
		}
	}
}

// begin begins a segment, in the next file if there is no room for it and a good deal more.
func (d *disk) begin(e entry) {
	d.write(e.at)
	lost, begins := e.n-d.kept, e.begins
	switch {
	case begins != "":
	case d.failed || lost > 0:
		begins = AtGap
	default:
		begins = AtRotation
	}
	if err := d.tryBegin(e, begins); err != nil {
		d.fail(e.at, err.Error())
		return
	}
	d.w.wanted.Store(false)
	d.next, d.kept, d.failed, d.asked = e.n, e.n, false, false
	if d.said || lost > 0 {
		d.said = false
		d.w.Say("info", d.w.about(fmt.Sprintf("it goes on; %d events are not in it", lost)))
	}
}

func (d *disk) tryBegin(e entry, begins Begins) error {
	d.hide.learn(e.state.Config)
	if e.state.Reload.Pending != nil {
		d.hide.learn(*e.state.Reload.Pending)
	}
	line, err := encodeLine(Head{
		Format: Format, Version: machine.Escape(d.w.Version), Run: d.w.Options.Carried.Run, N: e.n, Begins: begins, At: e.at, Wall: e.wall,
		State: d.hide.state(*e.state),
	})
	if err != nil {
		return fmt.Errorf("cannot encode the state: %w", err)
	}
	if room := min(d.full(), MaxLine); int64(len(line)) > room {
		return fmt.Errorf("the state alone has %d KiB, and there is room for %d: give it a larger -journal-size", len(line)>>10, room>>10)
	}
	if err := d.roomFor(len(line)); err != nil {
		return err
	}
	d.put(line)
	return d.flush()
}

// full is the size from which on a file is nearly full, and the next segment begins another one.
func (d *disk) full() int64 { return d.w.Size / 4 * 3 }

// roomFor opens the file, and begins the next one if that has no room for a line.
func (d *disk) roomFor(n int) (err error) {
	if d.file == nil {
		d.file, d.size, err = d.open(d.w.Path)
		d.good = d.size
	}
	if err != nil || d.size == 0 || d.size+int64(n) <= d.full() {
		return err
	}
	next, err := d.open.next(d.w.Path)
	if err != nil {
		return err
	}
	d.file.Close()
	d.file, d.size, d.good = next, 0, 0
	return nil
}

// step writes a step, if it belongs to the segment.
func (d *disk) step(e entry) {
	if l, ok := e.event.(machine.Loaded); ok {
		d.hide.learn(l.Config)
	}
	if d.failed {
		return
	}
	line, err := encodeStep(d.hide.words().step(newStep(e.at, e.event, e.actions)))
	switch {
	case err != nil:
		d.fail(e.at, "cannot encode an event: "+err.Error())
	case len(line) > MaxLine || d.size+int64(len(line)) > d.w.Size:
		if d.write(e.at); !d.failed {
			d.fail(0, "more happens at once than -journal-size has room for")
		}
	default:
		d.put(line)
		d.next = e.n + 1
		if d.size > d.full() && !d.asked {
			d.asked = true
			d.want(0)
		}
	}
}

func (d *disk) put(line []byte) {
	d.buffer = append(d.buffer, line...)
	d.size += int64(len(line))
}

// write writes what is in the buffer.
func (d *disk) write(at machine.Instant) {
	if err := d.flush(); err != nil {
		d.fail(at, err.Error())
	}
}

func (d *disk) flush() error {
	if len(d.buffer) == 0 {
		return nil
	}
	_, err := d.file.Write(d.buffer)
	d.buffer = d.buffer[:0]
	if err != nil {
		return fmt.Errorf("cannot write it: %w", cause(err))
	}
	d.good, d.kept = d.size, d.next
	return nil
}

// Between two attempts to write there is a pause, which grows while they fail.
const (
	leastPause = time.Second
	mostPause  = time.Minute
)

// fail ends the segment, and asks for another one: at once if at is 0, and else after a pause.
func (d *disk) fail(at machine.Instant, text string) {
	d.failed, d.buffer = true, d.buffer[:0]
	if d.file != nil { // what is there of a line is of no use; that it stays does no harm either
		_ = d.file.Truncate(d.good)
		d.file.Close()
		d.file = nil
	}
	if !d.said {
		d.said = true
		d.w.Say("warn", d.w.about(text+"; what happens now is not in it"))
	}
	if at == 0 {
		d.want(0)
		return
	}
	if d.broke != 0 && time.Duration(at-d.broke) < 2*mostPause {
		d.pause = min(2*d.pause, mostPause)
	} else {
		d.pause = leastPause
	}
	d.broke = at
	d.want(at + machine.Instant(d.pause))
}

// want asks for a segment, not before that instant.
func (d *disk) want(notBefore machine.Instant) {
	d.w.notBefore.Store(int64(notBefore))
	d.w.wanted.Store(true)
}

func (d *disk) close() {
	if d.file != nil {
		d.file.Close()
	}
}
