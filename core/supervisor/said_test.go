package supervisor

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// notifying is a program with a NOTIFY_SOCKET.
func (r *rig) notifying(words ...string) program.Spec {
	s := r.spec("a", words...)
	s.Ready.By = program.ReadyNotify
	return s
}

// TestInstanceIsHeard: several messages of one turn are one event.
func TestInstanceIsHeard(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	spec := r.notifying("env NOTIFY_SOCKET", "env WATCHDOG_USEC", `say READY=1\nSTATUS=up`, "say WATCHDOG=1", "say RELOADING=1", "up said", "sleep")
	spec.Watchdog = 3 * time.Second
	id, _ := r.spawn(spec)
	for { // the loop does not run
		if _, err := os.Stat(filepath.Join(r.dir, "said")); err == nil {
			break
		}
		unix.Poll(nil, 3)
	}
	want := machine.Notified{ID: id, Ready: true, Watchdog: true, Reloading: true, Status: "up"}
	if got := expect[machine.Notified](r); got != want {
		r.errorf("it says %+v, want %+v", got, want)
	}
	if got := r.file("WATCHDOG_USEC"); got != "3000000" {
		t.Errorf("WATCHDOG_USEC=%s", got)
	}
	if got := r.file("NOTIFY_SOCKET"); !strings.HasPrefix(got, "@") || len(got) < 20 {
		t.Errorf("NOTIFY_SOCKET=%s", got)
	}
}

// TestLastWordsOfAnInstanceAreHeard, although both are gone when they are read: who has sent them, as systemd-notify(1) does for a shell
// script, and the instance's process.
func TestLastWordsOfAnInstanceAreHeard(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	spec := r.notifying()
	spec.Command = []string{"sh", "-c", `"$0" "say STATUS=last words"; exit 0`, spec.Command[0]}
	_, pid := r.spawn(spec)
	for { // the loop does not run
		var info unix.Siginfo
		check(t, unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil))
		if info.Signo != 0 {
			break
		}
		unix.Poll(nil, 3)
	}
	r.s.collect()
	if got := expect[machine.Notified](r); got.Status != "last words" {
		r.errorf("it says %+v", got)
	}
	expect[machine.Exited](r)
}

// TestChildOfAnInstanceIsHeard, wherever it is, as long as it belongs to it.
func TestChildOfAnInstanceIsHeard(t *testing.T) {
	if !alone(t) {
		return
	}
	for _, how := range []string{"child", "daemon"} {
		t.Run(how, func(t *testing.T) {
			r := newRig(t)
			r.spawn(r.notifying(how+" say STATUS=a, barrier, say STATUS=b, up done, sleep", "sleep"))
			for expect[machine.Notified](r).Status != "b" {
			}
			r.file("done")
			if count[machine.NotifyRefused](r) > 0 {
				r.errorf("it was refused")
			}
		})
	}
}

// TestStrangerIsNotHeard: it is told once, and its descriptors are closed.
func TestStrangerIsNotHeard(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	id, _ := r.spawn(r.notifying("env NOTIFY_SOCKET", "wait go", "say STATUS=mine", "sleep"))
	address := r.file("NOTIFY_SOCKET")
	for range 3 {
		conn, err := net.Dial("unixgram", address)
		check(t, err)
		_, err = conn.Write([]byte("READY=1\nSTATUS=not mine"))
		check(t, err)
		conn.Close()
	}
	if got, want := expect[machine.NotifyRefused](r), (machine.NotifyRefused{ID: id, PID: os.Getpid()}); got != want {
		r.errorf("%+v, want %+v", got, want)
	}
	r.say("go")
	if got := expect[machine.Notified](r); got != (machine.Notified{ID: id, Status: "mine"}) {
		r.errorf("it says %+v", got)
	}
	if count[machine.NotifyRefused](r) > 0 {
		r.errorf("it was told again")
	}
}

// TestOtherProgramIsNotHeard: it is a child of ours as well.
func TestOtherProgramIsNotHeard(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	r.spawn(r.notifying("env NOTIFY_SOCKET", "sleep"))
	other := r.spec("b", "say READY=1", "sleep")
	other.Env = append(other.Env, "NOTIFY_SOCKET="+r.file("NOTIFY_SOCKET"))
	r.perform(machine.Spawn{ID: machine.ID{Program: "b", Seq: 1}, Spec: other})
	pid := expect[machine.Spawned](r).PID
	if got := expect[machine.NotifyRefused](r); got.PID != pid {
		r.errorf("process %d was refused, want %d", got.PID, pid)
	}
}

