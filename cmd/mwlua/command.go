package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/machine"
)

// verb is a command that does one thing to programs.
type verb struct {
	machine.Verb
	name, begun, done string // as in stop, stopping, stopped
	short, long       string
}

func (v verb) command(status *int) *cobra.Command {
	r := new(remote)
	c := &cobra.Command{
		Use:   v.name + " NAME...",
		Short: v.short,
		Long: strings.TrimSpace(fmt.Sprintf(`%s, and wait until that is done. A NAME may be a pattern, as 'web*', or all.

%s`, v.short, v.long)),
		Example: fmt.Sprintf("  mwlua %s web\n  mwlua %s 'web*' --timeout 30s", v.name, v.name),
		RunE: r.command(status, func(ctx context.Context, args []string) error {
			if len(args) == 0 {
				return usage{fmt.Errorf("%s what: name programs, or all", v.name)}
			}
			return r.give(ctx, v, control.Order{Verb: v.Verb, NoWait: r.noWait}, args)
		}),
	}
	r.flags(c)
	r.waitFlag(c)
	r.formFlag(c, jsonForm, jsonlForm, nameForm)
	return c
}

func signalCommand(status *int) *cobra.Command {
	r := new(remote)
	v := verb{machine.SignalProgram, "signal", "", "signalled", "", ""}
	c := &cobra.Command{
		Use:     "signal SIGNAL NAME...",
		Short:   "Send a signal to programs",
		Long:    "Send a signal, as HUP, SIGHUP or 1, to the current instances of programs. A NAME may be a pattern, as 'web*', or all.",
		Example: "  mwlua signal HUP web",
		RunE: r.command(status, func(ctx context.Context, args []string) error {
			if len(args) < 2 {
				return usage{errors.New("signal what: write a signal and the names of programs, or all")}
			}
			if _, err := control.ParseSignal(args[0]); err != nil {
				return usage{err}
			}
			return r.give(ctx, v, control.Order{Verb: v.Verb, Signal: args[0]}, args[1:])
		}),
	}
	r.flags(c)
	r.formFlag(c, jsonForm, jsonlForm, nameForm)
	return c
}

// result is what came of an order to one program, and its JSON.
type result struct {
	Name    string      `json:"name"`
	NameURL string      `json:"name_url,omitempty"`
	Result  string      `json:"result"` // of verb, or failed, or timeout
	Error   string      `json:"error,omitempty"`
	Why     machine.Why `json:"why,omitempty"`
	Hint    string      `json:"hint,omitempty"`
	err     error
}

// give carries out an order for each of the programs that words mean. None is touched if a word means nothing.
func (r *remote) give(ctx context.Context, v verb, order control.Order, words []string) error {
	s, err := r.look(ctx)
	if err != nil {
		return err
	}
	programs, err := targets(s, words)
	if err != nil {
		return err
	}
	results := r.orders(ctx, order, programs)
	var bad several
	t := table{}
	for i := range results {
		res := &results[i]
		res.Name, res.NameURL, res.Result = programs[i].Name, programs[i].NameURL, v.done
		if order.NoWait {
			res.Result = v.begun
		}
		paint := green
		if res.err != nil {
			res.fail(r, v)
			paint = red
			if !errors.Is(res.err, context.DeadlineExceeded) { // these are all named at once, below
				bad = append(bad, res.err)
			}
		}
		t.add(cell{text: readable(res.Name)}, cell{res.Result, paint})
	}
	r.printResults(results, t)
	if late := lateOf(results); len(late) > 0 {
		bad = append(bad, r.timedOut(late))
	}
	if len(bad) > 0 {
		return bad
	}
	return nil
}

// fail makes of the error of res what is said about it.
func (res *result) fail(r *remote, v verb) {
	res.Result = "failed"
	var f *control.Failure
	code, hint := r.judge(res.err)
	if errors.As(res.err, &f) {
		res.Why = f.Why
	}
	res.Error, res.Hint = res.err.Error(), hint
	if errors.Is(res.err, context.DeadlineExceeded) {
		res.Result = "timeout"
		return
	}
	res.err = &told{code, fmt.Sprintf("cannot %s %q: %v", v.name, res.Name, res.err), hint}
}

func (r *remote) printResults(results []result, t table) {
	if printJSON(r, results, results) {
		return
	}
	if r.form.chosen != nameForm {
		t.print(r.out)
		return
	}
	for _, res := range results {
		if res.err == nil {
			fmt.Fprintln(r.out, readable(res.Name))
		}
	}
}

