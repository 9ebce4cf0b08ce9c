package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/plugins/host"
)

// plugins are the examples, with what they need to run.
func plugins(b *testing.B) map[string]program.Plugin {
	dir := b.TempDir()
	budget := filepath.Join(dir, "budget")
	if out, err := exec.Command("go", "build", "-o", budget, "../examples/plugins/budget").CombinedOutput(); err != nil {
		b.Fatalf("%s", out)
	}
	all := map[string]program.Plugin{
		"go":     {Path: budget, Config: `{"max_restarts":5}`},
		"python": {Path: "../examples/plugins/python/codes"},
		"node":   {Path: "../examples/plugins/node/herd"},
	}
	for name, p := range all {
		p.Name, p.Env, p.Timeout = name, []string{"PATH=" + os.Getenv("PATH")}, 30*time.Second
		p.Path, _ = filepath.Abs(p.Path)
		all[name] = p
	}
	return all
}

// BenchmarkPlugin is what a verdict of a plugin takes: one at a time, and for a thousand programs that end at once, the last of which
// waits for p100.
func BenchmarkPlugin(b *testing.B) {
	for name, p := range plugins(b) {
		b.Run(name, func(b *testing.B) {
			h := start(b, p)
			b.Run("alone", func(b *testing.B) {
				var took []time.Duration
				for b.Loop() {
					took = append(took, verdict(b, h, p))
				}
				report(b, took)
			})
			b.Run("storm", func(b *testing.B) {
				var took []time.Duration
				for b.Loop() {
					took = append(took, storm(b, h, p)...)
				}
				report(b, took)
			})
		})
	}
}

func start(b *testing.B, p program.Plugin) *host.Host {
	dir, err := os.MkdirTemp("", "b")
	if err != nil {
		b.Fatal(err)
	}
	h := host.New(host.Options{Place: host.Place{Processes: host.Alone(), Dir: dir, Log: func(host.Line) {}}}, host.Carried{})
	b.Cleanup(func() {
		h.Close(context.Background())
		os.RemoveAll(dir)
	})
	p.Required = true
	if err := h.Use(b.Context(), []program.Plugin{p}); err != nil {
		b.Skip(err)
	}
	return h
}

func verdict(b *testing.B, h *host.Host, p program.Plugin) time.Duration {
	began := time.Now()
	_, _, err := h.Decide(b.Context(), p.Name, policy.Event{Exit: policy.Exit{Program: "web", Seq: 1, Code: 1}, ID: "1"}, nil)
	if err != nil {
		b.Error(err)
	}
	return time.Since(began)
}

func storm(b *testing.B, h *host.Host, p program.Plugin) []time.Duration {
	took := make([]time.Duration, 1000)
	var all sync.WaitGroup
	for i := range took {
		// It waits for a verdict, and ends with that.
		all.Go(func() { took[i] = verdict(b, h, p) })
	}
	all.Wait()
	return took
}

// report says how long half of them took, 99 of 100, and the longest.
func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	at := func(share float64) float64 {
		return float64(took[int(share*float64(len(took)-1))]) / float64(time.Millisecond)
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(at(1), "p100-ms")
}
