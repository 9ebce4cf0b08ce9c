package machine

import (
	"slices"
	"strings"

	"github.com/mwlua/mwlua/core/program"
)

// Change is what a load does to one program, and why.
type Change struct {
	Name   string
	Slot   int `json:",omitempty"` // which of its instances
	Do     ChangeKind
	Signal int  // what a running instance is sent; 0 means nothing
	Itself bool // the running instance reloads itself, and the load waits for its answer
	Reason string
}

// ChangeKind is one of the four changes of a plan.
type ChangeKind string

const (
	KeepIt    ChangeKind = "keep"    // its instance, or its being down, stays
	StartIt   ChangeKind = "start"   // it has no current instance and gets one
	ReplaceIt ChangeKind = "replace" // its instance becomes a former one, and a new one is started
	RemoveIt  ChangeKind = "remove"  // its instance becomes a former one, and no other is started
)

// Plan returns what a load of config would do, in the order of config, then what it would remove. It changes nothing.
func (m *Machine) Plan(config program.Config) []Change {
	changes := make([]Change, 0, len(config.Programs))
	kept := make(map[string]bool, len(config.Programs))
	env := !slices.Equal(m.s.Config.Env, config.Env)
	for i := range config.Programs {
		spec := &config.Programs[i]
		kept[spec.Name] = true
		changes = append(changes, m.change(spec, env))
	}
	for i := range m.s.Config.Programs {
		if spec := &m.s.Config.Programs[i]; !kept[spec.Name] {
			changes = append(changes, Change{Name: spec.Name, Do: RemoveIt, Signal: m.goSignal(spec), Reason: "no longer declared"})
		}
	}
	return changes
}

// goSignal is how a running instance is told that it is not wanted any more.
func (m *Machine) goSignal(spec *program.Spec) int {
	if spec.ReloadSignal != 0 {
		return spec.ReloadSignal
	}
	return stopSignal(spec.StopSignal, sigTERM)
}

func (m *Machine) change(spec *program.Spec, env bool) Change {
	p, slot := m.program(spec.Name)
	c := Change{Name: spec.Name}
	if p == nil || p.Phase == Removed {
		c.Do, c.Reason = StartIt, "new"
		if spec.NoStartOnReload && m.s.Generation > 0 { // H-6.9f
			c.Do, c.Reason = KeepIt, "new, but no start-on-reload"
		}
		if spec.NoAutostart {
			c.Do, c.Reason = KeepIt, "new, and autostart is off"
		}
		return c
	}
	old := &m.s.Config.Programs[slot]
	if p.Held || p.Again {
		c.Do, c.Reason = KeepIt, "stopped by hand"
		if p.Again {
			c.Reason = "being restarted by hand"
		}
		return c
	}
	changed := spec.Changes(*old)
	if env && !spec.WholeEnv {
		changed = append(changed, "environment")
	}
	switch p.Phase {
	case Running:
		return running(c, spec, old, changed)
	case Waiting:
		return backoff(c, spec, changed)
	default:
		return down(c, p, spec, changed)
	}
}

// running: a spec that keeps its instance keeps it whatever changed, and the option of the new file decides (H-6.9h).
func running(c Change, spec, old *program.Spec, changed []string) Change {
	switch {
	case spec.OnReload == program.Keep:
		c.Do, c.Signal, c.Reason = KeepIt, spec.ReloadSignal, "on_reload is keep"
		if len(changed) > 0 {
			c.Reason += ": a changed " + strings.Join(changed, ", ") + " counts from its next start"
		}
	case spec.OnReload == program.Itself:
		c.Do, c.Itself, c.Reason = KeepIt, true, "it reads its own configuration again"
		if len(changed) > 0 {
			c.Reason += ": a changed " + strings.Join(changed, ", ") + " counts from its next start"
		}
	case len(changed) > 0:
		c.Do, c.Signal, c.Reason = ReplaceIt, old.ReloadSignal, "changed: "+strings.Join(changed, ", ")
	case spec.OnReload == program.Replace:
		c.Do, c.Signal, c.Reason = ReplaceIt, old.ReloadSignal, "on_reload is replace"
	default:
		c.Do, c.Reason = KeepIt, "unchanged"
	}
	if c.Do == ReplaceIt && c.Signal == 0 {
		c.Signal = spec.ReloadSignal
	}
	return c
}

// backoff: a program that waits for its restart is tried at once when its declaration changed, or when it would have been replaced.
func backoff(c Change, spec *program.Spec, changed []string) Change {
	switch {
	case spec.NoStartOnReload:
		c.Do, c.Reason = KeepIt, "waiting, and no start-on-reload"
	case len(changed) > 0:
		c.Do, c.Reason = StartIt, "changed: "+strings.Join(changed, ", ")
	case spec.OnReload == program.Replace:
		c.Do, c.Reason = StartIt, "on_reload is replace"
	default:
		c.Do, c.Reason = KeepIt, "waiting, unchanged"
	}
	return c
}

// down: a reload is how HAProxy brings a program back (H-6.27). A program that ended well and did not change is not wanted.
func down(c Change, p *Program, spec *program.Spec, changed []string) Change {
	switch {
	case spec.NoStartOnReload: // H-6.9e
		c.Do, c.Reason = KeepIt, "down, and no start-on-reload"
	case spec.NoAutostart && p.Last.Seq == 0:
		c.Do, c.Reason = KeepIt, "down, and autostart is off"
	case len(changed) > 0:
		c.Do, c.Reason = StartIt, "changed: "+strings.Join(changed, ", ")
	case spec.OnReload == program.Replace:
		c.Do, c.Reason = StartIt, "on_reload is replace"
	case p.Phase == Failed:
		c.Do, c.Reason = StartIt, "it had failed"
	default:
		c.Do, c.Reason = KeepIt, "down, unchanged"
	}
	return c
}
