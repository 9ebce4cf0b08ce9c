package supervisor_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/sim"
	"github.com/mwlua/mwlua/core/supervisor"
)

// stage is a world in which a story is played: a made-up one, or this one.
type stage interface {
	// tell has an instance do something: ready, or exit CODE.
	tell(instance, word string)
	// ill has the health checks of an instance fail, or succeed again.
	ill(instance string, yes bool)
	reload(specs ...program.Spec)
	stop()
	// until waits until the journal has a line with that text, so many times.
	until(text string, times int)
	journal() []line
}

// line is one of the journal: what the log says in JSON, without times and pids.
type line struct {
	who  string // the program and the slot; "" is mwlua itself
	text string // for until
	all  string
}

// masks are what differs from run to run: how long something ran, and what is left of a time that runs already. Delays that the
// machine chooses are not among them.
var masks = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`\bpid \d+`), "pid N"},
	{regexp.MustCompile(`[\w.-]+ \(\d+\)`), "CHILD (N)"},
	{regexp.MustCompile(` after [\d.]+(h|m|s|ms|µs)\b[\d.hmsµ]*`), " after T"},
	{regexp.MustCompile(`SIGKILL in [\d.hmsµ]+`), "SIGKILL in T"},
}

// journalOf reads a log.
func journalOf(t *testing.T, log string) []line {
	t.Helper()
	var lines []line
	for text := range strings.Lines(log) {
		if !strings.HasSuffix(text, "\n") { // it is being written
			break
		}
		fields := map[string]any{}
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		for _, name := range []string{"time", "pid", "ran_ms", "next_ms"} {
			delete(fields, name)
		}
		message := fields["message"].(string)
		for _, m := range masks {
			message = m.what.ReplaceAllString(message, m.by)
		}
		fields["message"] = message
		all, err := json.Marshal(fields)
		must(t, err)
		l := line{text: message, all: string(all)}
		if name := fields["program"]; name != nil {
			l.who = fmt.Sprint(name)
		}
		if slot := fields["slot"]; slot != nil {
			l.who += fmt.Sprintf("[%v]", slot)
		}
		lines = append(lines, l)
	}
	return lines
}

func count(lines []line, text string) (n int) {
	for _, l := range lines {
		n += strings.Count(l.text, text)
	}
	return n
}

// simulated is a stage in virtual time. Its notes are written by the same log.
type simulated struct {
	t          *testing.T
	w          *sim.World
	behaviours map[string]sim.Behaviour
	out        bytes.Buffer
	log        *supervisor.Log
}

func newSimulated(t *testing.T, s story) *simulated {
	m := &simulated{t: t, w: sim.New(1), behaviours: s.behaviours}
	m.log = supervisor.NewLog(&m.out, supervisor.JSONFormat)
	m.w.Told = m.log.Note
	m.w.SetConfig(program.Config{Programs: s.specs})
	for name, b := range m.behaviours {
		m.w.Program(name, b)
	}
	m.w.Boot()
	return m
}

// parse is the ID of an instance that is written as the log writes it.
func parse(t *testing.T, instance string) machine.ID {
	t.Helper()
	var id machine.ID
	name, seq, _ := strings.Cut(instance, "#")
	name, slot, several := strings.Cut(strings.TrimSuffix(name, "]"), "[")
	if several {
		_, err := fmt.Sscan(slot, &id.Slot)
		must(t, err)
	}
	_, err := fmt.Sscan(seq, &id.Seq)
	must(t, err)
	id.Program = name
	return id
}

func (m *simulated) tell(instance, word string) {
	m.t.Helper()
	id, code := parse(m.t, instance), 0
	did := false
	if word == "ready" {
		did = m.w.ReadyInstance(id)
	} else {
		_, err := fmt.Sscanf(word, "exit %d", &code)
		must(m.t, err)
		did = m.w.ExitInstance(id, sim.Ending{Code: code})
	}
	if !did {
		m.t.Fatalf("%s cannot %s\n%s", instance, word, m.w.Trace())
	}
}

func (m *simulated) ill(instance string, yes bool) {
	name := parse(m.t, instance).Program
	b := m.behaviours[name]
	if yes {
		b.Health = sim.Answer{Fails: illText}
	}
	m.w.Program(name, b)
}

