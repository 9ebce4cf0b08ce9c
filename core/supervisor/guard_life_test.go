package supervisor

import (
	"os/exec"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/machine"
)

// TestGuardDoesWhatItCan: it is nobody's parent, so it does not wait for what an instance has left, and it runs nothing.
func TestGuardDoesWhatItCan(t *testing.T) {
	t.Parallel()
	sleep := exec.Command("sleep", "1000") // in our own process group, which must not be hit
	check(t, sleep.Start())
	id := machine.ID{Program: "a", Slot: 1, Seq: 3}
	g := &guard{slots: make(map[machine.ID]int), left: make(map[machine.ID][]proc.Pidfd)}
	check(t, g.open(id, machine.Instance{PID: 1 << 22, Step: machine.Emptying, Left: []machine.Survivor{{PID: sleep.Process.Pid}, {PID: 1 << 22}}}))
	for _, a := range []machine.Action{
		machine.Signal{ID: id, Signal: int(unix.SIGTERM)}, machine.Probe{ID: id}, machine.NextTick{}, machine.OpenSockets{}, machine.Follow{ID: id},
		machine.SignalUnit{ID: id, Signal: int(unix.SIGKILL)}, machine.RunStop{ID: id},
	} {
		g.perform(1, a)
	}
	want := []machine.Event{machine.Emptied{ID: id}, machine.StopRan{ID: id, Text: "there is nobody to run it between two images of mwlua"}}
	if !slices.Equal(g.queue, want) {
		t.Errorf("it says %+v", g.queue)
	}
	if err := sleep.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("what was left ended with %v", err)
	}
	sleep = exec.Command("sleep", "1000")
	check(t, sleep.Start())
	id.Seq++
	check(t, g.open(id, machine.Instance{PID: sleep.Process.Pid, Step: machine.Started}))
	g.perform(1, machine.Signal{ID: id, Signal: int(unix.SIGKILL), Group: true})
	if err := sleep.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the instance ended with %v", err)
	}
}
