package control

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/machine"
)

// second is an instant n seconds after the start of this world.
func second(n float64) machine.Instant { return machine.Instant(n * 1e9) }

// sample is a report of everything that can be there.
func sample() Report {
	return Report{
		Now: second(100), PID: 7, Started: second(10), Version: "1.2.3",
		State: machine.State{
			Generation: 3, Failures: 1, Reload: machine.Reload{Step: machine.Trying}, Stop: machine.Stop{Verb: machine.SoftStop},
			Programs: []machine.Program{
				{Name: "web", Phase: machine.Running, Seq: 3, Current: 3, Failures: 1, Restarts: []machine.Instant{second(50)},
					Last: machine.Ending{Seq: 1, Code: 3, At: second(20)},
					Instances: []machine.Instance{
						{Seq: 2, Generation: 2, PID: 42, Step: machine.Stopping, Cause: machine.ByReload, Told: 15, Since: second(20),
							Deadline: second(107.5)},
						{Seq: 3, Generation: 3, PID: 43, Step: machine.Started, Since: second(90)},
					}},
				{Name: "job", Phase: machine.Waiting, Seq: 4, Failures: 4, StartAt: second(101.25),
					Last: machine.Ending{Seq: 4, Signal: 11, At: second(99)}},
				{Name: "new", Phase: machine.Running, Seq: 1, Current: 1, Instances: []machine.Instance{
					{Seq: 1, Generation: 3, Step: machine.Spawning, Since: second(100)}}},
				{Name: "held", Phase: machine.Down, Held: true, Seq: 1, Last: machine.Ending{Seq: 1, Code: machine.UnknownCode, At: second(1)}},
				{Name: "\xff#1", Phase: machine.Removed, Seq: 1, Instances: []machine.Instance{
					{Seq: 1, Generation: 1, PID: 44, Step: machine.Leaving, Cause: machine.ByReload, Told: 34, Since: second(11)}}},
			},
		},
	}
}

func TestStatusInJSON(t *testing.T) {
	wall := time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.FixedZone("", 3600))
	got, err := json.MarshalIndent(StatusOf(sample(), wall), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "supervisor": {
    "pid": 7,
    "version": "1.2.3",
    "started": "2026-01-02T02:02:35.678Z",
    "uptime_s": 90,
    "generation": 3,
    "failed_loads": 1,
    "reloading": "trial",
    "stopping": "soft-stop"
  },
  "programs": [
    {
      "name": "web",
      "phase": "running",
      "held": false,
      "ready": true,
      "instance": "web#3",
      "seq": 3,
      "pid": 43,
      "step": "started",
      "generation": 3,
      "since": "2026-01-02T02:03:55.678Z",
      "uptime_s": 10,
      "starts": 3,
      "restarts": 1,
      "failures": 1,
      "last_exit": {
        "seq": 1,
        "status": 3,
        "code": 3,
        "at": "2026-01-02T02:02:45.678Z",
        "ago_s": 80
      },
      "former": [
        {
          "instance": "web#2",
          "seq": 2,
          "pid": 42,
          "step": "stopping",
          "cause": "reload",
          "told": "TERM",
          "generation": 2,
          "since": "2026-01-02T02:02:45.678Z",
          "uptime_s": 80,
          "deadline": "2026-01-02T02:04:13.178Z",
          "deadline_in_s": 7.5
        }
      ]
    },
    {
      "name": "job",
      "phase": "waiting",
      "held": false,
      "ready": false,
      "starts": 4,
      "restarts": 0,
      "failures": 4,
      "next_start": "2026-01-02T02:04:06.928Z",
      "next_start_in_s": 1.25,
      "last_exit": {
        "seq": 4,
        "status": 139,
        "signal": "SEGV",
        "at": "2026-01-02T02:04:04.678Z",
        "ago_s": 1
      }
    },
    {
      "name": "new",
      "phase": "running",
      "held": false,
      "ready": false,
      "instance": "new#1",
      "seq": 1,
      "step": "spawning",
      "generation": 3,
      "since": "2026-01-02T02:04:05.678Z",
      "uptime_s": 0,
      "starts": 1,
      "restarts": 0,
      "failures": 0
    },
    {
      "name": "held",
      "phase": "down",
      "held": true,
      "ready": false,
      "starts": 1,
      "restarts": 0,
      "failures": 0,
      "last_exit": {
        "seq": 1,
        "at": "2026-01-02T02:02:26.678Z",
        "ago_s": 99
      }
    },
    {
      "name": "\ufffd#1",
      "name_url": "%FF%231",
      "phase": "removed",
      "held": false,
      "ready": false,
      "starts": 1,
      "restarts": 0,
      "failures": 0,
      "former": [
        {
          "instance": "\ufffd#1#1",
          "seq": 1,
          "pid": 44,
          "step": "leaving",
          "cause": "reload",
          "told": "34",
          "generation": 1,
          "since": "2026-01-02T02:02:36.678Z",
          "uptime_s": 89
        }
      ]
    }
  ]
}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyStatusHasLists(t *testing.T) {
	got := string(encode(StatusOf(Report{}, time.Unix(0, 0))))
	want := `{"supervisor":{"pid":0,"version":"","started":"1970-01-01T00:00:00Z","uptime_s":0,"generation":0,"failed_loads":0,` +
		`"reloading":"","stopping":""},"programs":[]}` + "\n"
	if got != want {
		t.Errorf("got %s", got)
	}
}

func TestSignals(t *testing.T) {
	for text, want := range map[string]int{"HUP": 1, "SIGHUP": 1, "hup": 1, "SigTerm": 15, "9": 9, "64": 64, "34": 34} {
		if n, err := ParseSignal(text); n != want || err != nil {
			t.Errorf("%s: %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"", "SIG", "0", "65", "-1", "NOPE", "SIGSIGHUP", " HUP", "1.5", "99999999999999999999"} {
		if n, err := ParseSignal(text); err == nil {
			t.Errorf("%q is %d", text, n)
		}
	}
	for n := 1; n <= highestSignal; n++ {
		if again, err := ParseSignal(signalName(n)); again != n || err != nil {
			t.Errorf("%d is %s, which is %d, %v", n, signalName(n), again, err)
		}
	}
}
