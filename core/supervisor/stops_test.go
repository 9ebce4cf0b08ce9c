package supervisor

import (
	"testing"

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
