package luatest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	glua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/sim"
	"github.com/mwlua/mwlua/core/supervisor"
	"github.com/mwlua/mwlua/lua"
)

// start is s:start(), which starts mwlua, and s:start("web").
func (w *world) start(L *glua.LState) int {
	if L.GetTop() > 1 {
		return command(machine.StartProgram)(w, L)
	}
	if w.booted {
		lua.Raise(L, "start: mwlua was started already: s:start(\"web\") starts a program, and another sim another mwlua")
	}
	w.booted = true
	w.Boot()
	w.quiet(L)
	return 0
}

// command is s:stop("web") and the like.
func command(v machine.Verb) verb[*world] {
	return func(w *world, L *glua.LState) int {
		name := w.wholeProgram(L, strings.TrimSuffix(string(v), "-program"))
		w.Command(v, name, 0)
		w.quiet(L)
		return 0
	}
}

// instance is the current instance of a program, which must run.
func (w *world) instance(L *glua.LState, n int, verb string) machine.ID {
	name, slot := w.programName(L, n, verb)
	state := w.State()
	for i := range state.Programs {
		p := &state.Programs[i]
		if p.Name != name || p.Slot != slot {
			continue
		}
		if seq := max(p.Current, p.Next); seq != 0 {
			return machine.ID{Program: name, Slot: slot, Seq: seq}
		}
		lua.Raise(L, "%s: %s does not run: it is %s", verb, machine.ID{Program: name, Slot: slot}, w.word(name, slot))
	}
	lua.Raise(L, "%s: %s is not there any more", verb, name)
	return machine.ID{}
}

// exit is s:exit("web", 1, { signal = "SIGSEGV", oom = true, instance = 2 }).
func (w *world) exit(L *glua.LState) int {
	id := w.instance(L, 2, "exit")
	end := sim.Ending{}
	if n, ok := L.Get(3).(glua.LNumber); ok && n >= 0 && n <= 255 {
		end.Code = int(n)
	} else if L.Get(3) != glua.LNil {
		lua.Raise(L, "exit: expected a code from 0 to 255, got %s", lua.Describe(L.Get(3)))
	}
	if options, ok := L.Get(4).(*glua.LTable); ok {
		checkKeys(L, "exit", options, []string{"instance", "signal", "oom"})
		if name := optionalText(L, options, "exit", "signal"); name != "" {
			end = sim.Ending{Signal: signalNumber(L, "exit", name)}
		}
		if end.OOM = glua.LVAsBool(options.RawGetString("oom")); end.OOM && end.Signal == 0 {
			end = sim.Ending{Signal: sim.KILL, OOM: true} // as the kernel does it
		}
		if seq, ok := options.RawGetString("instance").(glua.LNumber); ok {
			id.Seq = uint64(seq)
		}
	}
	if !w.ExitInstance(id, end) {
		lua.Raise(L, "exit: %v does not run", id)
	}
	w.quiet(L)
	return 0
}

// kill is s:kill("web", "SIGKILL"): somebody else sends it a signal that it dies of.
func (w *world) kill(L *glua.LState) int {
	id := w.instance(L, 2, "kill")
	w.ExitInstance(id, sim.Ending{Signal: signalNumber(L, "kill", L.OptString(3, "SIGKILL"))})
	w.quiet(L)
	return 0
}

func signalNumber(L *glua.LState, verb, name string) int {
	n, ok := lua.SignalNumber(name)
	if !ok {
		lua.Raise(L, "%s: expected the name of a signal such as \"SIGTERM\", got %q", verb, name)
	}
	return n
}

// ready is s:ready("web"): its newest instance is.
func (w *world) ready(L *glua.LState) int {
	id := w.instance(L, 2, "ready")
	if !w.MakeReady(id) {
		lua.Raise(L, "ready: %v is not waited for: it is %s", id, w.word(id.Program, id.Slot))
	}
	w.quiet(L)
	return 0
}

// health is s:health("web", false): how the next health checks end.
func (w *world) health(L *glua.LState) int {
	name := w.wholeProgram(L, "health")
	if spec := w.spec(name); spec.Health == nil {
		lua.Raise(L, "health: %s has no health check: its configuration needs health = { … }", name)
	}
	answer := sim.Answer{}
	if !glua.LVAsBool(L.Get(3)) {
		answer.Fails = L.OptString(4, "connection refused")
	}
	w.Behave(name, func(b *sim.Behaviour) { b.Health = answer })
	return 0
}

