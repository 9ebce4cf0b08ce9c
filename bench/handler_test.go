package main

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/lua"
)

// handlers opens a program whose on_exit is a function with this body.
func handlers(tb testing.TB, body string) *lua.Handlers {
	_, h, problems := lua.Open(lua.Options{
		Files: []string{"mwlua.lua"}, Env: []string{"PATH=/bin:/usr/bin"},
		ReadFile: func(string) ([]byte, error) {
			return []byte("program 'web' { command = { '/bin/sh' }, on_exit = function(ev) " + body + " end }"), nil
		},
	})
	if len(problems.Errors()) > 0 {
		tb.Fatal(problems)
	}
	tb.Cleanup(h.Close)
	return h
}

// crash is an exit as they come: with a history, and what the last function has kept.
func crash() policy.Event {
	past := policy.Past{Seq: 1, Code: 1, Reason: policy.Exited, Ran: time.Second}
	return policy.Event{
		Exit: policy.Exit{Program: "web", Seq: 12, Code: 1, Reason: policy.Exited, Ran: time.Second, Failures: 11}, Instance: "web#12", Kind: "program",
		History: slices.Repeat([]policy.Past{past}, policy.MaxHistory), Labels: []string{"team=a"},
		Default: policy.Verdict{Do: policy.Restart, Delay: 1234 * time.Millisecond, Reason: "attempt 11"}, Store: []byte(`{"n":11}`),
	}
}

// BenchmarkDecide asks a handler from one goroutine, with a deadline: the whole way there and back.
func BenchmarkDecide(b *testing.B) {
	for _, shape := range []struct {
		name, body string
		event      policy.Event
	}{
		{"bare", "", policy.Event{}},
		{"word", "if ev.code == 78 then return 'fail' end return 'restart'", crash()},
		{"table", "return { action = 'restart', delay = '5s', reason = 'again' }", crash()},
		{"store", "ev.store.n = ev.store.n + 1 return 'restart'", crash()},
	} {
		b.Run(shape.name, func(b *testing.B) {
			h := handlers(b, shape.body)
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			b.ReportAllocs()
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if _, _, err := h.Decide(ctx, "web.on_exit[1]", shape.event); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			report(b, took)
		})
	}
}

// BenchmarkDecideStorm asks for 1,000 exits at once.
func BenchmarkDecideStorm(b *testing.B) {
	const exits = 1000
	h := handlers(b, "ev.store.n = ev.store.n + 1 return { action = 'restart', delay = '5s' }")
	var took []time.Duration
	for b.Loop() {
		waits := make([]time.Duration, exits)
		begin := time.Now()
		var wg sync.WaitGroup
		for i := range waits {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				defer cancel()
				if _, _, err := h.Decide(ctx, "web.on_exit[1]", crash()); err != nil {
					b.Error(err)
				}
				waits[i] = time.Since(begin)
			})
		}
		wg.Wait()
		took = append(took, waits...)
	}
	report(b, took)
}
