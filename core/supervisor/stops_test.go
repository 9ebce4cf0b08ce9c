package supervisor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/internal/carry"
	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
)

// TestStopCommandThatHasEndedIsHeardByTheNextImage: the old one has collected it, and had no time to say so.
func TestStopCommandThatHasEndedIsHeardByTheNextImage(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	id := func(name string) machine.ID { return machine.ID{Program: name, Seq: 1} }
	r.s.takeStops(&carry.Document{
		Stops:      []carry.Stop{{Instance: id("a"), Ended: &proc.Exit{}}, {Instance: id("b"), Ended: &proc.Exit{Code: 3}}},
		Unanswered: []machine.ID{id("a"), id("b"), id("c")},
	})
	want := []machine.Event{
		machine.StopRan{ID: id("a"), OK: true}, machine.StopRan{ID: id("b"), Text: "exit status 3"},
		machine.StopRan{ID: id("c"), Text: "what became of it is not known, mwlua was reloading"},
	}
	if diff := cmp.Diff(want, r.s.queue); diff != "" {
		t.Errorf("heard differs (-want +got):\n%s", diff)
	}
	r.s.queue = nil
}

// TestStopCommandThatTookTooLongIsAnsweredForOnce: that it is killed after that is not told by the next image.
func TestStopCommandThatTookTooLongIsAnsweredForOnce(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	spec := r.spec("a", "sleep")
	spec.StopCommand = []string{"sleep", "1000"}
	id, pid := r.spawn(spec)
	for range 20 { // the answer and the end come in either order
		r.perform(machine.RunStop{ID: id, PID: pid, Spec: spec, Limit: 5 * time.Millisecond})
		if ev := expect[machine.StopRan](r); ev.OK {
			t.Errorf("it is told that it has worked: %+v", ev)
		}
		for len(r.s.helpers) > 0 {
			r.turn()
		}
		if len(r.s.stopped) > 0 {
			t.Fatalf("its end is to be told once more: %+v", r.s.stopped)
		}
	}
	r.ends([]int{pid})
}