func (m *simulated) reload(specs ...program.Spec) {
	m.w.SetConfig(program.Config{Programs: specs})
	m.w.Reload("SIGUSR2")
}

func (m *simulated) stop() { m.w.Stop(machine.StopAll, sim.TERM) }

func (m *simulated) until(text string, times int) {
	m.t.Helper()
	for range 100_000 {
		if count(m.journal(), text) >= times {
			return
		}
		m.w.Advance(time.Millisecond)
		must(m.t, m.w.Err())
	}
	m.t.Fatalf("waited in vain for %q\n%s", text, m.w.Trace())
}

func (m *simulated) journal() []line {
	m.log.Flush()
	return journalOf(m.t, m.out.String())
}

// actual is a stage of real processes, which obey files.
type actual struct {
	*run
	told map[string]int
}

func newActual(t *testing.T, s story) *actual {
	return &actual{newRun(t, programs(s.specs...), "env", formatVariable+"=json"), make(map[string]int)}
}

// up waits until all that was started and has not ended takes signals and orders.
func (r *actual) up() {
	r.t.Helper()
	started := regexp.MustCompile(`(?m)"event":"(spawned|exited|left)".*"instance":"([^"]*)"`)
	running := make(map[string]bool)
	for _, found := range started.FindAllStringSubmatch(r.read("log"), -1) {
		running[found[2]] = found[1] == "spawned"
	}
	for instance, runs := range running {
		if runs {
			r.run.until(instance+" to be up", func() bool {
				return r.read("up."+instance) != "" || count(r.journal(), instance+" (pid N) was killed") > 0
			})
		}
	}
}

func (r *actual) tell(instance, word string) {
	r.t.Helper()
	r.up()
	r.told[instance]++
	r.write(fmt.Sprintf("do.%s.%d", instance, r.told[instance]), word, 0o644)
}

func (r *actual) ill(instance string, yes bool) {
	r.t.Helper()
	r.up()
	if yes {
		r.write("ill."+instance, "x", 0o644)
	}
}

func (r *actual) reload(specs ...program.Spec) {
	r.t.Helper()
	r.up()
	r.configure(programs(specs...))
	r.signal(unix.SIGUSR2)
}

func (r *actual) stop() {
	r.t.Helper()
	r.up()
	r.signal(unix.SIGTERM)
}

func (r *actual) until(text string, times int) {
	r.t.Helper()
	r.run.until(fmt.Sprintf("%q %d times in the journal", text, times), func() bool { return count(r.journal(), text) >= times })
}

func (r *actual) journal() []line { return journalOf(r.t, r.read("log")) }

// TestJournalIsTheSameInBothWorlds plays each story in virtual time and with real processes.
func TestJournalIsTheSameInBothWorlds(t *testing.T) {
	for _, s := range stories(t) {
		t.Run(s.name, func(t *testing.T) {
			m := newSimulated(t, s)
			s.play(m)
			made := m.journal()
			must(t, m.w.Err())
			r := newActual(t, s)
			s.play(r)
			if !s.open {
				r.exits(0)
			}
			happened := r.journal()
			for _, who := range parties(made, happened, s.ordered) {
				want, got := texts(made, who), texts(happened, who)
				if s.open && len(got) > len(want) {
					got = got[:len(want)]
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("the journal of %q differs (-virtual +real):\n%s", who, diff)
				}
			}
		})
	}
}

// everybody stands for all lines of a journal.
const everybody = "everybody"

// parties are those whose journals are compared: each by itself, or all together where their order is certain.
func parties(made, happened []line, ordered bool) []string {
	if ordered {
		return []string{everybody}
	}
	var parties []string
	seen := map[string]bool{}
	for _, lines := range [][]line{made, happened} {
		for _, l := range lines {
			if !seen[l.who] {
				seen[l.who] = true
				parties = append(parties, l.who)
			}
		}
	}
	return parties
}

func texts(lines []line, who string) (texts []string) {
	for _, l := range lines {
		if l.who == who || who == everybody {
			texts = append(texts, l.all)
		}
	}
	return texts
}
