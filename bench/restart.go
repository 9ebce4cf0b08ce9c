package main

import (
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"
)

// latencies kills programs in turn, each when it is as old as age, and yields how long it took until another one had reported.
func (r *run) latencies(age time.Duration) ([]time.Duration, error) {
	var took []time.Duration
	born := make([]time.Time, len(r.pids))
	begun := time.Now()
	for i := range born {
		born[i] = begun
	}
	for i := 0; len(took) < r.place.restarts && time.Since(begun) < r.place.budget; i = (i + 1) % len(r.pids) {
		<-time.After(time.Until(born[i].Add(age)))
		killed := time.Now()
		if err := syscall.Kill(r.pids[i], syscall.SIGKILL); err != nil {
			return nil, fmt.Errorf("cannot kill a program: %v", err)
		}
		pid, err := r.place.report(killed.Add(r.place.budget))
		if err != nil {
			return nil, r.failure("no program was started again in %v", r.place.budget)
		}
		born[i] = time.Now()
		r.pids[i] = pid
		took = append(took, born[i].Sub(killed))
	}
	slices.Sort(took)
	return took, nil
}

// restart has s run a herd, and says how long restarts took, the shortest first.
func (p *place) restart(s *supervisor) (took []time.Duration, err error) {
	r, _, err := p.begin(s, p.herd, true)
	defer func() { err = firstOf(err, r.finish()) }()
	if err != nil {
		return nil, err
	}
	if took, err = r.latencies(p.settled); err != nil {
		return nil, err
	}
	_, err = r.stop()
	return took, err
}

// crashes has s run a program that ends as soon as it has started, after one that has not, and says how many starts that made a second.
func (p *place) crashes(s *supervisor) (perSecond float64, err error) {
	r, _, err := p.begin(s, 1, true)
	defer func() { err = firstOf(err, os.RemoveAll(p.crash()), r.finish()) }()
	if err != nil {
		return 0, err
	}
	r.settle()
	if err := os.WriteFile(p.crash(), nil, 0o644); err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := syscall.Kill(r.pids[0], syscall.SIGKILL); err != nil {
		return 0, err
	}
	count := 0
	for deadline := begun.Add(p.storm); ; count++ {
		if _, err := p.report(deadline); err != nil {
			break
		}
	}
	perSecond = float64(count) / time.Since(begun).Seconds()
	if hasEnded(r.pid) {
		return 0, r.failure("it has ended itself")
	}
	return perSecond, nil
}

// percentile is the value below which this share of the sorted values is.
func percentile(sorted []time.Duration, share float64) time.Duration {
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}
