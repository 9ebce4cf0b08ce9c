package supervisor_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// doing is a program that does things: see Act.
func doing(t *testing.T, name string, words ...string) program.Spec {
	return program.Spec{
		Name: name, Command: append([]string{testBinary(t)}, words...), Env: []string{roleVariable + "=program", "GORACE=atexit_sleep_ms=0"},
		StopTimeout: 200 * time.Millisecond, OnReload: program.IfChanged, ReloadSignal: int(unix.SIGUSR1),
	}
}

// went waits until a program has come to a place in what it does.
func (r *run) went(name string) {
	r.t.Helper()
	r.until(name, func() bool { return r.read(name) != "" })
}

// again is a program that is ready at once the first time, as a load wants it, and then starts anew when there is a file of that name.
func again(t *testing.T, name, ready string, words ...string) program.Spec {
	s := doing(t, name, append([]string{"first first." + name + ", " + ready + ", wait again, exit 0"}, words...)...)
	s.Exit = policy.Policy{When: policy.Always, Backoff: policy.Backoff{Base: 10 * time.Millisecond}}
	return s
}

// TestWhatAnInstanceHasSurvivesAReload: its NOTIFY_SOCKET, the pipes to which it says that it is ready and what it writes, and its
// sockets, in the same state, twice. Those that are not ready are once they say so, two images later.
func TestWhatAnInstanceHasSurvivesAReload(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := l.Addr().String()
	l.Close()

	says := again(t, "says", "say READY=1", "up says", "wait go1", "say STATUS=1", "barrier", "up said1",
		"wait go2", "say READY=1", "barrier", "up said2", "sleep")
	says.Ready.By = program.ReadyNotify
	fd := again(t, "fd", `to 4 \n`, `to 4 not yet`, "up fd", "wait go1", `to 4 still not`, "up fd1", "wait go2", `to 4 now\n`, "up fd2", "sleep")
	fd.Ready = program.Ready{By: program.ReadyFD, FD: 4}
	writes := again(t, "writes", `print one ready\n`, `print one`, "up writes", "wait go1", `print  rea`, "up wrote1",
		"wait go2", `print dy\ntwo\n`, "up wrote2", "sleep")
	writes.Ready = program.Ready{By: program.ReadyLog, Pattern: "^one ready$"}
	writes.Stdout = "file:@/out"
	serves := doing(t, "serves", "serve", "up serves", "sleep")
	serves.Sockets = []program.Socket{{Name: "http", Address: "tcp://" + address}}
	serves.Exit = policy.Policy{When: policy.Always, Backoff: policy.Backoff{Base: 10 * time.Millisecond}}
	leaves := doing(t, "leaves", "daemon up daemon, sleep", "wait daemon", "up leaves", "sleep")
	leaves.Kill = program.KillUnit

	r := newRun(t, programs(says, fd, writes, serves, leaves))
	r.logged(loaded, 1)
	r.write("again", "x", 0o644)
	for _, name := range []string{"says", "fd", "writes", "serves", "leaves"} {
		r.went(name)
	}
	socket := r.listening()
	for i := range 2 {
		r.reload(loaded)
		r.write(fmt.Sprintf("go%d", i+1), "x", 0o644)
		for _, name := range []string{"said", "fd", "wrote"} {
			r.went(fmt.Sprintf("%s%d", name, i+1))
		}
		if got := r.listening(); len(got) != 1 || got[0] != socket[0] {
			t.Errorf("after reload %d the supervisor has the sockets %v, before %v", i+1, got, socket)
		}
	}
	r.until("the output", func() bool { return r.read("out") == "one ready\none ready\ntwo\n" })
	for _, name := range []string{"says#2", "fd#2", "writes#2"} {
		r.until(name+" to be ready", func() bool { return r.missing([]string{name + ` \(pid \d+\) is ready`}) == "" })
	}
	if got := r.client(address); got != "serves#1 http" {
		t.Errorf("a client was told %q", got)
	}
	must(t, os.Remove(r.path("serves")))
	r.kill("serves#1")
	if got := r.client(address); got != "serves#2 http" { // it waits until the next one is there
		t.Errorf("a client was told %q", got)
	}
	r.signal(unix.SIGTERM)
	r.exits(0)
	if log := r.read("log"); strings.Contains(log, "Process ") || strings.Contains(log, "cannot") {
		t.Errorf("the log tells of something that should not be%s", r.files())
	}
}

