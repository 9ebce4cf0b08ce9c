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
	for i, c := range m.Plan(config) {
		if !c.Itself {
			continue
		}
		p, _ := m.program(c.Name)
		r.Asked = append(r.Asked, ID{p.Name, p.Current})
		limit = max(limit, cmp.Or(config.Programs[i].AnswerTimeout, reloadTimeout))
	}
	if len(r.Asked) == 0 {
		return false
	}
	r.Step, r.Deadline, r.Pending = Asking, timeout(now, limit), &config
	for _, id := range r.Asked {
		_, in := m.instance(id)
		m.do(ReloadItself{N: r.N, ID: id, PID: in.PID, Hard: r.Hard})
	}
	return true
}

func (m *Machine) reloadedItself(now Instant, ev ReloadedItself) {
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
	if slices.Contains(m.s.Reload.Asked, ev.ID) {
		m.reloadFailed(now, ev.N, Asking, ev.Text)
	}
}

// unanswered says who did not answer.
func (m *Machine) unanswered() string {
	return fmt.Sprintf("%v did not say in time that it runs with its new configuration", m.s.Reload.Asked[0])
}
