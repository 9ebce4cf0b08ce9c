package main

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/journal"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
)

// TestReplayIsDescribed: docs/replay.md names every field of -o json.
func TestReplayIsDescribed(t *testing.T) {
	page := readFile(t, "docs/replay.md")
	for _, of := range []any{replayed{}, replayGap{}, differing{}, followed{}} {
		kind := reflect.TypeOf(of)
		for i := range kind.NumField() {
			name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			if !strings.Contains(page, "`"+name+"`") {
				t.Errorf("%s.%s: %q is not in docs/replay.md", kind.Name(), kind.Field(i).Name, name)
			}
		}
	}
}

// TestReplayPrints what a script cannot bring about at will.
func TestReplayPrints(t *testing.T) {
	at := time.Date(2026, 3, 2, 4, 11, 9, 482e6, time.UTC)
	id := machine.ID{Program: "web", Slot: 2, Seq: 3}
	end := journal.Outcome{
		Kind: machine.NoteExited, ID: id, PID: 4711, Exit: policy.Exit{Code: 1, Ran: 12 * time.Second}, Until: machine.Instant(9 * time.Second),
		Verdict: policy.Verdict{Do: policy.Restart, Reason: "attempt 4"},
	}
	failedStart := journal.Outcome{Kind: machine.NoteSpawnFailed, ID: id, Text: "cannot execute web: permission denied", Verdict: policy.Verdict{Do: policy.Stop}}
	one := machine.Instant(time.Second)
	for want, result := range map[string]journal.Result{
		"1 event over 1.5s, 0 exits: there is no verdict to compare\n": {Events: 1, Over: 1500 * time.Millisecond},
		"2 events over 1.5s, 1 exit, the verdicts are the same\n":      {Events: 2, Exits: 1, Over: 1500 * time.Millisecond},
		"2 events over 26h3m12s, 1 exit, and then a verdict differs:\n" +
			"2026-03-02T04:11:09.482Z web[2]#3 (pid 4711) exited with code 1 after 12s\n  then: it starts again in 8s (attempt 4)\n" +
			"  now:  it does not run any more by then\n": {
			Events: 2, Exits: 1, Over: 26*time.Hour + 3*time.Minute + 12*time.Second + 7, Difference: &journal.Difference{At: at, ID: id, Then: &end, ThenAt: one},
		},
		"0 events over 0s, 0 exits, and then a verdict differs:\n" +
			"2026-03-02T04:11:09.482Z web[2]#3 did not start: cannot execute web: permission denied\n  then: it stays down\n  now:  nothing depends on it\n": {
			Difference: &journal.Difference{At: at, ID: id, Then: &failedStart, Now: &journal.Outcome{Kind: machine.NoteSpawnFailed, ID: id}},
		},
		"0 events over 0s, 0 exits, and then a verdict differs:\n" +
			"2026-03-02T04:11:09.482Z mwlua leaves, or does not\n  then: mwlua ran on\n  now:  mwlua leaves with status 3\n": {
			Difference: &journal.Difference{At: at, QuitNow: new(3)},
		},
	} {
		var out, talk bytes.Buffer
		r := replay{out: &out, talk: &talk}
		r.print(result)
		if out.String() != want || talk.Len() > 0 {
			t.Errorf("it prints\n%s%s\nwant\n%s", out.String(), talk.String(), want)
		}
	}
	var out, talk bytes.Buffer
	r := replay{out: &out, talk: &talk}
	r.print(journal.Result{Gaps: []journal.Gap{{Until: at, Lost: 17}}, Cut: 1, Remarks: []string{"a remark"}})
	want := "mwlua: warning: a remark\nmwlua: warning: a gap: 17 events before 2026-03-02T04:11:09.482Z are not in the journal\n" +
		"mwlua: warning: 1 line cut off, by a crash of mwlua or of the machine\n"
	if talk.String() != want {
		t.Errorf("it says\n%s\nwant\n%s", talk.String(), want)
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]string{
		"64KiB": "65536", "16MiB": "16MiB", "16M": "16MiB", "1G": "1024MiB", "100000": "100000", "1TiB": "1048576MiB",
		"": "expected", "16": "at least 64KiB", "-1M": "at least", "1.5M": "expected", "16mb": "expected", "M": "expected", "99999999T": "too large", "16MiBiB": "expected",
	} {
		var s size
		got := ""
		if err := s.Set(text); err != nil {
			got = err.Error()
		} else {
			got = s.String()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}
