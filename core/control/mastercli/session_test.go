package mastercli

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// simple is a backend without a worker.
func simple(version string) Backend {
	return Backend{
		Version:     func() string { return version },
		Status:      func() (Status, bool) { return Status{PID: 7}, true },
		StartupLogs: func() string { return "a line" },
		Reload:      func(conn net.Conn, hard bool) { WriteReload(conn, true, fmt.Sprintf("hard %v", hard))() },
	}
}

// workers is a Forwarder of functions.
type workers struct {
	find    func(prefix string) (int, bool)
	forward func(pid int, commands string, w io.Writer) bool
	hang    func(ctx context.Context, w io.Writer) // instead of forward, if it is there
}

func (w workers) Worker(prefix string) (int, bool) { return w.find(prefix) }

func (w workers) Forward(ctx context.Context, pid int, commands string, to io.Writer) bool {
	if w.hang != nil {
		w.hang(ctx, to)
		return ctx.Err() == nil
	}
	return w.forward(pid, commands, to)
}

func TestTalk(t *testing.T) {
	const old, new = "2.6.12", "3.2.0"
	failed := simple(new)
	failed.Status = func() (Status, bool) { return Status{PID: 7, State: machine.State{Failures: 1}}, true }
	env := simple(new)
	env.Status = func() (Status, bool) {
		return Status{State: machine.State{Config: program.Config{Env: []string{"A=1", "B=2"}}}}, true
	}
	gone := simple(new)
	gone.Status = func() (Status, bool) { return Status{}, false }
	v := "3.2.0\n\n"
	for name, test := range map[string]struct {
		backend     Backend
		level       Level
		input, want string
	}{
		"no worker is there (H-8.14)": {simple(new), Admin, "@1 show info\n@!7 help\n@2\n@x\n@!\nshow version\n",
			"Can't find the target PID matching the prefix '@1'\nCan't find the target PID matching the prefix '@!7'\n" +
				"Can't find the target PID matching the prefix '@2'\nCan't find the target PID matching the prefix '@x'\n" +
				"Can't find the target PID matching the prefix '@!'\n" + v},
		"a command of client-native (H-12.5)": {simple(new), Admin, "set severity-output number;@1 show info;quit\n",
			"Can't find the target PID matching the prefix '@1'\n"},
		"an unknown severity":                   {simple(new), Admin, "set severity-output loud\n", "one of 'none', 'number', 'string' is a required argument\n"},
		"the master by prefix":                  {simple(new), User, "@ show version\n@0 show version\n@master show version\n@0;show version\n", v + v + v + v},
		"quit ends, with what follows":          {simple(new), Admin, "show version;quit;show version\n", v},
		"a line without an end is none":         {simple(new), Admin, "show version\nshow version", v},
		"blanks, CR LF and NUL":                 {simple(new), Admin, " \tshow  \t version \r\nshow\x00version\n", v + v},
		"an escaped semicolon does not end":     {simple(new), Admin, "echo a\\;b\\ c;show version\n", "a;b c\n\n" + v},
		"a comment":                             {simple(new), Admin, "show version # and more\n", v},
		"2.x lists all on an empty line":        {simple(old), Admin, "# nothing\n", newDialect(old).unknown(nil) + "\n"},
		"3.x says nothing on an empty line":     {simple(new), Admin, "# nothing\n\n", "\n\n"},
		"a payload is for a worker":             {simple(new), Admin, "prompt;show version <<end\nquit\nend\nquit\n", "master> + " + v + "master> master> "},
		"`<<` with a long pattern is a word":    {simple(new), Admin, "echo <<12345678\nquit\n", "<<12345678\n\n"},
		"a failed reload shows in the prompt":   {failed, Admin, "prompt\nexpert-mode on\n", "master[ReloadFailed]> master[ReloadFailed](e)> "},
		"all modes in the prompt":               {simple(old), Admin, "prompt;mcli-debug-mode on;expert-mode on;experimental-mode on\n", "master> master(d)> master(ed)> master(xed)> "},
		"prompt of 3.x takes arguments":         {simple(new), Admin, "prompt i;prompt p;prompt help;prompt n;prompt timed\n", "master> master> master> master> "},
		"a level is not raised":                 {simple(new), User, "operator;show cli level\n", denied + "user\n\n"},
		"modes need admin":                      {simple(new), Operator, "expert-mode on;experimental-mode on;mcli-debug-mode on\n", denied + denied + denied},
		"a user may not reload":                 {simple(new), User, "reload;hard-reload;@0 reload\n", "Permission denied\n\nPermission denied\n\nPermission denied\n\n"},
		"an operator may":                       {simple(new), Operator, "reload;show version\n", "Success=1\n--\nhard false\n\n"},
		"2.x reloads with an answer (D-7)":      {simple(old), Admin, "hard-reload\n", "Success=1\n--\nhard true\n\n"},
		"2.x has startup-logs (D-7)":            {simple(old), User, "show startup-logs\n", "a line\n\n"},
		"the failed load":                       {failed, Admin, "_loadstatus\n", "Success=0\n--\na line\n\n"},
		"a variable":                            {env, Operator, "show env B;show env C;show env\n", "B=2\n\nVariable not found\n\nA=1\nB=2\n\n"},
		"a user sees no variables":              {env, User, "show env\n", "Permission denied\n\n"},
		"the supervisor leaves":                 {gone, User, "prompt;show proc;show version\n", "master> The master is stopping.\n\nmaster> "},
		"the command of Ray Serve (H-12.12)":    {simple(new), Admin, "show proc;quit\n", ShowProc(Status{PID: 7, Version: new}) + "\n"},
		"help is not an error":                  {simple(new), User, "help\n", newDialect(new).help(nil) + "\n"},
		"too long a request":                    {simple(new), Admin, "show version\n" + strings.Repeat("x", longestRequest+1) + "\nshow version\n", v + "The request is longer than 16384 bytes, send a shorter one.\n\n"},
		"a long request":                        {simple(new), Admin, "show version " + strings.Repeat("x", longestRequest-13) + "\n", v},
		"too long a payload":                    {simple(new), Admin, "echo <<\n" + strings.Repeat("x\n", longestRequest), "The request is longer than 16384 bytes, send a shorter one.\n\n"},
		"the default version":                   {Backend{}, User, "show version\n", v},
		"a prefix is all that is said (sticky)": {simple(new), User, "prompt\n@\n@master\n@1\n", "master> master> master> Can't find the target PID matching the prefix '@1'\nmaster> "},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, talk(test.backend, test.level, test.input)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestForwardedCommandsCarryLevelAndModes(t *testing.T) {
	b := simple("3.2.0")
	b.Workers = workers{
		find: func(prefix string) (int, bool) { return 9, prefix == "@1" },
		forward: func(pid int, command string, w io.Writer) bool {
			fmt.Fprintf(w, "%d: %q\n\n", pid, command)
			return !strings.Contains(command, "break")
		},
	}
	got := talk(b, Admin, "@1 show info\n@1\nset severity-output number;expert-mode on;experimental-mode on;operator;add map #1 <<x\nkey; value\nx\n"+
		"user;quit now #\n")
	want := "9: \"show info\\n\"\n\n" +
		"9: \"operator\\nset severity-output number\\nexpert-mode on\\nexperimental-mode on\\nadd map #1 <<x\\nkey; value\\nx\\n\"\n\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	got = talk(b, User, "prompt;@1;user;@1 quit;break;show version\n")
	want = "master> 9> 9> 9: \"user\\nquit\\n\"\n\n9> 9: \"user\\nbreak\\n\"\n\nCan't connect to the target CLI!\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// status reads an answer to `reload` as client-native does (H-12.4).
func status(t *testing.T, answer string) string {
	t.Helper()
	first, _, ok := strings.Cut(strings.TrimSpace(answer), "\n--\n")
	if !ok {
		t.Fatalf("no logs in %q", answer)
	}
	return first
}

func TestReloadTakesTheConnectionOver(t *testing.T) {
	for _, logs := range []string{"one\ntwo\n", "one", "", "\n"} {
		taken := make(chan net.Conn, 1)
		b := simple("3.2.0")
		b.Reload = func(conn net.Conn, _ bool) { taken <- conn }
		path := serveAt(t, b, Operator)
		for _, request := range []string{"reload;quit\n", "reload\n"} {
			conn := dial(t, path)
			send(t, conn, request)
			server := <-taken
			if _, ok := server.(*net.UnixConn); !ok {
				t.Fatalf("Reload got a %T", server)
			}
			send(t, conn, "quit\n") // unread, this must not take the answer with it
			done := make(chan struct{})
			go func() { WriteReload(server, request == "reload\n", logs)(); close(done) }()
			answer, err := io.ReadAll(conn)
			want := map[bool]string{true: "Success=1", false: "Success=0"}[request == "reload\n"]
			if err != nil || status(t, string(answer)) != want || !strings.HasSuffix(string(answer), "\n\n") {
				t.Errorf("%q, logs %q: got %q, %v", request, logs, answer, err)
			}
			_ = conn.Close()
			<-done
		}
	}
}

func TestSlowClientIsUnderstood(t *testing.T) {
	client, server := net.Pipe()
	all := newSessions(1)
	done := make(chan struct{})
	go func() { newSession(simple("3.2.0"), all.admit(server), User).run(); close(done) }()
	for _, c := range []byte("show version\r\n") {
		send(t, client, string(c))
	}
	expect(t, client, "3.2.0\n\n")
	for _, c := range []byte("quit\n") {
		send(t, client, string(c))
	}
	expectEOF(t, client)
	<-done
}

// T-31, H-8.4, H-8.5: in HAProxy, a client that says nothing stays for ever, and one that does not read does as well.
func TestIdleClientsAreLeft(t *testing.T) {
	for name, test := range map[string]struct {
		input string
		after time.Duration
	}{
		"silent":       {"", idleTimeout},
		"in a line":    {"show vers", idleTimeout},
		"in a payload": {"show version <<x\nabc\n", idleTimeout},
		"not reading":  {"show version\n", writeTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				defer client.Close()
				all := newSessions(1)
				started := time.Now()
				done := make(chan struct{})
				go func() { newSession(simple("3.2.0"), all.admit(server), User).run(); close(done) }()
				send(t, client, test.input)
				<-done
				if took := time.Since(started); took != test.after {
					t.Errorf("the session took %v, not %v", took, test.after)
				}
			})
		})
	}
}

