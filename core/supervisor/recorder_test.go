package supervisor_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/journal"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// lines are those of the journal of a run.
func (r *run) lines() []journal.Line {
	r.t.Helper()
	in, err := journal.Open(r.path("journal"))
	must(r.t, err)
	defer in.Close()
	lines, err := journal.ReadAll(in)
	must(r.t, err)
	return lines
}

// segments are the reasons why they begin.
func (r *run) segments() string {
	r.t.Helper()
	var words []string
	for _, l := range r.lines() {
		if l.Head != nil {
			words = append(words, string(l.Head.Begins))
		}
	}
	return strings.Join(words, " ")
}

// replay runs the journal again.
func (r *run) replay() journal.Result {
	r.t.Helper()
	in, err := journal.Open(r.path("journal"))
	must(r.t, err)
	defer in.Close()
	result, err := journal.Replay(in, journal.Conf{})
	must(r.t, err)
	return result
}

// crasher crashes and is started again, a few times.
func crasher() program.Spec {
	s := shell("crasher", `test $MWLUA_SEQ -gt 4 && exec sleep 1000; exit 3`)
	s.Exit = policy.Policy{Backoff: policy.Backoff{Base: 5 * time.Millisecond}}
	s.Env = []string{"TOKEN=a-very-secret-token"}
	return s
}

// recording is a supervisor that records its steps.
func recording(t *testing.T, c config) *run {
	return newRun(t, c, "sh", "-c", journalVariable+`="$PWD/journal" exec "$@"`, "sh")
}

// TestJournalOfALife has all of it, over two re-execs: a replay says the same, and the end of each segment is the begin of the next.
func TestJournalOfALife(t *testing.T) {
	web := sleeper("web", "")
	r := recording(t, programs(crasher(), web))
	r.logged("crasher#5 started", 1)
	r.pid("web#1")
	r.reload(loaded)
	web.Command = append(web.Command, "changed")
	r.configure(programs(crasher(), web))
	r.reload(loaded)
	r.pid("web#2")
	r.configure(config{Fault: "trial fails"})
	r.reload(notLoaded)
	r.signal(unix.SIGTERM)
	r.exits(0)
	r.alone()

	if got := r.segments(); got != "start handover handover" {
		t.Errorf("the segments are %s", got)
	}
	if result := r.replay(); result.Difference != nil || result.Lives != 1 || len(result.Gaps) != 0 || result.Exits != 7 {
		t.Errorf("%+v%s", result, r.files())
	}
	var m *machine.Machine
	for _, l := range r.lines() {
		if l.Step != nil {
			m.Step(l.Step.At, l.Step.Event)
			continue
		}
		if m != nil {
			if diff := cmp.Diff(indented(t, l.Head.State), indented(t, m.State())); diff != "" {
				t.Errorf("%s (-recorded +replayed):\n%s", l.Place, diff)
			}
		}
		var err error
		m, err = machine.Restore(l.Head.State)
		must(t, err)
	}
	text := r.read("journal")
	if strings.Contains(text, "a-very-secret-token") || !strings.Contains(text, `"TOKEN=#`) {
		t.Errorf("the journal is\n%s", text)
	}
	if info, err := os.Stat(r.path("journal")); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func indented(t *testing.T, s machine.State) string {
	t.Helper()
	data, err := json.MarshalIndent(s, "", " ")
	must(t, err)
	return string(data)
}

// TestJournalOfAKilledLife ends where it was killed, and the next life goes on behind that.
func TestJournalOfAKilledLife(t *testing.T) {
	r := recording(t, programs(crasher()))
	r.logged("crasher#5 started", 1)
	r.until("the last start to be in the journal", func() bool { return strings.Count(r.read("journal"), `"ev":"Spawned"`) == 5 })
	r.signal(unix.SIGKILL)
	r.dies(unix.SIGKILL)
	if result := r.replay(); result.Difference != nil || result.Exits != 4 || result.Lives != 1 {
		t.Errorf("%+v%s", result, r.files())
	}
}

// TestFullDiskIsNoHindrance: what cannot be recorded is said once in each image, and programs are started again, reloaded and stopped. A
// process that may write so much to a file, and no more, has room for one snapshot.
func TestFullDiskIsNoHindrance(t *testing.T) {
	large := crasher()
	large.Description = strings.Repeat("x", 40_000)
	r := newRun(t, programs(large), "sh", "-c", journalVariable+`="$PWD/journal" `+limitVariable+`=65536 exec "$@"`, "sh")
	r.logged("crasher#5 started", 1)
	const said = "cannot write it: file too large; what happens now is not in it"
	r.reload(loaded)
	r.logged(said, 1)
	r.reload(loaded)
	r.signal(unix.SIGTERM)
	r.exits(0)
	r.alone()
	if n := strings.Count(r.read("log"), said); n > 2 {
		t.Errorf("it is said %d times%s", n, r.files())
	}
	if result := r.replay(); result.Difference != nil || result.Exits < 4 || result.Cut != 0 {
		t.Errorf("%+v", result)
	}
}

// TestJournalThatIsNoFileIsNoHindrance: nobody waits for the reader of a FIFO.
func TestJournalThatIsNoFileIsNoHindrance(t *testing.T) {
	r := newRun(t, programs(crasher()), "sh", "-c", `mkfifo journal; `+journalVariable+`="$PWD/journal" exec "$@"`, "sh")
	r.logged("crasher#5 started", 1)
	r.logged("it is no regular file; what happens now is not in it", 1)
	r.reload(loaded)
	r.signal(unix.SIGTERM)
	r.exits(0)
	r.alone()
}
