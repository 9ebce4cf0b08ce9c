package control

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

func TestRequestsReachTheBackend(t *testing.T) {
	for name, test := range map[string]struct {
		path, body string
		want       machine.Request
		status     string
	}{
		"start": {"/v1/programs/web/start", "", machine.Request{Verb: machine.StartProgram, Program: "web"}, "200 OK"},
		"stop, and wait": {"/v1/programs/web/stop", `{"wait": true}`,
			machine.Request{Verb: machine.StopProgram, Program: "web"}, "200 OK"},
		"restart, and do not wait": {"/v1/programs/web/restart", `{"wait": false}`,
			machine.Request{Verb: machine.RestartProgram, Program: "web", NoWait: true}, "202 Accepted"},
		"signal": {"/v1/programs/web/signal", `{"signal": "SIGHUP"}`,
			machine.Request{Verb: machine.SignalProgram, Program: "web", Signal: 1}, "200 OK"},
		"a query is ignored": {"/v1/programs/web/start?x=1", "", machine.Request{Verb: machine.StartProgram, Program: "web"}, "200 OK"},
		"null is nothing":    {"/v1/programs/web/start", "null", machine.Request{Verb: machine.StartProgram, Program: "web"}, "200 OK"},
		"a name of any bytes": {"/v1/programs/a%2Fb%20%FF%25%00/stop", "",
			machine.Request{Verb: machine.StopProgram, Program: "a/b \xff%\x00"}, "200 OK"},
		"dots":          {"/v1/programs/../stop", "", machine.Request{Verb: machine.StopProgram, Program: ".."}, "200 OK"},
		"escaped dots":  {"/v1/programs/%2E/stop", "", machine.Request{Verb: machine.StopProgram, Program: "."}, "200 OK"},
		"no name":       {"/v1/programs//stop", "", machine.Request{Verb: machine.StopProgram}, "200 OK"},
		"shutdown":      {"/v1/shutdown", "", machine.Request{Verb: machine.StopAll, Signal: 15, NoWait: true}, "202 Accepted"},
		"soft shutdown": {"/v1/shutdown", `{"soft":true}`, machine.Request{Verb: machine.SoftStop, Signal: 10, NoWait: true}, "202 Accepted"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{}
			status, body := split(talk(t, serveFake(t, f).Path, http11("POST", test.path, test.body)))
			if status != test.status || body != `{"ok":true}` {
				t.Errorf("%s %s", status, body)
			}
			if diff := cmp.Diff(test.want, f.last()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhoAsksIsSaid(t *testing.T) {
	f := &fake{}
	talk(t, serveFake(t, f).Path, http11("POST", "/v1/programs/web/stop", ""))
	if by := f.requests()[0].By; !strings.HasPrefix(by, "the control socket, process ") {
		t.Errorf("by %q", by)
	}
}

func TestBadRequests(t *testing.T) {
	long := `{"signal":"` + strings.Repeat("x", longestBody) + `"}`
	bad, usage := "400 Bad Request", `"why":"bad-request"`
	for name, test := range map[string]struct{ request, status, want string }{
		"no such path":           {http11("GET", "/", ""), "404 Not Found", `there is no \"/\"`},
		"no such version":        {http11("GET", "/v2/status", ""), "404 Not Found", `"why":"unknown-path"`},
		"a slash too many":       {http11("GET", "/v1/status/", ""), "404 Not Found", `"why":"unknown-path"`},
		"two slashes":            {http11("GET", "//v1/status", ""), "404 Not Found", `"why":"unknown-path"`},
		"a path with dots":       {http11("GET", "/v1/x/../status", ""), "404 Not Found", `"why":"unknown-path"`},
		"no such verb":           {http11("POST", "/v1/programs/web/kick", ""), "404 Not Found", "start, stop, restart or signal"},
		"no verb":                {http11("POST", "/v1/programs/web", ""), "404 Not Found", `"why":"unknown-path"`},
		"a slash in a name":      {http11("POST", "/v1/programs/a/b/stop", ""), "404 Not Found", `"why":"unknown-path"`},
		"a wrong escape":         {http11("GET", "/v1/programs/%zz/stop", ""), "400 Bad Request", "400 Bad Request"},
		"a wrong method":         {http11("POST", "/v1/status", ""), "405 Method Not Allowed", `"hint":"use GET"`},
		"a wrong method, 2":      {http11("GET", "/v1/programs/web/stop", ""), "405 Method Not Allowed", `"hint":"use POST"`},
		"an unknown method":      {http11("BREW", "/v1/reload", ""), "405 Method Not Allowed", `"hint":"use POST"`},
		"OPTIONS *":              {http11("OPTIONS", "*", ""), "404 Not Found", `"why":"unknown-path"`},
		"CONNECT":                {http11("CONNECT", "/v1/status", ""), "405 Method Not Allowed", `"why":"wrong-method"`},
		"no JSON":                {http11("POST", "/v1/programs/web/stop", "wait=false"), bad, usage},
		"a list":                 {http11("POST", "/v1/programs/web/stop", "[]"), bad, usage},
		"a wrong type":           {http11("POST", "/v1/programs/web/stop", `{"wait":"no"}`), bad, usage},
		"a misspelt field":       {http11("POST", "/v1/programs/web/stop", `{"wiat":false}`), bad, `unknown field \"wiat\"`},
		"two objects":            {http11("POST", "/v1/programs/web/stop", `{}{}`), bad, "something follows the object"},
		"half an object":         {http11("POST", "/v1/programs/web/stop", `{"wait":`), bad, usage},
		"deep nesting":           {http11("POST", "/v1/reload", strings.Repeat(`{"hard":`, 8000)), bad, usage},
		"NULs":                   {http11("POST", "/v1/reload", strings.Repeat("\x00", 1000)), bad, usage},
		"no signal":              {http11("POST", "/v1/programs/web/signal", ""), bad, `there is no signal \"\"`},
		"an unknown signal":      {http11("POST", "/v1/programs/web/signal", `{"signal":"NOPE"}`), bad, `there is no signal \"NOPE\"`},
		"signal 0":               {http11("POST", "/v1/programs/web/signal", `{"signal":"0"}`), bad, `there is no signal \"0\"`},
		"signal 65":              {http11("POST", "/v1/programs/web/signal", `{"signal":"65"}`), bad, `there is no signal \"65\"`},
		"a number as a signal":   {http11("POST", "/v1/programs/web/signal", `{"signal":9}`), bad, usage},
		"a stop with a signal":   {http11("POST", "/v1/programs/web/stop", `{"signal":"HUP"}`), bad, "of no use here"},
		"a hard shutdown":        {http11("POST", "/v1/shutdown", `{"hard":true}`), bad, `unknown field \"hard\"`},
		"a long body":            {http11("POST", "/v1/programs/web/signal", long), "413 Request Entity Too Large", "longer than 65536 bytes"},
		"a body to status":       {http11("GET", "/v1/status", long), "413 Request Entity Too Large", usage},
		"a body that ends early": {"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", bad, ""},
		"a chunk of nonsense": {"POST /v1/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", bad,
			"cannot read the body"},
		"chunks without end": {"POST /v1/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" +
			strings.Repeat("x", 0xffff) + "\r\n2\r\nxx\r\n", "413 Request Entity Too Large", usage},
		"no host":      {"GET /v1/status HTTP/1.1\r\n\r\n", "400 Bad Request: missing required Host header", ""},
		"long headers": {"GET /v1/status HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 2*longestHeader) + "\r\n\r\n", "431 Request Header Fields Too Large", ""},
		"no HTTP":      {"show proc\r\n\r\n", bad, ""},
		"TLS":          {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", bad, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, limits := &fake{}, defaultLimits()
			limits.body = time.Second // the server waits so long for the rest of a body that it does not take
			status, body := split(talk(t, serveWith(t, f, limits).Path, test.request))
			if status != test.status || !strings.Contains(body+status, test.want) {
				t.Errorf("%s %s\nwant %s, with %s", status, body, test.status, test.want)
			}
			if len(f.requests())+len(f.hard()) > 0 {
				t.Errorf("asked %v, reloads %v", f.requests(), f.hard())
			}
		})
	}
}

func TestRepliesBecomeStatuses(t *testing.T) {
	for name, test := range map[string]struct {
		reply  machine.Reply
		status string
		want   string
	}{
		"failed": {machine.Reply{Why: machine.WhyFailed, Text: "web#1 did not start: no such file\n"}, "422 Unprocessable Entity",
			`{"error":"web#1 did not start: no such file","why":"failed","hint":""}`},
		"dropped":     {machine.Reply{Why: machine.WhyDropped}, "503 Service Unavailable", `{"error":"mwlua is stopping","why":"dropped","hint":"mwlua status shows what it is doing"}`},
		"unknown":     {machine.Reply{Why: machine.WhyUnknown}, "404 Not Found", `{"error":"there is no program of that name","why":"unknown-program","hint":"mwlua status lists the programs"}`},
		"not running": {machine.Reply{Why: machine.WhyNotRunning}, "409 Conflict", `{"error":"it is not running","why":"not-running","hint":"mwlua start starts a program"}`},
		"superseded":  {machine.Reply{Why: machine.WhySuperseded}, "409 Conflict", `{"error":"another request came in between","why":"superseded","hint":"mwlua status shows what came of it"}`},
		"no reason":   {machine.Reply{}, "422 Unprocessable Entity", `{"error":"it failed","why":"failed","hint":""}`},
		"a text":      {machine.Reply{OK: true, Text: "<done>"}, "200 OK", `{"ok":true,"text":"<done>"}`},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{answer: func(context.Context, machine.Request) (machine.Reply, bool) { return test.reply, true }}
			status, body := split(talk(t, serveFake(t, f).Path, http11("POST", "/v1/programs/web/start", "")))
			if status != test.status || body != test.want {
				t.Errorf("%s %s", status, body)
			}
		})
	}
}

func TestSupervisorThatHasLeft(t *testing.T) {
	c := serveFake(t, &fake{gone: true})
	for _, request := range []string{http11("GET", "/v1/status", ""), http11("GET", "/v1/plan", ""), http11("POST", "/v1/programs/web/stop", "")} {
		if status, body := split(talk(t, c.Path, request)); status != "503 Service Unavailable" || !strings.Contains(body, `"why":"dropped"`) {
			t.Errorf("%s %s", status, body)
		}
	}
	if status, body := split(talk(t, c.Path, http11("POST", "/v1/shutdown", ""))); status != "202 Accepted" {
		t.Errorf("%s %s", status, body) // it is what was wanted
	}
}

func TestPlanThatCannotBeMade(t *testing.T) {
	c := serveFake(t, &fake{problems: program.Problems{
		{Place: program.Place{File: "a.lua", Line: 3}, Text: "unknown field"}, {Warning: true, Text: "odd"}, {Text: "no program"},
	}})
	want := `{"error":"a.lua:3: unknown field\nno program","why":"invalid","hint":"nothing was changed: correct the configuration",` +
		`"problems":[{"file":"a.lua","line":3,"text":"unknown field"},{"warning":true,"text":"odd"},{"text":"no program"}]}`
	if status, body := split(talk(t, c.Path, http11("GET", "/v1/plan", ""))); status != "422 Unprocessable Entity" || body != want {
		t.Errorf("%s %s", status, body)
	}
}

func TestPanicOfTheBackendEndsOneRequestOnly(t *testing.T) {
	f := &fake{answer: func(context.Context, machine.Request) (machine.Reply, bool) { panic("a defect") }}
	c := serveFake(t, f)
	for range mostReports + 1 {
		status, body := split(talk(t, c.Path, http11("POST", "/v1/programs/web/stop", "")))
		if status != "500 Internal Server Error" || !strings.Contains(body, "internal error: a defect") {
			t.Errorf("%s %s", status, body)
		}
	}
}

func TestReloadIsAnsweredByWhoeverHasTheConnection(t *testing.T) {
	changes := []machine.Change{{Name: "web", Do: machine.ReplaceIt, Signal: 10, Reason: "changed: command"}}
	taken := make(chan net.Conn, 1)
	c := serveFake(t, &fake{reload: func(conn net.Conn, hard bool) { taken <- conn }})
	for name, test := range map[string]struct {
		reply        machine.Reply
		status, want string
	}{
		"a success": {machine.Reply{OK: true, Changes: changes}, "200 OK",
			`{"ok":true,"changes":[{"name":"web","do":"replace","signal":"USR1","reason":"changed: command"}]}`},
		"a failure": {machine.Reply{Why: machine.WhyFailed, Text: "a.lua:1: no\na.lua:2: no"}, "422 Unprocessable Entity",
			`{"error":"a.lua:1: no\na.lua:2: no","why":"failed","hint":"nothing was changed, the programs run on: correct what it says and reload again"}`},
		"no chance": {machine.Reply{Why: machine.WhyDropped, Text: "mwlua is stopping"}, "503 Service Unavailable",
			`{"error":"mwlua is stopping","why":"dropped","hint":"mwlua status shows what it is doing"}`},
	} {
		t.Run(name, func(t *testing.T) {
			client := dial(t, c.Path)
			send(t, client, http11("POST", "/v1/reload", `{"hard":true}`)+"what follows is not read")
			conn := <-taken
			file, err := conn.(*net.UnixConn).File() // as an execve would leave it
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
			next, err := net.FileConn(file)
			if err != nil {
				t.Fatal(err)
			}
			_ = file.Close()
			closing := WriteReload(next, test.reply)
			go closing()
			buffer := make([]byte, 64<<10)
			n := 0
			for err = nil; err == nil; {
				var more int
				more, err = client.Read(buffer[n:])
				n += more
			}
			if status, body := split(string(buffer[:n])); status != test.status || body != test.want {
				t.Errorf("%s %s", status, body)
			}
		})
	}
}

func TestReloadWithoutWaiting(t *testing.T) {
	f := &fake{}
	c := serveFake(t, f)
	for i, hard := range []bool{false, true} {
		status, body := split(talk(t, c.Path, http11("POST", "/v1/reload", fmt.Sprintf(`{"wait":false,"hard":%v}`, hard))))
		if status != "202 Accepted" || body != `{"ok":true}` || len(f.hard()) != i+1 || f.hard()[i] != hard {
			t.Errorf("%s %s, reloads %v", status, body, f.hard())
		}
	}
}

func TestSeveralRequestsOverOneConnection(t *testing.T) {
	f := &fake{}
	keep := "POST /v1/programs/web/start HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
	answer := talk(t, serveFake(t, f).Path, keep+keep+http11("GET", "/v1/status", ""))
	if n := strings.Count(answer, "200 OK"); n != 3 || len(f.requests()) != 2 {
		t.Errorf("%d of 3 in %s", n, answer)
	}
}
