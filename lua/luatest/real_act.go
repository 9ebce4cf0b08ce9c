package luatest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	glua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/control"
	"github.com/mwlua/mwlua/core/keeper"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/lua"
)

// start is r:start(), which starts mwlua if it was not yet, and r:start("web").
func (m *master) start(L *glua.LState) int {
	if L.GetTop() > 1 {
		return order(machine.StartProgram)(m, L)
	}
	m.launched(L)
	return 0
}

// stop is r:stop(): mwlua gets SIGTERM, and when it has ended that yields its status. r:stop("web") stops a program.
func (m *master) stop(L *glua.LState) int {
	if L.GetTop() > 1 {
		return order(machine.StopProgram)(m, L)
	}
	m.send(L, "stop", syscall.SIGTERM)
	m.await(L, 0)
	L.Push(glua.LNumber(m.end.Status()))
	return 1
}

// order is r:restart("web") and the like, which wait until that is done.
func order(v machine.Verb) verb[*master] {
	return func(m *master, L *glua.LState) int {
		verb := strings.TrimSuffix(string(v), "-program")
		p, _ := m.look(L, verb)
		if _, err := m.client().Do(m.s.current.ctx, control.Order{Verb: v, Program: p.Name}); err != nil {
			m.refused(L, verb, err)
		}
		return 0
	}
}

// refused ends the test with what a request came to.
func (m *master) refused(L *glua.LState, verb string, err error) {
	m.running(L, verb)
	lua.Raise(L, "%s: %s", verb, m.readable(err.Error()))
}

// startAgain is r:start_again(): after mwlua has ended, another one with the same command line.
func (m *master) startAgain(L *glua.LState) int {
	if m.child.PID != 0 && !m.ended() {
		lua.Raise(L, "start_again: mwlua runs: stop() or kill_master() come first")
	}
	m.launch(L)
	return 0
}

// send sends a signal to mwlua.
func (m *master) send(L *glua.LState, verb string, s syscall.Signal) {
	m.running(L, verb)
	if err := m.keeper.Signal(m.child.PID, s); err != nil {
		m.running(L, verb)
		lua.Raise(L, "%s: %v", verb, err)
	}
	m.killed = m.killed || s == syscall.SIGKILL
}

// signal is r:signal("SIGHUP"): mwlua itself gets it. What follows is not waited for.
func (m *master) signal(L *glua.LState) int {
	n := signalNumber(L, "signal", text(L, 2, "signal", "the name of a signal"))
	m.send(L, "signal", syscall.Signal(n))
	return 0
}

// killMaster is r:kill_master(): SIGKILL. What it leaves is nobody's fault, and is killed at the end of the test.
func (m *master) killMaster(L *glua.LState) int {
	m.send(L, "kill_master", syscall.SIGKILL)
	m.await(L, 0)
	return 0
}

// reload is r:reload(), and r:reload { text = …, config = …, haproxy = … }: it yields whether it worked, and why not.
func (m *master) reload(L *glua.LState) int {
	m.running(L, "reload")
	if L.GetTop() > 1 {
		table, ok := L.Get(2).(*glua.LTable)
		if !ok {
			lua.Raise(L, "reload: expected a table, got %s", lua.Describe(L.Get(2)))
		}
		checkKeys(L, "reload", table, []string{"config", "text", "haproxy"})
		if err := m.change(m.s.source(L, "reload", table, nil)); err != nil {
			lua.Raise(L, "reload: %v", err)
		}
	}
	_, err := m.client().Reload(m.s.current.ctx, false)
	var no *control.Failure
	switch {
	case err == nil:
		L.Push(glua.LTrue)
		return 1
	case errors.As(err, &no) && no.Why != control.WhyCut && no.Why != control.WhyStrange:
		L.Push(glua.LFalse)
		L.Push(glua.LString(m.readable(no.Text)))
		return 2
	}
	m.refused(L, "reload", err)
	return 0
}

// reexec is r:reexec(): mwlua executes itself anew, and reads its configuration as it is.
func (m *master) reexec(L *glua.LState) int {
	m.running(L, "reexec")
	if _, err := m.client().Reload(m.s.current.ctx, false); err != nil {
		m.refused(L, "reexec", err)
	}
	return 0
}

