package haproxycfg

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// haproxy is the real one, in a directory of its own.
type haproxy struct {
	version string // as -v names it
	dir     string // its working directory, with the configurations
	bin     string // its PATH: the dump program, under each name that a command may begin with
	keeps   bool   // E is in the environment that trials begin with
}

// verdict is what HAProxy makes of one trial.
type verdict struct {
	refused bool
	crashed bool       // while it read the file; that is a refusal too
	lacks   bool       // a section without a command
	reports []alert    // fatal ones, in the order of the file
	started bool       // the programs were run
	argvs   [][]string // theirs, in the order of the file
}

type alert struct {
	line int
	text string
}

// haproxyVersion is the release of the haproxy to compare with, or why there is none.
func haproxyVersion() (version, problem string) {
	out, err := exec.Command("haproxy", "-v").Output()
	if err != nil {
		return "", fmt.Sprintf("cannot run haproxy (apt-get install haproxy): %v", err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	version, _, _ = strings.Cut(strings.TrimPrefix(line, "HAProxy version "), " ")
	if !strings.HasPrefix(version, "2.6.12") {
		return "", "2.6.12 is to be compared with (apt-get install haproxy on Debian 12), this is " + line
	}
	return version, ""
}

const (
	// restoreFile is read before each trial, in order to restore what the trials before it changed.
	restoreFile = "restore"
	restored    = "[" + restoreFile + ":"
	// endFile makes HAProxy give up before it allocates what it needs to run: 10 ms instead of 50.
	endFile = "end"
	ended   = "[" + endFile + ":"
)

func newHAProxy(t *testing.T, version string, keeps bool) *haproxy {
	t.Helper()
	dir := t.TempDir()
	h := &haproxy{version: version, dir: dir, bin: filepath.Join(dir, "bin"), keeps: keeps}
	if err := os.Mkdir(h.bin, 0o755); err != nil {
		t.Fatal(err)
	}
	h.write(t, restoreFile, h.restore())
	h.write(t, endFile, ".alert end\n")
	h.write(t, "dump", dumpScript)
	return h
}

func (h *haproxy) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// environment is what a trial begins with.
func (h *haproxy) environment() []string {
	env := []string{"PATH=" + h.bin, "HAPROXY_STARTUP_VERSION=" + h.version, "HAPROXY_LOCALPEER=peer"}
	if h.keeps {
		env = append(env, "E=")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		env = append(env, name+"="+values[name])
	}
	return env
}

// restore is a text that makes the environment what a trial begins with, except for E: setenv takes no empty value.
func (h *haproxy) restore() string {
	text := "global\n nbthread 1\n resetenv E\n"
	for _, kv := range h.environment() {
		name, value, _ := strings.Cut(kv, "=")
		if value == "" {
			continue
		}
		text += " setenv " + name + " "
		for _, b := range []byte(value) {
			text += fmt.Sprintf(`\x%02x`, b)
		}
		text += "\n"
	}
	return text + ".notice begin\n"
}

// judge has HAProxy read the trials, and start those that it accepts and may run. One trial does not disturb another,
// unless it takes E away or has the id of another.
func (h *haproxy) judge(t *testing.T, trials []*trial) map[*trial]*verdict {
	t.Helper()
	verdicts := make(map[*trial]*verdict, len(trials))
	for _, c := range trials {
		h.write(t, c.file(), c.text)
		verdicts[c] = &verdict{}
	}
	accepted := func(c *trial) bool { return !verdicts[c].refused }
	h.read(t, trials, verdicts)
	h.check(t, only(trials, accepted), verdicts)
	h.start(t, only(trials, func(c *trial) bool { return accepted(c) && len(c.outcome.errors) == 0 && c.obstacle() == "" }), verdicts)
	return verdicts
}

func only(trials []*trial, keep func(*trial) bool) []*trial {
	return slices.DeleteFunc(slices.Clone(trials), func(c *trial) bool { return !keep(c) })
}

// read finds what HAProxy refuses while it reads. An error that ends the run, or a crash, is one of the trial begun last;
// those after it are for another run.
func (h *haproxy) read(t *testing.T, trials []*trial, verdicts map[*trial]*verdict) {
	t.Helper()
	for len(trials) > 0 {
		out, state := h.run(t, trials, endFile)
		attribute(out, trials, verdicts)
		if strings.Contains(out, ended) {
			return
		}
		count := strings.Count(out, restored)
		if count == 0 {
			t.Fatalf("HAProxy does not begin to read: %v\n%s", state, out)
		}
		last := verdicts[trials[count-1]]
		last.refused = true
		last.crashed = state.Sys().(syscall.WaitStatus).Signaled()
		trials = trials[count:]
	}
}

// check finds what it refuses when it has read everything without an error: sections without a command (H-1.14). It names
// them, and not the files. As a rule an id says which trial is meant; otherwise half of the trials are checked at a time.
func (h *haproxy) check(t *testing.T, trials []*trial, verdicts map[*trial]*verdict) {
	t.Helper()
	for len(trials) > 0 {
		out, state := h.run(t, trials, restoreFile)
		if state.Success() {
			return
		}
		attribute(out, trials, verdicts)
		accepted := only(trials, func(c *trial) bool { return !verdicts[c].refused })
		switch half := len(trials) / 2; {
		case len(accepted) < len(trials):
			trials = accepted
		case half > 0:
			h.check(t, trials[:half], verdicts)
			trials = trials[half:]
		default:
			verdicts[trials[0]].refused = true
			return
		}
	}
}

// patience is how long a run of HAProxy may take.
const patience = time.Minute

// run is haproxy -c.
func (h *haproxy) run(t *testing.T, trials []*trial, last string) (string, *os.ProcessState) {
	t.Helper()
	cmd := h.command(trials, last)
	cmd.Args = append(cmd.Args, "-c")
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	return out.String(), cmd.ProcessState
}

func (h *haproxy) command(trials []*trial, last string) *exec.Cmd {
	args := []string{"-W"}
	for _, c := range trials {
		args = append(args, "-f", restoreFile, "-f", c.file())
	}
	cmd := exec.Command("haproxy", append(args, "-f", last)...)
	cmd.Dir, cmd.Env = h.dir, h.environment()
	return cmd
}

var (
	// entryBegin is where an entry of the log begins. It may have several lines.
	entryBegin = regexp.MustCompile(`(?m)^\[(ALERT|WARNING|NOTICE|DIAG)\] +\(\d+\) : `)
	alert1     = regexp.MustCompile(`(?s)^\[ALERT\].{1,20} : config : [Pp]arsing \[(c\d+):(\d+)\] ?: ?(.*)`)
	errors1    = regexp.MustCompile(`^\[ALERT\].{1,20} : config : Error\(s\) found in configuration file : (c\d+)\n`)
	// harmless are alerts that refuse nothing (H-1.12, H-4.8).
	harmless = regexp.MustCompile(`(?s)( already specified\. Continuing\.\n|^'mworker-max-reloads' cannot handle unexpected argument .*\n)$`)
	lacks1   = regexp.MustCompile(`^\[ALERT\].{1,20} : config : The program section '(c\d+)-`)
)

// attribute finds out which trials HAProxy speaks of.
func attribute(out string, trials []*trial, verdicts map[*trial]*verdict) {
	named := make(map[string]*verdict)
	for _, c := range trials {
		named[c.file()] = verdicts[c]
	}
	find := func(name string) *verdict {
		if v := named[name]; v != nil {
			return v
		}
		return &verdict{}
	}
	begins := entryBegin.FindAllStringIndex(out, -1)
	for i, begin := range begins {
		entry := out[begin[0]:]
		if i+1 < len(begins) {
			entry = out[begin[0]:begins[i+1][0]]
		}
		if m := alert1.FindStringSubmatch(entry); m != nil && !harmless.MatchString(m[3]) {
			line, _ := strconv.Atoi(m[2])
			v := find(m[1])
			v.reports = append(v.reports, alert{line, strings.TrimSuffix(m[3], "\n")})
		}
		if m := errors1.FindStringSubmatch(entry); m != nil {
			find(m[1]).refused = true
		}
		if m := lacks1.FindStringSubmatch(entry); m != nil {
			v := find(m[1])
			v.refused, v.lacks = true, true
		}
	}
}
