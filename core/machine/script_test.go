package machine

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/program"
)

var update = flag.Bool("update", false, "rewrite the expected parts of testdata")

// TestTranscripts runs testdata/*.txt: commands, a line ----, and what the machine answers. Every command is run once on
// the machine as it is and once on one restored from its JSON, so each transcript is a test of the carry-over too.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d transcripts, %v", len(files), err)
	}
	for _, file := range files {
		if filepath.Base(file) == "matrix.txt" {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) { transcript(t, file) })
	}
}

func transcript(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	d := &driver{t: t, m: New(1), now: Instant(time.Second)}
	for block := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
		input, _, _ := strings.Cut(block+"\n", "----\n")
		got.WriteString(input)
		if !strings.HasSuffix(input, "\n") {
			got.WriteString("\n")
		}
		if out := d.run(input); !strings.HasPrefix(input, "#") || out != "" {
			got.WriteString("----\n" + out)
		}
		got.WriteString("\n")
	}
	text := strings.TrimRight(got.String(), "\n") + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(data), text); diff != "" {
		t.Errorf("%s differs (-file +machine); go test ./core/machine -update rewrites it:\n%s", file, diff)
	}
}

// driver sends a machine what a script says.
type driver struct {
	t   testing.TB
	m   *Machine
	now Instant
}

// run runs the lines of one block and returns what the machine did.
func (d *driver) run(input string) string {
	var out strings.Builder
	lines := strings.Split(strings.TrimSpace(input), "\n")
	for i := 0; i < len(lines); i++ {
		if strings.HasPrefix(lines[i], "#") {
			continue
		}
		end := i + 1
		for end < len(lines) && strings.HasPrefix(lines[end], "  ") { // indented lines belong to the command above
			end++
		}
		out.WriteString(d.command(lines[i], lines[i+1:end]))
		i = end - 1
	}
	return out.String()
}

func (d *driver) command(line string, more []string) string {
	words := strings.Fields(line)
	switch words[0] {
	case "state":
		return d.state()
	case "plan":
		var b strings.Builder
		for _, c := range d.m.Plan(d.config(more)) {
			fmt.Fprintf(&b, "%s: %s: %s\n", slotName(c.Name, c.Slot), c.Do, c.Reason)
		}
		return b.String()
	case "advance":
		return d.advance(duration(d.t, words[1]))
	default:
		return d.step(d.event(words, more))
	}
}

// step sends ev to the machine and to a copy that went through JSON: both must answer the same.
func (d *driver) step(ev Event) string {
	other := clone(d.t, d.m)
	out := texts(d.m.Step(d.now, ev))
	if again := texts(other.Step(d.now, ev)); again != out {
		d.t.Errorf("%T: a machine restored from JSON answered\n%sinstead of\n%s", ev, again, out)
	}
	if err := d.m.Check(); err != nil {
		d.t.Errorf("%T: internal error: %v", ev, err)
	}
	if diff := cmp.Diff(encode(d.t, d.m), encode(d.t, other)); diff != "" {
		d.t.Errorf("%T: the states differ: %s", ev, diff)
	}
	return out
}

// advance moves the time, stopping at each deadline.
func (d *driver) advance(by time.Duration) string {
	var out strings.Builder
	end := d.now + Instant(by)
	for {
		at, ok := d.m.Deadline()
		if !ok || at > end {
			break
		}
		d.now = max(at, d.now)
		if text := d.step(Wake{}); text != "" {
			fmt.Fprintf(&out, "at %v:\n%s", time.Duration(d.now).Round(time.Millisecond), text)
		}
	}
	d.now = end
	return out.String()
}

func (d *driver) event(words, more []string) Event {
	last := words[len(words)-1]
	n, _ := strconv.ParseUint(last, 10, 64)
	switch words[0] {
	case "boot":
		return Booted{}
	case "reload":
		return Request{Verb: ReloadAll, By: words[1], Hard: slices.Contains(words, "hard"), From: from(last)}
	case "status":
		return Request{Verb: TellState, From: from(last)}
	case "stop":
		return Request{Verb: StopAll, By: "SIG" + words[1], Signal: signalNumber(d.t, words[1])}
	case "start", "stop-program", "restart", "signal":
		verb := map[string]Verb{"start": StartProgram, "stop-program": StopProgram, "restart": RestartProgram, "signal": SignalProgram}[words[0]]
		ev := Request{Verb: verb, By: "ctl", Program: words[1], From: from(last), NoWait: slices.Contains(words, "no-wait")}
		if verb == SignalProgram {
			ev.Signal = signalNumber(d.t, words[2])
		}
		return ev
	case "soft-stop":
		return Request{Verb: SoftStop, By: "SIGUSR1", Signal: sigUSR1}
	case "trial-passed":
		return TrialPassed{N: n}
	case "trial-failed":
		return TrialFailed{N: n, Text: "haproxy.cfg:3: unknown keyword"}
	case "handover-failed":
		return HandoverFailed{N: n, Text: "cannot execute mwlua: no such file or directory"}
	case "loaded":
		return Loaded{N: n, Config: d.config(more)}
	case "load-failed":
		return LoadFailed{N: n, Text: "haproxy.cfg:3: unknown keyword"}
	case "reloaded-itself":
		n, _ := strconv.ParseUint(words[1], 10, 64)
		return ReloadedItself{N: n, ID: parseID(d.t, words[2])}
	case "serving":
		return Serving{ID: parseID(d.t, words[1])}
	case "not-serving":
		return NotServing{ID: parseID(d.t, words[1]), Text: "it does not say whether it serves"}
	case "reload-refused":
		n, _ := strconv.ParseUint(words[1], 10, 64)
		return ReloadRefused{N: n, ID: parseID(d.t, words[2]), Text: "haproxy.cfg:9: cannot bind :80"}
	case "master-ended":
		return MasterEnded{PID: 99, Signal: signalNumber(d.t, words[1])}
	case "spawned":
		id := parseID(d.t, words[1])
		return Spawned{ID: id, PID: 100 + int(id.Seq) + 1000*id.Slot}
	case "spawn-failed":
		ev := SpawnFailed{ID: parseID(d.t, words[1]), Step: "exec", Text: "no such file or directory"}
		if len(words) > 2 {
			ev.Step, ev.Text = words[2], strings.Join(words[3:], " ")
		}
		return ev
	case "exited":
		ev := Exited{ID: parseID(d.t, words[1])}
		if code, err := strconv.Atoi(words[2]); err == nil {
			ev.Code = code
		} else {
			ev.Signal = signalNumber(d.t, words[2])
		}
		if text, ok := strings.CutPrefix(last, "left="); ok {
			ev.Left = left(text)
		}
		return ev
	case "signal-failed":
		return SignalFailed{ID: parseID(d.t, words[1]), Signal: sigTERM, Text: "operation not permitted"}
	case "wake":
		return Wake{}
	}
	if ev := d.said(words); ev != nil {
		return ev
	}
	d.t.Fatalf("unknown command %q", words)
	return nil
}

