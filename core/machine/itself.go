package machine

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mwlua/mwlua/core/program"
)

// ask has the programs that reload themselves do so, before anything else of the new configuration counts: one that refuses it
// refuses it for all. False says that there is none to ask.
func (m *Machine) ask(now Instant, config program.Config) bool {
	r := &m.s.Reload
	var limit time.Duration
	limits := make(map[ID]time.Duration)
	for i, c := range m.plan(config) {
		if !c.Itself {
			continue
		}
		p, _ := m.program(c.Name, c.Slot)
		id := p.id(p.Current)
		r.Asked = append(r.Asked, id)
		limits[id] = cmp.Or(config.Programs[i].AnswerTimeout, reloadTimeout)
		limit = max(limit, limits[id])
	}
	if len(r.Asked) == 0 {
		return false
	}
	r.Step, r.Deadline, r.Pending = Asking, timeout(now, limit), &config
	for _, id := range r.Asked {
		_, in := m.instance(id)
		m.do(ReloadItself{N: r.N, ID: id, PID: in.PID, Hard: r.Hard, Limit: limits[id]})
	}
	return true
}

func (m *Machine) reloadedItself(now Instant, ev ReloadedItself) {
	m.stopAgain(now, ev.ID)
	r := &m.s.Reload
	i := slices.Index(r.Asked, ev.ID)
	if r.Step != Asking || r.N != ev.N || i < 0 {
		return
	}
	r.Asked = slices.Delete(r.Asked, i, i+1)
	if len(r.Asked) == 0 {
		config := *r.Pending
		r.Asked, r.Pending = nil, nil
		m.carryOut(now, config)
	}
}

func (m *Machine) reloadRefused(now Instant, ev ReloadRefused) {
	m.stopAgain(now, ev.ID)
	if slices.Contains(m.s.Reload.Asked, ev.ID) {
		m.reloadFailed(now, ev.N, Asking, ev.Text)
	}
}

// endedAsked is the end of an instance that may have been asked to reload itself.
func (m *Machine) endedAsked(now Instant, id ID) {
	m.reloadRefused(now, ReloadRefused{N: m.s.Reload.N, ID: id, Text: id.String() + " ended while it reloaded itself"})
}

// unanswered says who did not answer.
func (m *Machine) unanswered() string {
	return fmt.Sprintf("%v did not say in time that it runs with its new configuration", m.s.Reload.Asked[0])
}

// stopAgain repeats the signal of a stop that came while an instance reloaded itself: an HAProxy that executes itself loses it
// (H-6.14).
func (m *Machine) stopAgain(now Instant, id ID) {
	i := slices.Index(m.s.Stop.Asked, id)
	if i < 0 {
		return
	}
	m.s.Stop.Asked = slices.Delete(m.s.Stop.Asked, i, i+1)
	if p, in := m.instance(id); in != nil && in.Step != Killing {
		m.stopInstance(now, m.place(p), in)
	}
}

// awaits says that a load waits until the program serves: one that reloads itself could refuse at its start as well.
func (m *Machine) awaits(p *Program) bool {
	return p.Starting && m.s.Config.Programs[m.place(p)].OnReload == program.Itself && m.s.Stop.Verb == ""
}

func (m *Machine) limit(p *Program) time.Duration {
	return cmp.Or(m.s.Config.Programs[m.place(p)].AnswerTimeout, reloadTimeout)
}

// serving ends the wait for a program that the load has started. One that does not say that it serves is not taken for one that
// does not: its end would tell.
func (m *Machine) serving(now Instant, id ID, text string) {
	p, in := m.instance(id)
	if in == nil || !m.awaits(p) || p.Current != id.Seq {
		return
	}
	if text != "" {
		m.do(Note{Kind: NoteWarning, Text: text})
	}
	m.answered(p)
	m.loadEnds(now)
}
