package supervisor_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/supervisor"
)

// told is a note, and what the log makes of it: lines without what they all begin with. In HAProxy's form it is the same as in
// text unless haproxy says otherwise.
type told struct {
	note          machine.Note
	text, haproxy string
}

const noteNow = machine.Instant(100 * time.Second)

var (
	web3   = machine.ID{Program: "web", Seq: 3}
	webNo  = machine.ID{Program: "web"}
	slot3  = machine.ID{Program: "web", Slot: 2, Seq: 3}
	slotNo = machine.ID{Program: "web", Slot: 2}
	in10s  = noteNow + machine.Instant(10*time.Second)
)

// notes has at least one of every kind.
var notes = []told{
	{machine.Note{Kind: machine.NoteSpawned, ID: web3, PID: 43}, "NOTICE web#3 started, pid 43", "NOTICE New program 'web' (43) forked"},
	{machine.Note{Kind: machine.NoteSpawned, ID: slot3, PID: 43}, "NOTICE web[2]#3 started, pid 43", "NOTICE New program 'web[2]' (43) forked"},
	{machine.Note{Kind: machine.NoteSpawnFailed, ID: web3, Text: "cannot execute \"x\": no such file", Until: in10s,
		Verdict: policy.Verdict{Do: policy.Restart, Reason: "failure 1 in a row"}},
		"ALERT web#3 did not start: cannot execute \"x\": no such file; it starts again in 10s (failure 1 in a row)",
		"ALERT Cannot execute \"x\": No such file\nNOTICE Program 'web' was not started"},
	{machine.Note{Kind: machine.NoteExited, ID: web3, PID: 43, Exit: policy.Exit{Code: 1, Ran: time.Second}, Until: in10s,
		Verdict: policy.Verdict{Do: policy.Restart}},
		"WARNING web#3 (pid 43) exited with code 1 after 1s; it starts again in 10s", "ALERT Current program 'web' (43) exited with code 1 (Exit)"},
	{machine.Note{Kind: machine.NoteExited, ID: slot3, PID: 43, Exit: policy.Exit{Signal: 15, Ran: time.Second, Reason: policy.NotReady},
		Verdict: policy.Verdict{Do: policy.Fail, Reason: "5 restarts within 1m0s"}},
		"ALERT web[2]#3 (pid 43) was killed by SIGTERM after 1s, stopped because it was not ready in time; it has failed and stays down " +
			"(5 restarts within 1m0s)",
		"ALERT Current program 'web[2]' (43) exited with code 143 (Terminated)\nNOTICE Program 'web[2]' stays down: 5 restarts within 1m0s"},
	{machine.Note{Kind: machine.NoteExited, ID: web3, PID: 43, Exit: policy.Exit{Signal: 15, Ran: time.Second}, Former: true},
		"NOTICE former web#3 (pid 43) was killed by SIGTERM after 1s", "WARNING Former program 'web' (43) exited with code 143 (Terminated)"},
	{machine.Note{Kind: machine.NoteReady, ID: slot3, PID: 43}, "NOTICE web[2]#3 (pid 43) is ready", ""},
	{machine.Note{Kind: machine.NoteBlocked, ID: webNo, Text: "db, migrate"}, "NOTICE web is not started yet: it waits for db, migrate", ""},
	{machine.Note{Kind: machine.NoteBlocked, ID: slotNo, Text: "db"}, "NOTICE web[2] is not started yet: it waits for db", ""},
	{machine.Note{Kind: machine.NoteGivenUp, ID: web3, PID: 43, Signal: 15, Until: in10s,
		Text: "it was not ready within 30s (connect 127.0.0.1:80: connection refused)"},
		"WARNING web#3 (pid 43) is stopped: it was not ready within 30s (connect 127.0.0.1:80: connection refused); sending SIGTERM, and SIGKILL in 10s", ""},
	{machine.Note{Kind: machine.NoteGivenUp, ID: web3, PID: 43, Until: in10s, Text: "it needs db, which has ended"},
		"WARNING web#3 (pid 43) is stopped: it needs db, which has ended; SIGKILL in 10s", ""},
	{machine.Note{Kind: machine.NoteGivenUp, ID: web3, Text: "it needs db, which has ended"},
		"WARNING web#3 is stopped: it needs db, which has ended", ""},
	{machine.Note{Kind: machine.NoteUnhealthy, ID: web3, PID: 43, Text: "3 checks failed (no answer within 2s): it is stopped"},
		"WARNING web#3 (pid 43) is unhealthy: 3 checks failed (no answer within 2s): it is stopped", ""},
	{machine.Note{Kind: machine.NoteHealthy, ID: web3, PID: 43}, "NOTICE web#3 (pid 43) is healthy again", ""},
	{machine.Note{Kind: machine.NoteLeft, ID: web3, PID: 43, Exit: policy.Exit{Ran: time.Minute}, Text: "sleep (77), sh (78)", Signal: 15, Until: in10s},
		"WARNING web#3 (pid 43) exited with code 0 after 1m0s, but some of its processes live on: sleep (77), sh (78); sending SIGTERM, and SIGKILL in 10s", ""},
	{machine.Note{Kind: machine.NoteLeft, ID: web3, PID: 43, Exit: policy.Exit{Signal: 15, Ran: time.Minute}, Text: "sleep (77)", Signal: 15, Until: in10s},
		"NOTICE web#3 (pid 43) was killed by SIGTERM after 1m0s, but some of its processes live on: sleep (77); sending SIGTERM, and SIGKILL in 10s", ""},
	{machine.Note{Kind: machine.NoteStays, ID: web3, PID: 43, Text: "web#4 was not ready in time"},
		"ALERT web#3 (pid 43) stays, the reload could not replace it: web#4 was not ready in time", ""},
	{machine.Note{Kind: machine.NoteTick, ID: webNo, Text: "web#3 still runs, this run is left out"},
		"WARNING web is due: web#3 still runs, this run is left out", ""},
	{machine.Note{Kind: machine.NoteNoTick, ID: webNo, Text: "unknown time zone Mars"},
		"ALERT nobody can say when web is due, so it is not started by the clock: unknown time zone Mars", ""},
	{machine.Note{Kind: machine.NoteNoVerdict, ID: web3, PID: 43, By: "plugin budget", Text: "no answer within 2s"},
		"WARNING plugin budget gave no verdict on the end of web#3 (pid 43): no answer within 2s", ""},
	{machine.Note{Kind: machine.NoteHook, Text: "mwlua.lua:7: on(\"reload\"): attempt to index a nil value"},
		"WARNING mwlua.lua:7: on(\"reload\"): attempt to index a nil value", ""},
	{machine.Note{Kind: machine.NoteExited, ID: web3, PID: 43, Exit: policy.Exit{Code: 1}, By: "plugin budget", Verdict: policy.Verdict{Do: policy.Fail, Reason: "spent"}},
		"ALERT web#3 (pid 43) exited with code 1 after 0s; it has failed and stays down (plugin budget: spent)",
		"ALERT Current program 'web' (43) exited with code 1 (Exit)\nNOTICE Program 'web' stays down: plugin budget: spent"},
	{machine.Note{Kind: machine.NoteExited, ID: web3, PID: 43, Exit: policy.Exit{Code: 1}, By: "plugin budget", Verdict: policy.Verdict{Do: policy.Restart}, Until: in10s},
		"WARNING web#3 (pid 43) exited with code 1 after 0s; it starts again in 10s (plugin budget)",
		"ALERT Current program 'web' (43) exited with code 1 (Exit)\nNOTICE Program 'web' starts again: plugin budget"},
	{machine.Note{Kind: machine.NoteNotifyRefused, ID: web3, PID: 99},
		"WARNING process 99 is none of those of web#3 and wrote to its NOTIFY_SOCKET: ignored, as what others like it write from now on", ""},
	{machine.Note{Kind: machine.NoteMainPID, ID: web3, PID: 99}, "NOTICE web#3 says that its main process is 99 from now on", ""},
	{machine.Note{Kind: machine.NoteStopCommand, ID: web3, PID: 43, Signal: 15, Until: in10s, Text: "it exited with code 1"},
		"WARNING the stop command of web#3 (pid 43) failed: it exited with code 1; sending SIGTERM, and SIGKILL in 10s", ""},
	{machine.Note{Kind: machine.NoteSocket, ID: webNo, Text: "cannot open its socket http (tcp://:80): address already in use"},
		"ALERT web: cannot open its socket http (tcp://:80): address already in use; it is tried again when the program is started", ""},
	{machine.Note{Kind: machine.NoteKillRest, ID: web3, PID: 43, Signal: 9, Text: "sleep (77)"},
		"WARNING what is left of web#3 did not go in time: sleep (77); sending SIGKILL, and again every second until nobody is left", ""},
	{machine.Note{Kind: machine.NoteKill, ID: web3, PID: 43, Former: true, Signal: 9, Text: "reload"},
		"WARNING former web#3 (pid 43) did not go in time (reload): sending SIGKILL to its process group", ""},
	{machine.Note{Kind: machine.NoteLeftTooLate, ID: web3, PID: 43, Former: true, Signal: 15, Until: in10s, Text: "max_former"},
		"WARNING former web#3 (pid 43) did not leave in time (max_former): sending SIGTERM, and SIGKILL in 10s", ""},
	{machine.Note{Kind: machine.NoteSignalFailed, ID: web3, PID: 43, Signal: 15, Text: "operation not permitted"},
		"ALERT cannot send SIGTERM to web#3 (pid 43): operation not permitted", ""},
	{machine.Note{Kind: machine.NoteChange, ID: web3, PID: 43, Signal: 10, Text: "replace: changed: command"},
		"NOTICE web#3: replace: changed: command, sending SIGUSR1", "-"},
	{machine.Note{Kind: machine.NoteChange, ID: slotNo, Text: "keep: down"}, "NOTICE web[2]: keep: down", "NOTICE Program 'web[2]': keep: down"},
	{machine.Note{Kind: machine.NoteAsked, ID: web3, Text: "stop-program (somebody)"}, "NOTICE web#3: stop-program (somebody)", ""},
	{machine.Note{Kind: machine.NoteAsked, ID: web3, PID: 43, Signal: 15, Until: in10s, Text: "stop-program (somebody)"},
		"NOTICE web#3: stop-program (somebody), sending SIGTERM, and SIGKILL in 10s", ""},
	{machine.Note{Kind: machine.NoteReload, Text: "SIGUSR2"}, "NOTICE reloading (SIGUSR2)", "NOTICE Reloading HAProxy"},
	{machine.Note{Kind: machine.NoteReload, Text: "SIGUSR2", Signal: 15}, "NOTICE reloading (SIGUSR2), what goes gets SIGTERM",
		"NOTICE Reloading HAProxy (hard-reload)"},
	{machine.Note{Kind: machine.NoteReloadQueued, Text: "SIGHUP"}, "NOTICE a reload is under way, one more follows it (SIGHUP)", ""},
	{machine.Note{Kind: machine.NoteReloadRefused, Text: "SIGHUP"}, "NOTICE no reload (SIGHUP): mwlua is stopping", ""},
	{machine.Note{Kind: machine.NoteReloadFailed, Text: "a.lua:1: no"},
		"ALERT a.lua:1: no\nALERT reload failed: nothing changed, the programs run on", "ALERT a.lua:1: no\nWARNING Loading failure!"},
	{machine.Note{Kind: machine.NoteReloadAborted, Text: "SIGTERM"}, "NOTICE the reload under way (SIGTERM) is given up: a stop was asked for", ""},
	{machine.Note{Kind: machine.NoteLoaded}, "NOTICE configuration loaded", "NOTICE Loading success."},
	{machine.Note{Kind: machine.NoteFirstLoadError, Text: "a.lua:1: no"}, "ALERT a.lua:1: no\nALERT nothing was started", ""},
	{machine.Note{Kind: machine.NoteStopping, Text: "SIGTERM", Signal: 15}, "WARNING stopping all programs (SIGTERM)", "WARNING Exiting Master process..."},
	{machine.Note{Kind: machine.NoteWarning, Text: "odd"}, "WARNING odd", ""},
	{machine.Note{Kind: machine.NotePidfile, Text: "cannot write it"}, "ALERT cannot write it", ""},
	{machine.Note{Kind: machine.NoteControl, Text: "cannot listen"},
		"ALERT cannot listen\nALERT its programs run", ""},
	{machine.Note{Kind: machine.NoteStandIn, PID: 7, Signal: 15},
		"WARNING mwlua (7) got SIGTERM between two images; this process stops its programs in its place", ""},
	{machine.Note{Kind: machine.NoteOrphaned, PID: 7, Signal: 9}, "WARNING mwlua (7) was killed between two images; its programs run on", ""},
	{machine.Note{Kind: machine.NoteStopped, Exit: policy.Exit{Code: 143}}, "NOTICE all programs are gone, leaving with status 143",
		"WARNING All workers exited. Exiting... (143)"},
}

