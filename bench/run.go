package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// pace is how much is measured.
type pace struct {
	patience time.Duration // for anything that a supervisor does, however slow the machine is
	settled  time.Duration // that programs have run before something else is done to them
	herd     int           // programs beside each other that are killed in turn
	restarts int           // of them
	budget   time.Duration // for all restarts of a supervisor; those that wait a second before each make fewer
	storm    time.Duration
}

// fullPace is that of the tables. For many supervisors a program has not started until it has lived for a second, and some take half a minute
// to stop 1,000.
func fullPace() pace {
	return pace{patience: 2 * time.Minute, settled: 1200 * time.Millisecond, herd: 100, restarts: 300, budget: 12 * time.Second, storm: 3 * time.Second}
}

// run is a supervisor at work.
type run struct {
	*supervisor
	place *place
	work  work
	pid   int   // of the first of its processes
	pids  []int // of the programs that have reported last
}

// begin has s start the programs, and says how long it took until all had reported. Whoever calls it calls end.
func (p *place) begin(s *supervisor, n int, eager bool) (*run, time.Duration, error) {
	p.drain()
	p.runs++
	r := &run{supervisor: s, place: p, work: work{dir: p.path("run-" + strconv.Itoa(p.runs)), n: n, eager: eager}}
	if err := r.prepare("first"); err != nil {
		return r, 0, err
	}
	log, err := os.Create(r.work.path("log"))
	if err != nil {
		return r, 0, err
	}
	defer log.Close()
	cmd := r.work.cmd(s.command(r.work))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return r, 0, err
	}
	r.pid = cmd.Process.Pid
	_ = cmd.Process.Release() // which never fails: stop waits for it and all that it leaves
	last, err := r.reported(nil)
	if err != nil {
		return r, 0, err
	}
	return r, last.Sub(begun), nil
}

// prepare writes the configuration. Another word makes other programs of them.
func (r *run) prepare(word string) error {
	if err := os.MkdirAll(r.work.dir, 0o755); err != nil {
		return err
	}
	r.work.program = []string{r.place.path("program"), r.place.crash(), word}
	return r.configure(r.work)
}

// reported waits until each program has reported, and yields the moment of the last one. It then waits for the answer to the request that
// they follow, if there is one; a request that failed ends it sooner.
func (r *run) reported(asked <-chan error) (time.Time, error) {
	deadline := time.Now().Add(r.place.patience)
	seen := make(map[int]bool)
	r.pids = r.pids[:0]
	for len(r.pids) < r.work.n {
		switch pid, err := r.place.report(time.Now().Add(time.Second)); {
		case err == nil && !seen[pid]:
			seen[pid] = true
			r.pids = append(r.pids, pid)
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			return time.Time{}, err
		case hasEnded(r.pid):
			return time.Time{}, r.failure("it has ended itself, with %d of %d programs started", len(r.pids), r.work.n)
		case time.Now().After(deadline):
			return time.Time{}, r.failure("%d of %d programs have started in %v", len(r.pids), r.work.n, r.place.patience)
		}
		select {
		case err := <-asked:
			if asked = nil; err != nil {
				return time.Time{}, err
			}
		default:
		}
	}
	last := time.Now()
	if asked == nil {
		return last, nil
	}
	select {
	case err := <-asked:
		return last, err
	case <-time.After(r.place.patience):
		return last, fmt.Errorf("the request has no answer in %v", r.place.patience)
	}
}

// again changes the programs, has all replaced, and says how long it took until the new ones had reported.
func (r *run) again() (time.Duration, error) {
	if err := r.prepare("second"); err != nil {
		return 0, err
	}
	r.place.drain()
	asked := make(chan error, 1)
	begun := time.Now()
	go func() { asked <- r.replace(r) }() // waits for the command that asks for it, sends whether it worked, ends with it
	last, err := r.reported(asked)
	if err != nil {
		return 0, err
	}
	return last.Sub(begun), nil
}

// settle leaves everything alone for a while.
func (r *run) settle() { <-time.After(r.place.settled) }

// stop has the supervisor stop, and says how long it took until it and all below it had ended.
func (r *run) stop() (time.Duration, error) {
	if hasEnded(r.pid) {
		return 0, r.failure("it has ended itself")
	}
	begun := time.Now()
	if err := syscall.Kill(r.pid, r.end); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.place.patience)
	defer cancel()
	if left := collect(ctx); left > 0 {
		return 0, r.failure("%d of its processes and programs have not ended in %v", left, r.place.patience)
	}
	return time.Since(begun), nil
}

// finish kills what is left, and removes its files.
func (r *run) finish() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	collect(ctx)
	return os.RemoveAll(r.work.dir)
}

// collect waits until this process has no children, nor what they have left to it. Once ctx is done it kills them, again and again, and
// yields how many there were.
func collect(ctx context.Context) (left int) {
	gone := make(chan struct{})
	go func() { // waits for children, ends when there are none
		defer close(gone)
		for {
			if _, err := syscall.Wait4(-1, nil, 0, nil); err == syscall.ECHILD {
				return
			}
		}
	}()
	select {
	case <-gone:
		return 0
	case <-ctx.Done():
	}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		left = max(left, killBelow())
		select {
		case <-gone:
			return left
		case <-again.C:
		}
	}
}

// killBelow kills all processes below this one, and says how many.
func killBelow() int {
	below, _ := descendants(os.Getpid()) // what there is of /proc can always be read
	for _, pid := range below {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
	}
	return len(below)
}

// failure is an error for the page. Whoever looks into it sees the end of the supervisor's log.
func (r *run) failure(format string, args ...any) error {
	data, err := os.ReadFile(r.work.path("log"))
	fmt.Fprintf(os.Stderr, "%s: the end of its log: %s\n", r.name, cmp.Or(lastOf(string(data)), fmt.Sprint(err)))
	return fmt.Errorf(format, args...)
}
