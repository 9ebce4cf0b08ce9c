package keeper

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/internal/signals"
	"github.com/mwlua/mwlua/core/program"
)

// ownerFD is the keeper's end of the connection.
const ownerFD = 3

// Times of a keeper.
const (
	abandoned = time.Second          // the limit for who is told to go when the owner is gone
	stuck     = 10 * time.Second     // after which what was killed and has not ended is given up
	look      = 2 * time.Millisecond // between two looks at what nobody announces: that a process which is no child of ours has ended
)

const mostLooks = 1000

// keeper is one that runs. Only its loop knows it.
type keeper struct {
	owner    *json.Encoder
	requests <-chan request
	started  []int     // pids of what was started and has not ended, the oldest first
	finish   *Finish   // nil until all is to be ended
	due      time.Time // when Limit is over
	discard  []string  // directories that go with it if its owner has ended without a word
}

// Keep is the life of a keeper, whose owner has started it (see Start). It returns the status to exit with. It must be called from the main
// goroutine.
func Keep() int {
	owner := os.NewFile(ownerFD, "owner")
	k := &keeper{owner: json.NewEncoder(owner)}
	err := errors.Join(proc.CloseOnExec(), proc.Own(), proc.Subreaper())
	if err != nil {
		k.say(reply{Error: fmt.Sprintf("cannot keep processes together: %v", err)})
		return 1
	}
	proc.DefaultIgnored()
	requests := make(chan request)
	go readRequests(owner, requests) // waits for words of the owner; sends them; ends with the connection
	k.requests = requests
	for k.finish == nil {
		select {
		case r, ok := <-k.requests:
			k.heard(r, ok)
		case <-signals.Term:
			k.heard(request{}, false)
		case <-signals.Child:
			k.collect()
		}
	}
	report := k.end()
	k.say(reply{Report: &report})
	if k.requests == nil {
		for _, dir := range k.discard {
			_ = os.RemoveAll(dir)
		}
	}
	return 0
}

func readRequests(owner io.Reader, requests chan<- request) {
	defer close(requests)
	words := json.NewDecoder(owner)
	for {
		var r request
		if words.Decode(&r) != nil {
			return
		}
		requests <- r
	}
}

// say tells the owner something. It may be gone.
func (k *keeper) say(r reply) { _ = k.owner.Encode(r) }

// heard takes a request; without ok, that there will be none.
func (k *keeper) heard(r request, ok bool) {
	switch {
	case !ok:
		k.requests = nil
		f := Finish{Limit: abandoned}
		if len(k.started) > 0 {
			f.PID = k.started[0]
		}
		k.hurry(f)
	case r.Discard != nil:
		k.discard = r.Discard
	case r.Start != nil:
		pid, err := proc.Start(k.command(*r.Start))
		if err != nil {
			k.say(reply{Error: fmt.Sprintf("cannot start %s: %v", r.Start.Path, err)})
			return
		}
		k.started = append(k.started, pid)
		k.say(reply{PID: pid})
	case r.Signal != nil:
		answer := reply{}
		if err := proc.SignalBelow(r.Signal.PID, r.Signal.Signal); err != nil {
			answer.Error = err.Error()
		}
		k.say(answer)
	case r.Finish != nil:
		k.hurry(*r.Finish)
	}
}

func (k *keeper) command(c Command) proc.Command {
	return proc.Command{
		Path: c.Path, Argv: c.Argv, Env: c.Env, Dir: c.Dir, Stdio: [3]string{1: c.Output, 2: c.Errors}, NoShell: true,
		Group: program.OwnGroup, Deathsig: int(syscall.SIGTERM), Limits: fileLimit(),
	}
}

// largestFile is how far a file grows, in bytes: what writes without end shall not fill the disk.
const largestFile = 256 << 20

// fileLimit is that as a limit, which a program may take back.
func fileLimit() []proc.Limit {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &now); err != nil {
		return nil
	}
	return []proc.Limit{{Name: "fsize", Soft: min(now.Cur, largestFile), Hard: now.Max}}
}

// hurry has all end, or end earlier.
func (k *keeper) hurry(f Finish) {
	due := time.Now().Add(f.Limit)
	switch {
	case k.finish == nil:
		k.finish, k.due = &f, due
	case due.Before(k.due):
		k.due = due
	}
}

func (k *keeper) collect() {
	proc.Collect(func(int) {}, func(e proc.Exit) {
		if i := slices.Index(k.started, e.PID); i >= 0 {
			k.started = slices.Delete(k.started, i, i+1)
			k.say(reply{PID: e.PID, Ended: &End{Code: e.Code, Signal: e.Signal}})
		}
	})
}

// end ends all: who is told to go first, then the rest.
func (k *keeper) end() Report {
	var report Report
	first := k.finish.PID
	for _, pid := range k.started {
		if pid != first {
			_ = proc.Signal(pid, int(syscall.SIGKILL), false)
		}
	}
	isGone := func() bool { return !slices.Contains(k.started, first) }
	if !isGone() {
		_ = proc.Signal(first, int(syscall.SIGTERM), false)
		if report.Late = !k.until(func() time.Time { return k.due }, isGone); report.Late {
			_ = proc.Signal(first, int(syscall.SIGKILL), false)
			k.until(in(stuck), isGone)
		}
	}
	isEmpty := func() bool { return !proc.HasChildren() }
	if report.Late || !k.until(in(k.finish.Grace), isEmpty) {
		report.Left = below()
	}
	if !k.until(in(stuck), func() bool { _ = proc.KillBelow(); return isEmpty() }) {
		report.Stuck = below()
	}
	return report
}

// below lists who lives below us. Who forks and ends all the time may be missed at first.
func below() (all []Process) {
	for range mostLooks {
		for _, m := range proc.Below() {
			all = append(all, Process{PID: m.PID, Name: m.Name})
		}
		if len(all) > 0 || !proc.HasChildren() {
			break
		}
	}
	return all
}

func in(d time.Duration) func() time.Time {
	at := time.Now().Add(d)
	return func() time.Time { return at }
}

// until waits until something holds, and collects who ends meanwhile. False means that the time was over first.
func (k *keeper) until(deadline func() time.Time, holds func() bool) bool {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		k.collect()
		if holds() {
			return true
		}
		if !time.Now().Before(deadline()) {
			return false
		}
		select {
		case <-tick.C:
		case <-signals.Child:
		case r, ok := <-k.requests:
			k.heard(r, ok)
		}
	}
}
