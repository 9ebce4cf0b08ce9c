package proc_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for anything. Nothing takes that long: it only ends a test that has failed.
const patience = 20 * time.Second

// TestMain makes this binary an image of a hand-over, or a master, if it is told so, and else the tests.
func TestMain(m *testing.M) {
	if os.Getenv(masterVariable) != "" {
		runMaster()
	}
	if os.Getenv(headlessVariable) != "" {
		runHeadless()
	}
	switch os.Getenv(imageVariable) {
	case "old":
		runOldImage(os.Args[1:])
	case "new":
		runNewImage(os.Args[1:])
	default:
		os.Exit(m.Run())
	}
}

// aloneVariable names the test that this process was started for.
const aloneVariable = "PROC_TEST_ALONE"

// alone reports whether this process is the test's own. If not, it runs the test in one, set up as the caller likes, and the
// caller has nothing left to do. What is under test belongs to the whole process: its children, the dispositions of its
// signals, its descriptors. The first test that called Collect would take the children of all others.
func alone(t *testing.T, setups ...func(*exec.Cmd)) bool {
	t.Helper()
	if os.Getenv(aloneVariable) == t.Name() {
		return true
	}
	t.Parallel()
	cmd := exec.Command(testBinary(t), "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.v", "-test.timeout=60s")
	for _, setup := range setups {
		setup(cmd)
	}
	cmd.Env = append(os.Environ(), aloneVariable+"="+t.Name(), "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("in a process of its own: %v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP: "+t.Name()+" "):
		t.Skipf("in a process of its own:\n%s", out)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()+" "):
		t.Errorf("in a process of its own it did not run:\n%s", out)
	}
	return false
}

func testBinary(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// until waits for a condition that nobody announces, so it looks again and again.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// statusField is a field of /proc/PID/status; pid may be "self" or "thread-self".
func statusField(pid any, field string) string {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%v/status", pid))
	return fieldOf(string(status), field)
}

func fieldOf(status, field string) string {
	_, rest, _ := strings.Cut(status, "\n"+field+":")
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value)
}

func write(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}
