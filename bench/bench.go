package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// measure is what was measured: a column of a table.
type measure int

const (
	startOne   measure = iota // ms
	startAll                  // ms
	replaceAll                // ms
	stopAll                   // ms
	pssOne                    // MB
	pssAll                    // MB
	restartP50                // ms
	restartP99                // ms
	stormRate                 // starts a second
	idling                    // context switches a second
	measures                  // how many there are
)

// row is what is known of a supervisor: a value of each measure for each round, and why there is none.
type row struct {
	*supervisor
	version  string
	missing  error // why it cannot be measured here
	values   [measures]map[int]float64
	failed   [measures]bool
	problems []string
}

// bench is a comparison.
type bench struct {
	options
	place *place
	rows  []*row
	sizes []size
	notes []string // what this machine does not allow
}

func newBench(p *place, o options) *bench { return &bench{options: o, place: p} }

// gather finds the supervisors that are wanted.
func (b *bench) gather() error {
	all := b.place.supervisors()
	if err := b.known(all); err != nil {
		return err
	}
	b.notes = raise(max(2*b.n, b.largest))
	for _, s := range all {
		if !b.wants(s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "looking for %s\n", s.name)
		version, err := s.find()
		if err != nil && s.name == limitName {
			return err
		}
		b.rows = append(b.rows, &row{supervisor: s, version: version, missing: err})
	}
	return nil
}

// known fails if a name that is wanted is none of theirs.
func (o options) known(all []*supervisor) error {
	var names []string
	for _, s := range all {
		names = append(names, s.name)
	}
	for _, name := range o.only {
		if !slices.Contains(names, name) {
			return fmt.Errorf("-only: there is no %q: there are %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// compare measures all of them, by turns.
func (b *bench) compare() {
	for round := range b.rounds {
		for _, turn := range []func(*row, int) error{b.one, b.all, b.restarts, b.storm} {
			for _, r := range b.rows {
				if r.missing == nil && (r.rounds == 0 || round < r.rounds) {
					r.remember(round, turn(r, round))
				}
			}
		}
	}
}

// remember keeps what went wrong in a round.
func (r *row) remember(round int, err error) {
	if err != nil {
		r.problems = append(r.problems, fmt.Sprintf("round %d: %v", round+1, err))
		fmt.Fprintf(os.Stderr, "%s: %s\n", r.name, r.problems[len(r.problems)-1])
	}
}

// set remembers values of a round, or, because of err, that there is none where it is 0.
func (r *row) set(round int, err error, values map[measure]float64) error {
	for m, v := range values {
		switch {
		case err != nil && v == 0:
			r.failed[m] = true
		case r.values[m] == nil:
			r.values[m] = map[int]float64{round: v}
		default:
			r.values[m][round] = v
		}
	}
	return err
}

// one starts a single program.
func (b *bench) one(r *row, round int) error {
	l, err := b.place.live(r.supervisor, 1, 0)
	fmt.Fprintf(os.Stderr, "round %d: %s: start 1 %v\n", round+1, r.name, l.start)
	return r.set(round, err, map[measure]float64{startOne: ms(l.start), pssOne: float64(l.pss) / 1000})
}

// all starts as many as are to be compared. The first round watches them idle too, which does not vary.
func (b *bench) all(r *row, round int) error {
	watch := b.idle
	if round > 0 {
		watch = 0
	}
	l, err := b.place.live(r.supervisor, b.n, watch)
	fmt.Fprintf(os.Stderr, "round %d: %s: start %d %v, replace %v, stop %v\n", round+1, r.name, b.n, l.start, l.replace, l.stop)
	if watch > 0 && l.pss > 0 {
		_ = r.set(round, nil, map[measure]float64{idling: l.switches}) // which may be 0
	} else if watch > 0 {
		_ = r.set(round, err, map[measure]float64{idling: 0})
	}
	return r.set(round, err, map[measure]float64{
		startAll: ms(l.start), replaceAll: ms(l.replace), stopAll: ms(l.stop), pssAll: float64(l.pss) / 1000,
	})
}

// restarts kills programs.
func (b *bench) restarts(r *row, round int) error {
	if r.givesUp {
		return nil
	}
	took, err := b.place.restart(r.supervisor)
	if err != nil {
		return r.set(round, err, map[measure]float64{restartP50: 0, restartP99: 0})
	}
	p50, p99 := percentile(took, 0.5), percentile(took, 0.99)
	fmt.Fprintf(os.Stderr, "round %d: %s: %d restarts, p50 %v, p99 %v\n", round+1, r.name, len(took), p50, p99)
	return r.set(round, nil, map[measure]float64{restartP50: ms(p50), restartP99: ms(p99)})
}

// storm has a program end again and again.
func (b *bench) storm(r *row, round int) error {
	if r.givesUp {
		return nil
	}
	rate, err := b.place.crashes(r.supervisor)
	fmt.Fprintf(os.Stderr, "round %d: %s: storm %.1f/s\n", round+1, r.name, rate)
	return r.set(round, err, map[measure]float64{stormRate: rate})
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
