package host

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLogReadsHclog(t *testing.T) {
	var got []Line
	l := &log{plugin: "p", limit: 100, out: func(line Line) { got = append(got, line) }}
	l.read(strings.NewReader(`{"@level":"warn","@message":"hot","@timestamp":"x","b":2,"a":"x"}
{"@level":"trace","@message":"t"}
{"level":"error"}
{broken

plain` + "\xff\r\n" + strings.Repeat("x", 10_000) + "\nlast"))
	want := []Line{
		{"p", "warn", "hot a=x b=2"},
		{"p", "debug", "t"},
		{"p", "info", `{"level":"error"}`},
		{"p", "info", "{broken"},
		{"p", "info", "plain\uFFFD"},
		{"p", "info", strings.Repeat("x", maxLine)},
		{"p", "info", "last"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLogIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		l := &log{plugin: "p", limit: 2, out: func(line Line) { got = append(got, line.Text) }}
		l.read(strings.NewReader("1\n2\n3\n4\n"))
		<-time.After(1500 * time.Millisecond)
		synctest.Wait()
		l.read(strings.NewReader("5\n"))
		want := []string{"1", "2", "2 lines of its log were dropped: more than 2 a second", "5"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBreakerForgets(t *testing.T) {
	var b breaker
	now := time.Unix(0, 0)
	for i := range 20 { // never five within a minute
		if b.failed(now.Add(time.Duration(i) * 16 * time.Second)) {
			t.Fatalf("a pause after failure %d", i)
		}
	}
	now = now.Add(time.Hour)
	for i := range breakAfter {
		if got := b.failed(now); got != (i == breakAfter-1) {
			t.Errorf("failure %d: %v", i, got)
		}
	}
	if d := b.paused(now); d != breakFor {
		t.Error(d)
	}
	if d := b.paused(now.Add(breakFor)); d != 0 {
		t.Error(d)
	}
}