// noteKinds are all kinds of notes that package machine declares, by name.
func noteKinds(t *testing.T) map[string]machine.NoteKind {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../machine/action.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]machine.NoteKind{}
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "NoteKind" {
			value, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			kinds[v.Names[0].Name] = machine.NoteKind(value)
		}
		return true
	})
	return kinds
}

func TestEveryKindOfNoteHasWords(t *testing.T) {
	kinds := noteKinds(t)
	if len(kinds) < 30 {
		t.Fatalf("only %d kinds were found", len(kinds))
	}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		if !slices.ContainsFunc(notes, func(n told) bool { return n.note.Kind == kinds[name] }) {
			t.Errorf("%s is not among the notes of this test", name)
		}
	}
}

// logged is what a log of that form says about a note.
func logged(format supervisor.Format, n machine.Note) string {
	var b bytes.Buffer
	log := supervisor.NewLog(&b, format)
	log.Note(noteNow, n)
	log.Flush()
	return b.String()
}

func TestNotesInText(t *testing.T) {
	begin := regexp.MustCompile(`(?m)^\S+ (\w+) +`)
	for _, n := range notes {
		if diff := cmp.Diff(n.text+"\n", begin.ReplaceAllString(logged(supervisor.TextFormat, n.note), "$1 ")); diff != "" {
			t.Errorf("%s\n%s", n.note.Kind, diff)
		}
	}
}

