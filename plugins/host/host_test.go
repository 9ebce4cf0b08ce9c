package host

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/plugins/internal/faulty"
)

func TestUseKeepsWhatDidNotChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := faultyPlugin(t, ""), faultyPlugin(t, "")
	a.Name, b.Name, a.Required, b.Required = "a", "b", true, true
	h := r.newHost(a, b)
	pid := func(name string) string {
		v, _, err := h.Decide(t.Context(), name, exit("web"), nil)
		if err != nil || v.Do != policy.Stop {
			t.Error(v, err)
		}
		return v.Reason
	}
	pa, pb := pid("a"), pid("b")
	b.Config = `{"limit":3}`
	if err := h.Use(t.Context(), []program.Plugin{b, a}); err != nil {
		t.Fatal(err)
	}
	if pid("a") != pa || pid("b") == pb {
		t.Error("the one that did not change was to run on, and the other one not")
	}
	if err := h.Use(t.Context(), []program.Plugin{a}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Decide(t.Context(), "b", exit("web"), nil); err != ErrUnknown {
		t.Error(err)
	}
	n, _ := strconv.Atoi(pb)
	r.until("the end of b", func() bool { return unix.Kill(n, 0) == unix.ESRCH })
}

// TestWhatAPluginGets: its environment and nothing of ours, /dev/null, no descriptor but its own.
func TestWhatAPluginGets(t *testing.T) {
	t.Setenv("SECRET", "1")
	r := newRig(t)
	run := r.start(faultyPlugin(t, "good"))
	proc := "/proc/" + strconv.Itoa(run.Identity().PID)
	env, err := os.ReadFile(proc + "/environ")
	if err != nil || strings.Contains(string(env), "SECRET") || !strings.Contains(string(env), faulty.Mode) {
		t.Errorf("%q, %v", env, err)
	}
	if in, err := os.Readlink(proc + "/fd/0"); in != os.DevNull || err != nil {
		t.Error(in, err)
	}
	if cwd, err := os.Readlink(proc + "/cwd"); cwd != "/" || err != nil {
		t.Error(cwd, err)
	}
	if group, err := unix.Getpgid(run.Identity().PID); group != run.Identity().PID {
		t.Error(group, err)
	}
}

// TestScript: what begins with #! is opened again by its interpreter.
func TestScript(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := faultyPlugin(t, "")
	script := copyOf(t, "script", 0o755)
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"+faulty.Mode+"= exec "+p.Path+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.Path = script
	p.SHA256, _ = SHA256(script)
	if run := r.start(p); run.Name != "faulty" {
		t.Error(run.Name)
	}
}

func TestMTLS(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := faultyPlugin(t, "")
	p.MTLS = true
	r.start(p)
}

// TestOtherUser needs root.
func TestOtherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can start a plugin as another user")
	}
	t.Parallel()
	r := newRig(t)
	for _, dir := range []string{r.Dir, strings.TrimSuffix(r.Dir, "/p")} {
		if err := os.Chmod(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	p := faultyPlugin(t, "")
	p.Path = copyOf(t, "p", 0o755)
	p.User = &program.Credential{UID: 65534, GID: 65534}
	run := r.start(p)
	status, err := os.ReadFile("/proc/" + strconv.Itoa(run.Identity().PID) + "/status")
	if err != nil || !strings.Contains(string(status), "Uid:\t65534\t65534") {
		t.Errorf("%s %v", status, err)
	}
}

// TestNothingStaysOpen: neither descriptors nor goroutines, whether a run came up or not.
func TestNothingStaysOpen(t *testing.T) {
	r := newRig(t)
	descriptors := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	r.start(faultyPlugin(t, "")).Stop() // whatever is opened once is open then
	wait := func(before, goroutines int) {
		r.until("the end of descriptors and goroutines", func() bool {
			return descriptors() <= before && runtime.NumGoroutine() <= goroutines
		})
	}
	wait(1000, 1000)
	before, goroutines := descriptors(), runtime.NumGoroutine()
	for _, word := range []string{"", "grandchild", "ends", "garbage-line", "wrong-version", "elsewhere", "speaks-then-dies", "dies-in-call"} {
		p := faultyPlugin(t, word)
		p.Timeout = 500 * time.Millisecond // what it says does not matter
		h := r.newHost(p)
		h.Decide(t.Context(), "p", exit("web"), nil)
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
		os.Mkdir(r.Dir, 0o700)
	}
	wait(before, goroutines)
}
