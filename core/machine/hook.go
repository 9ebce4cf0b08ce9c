package machine

import (
	"cmp"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/program"
)

// call calls the hooks that the configuration has for an occasion.
func (m *Machine) call(on program.HookOn, text string) {
	for _, h := range m.s.Config.Hooks {
		if h.On == on {
			m.do(CallHook{Name: h.Name, On: string(on), Text: text, Limit: m.callLimit()})
		}
	}
}

// callLimit is how long a hook may take.
func (m *Machine) callLimit() time.Duration {
	return cmp.Or(m.s.Config.Settings.LuaHandlerTimeout, handlerTimeout)
}

// signalled calls those for a signal that mwlua got.
func (m *Machine) signalled(by string) {
	if strings.HasPrefix(by, "SIG") {
		m.call(program.OnSignal, by)
	}
}

// started calls the function of a program for an instance that runs.
func (m *Machine) started(place int, in *Instance) {
	if name := m.s.Config.Programs[place].OnStart; name != "" {
		m.do(CallHook{Name: name, On: "start", ID: m.s.Programs[place].id(in.Seq), PID: in.PID, Limit: m.callLimit()})
	}
}

// hasEnded calls the function of a program for an instance that has ended.
func (m *Machine) hasEnded(place int, note Note) {
	if place < len(m.s.Config.Programs) && m.s.Config.Programs[place].OnStop != "" {
		m.do(CallHook{
			Name: m.s.Config.Programs[place].OnStop, On: "stop", ID: note.ID, PID: note.PID, Exit: note.Exit, Text: note.Text, Limit: m.callLimit(),
		})
	}
}