func TestNotesInHAProxysForm(t *testing.T) {
	begin := regexp.MustCompile(`(?m)^\[(\w+)\] +\(` + strconv.Itoa(os.Getpid()) + `\) : `)
	for _, n := range notes {
		want := n.haproxy + "\n"
		switch n.haproxy {
		case "":
			want = n.text + "\n"
		case "-": // it says nothing
			want = ""
		}
		if diff := cmp.Diff(want, begin.ReplaceAllString(logged(supervisor.HAProxyFormat, n.note), "$1 ")); diff != "" {
			t.Errorf("%s\n%s", n.note.Kind, diff)
		}
	}
}

func TestNotesInJSON(t *testing.T) {
	for _, n := range notes {
		var got map[string]any
		line := logged(supervisor.JSONFormat, n.note)
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		level, message, _ := strings.Cut(n.text, " ")
		message = strings.ReplaceAll(message, "\n"+level+" ", "\n")
		if got["event"] != string(n.note.Kind) || got["level"] != strings.ToLower(level) || got["message"] != message {
			t.Errorf("%s: %s", n.note.Kind, line)
		}
	}
	for _, test := range []struct {
		note machine.Note
		want string
	}{
		{machine.Note{Kind: machine.NoteLeft, ID: slot3, PID: 43, Exit: policy.Exit{Code: 2, Ran: time.Second}, Text: "sh (78)", Signal: 15, Until: in10s},
			`"level":"warning","event":"left","program":"web","slot":2,"instance":"web[2]#3","pid":43,"signal":"SIGTERM","code":2,"ran_ms":1000,"next_ms":10000,`},
		{machine.Note{Kind: machine.NoteExited, ID: web3, PID: 43, Exit: policy.Exit{Signal: 6, Reason: policy.Watchdog},
			Verdict: policy.Verdict{Do: policy.Fail}},
			`"level":"alert","event":"exited","program":"web","instance":"web#3","pid":43,"killed_by":"SIGABRT","ended_for":"watchdog","verdict":"fail",`},
		{machine.Note{Kind: machine.NoteBlocked, ID: slotNo, Text: "db"},
			`"level":"notice","event":"blocked","program":"web","slot":2,"message":`},
	} {
		if got := logged(supervisor.JSONFormat, test.note); !strings.Contains(got, test.want) {
			t.Errorf("got %s want %s", got, test.want)
		}
	}
}