// TestBarrierIsLifted when all before it was heard (sd_notify_barrier(3)), and no descriptor is left of it.
func TestBarrierIsLifted(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	r.spawn(r.notifying("say STATUS=before", "barrier", "up lifted", "barrier", "up again", "sleep"))
	before := descriptors(t)
	r.file("lifted")
	if got := expect[machine.Notified](r); got.Status != "before" {
		r.errorf("it says %+v", got)
	}
	r.file("again")
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	check(t, err)
	return len(names)
}

// TestFloodKeepsNobodyWaiting: while one program says 10,000 things, the end of another one is heard after a few turns, and what is
// said comes in few events.
func TestFloodKeepsNobodyWaiting(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	r.spawn(r.notifying("up flooding", "flood 10000", "barrier", "up done", "sleep"))
	other := machine.ID{Program: "b", Seq: 1}
	r.perform(machine.Spawn{ID: other, Spec: r.spec("b", "wait flooding", "exit 3")})
	turns, events := 0, 0
	gone := false
	var last machine.Notified
	r.heard = func(ev machine.Event) {
		switch ev := ev.(type) {
		case machine.Notified:
			last = ev
			if events++; !gone {
				turns++
			}
		case machine.Exited:
			gone = gone || ev.ID == other
		}
	}
	r.file("done")
	if !gone {
		expect[machine.Exited](r)
	}
	if last.Status != "9999" || !last.Watchdog {
		r.errorf("the last it said was %+v", last)
	}
	if turns >= events {
		t.Errorf("the end of the other was heard after all %d turns of the flood", turns)
	}
	t.Logf("10,000 messages were %d events; the end of another program was heard after %d", events, turns)
}

// TestMainPIDComesBeforeTheExit: a program that forks, says which process it is from now on, and leaves.
func TestMainPIDComesBeforeTheExit(t *testing.T) {
	if !alone(t) {
		return
	}
	for _, how := range []string{"child", "daemon"} {
		t.Run(how, func(t *testing.T) {
			r := newRig(t)
			r.heard = r.follow
			// the leader tells the pid of its child, which it learns from a file
			id, old := r.spawn(r.notifying(how+" up main, wait go, exit 7", "wait main", "main main", "exit 0"))
			if got := expect[machine.Notified](r); got.MainPID != r.pid("main") {
				r.errorf("the process is %d, want %d", got.MainPID, r.pid("main"))
			}
			for r.s.owners[old] == id || r.s.silent[old] {
				r.idle()
			}
			if count[machine.Exited](r) > 0 {
				r.errorf("the end of the old process was told")
			}
			r.perform(machine.Signal{ID: id, PID: r.pid("main"), Signal: 0})
			r.say("go")
			if got := expect[machine.Exited](r); got.ID != id || got.Code != 7 {
				r.errorf("%+v", got)
			}
			if len(r.s.instances)+len(r.s.owners)+len(r.s.claims)+len(r.s.silent) > 0 {
				r.errorf("something is left: %v %v %v %v", r.s.instances, r.s.owners, r.s.claims, r.s.silent)
			}
		})
	}
}

// follow does what the machine does.
func (r *rig) follow(ev machine.Event) {
	if said, ok := ev.(machine.Notified); ok && said.MainPID != 0 {
		old := r.s.instances[said.ID].leader()
		r.perform(machine.Follow{ID: said.ID, Old: old, PID: said.MainPID})
	}
}

// TestMainPIDThatIsNoChild: its parent lives on, and collects it.
func TestMainPIDThatIsNoChild(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	r.heard = r.follow
	id, old := r.spawn(r.notifying("child up main, sleep", "wait main", "main main", "wait go", "exit 0"))
	main := expect[machine.Notified](r).MainPID
	if r.s.owners[main] != id {
		r.errorf("it is not followed")
	}
	r.perform(machine.Signal{ID: id, PID: main, Signal: int(unix.SIGTERM)})
	got := expect[machine.Exited](r)
	if got.ID != id || got.Signal != int(unix.SIGTERM) {
		r.errorf("%+v", got)
	}
	r.say("go")
	for r.s.silent[old] {
		r.idle()
	}
}

// TestMainPIDOfAStrangerIsIgnored: that of a process that is another's, or none.
func TestMainPIDOfAStrangerIsIgnored(t *testing.T) {
	if !alone(t) {
		return
	}
	r := newRig(t)
	r.perform(machine.Spawn{ID: machine.ID{Program: "b", Seq: 1}, Spec: r.spec("b", "up other", "sleep")})
	r.file("other")
	r.spawn(r.notifying("say MAINPID=1", "main other", "say MAINPID=4194304", "say STATUS=last", "sleep"))
	for {
		said := expect[machine.Notified](r)
		if said.MainPID != 0 {
			r.errorf("process %d was taken", said.MainPID)
		}
		if said.Status == "last" {
			return
		}
	}
}
