package host

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/plugins/internal/faulty"
)

// hostDir is the variable that makes this test binary a host with a plugin, until it is killed.
const hostDir = "MWLUA_TEST_HOST"

func beHost(dir string) {
	directory, err := NewDirectory(dir)
	if err != nil {
		panic(err)
	}
	h := New(Options{Place: Place{Processes: Alone(), Dir: directory.Path, Log: func(Line) {}}}, Carried{})
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	p := program.Plugin{Name: "p", Path: self, Env: []string{faulty.Mode + "="}, Required: true}
	if err := h.Use(context.Background(), []program.Plugin{p}); err != nil {
		panic(err)
	}
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGUSR2)
	fmt.Println(h.Status()[0].PID)
	<-reload
	panic(syscall.Exec("/bin/sh", []string{"sh", "-c", "echo up; exec sleep 1000"}, nil))
}

// TestHostIsKilled: its plugin does not notice an execve of it, ends by itself when it is killed, and what it leaves is swept by the next one.
func TestHostIsKilled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := exec.Command("/proc/self/exe")
	c.Env = []string{hostDir + "=" + r.Dir}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	defer c.Process.Kill()
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	plugin, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(plugin)
	c.Process.Signal(syscall.SIGUSR2)
	var up string
	if _, err := fmt.Fscan(out, &up); err != nil || up != "up" {
		t.Fatal(up, err)
	}
	polled := []unix.PollFd{{Fd: int32(plugin), Events: unix.POLLIN}}
	if unix.Poll(polled, 300); polled[0].Revents != 0 { // EINTR only makes it shorter
		t.Error("it has ended with the execve")
	}
	c.Process.Kill()
	r.until("the end of the plugin", func() bool {
		unix.Poll(polled, 10)
		return polled[0].Revents != 0
	})
	if err := Sweep(r.Dir, noKill(t)); err != nil {
		t.Error(err)
	}
}

// TestFormerIsEnded: what an earlier image has started goes, also if it does not want to, and its state is the next one's.
func TestFormerIsEnded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	ready, says, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	former, err := r.Processes.Start(Command{
		Path: "/bin/sh", Args: []string{"sh", "-c", "trap '' TERM; echo; exec sleep 100 >&2"}, Dir: "/", Files: []uintptr{null.Fd(), says.Fd(), null.Fd()},
	})
	says.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(r.Dir, "left")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(Carried{Plugins: []Former{
		{Name: "p", Identity: former.Identity, Dir: dir, State: []byte("before")},
		{Name: "gone", Identity: Identity{PID: 1 << 30}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var carried Carried
	if err := json.Unmarshal(text, &carried); err != nil {
		t.Fatal(err)
	}
	place := r.Place
	place.Processes = adopting{r.Processes, former}
	h := New(Options{Place: place}, carried)
	defer h.Close(t.Context())
	if err := h.Use(t.Context(), []program.Plugin{faultyPlugin(t, "remembers")}); err != nil {
		t.Fatal(err)
	}
	v, blob, err := h.Decide(t.Context(), "p", exit("web"), []byte("of web"))
	if err != nil || v.Reason != "before/of web" || string(blob) != "about web" {
		t.Errorf("%+v, %q, %v", v, blob, err)
	}
	// The former one does not want to go, so another image would have to see to it.
	if c := h.Carried().Plugins; len(c) != 2 || c[0].Identity != former.Identity || c[0].Dir != dir || c[0].State != nil ||
		string(c[1].State) != "about web" || c[1].PID == 0 || c[1].Dir == "" {
		t.Errorf("%+v", c)
	}
	r.until("the end of the former one", func() bool {
		_, err := os.Stat(dir)
		return unix.Kill(former.PID, 0) == unix.ESRCH && os.IsNotExist(err)
	})
}

// adopting finds one former process.
type adopting struct {
	Processes
	former Process
}

func (a adopting) Adopt(i Identity) (Process, error) {
	if i.PID != a.former.PID {
		return Process{}, syscall.ESRCH
	}
	return a.former, nil
}

// TestCloseDoesNotWaitForDecisions: who asks is told, and everything ends within seconds.
func TestCloseDoesNotWaitForDecisions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := faultyPlugin(t, "hangs")
	p.Timeout = 30 * time.Second
	h := r.newHost(p)
	errs := make(chan error)
	for range 2 * atOnce {
		go func() {
			_, _, err := h.Decide(t.Context(), "p", exit("web"), nil)
			errs <- err
		}()
	}
	r.until("eight calls", func() bool { return h.Status()[0].Calls == atOnce })
	began := time.Now()
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for range 2 * atOnce {
		if err := <-errs; err == nil {
			t.Error("a verdict")
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("after %v", took)
	}
}