// mostOrders is how many orders are under way at a time. The server takes more, from several clients.
const mostOrders = 32

// orders gives order for each program, and returns what came of them, in the same order.
func (r *remote) orders(ctx context.Context, order control.Order, programs []control.Program) []result {
	results := make([]result, len(programs))
	if order.Verb == machine.StopProgram && !order.NoWait && len(programs) > mostOrders {
		// All are asked to go before one is waited for. What goes wrong here goes wrong below too.
		begin := order
		begin.NoWait = true
		r.inParallel(programs, func(i int) { r.one(ctx, begin, programs[i].Name) })
	}
	var mu sync.Mutex
	waiting := make(map[string]bool, len(programs))
	for _, p := range programs {
		waiting[p.Name] = true
	}
	stop := r.whileWaiting(ctx, func(s control.Status) []string {
		mu.Lock()
		defer mu.Unlock()
		return laggards(s, func(name string) bool { return waiting[name] })
	})
	defer stop()
	r.inParallel(programs, func(i int) {
		results[i].err = r.one(ctx, order, programs[i].Name)
		mu.Lock()
		defer mu.Unlock()
		delete(waiting, programs[i].Name)
	})
	return results
}

func (r *remote) one(ctx context.Context, order control.Order, name string) error {
	order.Program = name
	_, err := r.Do(ctx, order)
	return err
}

// inParallel calls do for each index of programs, mostOrders at a time.
func (r *remote) inParallel(programs []control.Program, do func(i int)) {
	var all sync.WaitGroup
	next := make(chan int)
	for range min(mostOrders, len(programs)) {
		// It waits for an index and for what do waits for, and ends when there is none.
		all.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range programs {
		next <- i
	}
	close(next)
	all.Wait()
}

// What is waited for is said for the first time after patienceFirst, then every patienceNext.
const (
	patienceFirst = 2 * time.Second
	patienceNext  = 10 * time.Second
)

// whileWaiting says now and then for whom, until stop is called.
func (r *remote) whileWaiting(ctx context.Context, who func(control.Status) []string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	// It waits for time to pass and for a status, writes lines, and ends when stop is called.
	go func() {
		defer close(done)
		for pause := patienceFirst; ; pause = patienceNext {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			if s, err := r.look(ctx); err == nil {
				fmt.Fprintf(r.talk, "mwlua: waiting for %s\n", cmp.Or(few(who(s)), "mwlua"))
			}
		}
	}()
	return func() { cancel(); <-done }
}

// laggards describes those programs of s that wanted names, and what they do.
func laggards(s control.Status, wanted func(name string) bool) []string {
	var texts []string
	for _, p := range s.Programs {
		if wanted(p.Name) {
			texts = append(texts, laggard(p)...)
		}
	}
	return texts
}

// laggard describes what is left of p, an instance a text.
func laggard(p control.Program) []string {
	instances := slices.Clone(p.Former)
	if p.Instance != nil {
		instances = append(instances, *p.Instance)
	}
	if len(instances) == 0 {
		word, _ := stateOf(p)
		return []string{fmt.Sprintf("%s (%s)", readable(p.Name), word)}
	}
	var texts []string
	for _, in := range instances {
		text := fmt.Sprintf("%s (pid %d, %s", readable(in.ID), in.PID, in.Step)
		if in.DeadlineIn != nil {
			text += fmt.Sprintf(", %s in %s", harder(in), duration(*in.DeadlineIn))
		}
		texts = append(texts, text+")")
	}
	return texts
}

// few joins some of texts.
func few(texts []string) string {
	const most = 5
	if len(texts) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(texts[:most], ", "), len(texts)-most)
	}
	return strings.Join(texts, ", ")
}

func lateOf(results []result) map[string]bool {
	late := map[string]bool{}
	for _, res := range results {
		if errors.Is(res.err, context.DeadlineExceeded) {
			late[res.Name] = true
		}
	}
	return late
}

// timedOut names who is late.
func (r *remote) timedOut(late map[string]bool) error {
	var texts []string
	if s, err := r.look(context.Background()); err == nil {
		texts = laggards(s, func(name string) bool { return late[name] })
	} else {
		for name := range late {
			texts = append(texts, readable(name))
		}
		slices.Sort(texts)
	}
	return &told{exitTimeout, fmt.Sprintf("timed out after %v, waiting for %s", r.timeout, few(texts)),
		"mwlua goes on with it: mwlua status shows how far it is"}
}