// notify is s:notify("web", "WATCHDOG=1").
func (w *world) notify(L *glua.LState) int {
	id := w.instance(L, 2, "notify")
	if spec := w.spec(id.Program); spec.Ready.By != program.ReadyNotify && spec.Watchdog == 0 {
		lua.Raise(L, "notify: %s has no NOTIFY_SOCKET: its configuration needs ready = \"notify\" or a watchdog", id.Program)
	}
	said := supervisor.ParseNotify([]byte(text(L, 3, "notify", "what it says, such as \"READY=1\"")))
	w.NotifyInstance(id, said)
	w.quiet(L)
	return 0
}

// freeze is s:freeze("web"): it does nothing any more, and only SIGKILL ends it. s:freeze("web", false) lets it go on.
func (w *world) freeze(L *glua.LState) int {
	frozen := L.Get(3) != glua.LFalse
	w.Behave(w.wholeProgram(L, "freeze"), func(b *sim.Behaviour) { b.Frozen = frozen })
	return 0
}

// freezePlugin is s:freeze_plugin("budget"): it does not answer any more. s:freeze_plugin("budget", false) lets it go on.
func (w *world) freezePlugin(L *glua.LState) int {
	w.frozen[w.pluginName(L, "freeze_plugin")] = L.Get(3) != glua.LFalse
	return 0
}

// pluginName is the argument that names a plugin of the configuration.
func (w *world) pluginName(L *glua.LState, verb string) string {
	name := text(L, 2, verb, "the name of a plugin")
	var names []string
	for _, p := range w.config.Plugins {
		names = append(names, p.Name)
	}
	if !slices.Contains(names, name) {
		lua.Raise(L, "%s: the configuration has no plugin %q%s", verb, name, lua.Suggest(name, names))
	}
	return name
}

// failStart is s:fail_start("web", "no such file or directory"); nil as the text lets it start again.
func (w *world) failStart(L *glua.LState) int {
	name := w.wholeProgram(L, "fail_start")
	why := ""
	if L.Get(3) != glua.LNil {
		why = text(L, 3, "fail_start", "why it cannot be started")
	}
	w.Behave(name, func(b *sim.Behaviour) { b.Spawn.Fails = why })
	return 0
}

// onStop is s:on_stop("web", "ignore"), or "exit:0 after 3s": what it does about a signal that asks it to go.
func (w *world) onStop(L *glua.LState) int {
	name := w.wholeProgram(L, "on_stop")
	said := text(L, 3, "on_stop", "\"ignore\" or \"exit:0 after 3s\"")
	r := sim.Reaction{Does: sim.Ignore}
	if rest, ok := strings.CutPrefix(said, "exit:"); ok {
		code, after, delayed := strings.Cut(rest, " after ")
		n, err := strconv.Atoi(code)
		if err != nil || n < 0 || n > 255 {
			lua.Raise(L, "on_stop: expected a code from 0 to 255, got %q", code)
		}
		r = sim.Reaction{Does: sim.Exit, Code: n}
		if delayed {
			r.After = lua.Duration(L, glua.LString(after), "on_stop")
		}
	} else if said != "ignore" {
		lua.Raise(L, "on_stop: expected \"ignore\" or \"exit:0 after 3s\", got %q", said)
	}
	w.Behave(name, func(b *sim.Behaviour) { b.Reactions = []sim.Reaction{r} })
	return 0
}

// setClock is s:set_clock("1h"), or "-1h": the wall clock is set.
func (w *world) setClock(L *glua.LState) int {
	said := text(L, 2, "set_clock", "by how much, such as \"1h\" or \"-1h\"")
	back, negative := strings.CutPrefix(said, "-")
	d := lua.Duration(L, glua.LString(back), "set_clock")
	if negative {
		d = -d
	}
	w.SetClock(d)
	w.quiet(L)
	return 0
}

// advance is s:advance("30s").
func (w *world) advance(L *glua.LState) int {
	w.pass(L, lua.Duration(L, L.Get(2), "advance"))
	return 0
}

// piece is how many steps of a world are made before it is looked whether the test still has time.
const piece = 10_000

func (w *world) pass(L *glua.LState, d time.Duration) {
	for until := w.Elapsed() + d; !w.AdvanceBy(until-w.Elapsed(), piece); {
		w.sound(L)
	}
	w.quiet(L)
}