// TestOutputSurvivesReloads: while a program writes without end, every byte arrives once.
func TestOutputSurvivesReloads(t *testing.T) {
	counts := again(t, "counts", `print ready\n`, "up counts", "count enough", "up done", "sleep")
	counts.Ready = program.Ready{By: program.ReadyLog, Pattern: "ready"} // it looks for that until the end
	counts.Stdout, counts.Stderr = "file:@/out", "file:@/out"
	r := newRun(t, programs(counts))
	r.logged(loaded, 1)
	r.write("again", "x", 0o644)
	r.went("counts")
	for range 5 {
		r.reload(loaded)
	}
	r.write("enough", "x", 0o644)
	r.went("done")
	r.signal(unix.SIGTERM)
	r.exits(0)
	want := 0
	for line := range strings.Lines(strings.TrimPrefix(r.read("out"), "ready\n")) {
		if line != fmt.Sprintln(want) {
			t.Fatalf("after %d comes %q", want-1, line)
		}
		want++
	}
	if want == 0 || want%100 != 0 {
		t.Errorf("%d lines arrived", want)
	}
}

// client is what one is told at an address.
func (r *run) client(address string) string {
	r.t.Helper()
	conn, err := net.Dial("tcp", address)
	must(r.t, err)
	defer conn.Close()
	must(r.t, conn.SetDeadline(time.Now().Add(patience)))
	text, err := io.ReadAll(conn)
	must(r.t, err)
	return string(text)
}

// listening are the TCP sockets of the supervisor, as links in /proc.
func (r *run) listening() (links []string) {
	r.t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", r.cmd.Process.Pid)
	table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", r.cmd.Process.Pid))
	must(r.t, err)
	entries, err := os.ReadDir(dir)
	must(r.t, err)
	for _, e := range entries {
		link, _ := os.Readlink(dir + "/" + e.Name())
		inode := strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")
		if link != inode && strings.Contains(string(table), " "+inode+" ") {
			links = append(links, link)
		}
	}
	return links
}

// kill kills an instance whose pid the log has.
func (r *run) kill(instance string) {
	r.t.Helper()
	_, after, found := strings.Cut(r.read("log"), instance+" started, pid ")
	pid := 0
	if _, err := fmt.Sscan(after, &pid); !found || err != nil || !r.lives(pid) {
		r.t.Fatalf("%s has no pid%s", instance, r.files())
	}
	must(r.t, unix.Kill(pid, unix.SIGKILL))
}

// TestStoppedMeansThatNothingIsAlive: a program that goes, and has a child in its group and one in a session of its own that do not.
func TestStoppedMeansThatNothingIsAlive(t *testing.T) {
	a := doing(t, "a", "child ignore, up child, sleep", "daemon ignore, up daemon, sleep", "wait child", "wait daemon", "up leader", "sleep")
	a.Kill = program.KillUnit
	r := newRun(t, programs(a))
	r.went("leader")
	r.signal(unix.SIGTERM)
	r.exits(0)
	if left := r.processes(); len(left) > 0 {
		t.Errorf("processes %v are alive%s", left, r.files())
	}
	if log := r.read("log"); strings.Contains(log, "Process ") {
		t.Errorf("what it left is told as a stranger's%s", r.files())
	}
}

// TestMainProcessIsFollowed over a reload: a program that forks, says who counts from now on, and leaves.
func TestMainProcessIsFollowed(t *testing.T) {
	a := doing(t, "a", "daemon up main, sleep", "wait main", "main main", "say READY=1", "exit 0")
	a.Ready.By = program.ReadyNotify
	a.Exit = policy.Policy{When: policy.Never}
	r := newRun(t, programs(a))
	r.logged(loaded, 1)
	r.reload(loaded)
	main := 0
	_, err := fmt.Sscan(r.read("main"), &main)
	must(t, err)
	must(t, unix.Kill(main, unix.SIGKILL))
	r.logged("was killed by SIGKILL", 1)
	r.checkLog(fmt.Sprintf(`a#1 \(pid %d\) was killed by SIGKILL after .*`, main))
	r.signal(unix.SIGTERM)
	r.exits(0)
}

