package luatest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	glua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/keeper"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/lua"
)

// realVerbs are the methods of what run yields.
func realVerbs() map[string]verb[*master] {
	return map[string]verb[*master]{
		"start": (*master).start, "stop": (*master).stop, "restart": order(machine.RestartProgram), "start_again": (*master).startAgain,
		"reload": (*master).reload, "reexec": (*master).reexec, "signal": (*master).signal, "kill_master": (*master).killMaster,
		"kill": (*master).kill, "freeze": (*master).freeze, "freeze_plugin": (*master).freezePlugin, "ctl": (*master).ctl,
		"write": (*master).write, "script": (*master).scriptFile, "read": (*master).read,
		"state": (*master).state, "pid": (*master).pid, "status": (*master).status, "wait": (*master).wait, "expect": (*master).expect,
		"expect_exit": (*master).expectExit, "expect_log": (*master).expectLog, "expect_no_log": (*master).expectNoLog, "log": (*master).log,
		"http": (*master).http, "rss": (*master).rss, "fds": (*master).fds, "children": (*master).children,
	}
}

// ask asks mwlua for its status; false means that it does not answer at this moment.
func (m *master) ask() (control.Status, bool) {
	status, err := m.client().Status(m.s.current.ctx)
	for _, p := range status.Programs {
		m.names[slotName(p)] = true
	}
	return status, err == nil
}

func slotName(p control.Program) string { return machine.ID{Program: p.Name, Slot: p.Slot}.SlotName() }

// look asks mwlua, which must run, about the program that an argument names. One that it had and has no more is down.
func (m *master) look(L *glua.LState, verb string) (control.Program, bool) {
	p, known := m.glance(L, verb)
	if name := L.Get(2).String(); !known && !m.names[name] {
		m.unknown(L, verb, name)
	}
	return p, known
}

func (m *master) unknown(L *glua.LState, verb, name string) {
	lua.Raise(L, "%s: there is no program %q%s", verb, name, lua.Suggest(name, slices.Sorted(maps.Keys(m.names))))
}

// glance is look, but that mwlua may never have had such a program.
func (m *master) glance(L *glua.LState, verb string) (p control.Program, known bool) {
	name := text(L, 2, verb, "the name of a program")
	answers := m.poll(L, usual, func() bool {
		m.running(L, verb)
		status, ok := m.ask()
		p, known = programOf(status, name)
		return ok
	})
	if !answers {
		lua.Raise(L, "%s: mwlua does not answer within %v", verb, usual)
	}
	return p, known
}

func programOf(status control.Status, name string) (control.Program, bool) {
	for _, p := range status.Programs {
		if slotName(p) == name {
			return p, true
		}
	}
	return control.Program{}, false
}

func wordOf(p control.Program, known bool) string {
	if !known {
		return "down"
	}
	return p.Word()
}

// expect is r:expect("web", "running"), at this moment.
func (m *master) expect(L *glua.LState) int {
	want := word(L, 3, "expect")
	if p, known := m.look(L, "expect"); wordOf(p, known) != plainWord(want) {
		lua.Raise(L, "%s, want %s", standing(L.Get(2).String(), p, known), want)
	}
	return 0
}

// wait is r:wait("web", "running", "5s"): until it is.
func (m *master) wait(L *glua.LState) int {
	want, limit := word(L, 3, "wait"), limitOf(L, 4, "wait")
	name := text(L, 2, "wait", "the name of a program")
	var p control.Program
	known := false
	is := func() bool {
		p, known = m.glance(L, "wait")
		return (known || m.names[name]) && wordOf(p, known) == plainWord(want)
	}
	if m.poll(L, limit, is) {
		return 0
	}
	if !known && !m.names[name] {
		m.unknown(L, "wait", name)
	}
	lua.Raise(L, "%s after %v, want %s", standing(name, p, known), limit, want)
	return 0
}

// standing says what a program does.
func standing(name string, p control.Program, known bool) string {
	text := name + " is " + wordOf(p, known)
	if p.Instance == nil && p.LastExit != nil && p.LastExit.Status != nil {
		text += fmt.Sprintf(" (it has ended with status %d)", *p.LastExit.Status)
	}
	if p.Instance != nil && p.Health != nil && p.Health.Text != "" {
		text += fmt.Sprintf(" (%s)", p.Health.Text)
	}
	return text
}

// state is r:state("web"): what mwlua status says of it, as in sim.
func (m *master) state(L *glua.LState) int {
	if p, known := m.look(L, "state"); known {
		L.Push(programTable(L, p))
	} else {
		L.Push(glua.LNil)
	}
	return 1
}

