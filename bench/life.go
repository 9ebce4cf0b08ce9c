package main

import "time"

// life is what one run of programs has taken.
type life struct {
	start, replace, stop time.Duration
	pss                  int     // kB, of all processes of the supervisor, while nothing happens
	switches             float64 // a second, of all their threads
}

// live has s start n programs, replace them and stop them, and yields as much as there is even if something fails. If watch is not 0, it
// looks at the idle supervisor for that long in between.
func (p *place) live(s *supervisor, n int, watch time.Duration) (l life, err error) {
	r, took, err := p.begin(s, n, false)
	defer func() { err = firstOf(err, r.finish()) }()
	if l.start = took; err != nil {
		return l, err
	}
	r.settle()
	if err := r.look(&l, watch); err != nil {
		return l, err
	}
	var replaced, begun, stopped error
	if l.replace, replaced = r.again(); replaced != nil || s.stopFresh {
		replaced = firstOf(replaced, r.finish())
		if r, _, begun = p.begin(s, n, false); begun != nil {
			return l, firstOf(replaced, begun)
		}
	}
	r.settle()
	l.stop, stopped = r.stop()
	return l, firstOf(replaced, stopped)
}

// look finds out what the supervisor costs while nothing happens.
func (r *run) look(l *life, watch time.Duration) error {
	pids, err := own(r.pid, r.place.path("program"))
	if err != nil {
		return err
	}
	if l.pss, err = pss(pids); err != nil || watch == 0 {
		return err
	}
	before, err := switches(pids)
	if err != nil {
		return err
	}
	begun := time.Now()
	<-time.After(watch)
	after, err := switches(pids)
	l.switches = float64(after-before) / time.Since(begun).Seconds()
	return err
}

// firstOf is the first of errors that is one.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
