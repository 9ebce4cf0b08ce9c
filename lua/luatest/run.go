package luatest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/mwlua/mwlua/core/program"
)

// Run runs the tests of all files, and tells each result, in the order of the files and of the tests in them; done and all count tests.
// The problems are of files that cannot be run at all: then no test is. When ctx is done, the tests that run are ended, with all that
// they have begun, and no others are begun; the error says why and in which test.
func Run(ctx context.Context, o Options, tell func(r Result, done, all int)) (program.Problems, error) {
	o.Mode, o.Timeout = cmp.Or(o.Mode, All), cmp.Or(o.Timeout, time.Minute)
	o.Jobs = cmp.Or(o.Jobs, runtime.GOMAXPROCS(0))
	whole := ctx
	ctx, free := boundMemory(whole)
	defer free()
	jobs, problems := o.plan(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, givenUp(whole, ctx, "the tests were being counted")
	case len(problems) > 0 || len(jobs) == 0:
		return problems, nil
	}
	queue, results := make(chan int), make([]chan Result, len(jobs))
	for i := range results {
		results[i] = make(chan Result, 1)
	}
	var workers sync.WaitGroup
	for range min(o.Jobs, len(jobs)) {
		workers.Go(func() { o.work(ctx, jobs, queue, results) }) // takes numbers of the queue, sends results, ends with it
	}
	go func() { // fills the queue; ends with it, or with ctx
		defer close(queue)
		for i := range jobs {
			select {
			case queue <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer workers.Wait() // before free
	for i, c := range results {
		var r Result
		select {
		case r = <-c:
		case <-ctx.Done():
		}
		if ctx.Err() != nil && r.Status != Passed { // it may have failed of that
			return nil, givenUp(whole, ctx, fmt.Sprintf("test %q of %s had not ended", jobs[i].name, jobs[i].file))
		}
		tell(r, i+1, len(jobs))
	}
	return nil, nil
}

// givenUp says why a run ended with ctx, and what was under way.
func givenUp(whole, ctx context.Context, what string) error {
	why := context.Cause(ctx)
	if whole.Err() != nil {
		why = errors.New("it was interrupted")
	}
	return fmt.Errorf("%w; %s", why, what)
}

// job is one test.
type job struct {
	file, name string
	n          int // in its file
}

// plan lists the tests that are wanted.
func (o *Options) plan(ctx context.Context) (jobs []job, problems program.Problems) {
	for _, file := range o.Files {
		s, found := open(ctx, o, file)
		problems = append(problems, found...)
		for i, test := range s.tests {
			if o.Run == nil || o.Run.MatchString(test.name) {
				jobs = append(jobs, job{file, test.name, i})
			}
		}
		s.close()
	}
	return jobs, problems
}

// work runs tests, each in the state of its file that it has at hand.
func (o *Options) work(ctx context.Context, jobs []job, queue <-chan int, results []chan Result) {
	var s *state
	file := ""
	defer func() {
		if s != nil {
			s.close()
		}
	}()
	for i := range queue {
		j := jobs[i]
		if s == nil || file != j.file {
			if s != nil {
				s.close()
			}
			var problems program.Problems
			file = j.file
			if s, problems = open(ctx, o, file); len(problems) > 0 || j.n >= len(s.tests) {
				results[i] <- Result{File: file, Status: Failed, Text: fmt.Sprintf("the file is not what it was when the tests were counted: %s", problems.Error())}
				s.close()
				s = nil
				continue
			}
		}
		results[i] <- s.runTest(ctx, j.n)
	}
}
