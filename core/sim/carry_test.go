package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
)

// TestCarryOverLeavesTraceUnchanged lives the same chaos twice, once with the machine carried over at random steps.
func TestCarryOverLeavesTraceUnchanged(t *testing.T) {
	steps := 0
	for seed := uint64(1); seed <= 100; seed++ {
		plain, carried := newChaos(seed), newChaos(seed)
		carried.w.CarryAtRandom(seed, 3)
		plain.live()
		carried.live()
		steps += plain.w.Steps()
		if err := carried.w.Err(); err != nil {
			t.Errorf("seed %d: %v\n%s", seed, err, carried.w.trace.tail(20))
		}
		if diff := difference(t, plain.w, carried.w); diff != "" {
			t.Errorf("seed %d: %s", seed, diff)
		}
	}
	t.Logf("%d steps", steps)
}

// difference describes the first step in which two worlds differ, and then the states that they ended in; "" means none.
func difference(t *testing.T, a, b *World) string {
	t.Helper()
	for i := range min(len(a.trace.records), len(b.trace.records)) {
		ra, rb := a.trace.records[i], b.trace.records[i]
		if ra.at == rb.at && reflect.DeepEqual(ra.ev, rb.ev) && sameActions(t, ra, rb) {
			continue
		}
		ta, tb := trace{records: a.trace.records[i : i+1]}, trace{records: b.trace.records[i : i+1]}
		return fmt.Sprintf("step %d is\n%sand\n%s", i+1, &ta, &tb)
	}
	switch {
	case len(a.trace.records) != len(b.trace.records):
		return fmt.Sprintf("%d steps and %d", len(a.trace.records), len(b.trace.records))
	case !bytes.Equal(a.encode(), b.encode()):
		return fmt.Sprintf("the states are\n%s\n%s", a.encode(), b.encode())
	}
	return ""
}

// sameActions compares what the text of an action leaves out, too. An empty list and none are the same after JSON.
func sameActions(t *testing.T, a, b record) bool {
	t.Helper()
	if reflect.DeepEqual(a.actions, b.actions) {
		return true
	}
	ja, err := json.Marshal(a.actions)
	if err != nil {
		t.Fatal(err)
	}
	jb, err := json.Marshal(b.actions)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(ja, jb)
}
