package main

import (
	"fmt"
	"os"
	"slices"
	"time"
)

// size is what mwlua costs with n programs, a value a round.
type size struct {
	n                               int
	start, stop, pss, p50, p99, cpu []float64 // ms; kB; ms, ms, µs a restart
	reload, deaf                    []float64 // ms of a reload that changes nothing
}

// grow measures mwlua with ten programs, and with ten times as many again and again.
func (b *bench) grow() {
	ours := b.place.mwlua()
	if !slices.ContainsFunc(b.rows, func(r *row) bool { return r.name == ours.name && r.missing == nil }) {
		return
	}
	for n := 1; n <= b.largest; n *= 10 {
		b.sizes = append(b.sizes, size{n: n})
	}
	for round := range min(b.rounds, 3) {
		for i := range b.sizes {
			if err := b.place.measure(ours, &b.sizes[i]); err != nil {
				b.notes = append(b.notes, fmt.Sprintf("mwlua with %d programs, round %d: %v", b.sizes[i].n, round+1, err))
			}
			fmt.Fprintf(os.Stderr, "round %d: mwlua with %d programs\n", round+1, b.sizes[i].n)
		}
	}
}

// measure starts z.n programs, kills some, reloads without a change, and stops them.
func (p *place) measure(s *supervisor, z *size) (err error) {
	r, started, err := p.begin(s, z.n, true)
	defer func() { err = firstOf(err, r.finish()) }()
	if err != nil {
		return err
	}
	r.settle()
	pids := []int{r.pid} // mwlua has no other processes; what is looked at in /proc takes the kernel twice as long to collect
	kB, err := pss(pids)
	if err != nil {
		return err
	}
	before, err := processorTime(pids)
	if err != nil {
		return err
	}
	took, err := r.latencies(0)
	if err != nil {
		return err
	}
	after, err := processorTime(pids)
	if err != nil {
		return err
	}
	begun := time.Now()
	reload := calls(func(work) [][]string { return [][]string{{p.path("mwlua"), "reload"}} })
	if err := reload(r); err != nil {
		return err
	}
	reloaded := time.Since(begun)
	r.settle()
	deaf, err := r.deaf(reload)
	if err != nil {
		return err
	}
	r.settle()
	stopped, err := r.stop()
	if err != nil {
		return err
	}
	z.start, z.stop, z.pss = append(z.start, ms(started)), append(z.stop, ms(stopped)), append(z.pss, float64(kB))
	z.p50, z.p99 = append(z.p50, ms(percentile(took, 0.5))), append(z.p99, ms(percentile(took, 0.99)))
	z.cpu = append(z.cpu, float64(after-before)/float64(len(took))/1000)
	z.reload, z.deaf = append(z.reload, ms(reloaded)), append(z.deaf, ms(deaf))
	return nil
}
