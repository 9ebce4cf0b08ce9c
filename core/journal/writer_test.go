package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/sim"
)

// saids is what a Writer says.
type saids struct {
	mu    sync.Mutex
	lines []string
}

func (s *saids) say(level, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, level+" "+text)
}

func (s *saids) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

// life is a machine whose steps are recorded.
type life struct {
	*Writer
	t    *testing.T
	m    *machine.Machine
	now  machine.Instant
	said *saids
	path string
}

func newLife(t *testing.T, size int64, open opener) *life {
	t.Helper()
	l := &life{t: t, m: machine.New(1), now: machine.Instant(time.Hour), said: new(saids), path: filepath.Join(t.TempDir(), "journal")}
	l.Writer = newWriter(Options{File: File{Path: l.path, Size: size}, Version: "1.2.3", Say: l.said.say}, open)
	t.Cleanup(l.Close)
	return l
}

// step is one step, a millisecond after the last one.
func (l *life) step(ev machine.Event) {
	l.now += machine.Instant(time.Millisecond)
	l.Before(l.now, l.m)
	l.After(l.now, ev, l.m.Step(l.now, ev))
}

// crash is a program that crashes so many times.
func (l *life) crash(times int) {
	l.step(machine.Booted{})
	l.step(machine.Loaded{N: 1, Config: program.Config{Programs: []program.Spec{crashing(everySecond, nil)}, Env: []string{"TOKEN=" + canary}}})
	for range times {
		l.crashOnce()
	}
}

func (l *life) crashOnce() {
	s := l.m.State()
	id := machine.ID{Program: "web", Seq: s.Programs[0].Seq}
	l.step(machine.Spawned{ID: id, PID: 100})
	l.step(machine.Exited{ID: id, Code: 1})
	l.now += machine.Instant(time.Second)
	l.step(machine.Wake{})
}

// idle waits until everything so far is written, or left out.
func (l *life) idle() {
	l.t.Helper()
	done := make(chan struct{})
	l.queue <- entry{done: done}
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		l.t.Fatal("the disk does not come to an end")
	}
}