// pid is r:pid("web"): that of its current instance; nil if it has none.
func (m *master) pid(L *glua.LState) int {
	if p, _ := m.look(L, "pid"); p.Instance != nil && p.PID != 0 {
		L.Push(glua.LNumber(p.PID))
	} else {
		L.Push(glua.LNil)
	}
	return 1
}

// status is r:status(): what mwlua ended with; nil while it runs.
func (m *master) status(L *glua.LState) int {
	m.launched(L)
	if m.ended() {
		L.Push(glua.LNumber(m.end.Status()))
	} else {
		L.Push(glua.LNil)
	}
	return 1
}

// expectExit is r:expect_exit(3, "5s"): mwlua ends with that status by then.
func (m *master) expectExit(L *glua.LState) int {
	m.launched(L)
	want, limit := L.CheckInt(2), limitOf(L, 3, "expect_exit")
	if !m.await(L, limit) {
		lua.Raise(L, "mwlua runs after %v, and should have ended with %d", limit, want)
	}
	if got := m.end.Status(); got != want {
		lua.Raise(L, "mwlua has ended with %d, want %d", got, want)
	}
	return 0
}

// maxBody bounds what is read of an answer over HTTP, in bytes.
const maxBody = 1 << 20

// http is r:http("http://127.0.0.1:8080/"): the status and the body of an answer to GET. It goes to this machine alone.
func (m *master) http(L *glua.LState) int {
	m.launched(L)
	url := text(L, 2, "http", "a URL such as \"http://127.0.0.1:8080/\"")
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	r, err := http.NewRequestWithContext(m.s.current.ctx, http.MethodGet, url, nil)
	if err != nil {
		lua.Raise(L, "http: expected a URL such as \"http://127.0.0.1:8080/\", got %q", url)
	}
	dialer := net.Dialer{Timeout: usual}
	transport := &http.Transport{
		DisableKeepAlives: true, Proxy: nil, DialContext: dialer.DialContext, ResponseHeaderTimeout: usual,
	}
	if host := r.URL.Hostname(); host != "localhost" && !net.ParseIP(host).IsLoopback() {
		lua.Raise(L, "http: %q is not this machine: write 127.0.0.1, [::1] or localhost", host)
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		lua.Raise(L, "http: no answer from %s: %v", url, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		lua.Raise(L, "http: the answer of %s ends in the midst: %v", url, err)
	}
	L.Push(glua.LNumber(answer.StatusCode))
	L.Push(glua.LString(body))
	return 2
}

// How long a number must stay the same to count, because mwlua is about to close a connection or to collect a child, and how long that
// is waited for.
const (
	still   = 50 * time.Millisecond
	patient = 2 * time.Second
)

// number yields a number about the process of mwlua that stays the same for a moment, in which no reload is under way.
func (m *master) number(L *glua.LState, verb string, count func(pid int, children []int) (int, error)) int {
	m.running(L, verb)
	last, since, begun := -1, time.Now(), time.Now()
	m.poll(L, 0, func() bool {
		children := keeper.Children(m.child.PID)
		n, err := count(m.child.PID, children)
		if m.running(L, verb); err != nil {
			lua.Raise(L, "%s: %v", verb, err)
		}
		if n != last || slices.ContainsFunc(children, isTrial) {
			last, since = n, time.Now()
		}
		return time.Since(since) >= still || time.Since(begun) >= patient
	})
	L.Push(glua.LNumber(last))
	return 1
}

// isTrial says that a child of mwlua is what a reload runs first, and which may outlive that for a moment.
func isTrial(pid int) bool {
	words, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // none once it has ended
	return bytes.Contains(words, []byte("\x00trial\x00run\x00"))
}

// fds is r:fds(): how many descriptors mwlua has open.
func (m *master) fds(L *glua.LState) int {
	return m.number(L, "fds", func(pid int, _ []int) (int, error) {
		names, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		return len(names), err
	})
}

// children is r:children(): how many children mwlua has, those that it has not collected among them.
func (m *master) children(L *glua.LState) int {
	return m.number(L, "children", func(_ int, children []int) (int, error) { return len(children), nil })
}

// rss is r:rss(): how much memory of mwlua is resident, in KiB.
func (m *master) rss(L *glua.LState) int {
	m.running(L, "rss")
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.child.PID))
	kib := 0
	if err == nil {
		kib, err = residentIn(string(status))
	}
	if err != nil {
		lua.Raise(L, "rss: %v", err)
	}
	L.Push(glua.LNumber(kib))
	return 1
}

// residentIn is the field VmRSS of /proc/PID/status (proc(5)).
func residentIn(status string) (kib int, err error) {
	_, rest, ok := strings.Cut(status, "\nVmRSS:")
	if !ok {
		return 0, errors.New("the kernel does not say it")
	}
	_, err = fmt.Sscanf(rest, "%d kB", &kib)
	return kib, err
}
