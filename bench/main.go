// Command bench compares mwlua with what a supervisor costs at least, and with other supervisors, and writes the tables of
// docs/performance.md: `make bench`. It measures what users pay for, on this machine and by turns, and knows nothing about why.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	n, largest int
	rounds     int
	only       []string
	idle       time.Duration
	page       string
}

func main() {
	if err := bring(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

// bring brings the tables.
func bring(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mwlua-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	endByInterrupt(dir)
	p, err := newPlace(".", dir)
	if err != nil {
		return err
	}
	defer p.close()
	b := newBench(p, o)
	if err := b.gather(); err != nil {
		return err
	}
	b.compare()
	b.grow()
	return b.print()
}

func parse(args []string) (o options, err error) {
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.IntVar(&o.n, "n", 1000, "how many programs are started, replaced and stopped")
	set.IntVar(&o.largest, "largest", 10000, "how many programs mwlua runs at most; 0 leaves the second table out")
	set.IntVar(&o.rounds, "rounds", 5, "how many times")
	set.DurationVar(&o.idle, "idle", 10*time.Second, "how long an idle supervisor is watched")
	set.StringVar(&o.page, "o", "", "the `PAGE` whose tables are replaced; without it, or with -only, they are only printed")
	only := set.String("only", "", "the `NAMES` of supervisors, with commas between them; the limit is always there")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if o.n < 1 || o.rounds < 1 || set.NArg() > 0 {
		return o, errors.New("-n and -rounds are 1 or more, and there are no further arguments")
	}
	if *only != "" {
		o.only = append(strings.Split(*only, ","), limitName)
	}
	return o, nil
}

// wants says whether the supervisor of this name is measured.
func (o options) wants(name string) bool { return o.only == nil || slices.Contains(o.only, name) }

// endByInterrupt leaves no process and no file behind when Ctrl-C or SIGTERM ends this one. That SIGINT is not ignored, as it is in a job of
// a shell, is also for what is started from here, where it may be what stops programs.
func endByInterrupt(dir string) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() { // waits for a signal, ends the process
		<-signals
		killBelow()
		_ = os.RemoveAll(dir) // there is nobody to tell
		os.Exit(130)
	}()
}
