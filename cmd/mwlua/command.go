package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
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
	rows, err := targets(s, words)
	if err != nil {
		return err
	}
	programs := eachOnce(rows)
	results := r.orders(ctx, order, programs)
	var bad several
	t := table{}
	for i := range results {
		res := &results[i]
		res.Name, res.NameURL, res.Result = programs[i].Name, programs[i].NameURL, v.result(order, programs[i])
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
		bad = append(bad, r.timedOut(order.Verb, late))
	}
	if len(bad) > 0 {
		return bad
	}
	return nil
}

// result is the word for an order that was carried out, or begun.
func (v verb) result(order control.Order, p control.Program) string {
	switch {
	case order.NoWait:
		return v.begun
	case p.Kind == string(program.OneShot) && v.Verb != machine.StopProgram && v.Verb != machine.SignalProgram:
		return string(machine.Done) // what was waited for is its success
	}
	return v.done
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
	if !order.NoWait && len(programs) > mostOrders {
		r.begin(ctx, order, programs)
	}
	var mu sync.Mutex
	waiting := make(map[string]bool, len(programs))
	for _, p := range programs {
		waiting[p.Name] = true
	}
	stop := r.whileWaiting(ctx, func(s control.Status) []string {
		mu.Lock()
		defer mu.Unlock()
		return laggards(s, order.Verb, waiting)
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

// begin gives an order to all before one is waited for: none that stops is to keep others from being told, and one that starts may
// wait for others that are behind it. A one-shot is not started here, or it would run twice. What goes wrong here goes wrong again.
func (r *remote) begin(ctx context.Context, order control.Order, programs []control.Program) {
	order.NoWait = true
	if order.Verb != machine.StopProgram && order.Verb != machine.StartProgram {
		return
	}
	r.inParallel(programs, func(i int) {
		if order.Verb == machine.StopProgram || programs[i].Kind == kindService {
			r.one(ctx, order, programs[i].Name)
		}
	})
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