func TestAbortedClientsLeaveNothing(t *testing.T) {
	big := simple("3.2.0")
	state := machine.State{Generation: 1}
	for i := range 1500 {
		state.Programs = append(state.Programs, instanceOf("p", ran(1000+i, 1, 0)))
	}
	big.Status = func() (Status, bool) { return Status{State: state}, true }
	path := serveAt(t, big, Admin)
	for i := range 100 {
		conn := dial(t, path)
		send(t, conn, []string{"", "show pr", "show proc\nshow proc\n", "prompt\n", "@1;reload;quit\n"}[i%5])
		_ = conn.Close()
	}
	conn := dial(t, path)
	send(t, conn, "show version;quit\n")
	expect(t, conn, "3.2.0\n\n")
	expectEOF(t, conn) // serveAt's cleanup waits for the last session
}

func TestIdleClientsKeepNobodyOut(t *testing.T) {
	path := serveAt(t, simple("3.2.0"), Admin)
	var idle []net.Conn
	for range mostSessions + 20 {
		conn := dial(t, path)
		send(t, conn, "show version\n")
		expect(t, conn, "3.2.0\n\n")
		idle = append(idle, conn)
	}
	left := 0
	for _, conn := range idle {
		_, _ = io.WriteString(conn, "show version\n") // fails for those that were ended
		if _, err := io.ReadFull(conn, make([]byte, len("3.2.0\n\n"))); err == nil {
			left++
		}
	}
	if left != mostSessions {
		t.Errorf("%d sessions are left, not %d", left, mostSessions)
	}
}

