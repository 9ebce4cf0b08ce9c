package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// kind is a type of events.
type kind struct {
	name   string
	decode func(data []byte) (machine.Event, error)
}

// kinds are all of them. Their names are those of the types.
var kinds = []kind{
	kindOf[machine.Booted](), kindOf[machine.Request](), kindOf[machine.TrialPassed](), kindOf[machine.TrialFailed](),
	kindOf[machine.HandoverFailed](), kindOf[machine.MasterEnded](), {nameOf(machine.Loaded{}), decodeLoaded},
	kindOf[machine.LoadFailed](), kindOf[machine.ReloadedItself](), kindOf[machine.ReloadRefused](), kindOf[machine.Serving](),
	kindOf[machine.NotServing](), kindOf[machine.Spawned](), kindOf[machine.SpawnFailed](), kindOf[machine.Exited](),
	kindOf[machine.Emptied](), kindOf[machine.Ready](), kindOf[machine.Notified](), kindOf[machine.NotifyRefused](),
	kindOf[machine.Probed](), kindOf[machine.StopRan](), kindOf[machine.Decided](), kindOf[machine.DecideFailed](),
	kindOf[machine.HookFailed](), kindOf[machine.Tick](), kindOf[machine.ClockSet](), kindOf[machine.SocketFailed](),
	kindOf[machine.SignalFailed](), kindOf[machine.PidfileFailed](), kindOf[machine.ControlFailed](), kindOf[machine.Wake](),
}

func kindOf[E machine.Event]() kind {
	var zero E
	return kind{nameOf(zero), func(data []byte) (machine.Event, error) {
		var ev E
		err := strictly(data, &ev)
		return ev, err
	}}
}

func nameOf(ev machine.Event) string { return strings.TrimPrefix(fmt.Sprintf("%T", ev), "machine.") }

// strictly decodes JSON without a field that v does not have: a newer mwlua has written that, and it means something.
func strictly(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// loaded is machine.Loaded, with its configuration in a state, which knows how to write one that is no UTF-8.
type loaded struct {
	N        uint64
	In       machine.State
	Warnings []string `json:",omitempty"`
}

// encodeEvent writes an event whose texts can be written.
func encodeEvent(ev machine.Event) ([]byte, error) {
	if l, ok := ev.(machine.Loaded); ok {
		return json.Marshal(loaded{N: l.N, In: machine.State{Config: l.Config}, Warnings: l.Warnings})
	}
	return json.Marshal(ev)
}

// maxExpanded bounds the instances of a configuration that is read. None that was loaded has so many.
const maxExpanded = 1 << 20

func decodeLoaded(data []byte) (machine.Event, error) {
	var l loaded
	if err := strictly(data, &l); err != nil {
		return nil, err
	}
	n := 0
	for i := range l.In.Config.Programs {
		n += min(l.In.Config.Programs[i].Number(), maxExpanded+1)
		if n > maxExpanded {
			return nil, fmt.Errorf("its configuration has more than %d instances", maxExpanded)
		}
	}
	return machine.Loaded{N: l.N, Config: l.In.Config, Warnings: l.Warnings}, nil
}

// decodeEvent reads an event of that name.
func decodeEvent(name string, data []byte) (machine.Event, error) {
	for _, k := range kinds {
		if k.name == name {
			return k.decode(data)
		}
	}
	return nil, fmt.Errorf("unknown event %q", name)
}

// words says what becomes of the texts of an event.
type words struct {
	name   func(string) string // of a program, a plugin, a step, and the like
	text   func(string) string // for people, written by anybody
	data   func([]byte) []byte // what code keeps
	config func(program.Config) program.Config
}

func (w words) id(id machine.ID) machine.ID {
	id.Program = w.name(id.Program)
	return id
}

func (w words) texts(list []string) []string { return each(list, w.text) }

// each is list with f applied to everything in it. It shares nothing with list.
func each(list []string, f func(string) string) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = f(s)
	}
	return out
}