// toProgram sends a signal to the current instance of the program that an argument names, and returns its pid.
func (m *master) toProgram(L *glua.LState, verb string, s syscall.Signal) int {
	p, known := m.look(L, verb)
	if p.Instance == nil || p.PID == 0 {
		lua.Raise(L, "%s: it does not run: %s", verb, standing(L.Get(2).String(), p, known))
	}
	if err := m.keeper.Signal(p.PID, s); err != nil {
		lua.Raise(L, "%s: %s has ended meanwhile", verb, p.ID)
	}
	return p.PID
}

// kill is r:kill("web", "SIGKILL"): its process gets a signal. That mwlua has noticed the end is waited for after SIGKILL, the default.
func (m *master) kill(L *glua.LState) int {
	s := syscall.Signal(signalNumber(L, "kill", L.OptString(3, "SIGKILL")))
	pid := m.toProgram(L, "kill", s)
	delete(m.frozen, pid)
	if s == syscall.SIGKILL {
		m.poll(L, usual, func() bool {
			status, ok := m.ask()
			p, _ := programOf(status, L.Get(2).String())
			return m.ended() || ok && (p.Instance == nil || p.PID != pid || p.Ended != nil)
		})
	}
	return 0
}

// freeze is r:freeze("web"): its process gets SIGSTOP. r:freeze("web", false) lets it go on.
func (m *master) freeze(L *glua.LState) int {
	if L.Get(3) == glua.LFalse {
		delete(m.frozen, m.toProgram(L, "freeze", syscall.SIGCONT))
	} else {
		m.frozen[m.toProgram(L, "freeze", syscall.SIGSTOP)] = true
	}
	return 0
}

// freezePlugin is freeze for the process of a plugin, which must run.
func (m *master) freezePlugin(L *glua.LState) int {
	name, signal := text(L, 2, "freeze_plugin", "the name of a plugin"), syscall.SIGSTOP
	if L.Get(3) == glua.LFalse {
		signal = syscall.SIGCONT
	}
	pid := 0
	var names []string
	up := m.poll(L, usual, func() bool {
		m.running(L, "freeze_plugin")
		status, _ := m.ask()
		names = names[:0]
		for _, p := range status.Plugins {
			if names = append(names, p.Name); p.Name == name {
				pid = p.PID
			}
		}
		return pid != 0 || len(names) > 0 && !slices.Contains(names, name)
	})
	switch {
	case pid == 0 && up:
		lua.Raise(L, "freeze_plugin: there is no plugin %q%s", name, lua.Suggest(name, names))
	case pid == 0:
		lua.Raise(L, "freeze_plugin: the plugin %q does not run within %v", name, usual)
	}
	if err := m.keeper.Signal(pid, signal); err != nil {
		lua.Raise(L, "freeze_plugin: %v", err)
	}
	if m.frozen[pid] = true; signal == syscall.SIGCONT {
		delete(m.frozen, pid)
	}
	return 0
}

// ctl is r:ctl("restart", "web"): the command line mwlua restart web, which speaks to this mwlua. It yields the status, standard output and
// standard error.
func (m *master) ctl(L *glua.LState) int {
	m.launched(L)
	m.orders++
	c := keeper.Command{
		Path: m.s.options.Binary, Argv: []string{m.s.options.Binary}, Dir: m.dir, Env: append(slices.Clip(m.env), "MWLUA_SOCKET="+m.socket()),
		Output: filepath.Join(m.runtime, fmt.Sprintf("ctl%d.out", m.orders)), Errors: filepath.Join(m.runtime, fmt.Sprintf("ctl%d.err", m.orders)),
	}
	for i := 2; i <= L.GetTop(); i++ {
		switch v := L.Get(i).(type) {
		case glua.LString, glua.LNumber:
			c.Argv = append(c.Argv, v.String())
		default:
			lua.Raise(L, "ctl: expected words, such as \"restart\", \"web\", got %s", lua.Describe(v))
		}
	}
	child, err := m.keeper.Start(c)
	if err != nil {
		lua.Raise(L, "ctl: %v", err)
	}
	defer os.Remove(c.Output)
	defer os.Remove(c.Errors)
	var end keeper.End
	m.poll(L, 0, func() bool {
		select {
		case e, known := <-child.Ended:
			if end = e; !known {
				end.Code = unknownStatus
			}
			return true
		default:
			return false
		}
	})
	L.Push(glua.LNumber(end.Status()))
	for _, name := range []string{c.Output, c.Errors} {
		content, _ := os.ReadFile(name) // it was opened before the command began
		L.Push(glua.LString(content))
	}
	return 3
}