// The one that waited longest is ended, and one at work never.
func TestRoomIsMadeByTheLongestWait(t *testing.T) {
	all := newSessions(3)
	admit := func() (*visit, *client) {
		c := &client{}
		return all.admit(c), c
	}
	first, one := admit()
	second, two := admit()
	_, three := admit()
	second.wait(true)
	first.wait(true)
	fourth, four := admit()
	if one.closed || !two.closed || three.closed || second.wait(false) || !first.wait(false) {
		t.Fatalf("closed: %v %v %v", one.closed, two.closed, three.closed)
	}
	fourth.wait(true)
	first.wait(true)
	fourth.wait(false)
	fourth.wait(true)
	if _, five := admit(); !one.closed || three.closed || four.closed || five.closed {
		t.Fatalf("closed: %v %v %v %v", one.closed, three.closed, four.closed, five.closed)
	}
}

func TestBusySessionsAreNotEnded(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{}, mostSessions)
	b := simple("3.2.0")
	b.Status = func() (Status, bool) {
		entered <- struct{}{}
		<-release
		return Status{PID: 7}, true
	}
	path := serveAt(t, b, Admin)
	var busy []net.Conn
	for range mostSessions {
		conn := dial(t, path)
		send(t, conn, "show proc;quit\n")
		<-entered
		busy = append(busy, conn)
	}
	late := dial(t, path)
	send(t, late, "show version;quit\n")
	close(release)
	expect(t, late, "3.2.0\n\n")
	for _, conn := range busy {
		expect(t, conn, ShowProc(Status{PID: 7, Version: "3.2.0"})+"\n")
		expectEOF(t, conn)
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	path := serveAt(t, simple("3.2.0"), Admin)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			conn, err := net.Dial("unix", path)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			want := strings.Repeat("3.2.0\n\n", 50)
			if _, err := io.WriteString(conn, strings.Repeat("show version\n", 49)+"show version;quit\n"); err != nil {
				t.Error(err)
			}
			if got, err := io.ReadAll(conn); err != nil || string(got) != want {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
		})
	}
	all.Wait()
}

