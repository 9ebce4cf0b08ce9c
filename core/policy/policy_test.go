package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestHAProxyRules is the table of H-6.24, and what T-4 and T-12 make of it.
func TestHAProxyRules(t *testing.T) {
	tests := []struct {
		exit       Exit
		do, withNo Do
		exitCode   int
	}{
		{Exit{Code: 0}, Stop, Stop, 0},
		{Exit{Code: 143}, Stop, Stop, 0},
		{Exit{Signal: 15}, Stop, Stop, 0},
		{Exit{Code: 130}, Stop, Stop, 130},
		{Exit{Signal: 2}, Stop, Stop, 130},
		{Exit{Code: 1}, Shutdown, Fail, 1},
		{Exit{Code: 127}, Shutdown, Fail, 127},
		{Exit{Code: 255}, Shutdown, Fail, 255},
		{Exit{Signal: 9}, Shutdown, Fail, 137},
		{Exit{Signal: 1}, Shutdown, Fail, 129},
		{Exit{Signal: 10}, Shutdown, Fail, 138},
		{Exit{Signal: 10, Reason: ReloadSignal}, Stop, Stop, 0},
		{Exit{Code: 1, Reason: StartFailed}, Shutdown, Fail, 1},
	}
	for _, test := range tests {
		if v := (Policy{Rule: ExitOnFailure}).Decide(test.exit, 1); v.Do != test.do || v.ExitCode != test.exitCode {
			t.Errorf("exit-on-failure: %+v: %+v, want %s with exit code %d", test.exit, v, test.do, test.exitCode)
		}
		if v := (Policy{Rule: NoExitOnFailure}).Decide(test.exit, 1); v.Do != test.withNo || v.ExitCode != test.exitCode {
			t.Errorf("no-exit-on-failure: %+v: %+v, want %s with exit code %d", test.exit, v, test.withNo, test.exitCode)
		}
		status := max(test.exit.Status(), test.exitCode)
		if status == 143 {
			status = 0
		}
		if v := (Policy{Rule: AnyExit}).Decide(test.exit, 1); v.Do != Shutdown || v.ExitCode != status {
			t.Errorf("any-exit: %+v: %+v, want %s with exit code %d", test.exit, v, Shutdown, status)
		}
	}
}

func TestRestartRule(t *testing.T) {
	tests := []struct {
		name   string
		policy Policy
		exit   Exit
		want   Do
	}{
		{"a failure", Policy{}, Exit{Code: 1, Failures: 1}, Restart},
		{"a success", Policy{}, Exit{}, Stop},
		{"a success, always", Policy{When: Always}, Exit{}, Restart},
		{"a failure, never", Policy{When: Never}, Exit{Code: 1}, Fail},
		{"a success, never", Policy{When: Never}, Exit{}, Stop},
		{"a code that is a success", Policy{SuccessCodes: []int{0, 3}}, Exit{Code: 3}, Stop},
		{"0 that is no success", Policy{SuccessCodes: []int{3}}, Exit{}, Restart},
		{"the reload's signal", Policy{}, Exit{Signal: 10, Reason: ReloadSignal}, Restart},
		{"the reload's signal, never", Policy{When: Never}, Exit{Signal: 10, Reason: ReloadSignal}, Stop},
		{"below the limit", Policy{Limit: 3}, Exit{Code: 1, Restarts: 2}, Restart},
		{"at the limit", Policy{Limit: 3}, Exit{Code: 1, Restarts: 3}, Fail},
		{"at the limit, shutdown", Policy{Limit: 3, OnLimit: Shutdown}, Exit{Code: 7, Restarts: 3}, Shutdown},
	}
	for _, test := range tests {
		if v := test.policy.Decide(test.exit, 1); v.Do != test.want {
			t.Errorf("%s: %+v, want %s", test.name, v, test.want)
		}
	}
}

func TestBackoff(t *testing.T) {
	b := Backoff{Base: time.Second, Max: 10 * time.Second, Factor: 2}
	var got []time.Duration
	for _, attempt := range []int{0, 1, 2, 3, 4, 5, 6, 100, 5000} {
		got = append(got, b.Delay(attempt, 1, "web", 1)/time.Second)
	}
	if diff := cmp.Diff([]time.Duration{1, 1, 2, 4, 8, 10, 10, 10, 10}, got); diff != "" {
		t.Error(diff)
	}
	for _, b := range []Backoff{{}, {Factor: 2}, {Base: 1 << 62, Factor: 1e300}, {Base: time.Hour, Jitter: 9}} {
		for _, attempt := range []int{1, 2, 1100, 1 << 30} {
			if d := b.Delay(attempt, 1, "web", 1); d < 0 || d > 2*maxDelay {
				t.Errorf("%+v: attempt %d: %v", b, attempt, d)
			}
		}
	}
}

// TestJitterIsSpread: evenly enough that programs which die together do not come back together, and repeatable.
func TestJitterIsSpread(t *testing.T) {
	b := Backoff{Base: time.Second, Jitter: 0.5}
	buckets := make([]int, 10)
	for seq := range uint64(10_000) {
		d := b.Delay(1, 7, "web", seq)
		if d != b.Delay(1, 7, "web", seq) {
			t.Fatal("the same question got two answers")
		}
		buckets[int((d-time.Second/2)*10/time.Second)]++
	}
	for i, n := range buckets {
		if n < 800 || n > 1200 {
			t.Errorf("tenth %d of the range has %d of 10,000: %v", i, n, buckets)
		}
	}
	if b.Delay(1, 7, "web", 1) == b.Delay(1, 8, "web", 1) || b.Delay(1, 7, "web", 1) == b.Delay(1, 7, "api", 1) {
		t.Error("the seed or the program makes no difference")
	}
}