func (l *life) replay() Result {
	l.t.Helper()
	l.idle()
	in, err := Open(l.path)
	if err != nil {
		l.t.Fatal(err)
	}
	defer in.Close()
	r, err := Replay(in, Conf{})
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

// heads are the reasons why segments begin, and the steps before each.
func (l *life) heads() string {
	l.t.Helper()
	l.idle()
	in, err := Open(l.path)
	if err != nil {
		l.t.Fatal(err)
	}
	lines, err := ReadAll(in)
	if err != nil {
		l.t.Fatal(err)
	}
	var words []string
	for _, line := range lines {
		if h := line.Head; h != nil {
			words = append(words, fmt.Sprintf("%s %d", h.Begins, h.N))
		}
	}
	return strings.Join(words, ", ")
}

func TestWriterRecords(t *testing.T) {
	t.Parallel()
	l := newLife(t, 0, openFile)
	l.crash(10)
	r := l.replay()
	if r.Events != 32 || r.Exits != 10 || r.Difference != nil || len(r.Gaps) != 0 {
		t.Errorf("%+v", r)
	}
	if got := l.heads(); got != "start 0" {
		t.Errorf("segments: %s", got)
	}
	data, err := os.ReadFile(l.path)
	if err != nil || bytes.Contains(data, []byte(canary)) || !bytes.Contains(data, []byte(`"TOKEN=#`)) {
		t.Errorf("%v\n%s", err, data)
	}
	if info, err := os.Stat(l.path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if got := l.said.String(); got != "" {
		t.Errorf("it says %s", got)
	}
}

// TestWriterKeepsWhatAnImageCarries: the next image goes on without a gap, and hashes are the same.
func TestWriterKeepsWhatAnImageCarries(t *testing.T) {
	t.Parallel()
	l := newLife(t, 0, openFile)
	l.crash(3)
	carried := l.Carried()
	l.Close()
	l.Writer = newWriter(Options{File: l.File, Version: "1.2.4", Say: l.said.say, Carried: carried}, openFile)
	t.Cleanup(l.Close)
	for range 3 {
		l.crashOnce()
	}
	if r := l.replay(); r.Events != 20 || r.Exits != 6 || r.Lives != 1 || len(r.Gaps) != 0 || r.Difference != nil {
		t.Errorf("%+v", r)
	}
	if got := l.heads(); got != "start 0, handover 11" {
		t.Errorf("segments: %s", got)
	}
	data, _ := os.ReadFile(l.path)
	if _, rest, _ := bytes.Cut(data, []byte(`"TOKEN=#`)); bytes.Count(data, rest[:16]) != bytes.Count(data, []byte(`"TOKEN=#`)) {
		t.Errorf("the same value has several hashes\n%s", data)
	}
}

// TestWriterRotates: both files are within their size, nothing is lost that they could hold, and each can be read alone.
func TestWriterRotates(t *testing.T) {
	t.Parallel()
	const size = LeastSize
	l := newLife(t, size, openFile)
	l.crash(0)
	for i := range 2000 {
		l.crashOnce()
		if i%10 == 0 { // or more would come at once than the last quarter of a file holds
			l.idle()
		}
	}
	r := l.replay()
	if r.Difference != nil || len(r.Gaps) != 0 || r.Exits < 100 || r.Exits > 1000 {
		t.Errorf("%+v", r)
	}
	for _, name := range []string{l.path, former(l.path)} {
		info, err := os.Stat(name)
		if err != nil || info.Size() > size || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if r, err := Replay(Read(name, f), Conf{}); err != nil || r.Difference != nil {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if info, err := os.Stat(former(l.path)); err != nil || info.Size() < size/2 {
		t.Errorf("%v, %v", info, err)
	}
	if got := l.heads(); !strings.HasPrefix(got, "rotation ") || strings.Contains(got, "gap") {
		t.Errorf("segments: %s", got)
	}
	if got := l.said.String(); got != "" {
		t.Errorf("it says %s", got)
	}
}

// faulty is a file that fails, or hangs, while that is so.
type faulty struct {
	file
	mu    sync.Mutex
	err   error
	gate  chan struct{} // nil means open
	part  int           // bytes that are written all the same
	tries int
}

func (f *faulty) set(err error, part int, gate chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.part, f.gate = err, part, gate
}

func (f *faulty) opener() opener {
	return func(path string) (file, int64, error) {
		inner, size, err := openFile(path)
		return &of{inner, f}, size, err
	}
}

// of is one opening of a faulty file.
type of struct {
	file
	f *faulty
}

func (o *of) Write(p []byte) (int, error) {
	o.f.mu.Lock()
	o.f.tries++
	err, gate, part := o.f.err, o.f.gate, o.f.part
	o.f.mu.Unlock()
	if gate != nil {
		<-gate
	}
	if err != nil {
		n, _ := o.file.Write(p[:min(part, len(p))])
		return n, err
	}
	return o.file.Write(p)
}

// TestFullDisk: it is said once, life goes on, and a new segment begins when there is room again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	f := new(faulty)
	l := newLife(t, 0, f.opener())
	l.crash(3)
	l.idle()
	f.set(&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, 30, nil)
	for range 300 {
		l.crashOnce()
		l.idle()
	}
	if f.tries < 5 || f.tries > 20 {
		t.Errorf("in five minutes it has tried %d times", f.tries)
	}
	want := fmt.Sprintf("warn journal %q: cannot write it: no space left on device; what happens now is not in it", l.path)
	if got := l.said.String(); got != want {
		t.Errorf("it says %s\nwant %s", got, want)
	}
	f.set(nil, 0, nil)
	for range 130 { // two minutes
		l.crashOnce()
		l.idle()
	}
	r := l.replay()
	if r.Difference != nil || len(r.Gaps) != 1 || r.Gaps[0].Lost < 900 || r.Gaps[0].Lost > 1300 || r.Exits < 3+60 || r.Cut > 0 {
		t.Errorf("%+v", r)
	}
	if got := strings.Split(l.said.String(), "\n"); len(got) != 2 || got[1] != fmt.Sprintf("info journal %q: it goes on; %d events are not in it", l.path, r.Gaps[0].Lost) {
		t.Errorf("it says %q", got)
	}
}

// TestBlockedDisk: the loop never waits, what does not fit is counted, and a new segment begins when there is room again.
func TestBlockedDisk(t *testing.T) {
	t.Parallel()
	f, gate := new(faulty), make(chan struct{})
	l := newLife(t, 0, f.opener())
	l.crash(3)
	l.idle()
	f.set(nil, 0, gate)
	for range 3 * maxQueue {
		l.crashOnce() // it would wait here for ever
	}
	want := fmt.Sprintf("warn journal %q: the disk does not keep up: what happens now is not in it", l.path)
	if got := l.said.String(); got != want {
		t.Errorf("it says %s\nwant %s", got, want)
	}
	f.set(nil, 0, nil)
	close(gate)
	l.idle()
	for range 10 {
		l.crashOnce()
	}
	r := l.replay()
	if r.Difference != nil || len(r.Gaps) != 1 || r.Gaps[0].Lost < 2*maxQueue || r.Gaps[0].Lost > 9*maxQueue {
		t.Errorf("%+v", r)
	}
	if got := l.said.String(); !strings.HasSuffix(got, fmt.Sprintf("info journal %q: it goes on; %d events are not in it", l.path, r.Gaps[0].Lost)) {
		t.Errorf("it says %s", got)
	}
}

// TestFlushOfABlockedDisk ends: it comes before an execve, and before the end.
func TestFlushOfABlockedDisk(t *testing.T) {
	t.Parallel()
	f, gate := new(faulty), make(chan struct{})
	l := newLife(t, 0, f.opener())
	f.set(nil, 0, gate)
	l.crash(3)
	ended := make(chan struct{})
	go func() {
		l.Flush()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("it waits for the disk")
	}
	close(gate)
}

// TestAStateThatDoesNotFit is said, and costs an attempt now and then.
func TestAStateThatDoesNotFit(t *testing.T) {
	t.Parallel()
	l := newLife(t, LeastSize, openFile)
	l.step(machine.Booted{})
	specs := make([]program.Spec, 2000)
	for i := range specs {
		specs[i] = crashing(policy.Policy{}, nil)
		specs[i].Name = fmt.Sprint("program-", i)
	}
	l.step(machine.Loaded{N: 1, Config: program.Config{Programs: specs}})
	for range 300 {
		l.now += machine.Instant(time.Second)
		l.step(machine.Wake{})
	}
	l.idle()
	if got := strings.Split(l.said.String(), "\n"); len(got) != 1 || !strings.Contains(got[0], "more happens at once than -journal-size has room for") {
		t.Errorf("it says %q", got)
	}
	if info, err := os.Stat(l.path); err != nil || info.Size() > LeastSize {
		t.Errorf("%v, %v", info, err)
	}
}

// TestOpenFile: what is there must be a file of ours, with whole lines, and no other mwlua may write to it.
func TestOpenFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	want := func(want string) {
		t.Helper()
		f, _, err := openFile(path)
		if err == nil {
			f.Close()
		}
		if got := strings.TrimPrefix(fmt.Sprint(err), "<nil>"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	want("it is no regular file")
	os.Remove(path)
	const other, half = "program 'web' {}", `{"mwlua-journal":1,"half a`
	if err := os.WriteFile(path, []byte(other), 0o644); err != nil {
		t.Fatal(err)
	}
	want("it is there already, and is no journal")
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o644 || info.Size() != int64(len(other)) {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.WriteFile(path, []byte(half), 0o644); err != nil {
		t.Fatal(err)
	}
	want("")
	if data, _ := os.ReadFile(path); string(data) != half+"\n" {
		t.Errorf("it has %q", data)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	f, size, err := openFile(path)
	if err != nil || size != int64(len(half))+1 {
		t.Fatal(size, err)
	}
	want("another mwlua writes to it (resource temporarily unavailable)")
	f.Close()
	want("")
	path = filepath.Join(path, "below")
	want("cannot open it: not a directory")
	path = "/dev/full"
	want("it is no regular file")
	if err := CheckFile(t.TempDir()); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// TestAnotherLifeFollowsACrash: a line that was cut off is no harm.
func TestAnotherLifeFollowsACrash(t *testing.T) {
	t.Parallel()
	l := newLife(t, 0, openFile)
	l.crash(5)
	l.idle()
	l.Close()
	info, err := os.Stat(l.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(l.path, info.Size()-10); err != nil {
		t.Fatal(err)
	}
	l.m = machine.New(2)
	l.Writer = newWriter(Options{File: l.File, Say: l.said.say}, openFile)
	t.Cleanup(l.Close)
	l.crash(5)
	r := l.replay()
	if r.Difference != nil || r.Lives != 2 || r.Cut != 1 || r.Exits != 10 || r.Events != 2*17-1 {
		t.Errorf("%+v", r)
	}
}

// TestWriterOfChaos: a Writer whose steps come faster than any supervisor's has gaps perhaps, and no difference.
func TestWriterOfChaos(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		l := newLife(t, LeastSize*4, openFile)
		if err := sim.ChaosWatched(seed, l.Writer); err != nil {
			t.Fatal(err)
		}
		if l.n == 0 {
			continue
		}
		if r := l.replay(); r.Difference != nil {
			t.Errorf("seed %d: %+v: %+v", seed, r, r.Difference)
		}
	}
}
