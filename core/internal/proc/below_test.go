package proc_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
)

// TestBelowFindsADaemon: one that has left its parent, its group, its session and its environment lives below a subreaper all the same.
func TestBelowFindsADaemon(t *testing.T) {
	if !alone(t) {
		return
	}
	if err := proc.Subreaper(); err != nil {
		t.Fatal(err)
	}
	c := newChildren(t)
	file := t.TempDir() + "/pid"
	const daemon = `setsid env -i PATH="$PATH" sh -c 'echo $$ > '"$0"'.new; mv '"$0"'.new '"$0"'; exec sleep 1000' &`
	c.end(c.start(proc.Command{Argv: []string{"sh", "-c", daemon, file}, Env: os.Environ()}))
	var text []byte
	until(t, "the daemon", func() (ok bool) {
		text, _ = os.ReadFile(file)
		return len(text) > 0
	})
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	until(t, "it to be all that is left, as sleep", func() bool {
		all := proc.Below()
		return len(all) == 1 && all[0].PID == pid && all[0].Name == "sleep"
	})
	if pids := proc.Children(os.Getpid()); len(pids) != 1 || pids[0] != pid {
		t.Errorf("the children are %v, want %d", pids, pid)
	}
	if !proc.HasChildren() {
		t.Error("there is no child")
	}
	if err := proc.SignalBelow(pid, 0); err != nil {
		t.Errorf("cannot signal it: %v", err)
	}
	for _, other := range []int{os.Getpid(), os.Getppid(), 1} {
		if err := proc.SignalBelow(other, 0); err != proc.ErrNotBelow {
			t.Errorf("SignalBelow(%d): %v, want that it is not ours", other, err)
		}
	}
	if err := proc.KillBelow(); err != nil {
		t.Error(err)
	}
	if e := c.end(pid); e.Signal != int(unix.SIGKILL) {
		t.Errorf("it ended as %+v", e)
	}
	if left := proc.Below(); len(left) > 0 || proc.HasChildren() {
		t.Errorf("left: %+v", left)
	}
	if err := proc.SignalBelow(pid, 0); err != proc.ErrNotBelow {
		t.Errorf("SignalBelow after its end: %v", err)
	}
}