// settle is s:settle(): time passes until nothing is under way, not even a program that was told to go.
func (w *world) settle(L *glua.LState) int {
	if !w.Settle() {
		w.sound(L)
		lua.Raise(L, "it does not settle: a program never goes, or restarts without a delay")
	}
	w.sound(L)
	return 0
}

// reload is s:reload(), s:reload { text = …, config = …, haproxy = …, broken = "why" }. It yields true, or false and why it failed, or nil and
// what it waits for.
func (w *world) reload(L *glua.LState) int {
	broken := ""
	if L.GetTop() > 1 {
		table, ok := L.Get(2).(*glua.LTable)
		if !ok {
			lua.Raise(L, "reload: expected a table, got %s", lua.Describe(L.Get(2)))
		}
		checkKeys(L, "reload", table, []string{"config", "text", "haproxy", "broken"})
		broken = optionalText(L, table, "reload", "broken")
		if source := w.s.source(L, "reload", table, w.say); !source.empty() {
			w.source = source
		}
	}
	w.reread(L, "the test", broken)
	return w.pushReload(L)
}

// reexec is s:reexec(): a reload of the configuration as it is, over which the state is carried.
func (w *world) reexec(L *glua.LState) int {
	w.reread(L, "the test", "")
	return w.pushReload(L)
}

// reread asks for a reload, by which the configuration is read again, as everybody does who asks for one.
func (w *world) reread(L *glua.LState, by, broken string) {
	before := make(map[string]program.ReadyBy)
	for i := range w.config.Programs {
		before[w.config.Programs[i].Name] = w.config.Programs[i].Ready.By
	}
	if broken == "" {
		_, broken = w.tryLoad()
	}
	if broken != "" {
		w.BreakConfig(broken)
	}
	for i := range w.config.Programs {
		if spec := &w.config.Programs[i]; spec.Ready.By != program.ReadyAtOnce && before[spec.Name] == program.ReadyAtOnce {
			w.Behave(spec.Name, unready)
		}
	}
	w.failure = nil
	w.Reload(by)
	w.quiet(L)
}

func (w *world) pushReload(L *glua.LState) int {
	switch reload := w.State().Reload; {
	case w.failure != nil:
		L.Push(glua.LFalse)
		L.Push(glua.LString(*w.failure))
	case reload.Step != machine.Idle:
		L.Push(glua.LNil)
		L.Push(glua.LString("it is under way: a program is not ready, or has not ended"))
	default:
		L.Push(glua.LTrue)
		return 1
	}
	return 2
}

// signal is s:signal("SIGHUP"): what mwlua itself gets.
func (w *world) signal(L *glua.LState) int {
	switch name := text(L, 2, "signal", "the name of a signal"); strings.TrimPrefix(name, "SIG") {
	case "HUP", "USR2":
		w.reread(L, "SIG"+strings.TrimPrefix(name, "SIG"), "")
	case "USR1":
		w.Stop(machine.SoftStop, sim.USR1)
	case "TERM":
		w.Stop(machine.StopAll, sim.TERM)
	case "INT":
		w.Stop(machine.StopAll, sim.INT)
	default:
		lua.Raise(L, "signal: mwlua takes SIGHUP, SIGUSR2, SIGUSR1, SIGTERM and SIGINT, got %q", name)
	}
	w.quiet(L)
	return 0
}

// shutdown is s:shutdown(): all is stopped, and mwlua ends. It yields the status, or nil if that takes longer.
func (w *world) shutdown(L *glua.LState) int {
	w.Stop(machine.StopAll, 0)
	w.quiet(L)
	return w.pushQuit(L)
}

func (w *world) pushQuit(L *glua.LState) int {
	if status, quit := w.Quit(); quit {
		L.Push(glua.LNumber(status))
	} else {
		L.Push(glua.LNil)
	}
	return 1
}

// stubPlugin is s:stub_plugin("budget", function(ev) return "restart" end): the function answers for the plugin.
func (w *world) stubPlugin(L *glua.LState) int {
	name := w.pluginName(L, "stub_plugin")
	fn, ok := L.Get(3).(*glua.LFunction)
	if !ok {
		lua.Raise(L, "stub_plugin: expected a function, got %s", lua.Describe(L.Get(3)))
	}
	w.stubs[name] = fn
	return 0
}
