package proto

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mwlua/mwlua/core/policy"
)

func TestEventComesBack(t *testing.T) {
	ev := policy.Event{
		Exit: policy.Exit{
			Program: "web", Seq: 3, Code: 78, Signal: 9, CoreDumped: true, OOM: true, Reason: policy.Health, Ran: 5 * time.Second, Failures: 2, Restarts: 7,
		},
		ID: "q1", Instance: "web#3", Slot: 4, PID: 99, Kind: "program", TotalRestarts: 12,
		History: []policy.Past{{Seq: 2, Code: 1, Reason: policy.Exited, Ran: time.Minute}, {Seq: 1, Signal: 11}},
		Default: policy.Verdict{Do: policy.Restart, Delay: time.Second, Reason: "attempt 2", Reset: true},
		Labels:  []string{"team=a"}, Store: []byte(`{"n":1}`), Time: time.Duration(1_700_000_000_123_456_789),
	}
	wire, err := proto.Marshal(FromEvent(ev, []byte("blob")))
	if err != nil {
		t.Fatal(err)
	}
	e := new(ExitEvent)
	if err := proto.Unmarshal(wire, e); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ev, ToEvent(e)); diff != "" {
		t.Error(diff)
	}
	if string(e.GetState()) != "blob" {
		t.Errorf("state: %q", e.GetState())
	}
	if _, err := proto.Marshal(FromEvent(policy.Event{Exit: policy.Exit{Program: "\xff"}, Labels: []string{"a=\xff"}}, nil)); err != nil {
		t.Error(err)
	}
	ToEvent(nil) // is an event of which nothing is known
}

func TestVerdictIsCheckedBothWays(t *testing.T) {
	for _, do := range []policy.Do{policy.Default, policy.Restart, policy.Stop, policy.Fail, policy.Shutdown} {
		v := policy.Verdict{Do: do, Delay: time.Minute, Reason: "why", ExitCode: 3, Reset: true}
		got, state, err := ToVerdict(FromVerdict(v, []byte("s")))
		if err != nil || got != v || string(state) != "s" {
			t.Errorf("%v: %v, %q, %v", v, got, state, err)
		}
	}
	for want, v := range map[string]*Verdict{
		"unknown action 99":           {Action: 99},
		"unknown action -1":           FromVerdict(policy.Verdict{Do: policy.Retry}, nil),
		"a delay of -1ns":             {Action: Action_ACTION_RESTART, Delay: durationpb.New(-1)},
		"a delay of 24h0m0.000000001": {Delay: durationpb.New(policy.MaxDelay + 1)},
		"a delay that is none":        {Delay: &durationpb.Duration{Seconds: 1 << 60}},
		"a state of 65537 bytes":      {State: make([]byte, MaxState+1)},
		"a reason of 1025 bytes":      {Reason: strings.Repeat("x", policy.MaxReason+1)},
		"the exit code 256":           {ExitCode: 256},
		"the exit code -1":            {ExitCode: -1},
	} {
		if got, _, err := ToVerdict(v); err == nil || !strings.HasPrefix(err.Error(), want) || got != (policy.Verdict{}) {
			t.Errorf("%v, %v, want %s", got, err, want)
		}
	}
	if v, _, err := ToVerdict(nil); err != nil || v.Do != policy.Default {
		t.Errorf("no verdict: %v, %v", v, err)
	}
}
