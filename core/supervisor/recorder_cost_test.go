package supervisor

import (
	"testing"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
)

// TestNoJournalCostsNothing: a step without one allocates nothing that the machine does not.
func TestNoJournalCostsNothing(t *testing.T) {
	s, err := newSupervisor(Options{})
	check(t, err)
	s.m = machine.New(1)
	now := machine.Instant(proc.Monotonic())
	if n := testing.AllocsPerRun(100, func() { s.stepMachine(now, machine.Wake{}) }); n != 0 {
		t.Errorf("a step allocates %v times", n)
	}
}