// from reads from=N.
func from(word string) uint64 {
	n, _ := strconv.ParseUint(strings.TrimPrefix(word, "from="), 10, 64)
	return n
}

// config reads program lines: NAME key=value…, with HAProxy's behaviour where a key is not given.
func (d *driver) config(lines []string) program.Config {
	var c program.Config
	for _, line := range lines {
		words := strings.Fields(line)
		if env, ok := strings.CutPrefix(words[0], "env="); ok {
			c.Env = append(c.Env, env)
			continue
		}
		if when, ok := strings.CutPrefix(words[0], "exit-when="); ok {
			c.Settings.ExitWhen = program.ExitWhen(when)
			continue
		}
		if hook, ok := strings.CutPrefix(words[0], "on="); ok {
			c.Hooks = append(c.Hooks, program.Hook{On: program.HookOn(hook), Name: "on." + hook})
			continue
		}
		if plugin, ok := strings.CutPrefix(words[0], "plugin="); ok {
			c.Plugins = append(c.Plugins, program.Plugin{Name: plugin, Path: "/bin/" + plugin})
			continue
		}
		if limit, ok := strings.CutPrefix(words[0], "shutdown-timeout="); ok {
			c.Settings.ShutdownTimeout = duration(d.t, limit)
			continue
		}
		c.Programs = append(c.Programs, d.spec(words))
	}
	for _, p := range c.Validate() {
		d.t.Fatalf("config: %v", p)
	}
	return c
}

// state is what the machine knows, a line a program and an instance.
func (d *driver) state() string {
	var b strings.Builder
	s := d.m.State()
	fmt.Fprintf(&b, "generation %d reload %q status %d\n", s.Generation, s.Reload.Step, s.Status)
	for _, p := range s.Programs {
		fmt.Fprintf(&b, "%s %s", slotName(p.Name, p.Slot), p.Phase)
		for _, word := range []struct {
			text string
			is   bool
		}{{"again", p.Again}, {"roll", p.Roll}, {"stale", p.Stale}, {"queued", p.Queued}} {
			if word.is {
				b.WriteString(" " + word.text)
			}
		}
		if p.Next != 0 {
			fmt.Fprintf(&b, " next=%d", p.Next)
		}
		if p.TickAt != 0 {
			fmt.Fprintf(&b, " tick in %v", time.Duration(p.TickAt-d.now))
		}
		if p.Failures > 0 {
			fmt.Fprintf(&b, " failures=%d", p.Failures)
		}
		for _, in := range p.Instances {
			fmt.Fprintf(&b, " [%d %s %s]", in.Seq, in.Step, in.Cause)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func texts(actions []Action) string {
	var b strings.Builder
	for _, a := range actions {
		b.WriteString(Text(a) + "\n")
	}
	return b.String()
}

func encode(t testing.TB, m *Machine) string {
	data, err := json.Marshal(m.State())
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// clone is m after a trip through JSON.
func clone(t testing.TB, m *Machine) *Machine {
	var s State
	if err := json.Unmarshal([]byte(encode(t, m)), &s); err != nil {
		t.Fatal(err)
	}
	c, err := Restore(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func parseID(t testing.TB, text string) ID {
	name, seq, ok := strings.Cut(text, "#")
	n, err := strconv.ParseUint(seq, 10, 64)
	name, slot, _ := strings.Cut(strings.TrimSuffix(name, "]"), "[")
	number, _ := strconv.Atoi(slot)
	if !ok || err != nil {
		t.Fatalf("%q is no instance", text)
	}
	return ID{Program: name, Slot: number, Seq: n}
}

func duration(t testing.TB, text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func signalNumber(t testing.TB, name string) int {
	for n := range 65 {
		if signalName(n) == name {
			return n
		}
	}
	t.Fatalf("unknown signal %q", name)
	return 0
}
