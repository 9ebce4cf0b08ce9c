package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// masterKind is one of the masters that are compared.
type masterKind string

const (
	haproxyMaster masterKind = "haproxy"
	mwluaMaster   masterKind = "mwlua"
	luaMaster     masterKind = "lua" // mwlua with what `mwlua convert` makes of the configuration
)

// scenario is one piece of life that both masters go through. What they are to make of it is written down once, as HAProxy
// does it, and once more for mwlua where it is better on purpose.
type scenario struct {
	name   string
	facts  string // of the page of facts about HAProxy
	config string
	script func(*run) // begins when config is loaded and the master takes signals
	early  bool       // script begins at once, because the first load fails
	// want has a line for each instance, in order of birth, and one for the master. On the left, what happened: the events of
	// the instance, and how the master ended. On the right of the bar, what the master's log says of it: how it reported the
	// end of the instance, and in the master's line all else. SIGNAL:dies is a signal and death by it, a SIGNAL alone was
	// survived.
	want    string
	differs *difference // nil: mwlua does the same
}

// difference is what mwlua does better than HAProxy.
type difference struct {
	fact   string     // the decision or trap that asks for it
	script func(*run) // nil: the same
	want   string
}

// TestLifecycle takes HAProxy and mwlua through the same life. The table is the specification of both: HAProxy's run shows
// that the table is right, mwlua's that mwlua is.
func TestLifecycle(t *testing.T) {
	hearInterrupt(t)
	masters := []masterKind{mwluaMaster, luaMaster}
	if problem := haproxyProblem(); problem == "" {
		masters = append(masters, haproxyMaster)
	} else if os.Getenv("CI") == "true" {
		t.Error(problem)
	} else {
		t.Run("haproxy", func(t *testing.T) { t.Skip(problem) })
	}
	for _, s := range slices.Concat(reloadScenarios(), exitScenarios(), stopScenarios()) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range masters {
				t.Run(string(kind), func(t *testing.T) {
					t.Parallel()
					s.play(t, kind)
				})
			}
		})
	}
}

// hearInterrupt undoes, for the masters that this test starts, that a shell's & left SIGINT ignored: HAProxy's worker
// would inherit that and outlive a SIGINT (H-5.8). What a process has a handler for is SIG_DFL again in its children.
// signal.Ignored would say false after the first run of -count=2, when signal.Stop has restored the SIG_IGN.
func hearInterrupt(t *testing.T) {
	if ignoredSignals(os.Getpid()).has(unix.SIGINT) {
		dropped := make(chan os.Signal, 1)
		signal.Notify(dropped, os.Interrupt)
		t.Cleanup(func() { signal.Stop(dropped) })
	}
}

// haproxyProblem says why HAProxy cannot be run for comparison; "" means that it can.
func haproxyProblem() string {
	version, err := exec.Command(string(haproxyMaster), "-v").Output()
	switch {
	case err != nil:
		return fmt.Sprintf("cannot run haproxy (apt-get install haproxy): %v", err)
	case !strings.HasPrefix(string(version), "HAProxy version 2.6."):
		line, _, _ := strings.Cut(string(version), "\n")
		return "the table is HAProxy 2.6's (apt-get install haproxy on Debian 12), this is " + line
	}
	return ""
}

// masterCommand is how a master is started on configFile. The test binary is mwlua too, by MWLUA_TEST_MAIN.
func masterCommand(t *testing.T, kind masterKind) []string {
	if kind == luaMaster {
		return []string{testBinary(t), "run", "-log-format", "haproxy", luaFile}
	}
	if kind == haproxyMaster {
		return []string{string(haproxyMaster), "-W", "-f", configFile}
	}
	return []string{testBinary(t), "run", "-haproxy", configFile}
}

func testBinary(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (s scenario) play(t *testing.T, kind masterKind) {
	script, want := s.script, s.want
	if kind != haproxyMaster && s.differs != nil {
		want = s.differs.want
		if s.differs.script != nil {
			script = s.differs.script
		}
	}
	var r *run
	for range 3 {
		r = newRun(t, kind, s.config)
		if !s.early {
			r.loaded()
		}
		script(r)
		r.gone()
		if kind != haproxyMaster || !r.workerCrashed() {
			break
		}
		t.Logf("a worker of HAProxy has crashed, which is no part of the table: it is played again%s", r.files())
	}
	trace, log := splitWant(want)
	checkTrace(r, trace)
	checkLog(r, log)
}

// workerCrashed says that HAProxy's own worker got SIGSEGV. That of 2.6.12 does, once in some hundreds of runs, when it is told to stop as soon
// as it was started, and its status is then the one that the master leaves with.
func (r *run) workerCrashed() bool {
	said, err := os.ReadFile(filepath.Join(r.dir, stderrFile))
	if err != nil {
		r.t.Fatal(err)
	}
	return regexp.MustCompile(` worker \(\d+\) exited with code 139 `).Match(said)
}

// checkTrace compares what happened.
func checkTrace(r *run, want []string) {
	r.t.Helper()
	if got := r.report().trace(); !slices.Equal(got, want) {
		r.t.Errorf("what happened:\n%s\nwant:\n%s%s", indent(got), indent(want), r.files())
	}
}

// checkLog compares what the master said of it. It is apart from checkTrace: a life can be right and told in other words.
func checkLog(r *run, want []string) {
	r.t.Helper()
	if got := r.report().log(); !slices.Equal(got, want) {
		r.t.Errorf("what the master said:\n%s\nwant:\n%s%s", indent(got), indent(want), r.files())
	}
}

// splitWant takes the two sides of a table apart.
func splitWant(want string) (trace, log []string) {
	for _, line := range strings.Split(strings.TrimSpace(want), "\n") {
		left, right, _ := strings.Cut(line, "|")
		trace = append(trace, strings.Join(strings.Fields(left), " "))
		log = append(log, strings.Join(strings.Fields(right), " "))
	}
	return trace, log
}

func indent(lines []string) string { return "\t" + strings.Join(lines, "\n\t") }
