package sim

import (
	"encoding/json"
	"testing"

	"github.com/mwlua/mwlua/core/machine"
)

// keeper takes a snapshot before each step, and looks at it again when some have been made.
type keeper struct {
	t    *testing.T
	kept []kept
	seen int
}

type kept struct {
	state machine.State
	text  string
}

func encoded(t *testing.T, s machine.State) string {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (k *keeper) Before(_ machine.Instant, m *machine.Machine) {
	s := m.Snapshot()
	k.kept = append(k.kept, kept{s, encoded(k.t, s)})
	if len(k.kept) > 10 {
		k.look()
	}
}

func (k *keeper) After(machine.Instant, machine.Event, []machine.Action) {}

func (k *keeper) look() {
	for _, one := range k.kept {
		k.seen++
		if now := encoded(k.t, one.state); now != one.text {
			k.t.Fatalf("a snapshot was\n%s\nand is now\n%s", one.text, now)
		}
	}
	k.kept = k.kept[:0]
}

// TestSnapshotsStayAsTheyAre while the machine goes on: others read them meanwhile.
func TestSnapshotsStayAsTheyAre(t *testing.T) {
	k := &keeper{t: t}
	for seed := range uint64(12) {
		if err := ChaosWatched(seed, k); err != nil {
			t.Fatal(err)
		}
		k.look()
	}
	if k.seen < 500 {
		t.Errorf("only %d snapshots", k.seen)
	}
}