// event is ev with other texts. It shares none with ev.
func (w words) event(ev machine.Event) machine.Event {
	switch ev := ev.(type) {
	case machine.Request:
		ev.By, ev.Program = w.text(ev.By), w.name(ev.Program)
		return ev
	case machine.TrialFailed:
		ev.Text = w.text(ev.Text)
		return ev
	case machine.HandoverFailed:
		ev.Text = w.text(ev.Text)
		return ev
	case machine.Loaded:
		ev.Config, ev.Warnings = w.config(ev.Config), w.texts(ev.Warnings)
		return ev
	case machine.LoadFailed:
		ev.Text = w.text(ev.Text)
		return ev
	case machine.HookFailed:
		ev.Name, ev.Text = w.name(ev.Name), w.text(ev.Text)
		return ev
	case machine.Tick:
		ev.Program, ev.Text = w.name(ev.Program), w.text(ev.Text)
		return ev
	case machine.SocketFailed:
		ev.Program, ev.Name, ev.Text = w.name(ev.Program), w.name(ev.Name), w.text(ev.Text)
		return ev
	case machine.PidfileFailed:
		ev.Text = w.text(ev.Text)
		return ev
	case machine.ControlFailed:
		ev.Text = w.text(ev.Text)
		return ev
	default:
		return w.ofInstance(ev)
	}
}

// ofInstance is event for those that are about an instance, and for those without a text.
func (w words) ofInstance(ev machine.Event) machine.Event {
	switch ev := ev.(type) {
	case machine.ReloadedItself:
		ev.ID = w.id(ev.ID)
		return ev
	case machine.ReloadRefused:
		ev.ID, ev.Text = w.id(ev.ID), w.text(ev.Text)
		return ev
	case machine.Serving:
		ev.ID = w.id(ev.ID)
		return ev
	case machine.NotServing:
		ev.ID, ev.Text = w.id(ev.ID), w.text(ev.Text)
		return ev
	case machine.Spawned:
		ev.ID = w.id(ev.ID)
		return ev
	case machine.SpawnFailed:
		ev.ID, ev.Step, ev.Text = w.id(ev.ID), w.name(ev.Step), w.text(ev.Text)
		return ev
	case machine.Exited:
		ev.ID, ev.Left = w.id(ev.ID), survivors(ev.Left, w.text)
		return ev
	case machine.Emptied:
		ev.ID = w.id(ev.ID)
		return ev
	case machine.Ready:
		ev.ID = w.id(ev.ID)
		return ev
	case machine.Notified:
		ev.ID, ev.Status = w.id(ev.ID), w.text(ev.Status)
		return ev
	case machine.NotifyRefused:
		ev.ID = w.id(ev.ID)
		return ev
	case machine.Probed:
		ev.ID, ev.Text = w.id(ev.ID), w.text(ev.Text)
		return ev
	case machine.StopRan:
		ev.ID, ev.Text = w.id(ev.ID), w.text(ev.Text)
		return ev
	case machine.Decided:
		ev.ID, ev.Verdict.Reason = w.id(ev.ID), w.text(ev.Verdict.Reason)
		ev.Store, ev.Blob = w.data(ev.Store), w.data(ev.Blob)
		return ev
	case machine.DecideFailed:
		ev.ID, ev.Text = w.id(ev.ID), w.text(ev.Text)
		return ev
	case machine.SignalFailed:
		ev.ID, ev.Text = w.id(ev.ID), w.text(ev.Text)
		return ev
	default:
		return ev
	}
}

// survivors is list with other names.
func survivors(list []machine.Survivor, f func(string) string) []machine.Survivor {
	if list == nil {
		return nil
	}
	out := make([]machine.Survivor, len(list))
	for i, s := range list {
		out[i] = machine.Survivor{PID: s.PID, Name: f(s.Name)}
	}
	return out
}
