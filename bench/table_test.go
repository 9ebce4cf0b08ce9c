package main

import (
	"os"
	"strings"
	"testing"
)

func TestNumbersAreShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.4742: "0.47", 1: "1", 2.5: "2.5", 10: "10", 12.34: "12.3", 100: "100", 1234.5: "1,234", 1234567: "1,234,567"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
	if got := spread([]float64{3, 1, 2, 10}); got != "2.5 (1–10)" {
		t.Errorf("spread: %q", got)
	}
}

// TestRatiosAreThoseOfARound: what the limit took in another round does not count.
func TestRatiosAreThoseOfARound(t *testing.T) {
	limit := &row{supervisor: &supervisor{name: limitName}}
	slow := &row{supervisor: &supervisor{name: "slow"}}
	for round, took := range []float64{10, 20, 40} {
		_ = limit.set(round, nil, map[measure]float64{startAll: took})
		if round > 0 {
			_ = slow.set(round, nil, map[measure]float64{startAll: 2 * took})
		}
	}
	_ = slow.set(1, os.ErrDeadlineExceeded, map[measure]float64{stopAll: 0})
	b := &bench{rows: []*row{limit, slow}}
	if text := b.ratios(); !strings.Contains(text, "| slow | – | 2 (2–2) | – | failed | – | – |\n") {
		t.Error(text)
	}
}

// TestPageHasItsSections: only what is between the marks is replaced.
func TestPageHasItsSections(t *testing.T) {
	data, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{rows: []*row{{supervisor: &supervisor{name: limitName}}}}
	page := string(data)
	for _, s := range b.sections() {
		if page, err = replaceSection(page, s.name, "NEW "+s.name); err != nil {
			t.Error(err)
		}
	}
	if strings.Count(page, "NEW ") != 4 || !strings.HasPrefix(page, "# Performance\n") || !strings.Contains(page, "\n## What explains") {
		t.Error(page)
	}
}

// TestUnknownNamesAreRefused: a typo would else leave a supervisor out, and say nothing.
func TestUnknownNamesAreRefused(t *testing.T) {
	all := []*supervisor{{name: "a"}, {name: "b"}}
	if err := (options{only: []string{"b"}}).known(all); err != nil {
		t.Error(err)
	}
	err := options{only: []string{"a", "c"}}.known(all)
	if want := `-only: there is no "c": there are a, b`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
