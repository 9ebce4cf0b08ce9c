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

// Plan returns what a load of config would do, in the order of config, an instance each, then what it would remove. It changes
// nothing.
func (m *Machine) Plan(config program.Config) []Change { return m.plan(config.Expanded()) }

func (m *Machine) plan(config program.Config) []Change {
	changes := make([]Change, 0, len(config.Programs))
	kept := make(map[key]bool, len(config.Programs))
	env := !slices.Equal(m.s.Config.Env, config.Env)
	for i := range config.Programs {
		spec := &config.Programs[i]
		kept[key{spec.Name, spec.Slot}] = true
		changes = append(changes, m.change(spec, env))
	}
	for i := range m.s.Config.Programs {
		if spec := &m.s.Config.Programs[i]; !kept[key{spec.Name, spec.Slot}] {
			c := Change{Name: spec.Name, Slot: spec.Slot, Do: RemoveIt, Signal: m.goSignal(spec), Reason: "no longer declared"}
			if kept[key{spec.Name, 0}] {
				c.Reason = "fewer instances"
			}
			changes = append(changes, c)
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
	p, place := m.program(spec.Name, spec.Slot)
	c := Change{Name: spec.Name, Slot: spec.Slot}
	if p == nil || p.Phase == Removed {
		c.Do, c.Reason = StartIt, "new"
		if spec.NoStartOnReload && m.s.Generation > 0 { // H-6.9f
			c.Do, c.Reason = KeepIt, "new, but no start-on-reload"
		}
		if spec.NoAutostart {
			c.Do, c.Reason = KeepIt, "new, and autostart is off"
		}
		if spec.Kind == program.OneShot && spec.Run == program.RunManual {
			c.Do, c.Reason = KeepIt, "new, and run is manual"
		}
		return c
	}
	old := &m.s.Config.Programs[place]
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
	switch {
	case spec.Kind == old.Kind && spec.Kind == program.Cron:
		return cron(c, p, spec, old)
	case spec.Kind == old.Kind && spec.Kind == program.OneShot:
		return oneshot(c, p, spec, changed)
	case p.Phase == Running:
		return running(c, p, spec, old, changed)
	case p.Phase == Waiting, p.Phase == Blocked, p.Phase == Deciding:
		return backoff(c, p, spec, changed)
	default:
		return down(c, p, spec, changed)
	}
}

// running: a spec that keeps its instance keeps it whatever changed, and the option of the new file decides (H-6.9h).
func running(c Change, p *Program, spec, old *program.Spec, changed []string) Change {
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
	case p.Stale:
		c.Do, c.Signal, c.Reason = ReplaceIt, old.ReloadSignal, "an earlier reload could not replace it"
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

// cron: a run that goes on is left alone, and the clock of the new declaration counts from now on.
func cron(c Change, p *Program, spec, old *program.Spec) Change {
	c.Do, c.Reason = KeepIt, "the clock starts it"
	switch {
	case spec.NoAutostart && p.Phase == Down:
		c.Reason = "down, and autostart is off"
	case spec.Schedule != old.Schedule || spec.Zone != old.Zone:
		c.Reason = "the clock starts it, by its changed schedule"
	}
	return c
}

// oneshot: what was done is not done again unless the declaration says so, and what failed is tried again.
func oneshot(c Change, p *Program, spec *program.Spec, changed []string) Change {
	c.Do = StartIt
	switch {
	case p.Phase == Running || p.Phase == Waiting || p.Phase == Blocked || p.Phase == Deciding:
		c.Do, c.Reason = KeepIt, "it is under way"
	case spec.Run == program.RunManual:
		c.Do, c.Reason = KeepIt, "run is manual"
	case p.Phase == Failed:
		c.Reason = "it had failed"
	case spec.Run == program.RunReload:
		c.Reason = "run is reload"
	case spec.Run == program.RunChange && len(changed) > 0:
		c.Reason = "changed: " + strings.Join(changed, ", ")
	default:
		c.Do, c.Reason = KeepIt, "it was run"
	}
	return c
}

// backoff: a program that waits for its restart is tried at once when its declaration changed, or when it would have been replaced.
func backoff(c Change, p *Program, spec *program.Spec, changed []string) Change {
	switch {
	case spec.NoStartOnReload:
		c.Do, c.Reason = KeepIt, string(p.Phase)+", and no start-on-reload"
	case len(changed) > 0:
		c.Do, c.Reason = StartIt, "changed: "+strings.Join(changed, ", ")
	case spec.OnReload == program.Replace:
		c.Do, c.Reason = StartIt, "on_reload is replace"
	default:
		c.Do, c.Reason = KeepIt, string(p.Phase)+", unchanged"
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