func FuzzSession(f *testing.F) {
	for _, seed := range []string{
		"show proc\n", "prompt;@1;show info\nquit\n", "user;reload\n", "help show\n", "foo <<x\na\nx\n", "\\", "\\\n;\n", "@!1 x\n", "reload\n",
		"show env x;_loadstatus;echo a\\ b # c\n", "set severity-output number;@1 show info;quit\n", "\xff\xfe;@\n",
	} {
		f.Add(true, 1, seed)
		f.Add(false, 3, seed)
	}
	f.Fuzz(func(t *testing.T, modern bool, level int, input string) {
		version := map[bool]string{true: "3.2.0", false: "2.6.12"}[modern]
		b := simple(version)
		reloads := 0
		b.Reload = func(net.Conn, bool) { reloads++ }
		b.Workers = workers{find: func(prefix string) (int, bool) { return len(prefix), len(prefix) == 2 }, forward: func(_ int, command string, _ io.Writer) bool {
			if level < int(Admin) && !strings.HasPrefix(command, "operator\n") && !strings.HasPrefix(command, "user\n") {
				t.Errorf("level %d: forwarded %q", level, command)
			}
			return true
		}}
		c := &client{in: strings.NewReader(input)}
		all := newSessions(1)
		newSession(b, all.admit(c), Level(min(max(level, 1), 3))).run()
		if reloads > 1 || (reloads == 1) == c.closed || reloads > 0 && level < int(Operator) {
			t.Errorf("%d reloads at level %d, closed %v", reloads, level, c.closed)
		}
	})
}