// TestStopCommandStops, and a health check that fails restarts.
func TestStopCommandStops(t *testing.T) {
	a := doing(t, "a", "up a", "sleep")
	a.StopTimeout = patience
	a.StopCommand = []string{"sh", "-c", "echo $MAINPID >told; kill -KILL $MAINPID"}
	a.Health = &program.Health{
		Probe: program.Probe{Command: []string{"sh", "-c", "echo it is ill; exit 1"}, Interval: 10 * time.Millisecond, Timeout: patience},
	}
	a.Exit = policy.Policy{When: policy.Always, Backoff: policy.Backoff{Base: 10 * time.Millisecond}}
	r := newRun(t, programs(a))
	r.logged("a#2 started", 1)
	r.checkLog(`.*a#1 .*exit status 1: it is ill.*`, `.*a#1 \(pid \d+\) was killed by SIGKILL .*`)
	r.signal(unix.SIGTERM)
	r.exits(0)
	r.alone()
	if !strings.Contains(r.read("log"), "started, pid "+strings.TrimSpace(r.read("told"))) {
		t.Errorf("the stop command was told %q%s", r.read("told"), r.files())
	}
}

// TestStopCommandOutlivesReload: one without a stop timeout has all its time, and how it ends is heard by the next image.
func TestStopCommandOutlivesReload(t *testing.T) {
	for end, log := range map[string]string{
		"exit 1":             `a#1 \(pid \d+\) was killed by SIGTERM.*`,
		"kill -KILL $$":      `a#1 \(pid \d+\) was killed by SIGTERM.*`,
		"kill -INT $MAINPID": `a#1 \(pid \d+\) was killed by SIGINT.*`,
	} {
		t.Run(end, func(t *testing.T) {
			a := doing(t, "a", "up a", "sleep")
			a.StopTimeout, a.OnReload, a.ReloadSignal = 0, program.Keep, 0
			a.StopCommand = []string{"sh", "-c", "echo >>stopping; while ! [ -e go ]; do sleep .01; done; " + end}
			a.Health = &program.Health{
				Probe: program.Probe{Command: []string{"sh", "-c", "! [ -e ill ]"}, Interval: 10 * time.Millisecond, Timeout: patience},
			}
			a.Exit = policy.Policy{When: policy.Always, Backoff: policy.Backoff{Base: 10 * time.Millisecond}}
			r := newRun(t, programs(a))
			r.write("ill", "", 0o644)
			r.until("the stop command", func() bool { return r.read("stopping") != "" })
			must(t, os.Remove(r.path("ill")))
			r.reload(loaded)
			r.write("go", "", 0o644)
			r.logged("a#2 started", 1)
			r.checkLog(log)
			if failed := strings.Contains(r.read("log"), "the stop command of a#1"); failed != strings.Contains(log, "SIGTERM") {
				t.Errorf("it is told that the stop command has failed: %v%s", failed, r.files())
			}
			r.signal(unix.SIGTERM)
			r.until("the stop command", func() bool { return strings.Count(r.read("stopping"), "\n") == 2 })
		})
	}
}

// TestStopCommandThatHasWorkedIsDone: after a reload, too, nothing more is sent to who takes its time.
func TestStopCommandThatHasWorkedIsDone(t *testing.T) {
	a := doing(t, "a", "up a", "wait go", "exit 3")
	a.StopTimeout, a.OnReload, a.ReloadSignal = 0, program.Keep, 0
	a.StopCommand = []string{"sh", "-c", "echo >stopping"}
	a.Health = &program.Health{
		Probe: program.Probe{Command: []string{"sh", "-c", "! [ -e ill ]"}, Interval: 10 * time.Millisecond, Timeout: patience},
	}
	r := newRun(t, programs(a))
	r.write("ill", "", 0o644)
	r.until("the stop command", func() bool { return r.read("stopping") != "" })
	r.reload(loaded)
	r.write("go", "", 0o644)
	r.logged("a#1 (pid ", 2) // that it is ill, and how it ended
	r.checkLog(`a#1 \(pid \d+\) exited with code 3 .*`)
	if strings.Contains(r.read("log"), "the stop command of a#1") {
		t.Errorf("it is told that the stop command has failed%s", r.files())
	}
	r.signal(unix.SIGTERM)
}

// TestCronRuns.
func TestCronRuns(t *testing.T) {
	a := doing(t, "a", "up a", "exit 0")
	a.Kind, a.Schedule = program.Cron, "@every 1s"
	a.OnReload, a.ReloadSignal = program.Keep, 0
	r := newRun(t, programs(a))
	r.logged("a#2 started", 1)
	r.reload(loaded)
	r.logged("a#3 started", 1)
	r.signal(unix.SIGTERM)
	r.exits(0)
}
