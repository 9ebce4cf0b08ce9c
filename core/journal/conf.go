package journal

import (
	"fmt"
	"slices"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// Conf is another configuration, under which a history is replayed. The zero one changes nothing.
type Conf struct {
	Config *program.Config
	// Decide calls a function of Config, as supervisor.Code does. It is called by the goroutine of Replay.
	Decide func(by program.Decider, ev policy.Event, limit time.Duration) (v policy.Verdict, store []byte, err error)
}

// spec is what Config declares of that name; nil when it does not.
func (c Conf) spec(name string) *program.Spec {
	if c.Config == nil {
		return nil
	}
	i := slices.IndexFunc(c.Config.Programs, func(s program.Spec) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &c.Config.Programs[i]
}

// over is a recorded configuration with what Config says about what follows an end. The rest stays as it was, because the history
// that is replayed is the one that the rest has brought about: what would start, and when, nobody has recorded.
func (c Conf) over(was program.Config) program.Config {
	if c.Config == nil {
		return was
	}
	was.Settings.ExitWhen = c.Config.Settings.ExitWhen
	was.Programs = slices.Clone(was.Programs)
	for i := range was.Programs {
		if is := c.spec(was.Programs[i].Name); is != nil {
			follow(&was.Programs[i], is)
		}
	}
	return was
}

// follow gives was what is says about what follows an end, and what functions are told of the program.
func follow(was, is *program.Spec) {
	was.Exit, was.OnExit = is.Exit, is.OnExit
	was.Critical, was.IgnoreFailure = is.Critical, is.IgnoreFailure
	was.Description, was.Labels = is.Description, is.Labels
	if was.Health != nil && is.Health != nil {
		was.Health = new(*was.Health)
		was.Health.OnFail = is.Health.OnFail
	}
}

// overState is over for a snapshot. What functions have stored is not in a journal.
func (c Conf) overState(s machine.State) machine.State {
	s.Config = c.over(s.Config)
	if s.Reload.Pending != nil {
		s.Reload.Pending = new(c.over(*s.Reload.Pending))
	}
	if c.Config == nil {
		return s
	}
	s.Programs = slices.Clone(s.Programs)
	for i := range s.Programs {
		if c.spec(s.Programs[i].Name) != nil {
			s.Programs[i].Store = nil
		}
	}
	return s
}

// remarks say what of a snapshot Config and its functions have to do without.
func (c Conf) remarks(s machine.State) (texts []string) {
	if c.Config == nil {
		return nil
	}
	for i := range s.Programs {
		p := &s.Programs[i]
		if is := c.spec(p.Name); is != nil && len(p.Store) > 0 && asks(is, program.ByHandler) {
			texts = append(texts, fmt.Sprintf("what functions had stored of %s is not in a journal: they begin without it",
				machine.ID{Program: p.Name, Slot: p.Slot}))
		}
	}
	return texts
}

func asks(s *program.Spec, by program.DeciderBy) bool {
	return slices.ContainsFunc(s.OnExit, func(d program.Decider) bool { return d.By == by })
}
