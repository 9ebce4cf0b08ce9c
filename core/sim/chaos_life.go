package sim

import (
	"slices"
	"time"

	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// lives gives the programs of a configuration what only some have: order, readiness, health, kinds, instances. A program waits for
// such as are declared before it.
func (c *chaos) lives(specs []program.Spec) {
	var names []string // that others may wait for
	for i := range specs {
		s := &specs[i]
		if s.OnReload == program.Itself {
			names = append(names, s.Name)
			continue
		}
		s.After, s.Needs = c.some(names), c.some(names)
		for range c.dice.IntN(6) - 3 { // mostly none
			s.OnExit = append(s.OnExit, program.Decider{By: []program.DeciderBy{program.ByHandler, program.ByPlugin}[c.dice.IntN(2)], Name: "x", Timeout: c.span()})
		}
		switch c.dice.IntN(8) {
		case 0:
			c.oneshot(s)
		case 1:
			c.cron(s)
			continue
		default:
			c.service(s)
		}
		names = append(names, s.Name)
	}
}

// some picks names, mostly none.
func (c *chaos) some(names []string) []string {
	var picked []string
	for range c.dice.IntN(3) {
		if len(names) > 0 && c.one(2) {
			if name := names[c.dice.IntN(len(names))]; !slices.Contains(picked, name) {
				picked = append(picked, name)
			}
		}
	}
	return picked
}

func (c *chaos) oneshot(s *program.Spec) {
	s.Kind, s.OnReload = program.OneShot, program.IfChanged
	s.Run = []program.Run{program.RunBoot, program.RunReload, program.RunChange, program.RunManual}[c.dice.IntN(4)]
	s.IgnoreFailure, s.Timeout, s.Exit = c.one(4), c.span(), c.retries()
	c.leaving(s)
}

func (c *chaos) cron(s *program.Spec) {
	s.Kind, s.OnReload = program.Cron, program.IfChanged
	s.Schedule = []string{"@hourly", "@daily", "@every 1s", "@every 1m", "@every 90m", "never"}[c.dice.IntN(6)]
	s.CronOverlap = []program.CronOverlap{program.CronSkip, program.CronQueue, program.CronKill, program.CronAllow}[c.dice.IntN(4)]
	s.CatchUp, s.Timeout, s.Exit = c.one(2), c.span(), c.retries()
	if c.one(3) {
		s.Jitter = c.span()
	}
	c.leaving(s)
}

func (c *chaos) retries() policy.Policy {
	if n := c.dice.IntN(3); n > 0 {
		return policy.Policy{Limit: n, Backoff: policy.Backoff{Base: c.span(), Factor: 1}}
	}
	return policy.Policy{When: policy.Never}
}

func (c *chaos) service(s *program.Spec) {
	if c.one(5) {
		s.Instances = c.dice.IntN(4)
	}
	if c.one(3) {
		s.Ready = []program.Ready{
			{By: program.ReadyNotify}, {By: program.ReadyFD, FD: 3}, {By: program.ReadyLog, Pattern: "up"},
			{By: program.ReadyProbe, Probe: program.Probe{TCP: "127.0.0.1:80", Interval: max(c.span(), time.Second), Timeout: c.span()}},
		}[c.dice.IntN(4)]
		s.Ready.Timeout = c.span()
	}
	if c.one(4) {
		s.Health = &program.Health{
			Probe:    program.Probe{Unix: "/run/x", Interval: max(c.span(), time.Second), Timeout: c.span()},
			Failures: c.dice.IntN(3), Successes: c.dice.IntN(3), StartDelay: c.span(),
			OnFail: []program.OnUnhealthy{program.RestartUnhealthy, program.LogUnhealthy, program.StopUnhealthy}[c.dice.IntN(3)],
		}
	}
	if c.one(6) {
		s.Watchdog = max(c.span(), time.Second)
	}
	if c.one(3) {
		s.Overlap = []program.Overlap{program.StopFirst, program.StartFirst}[c.dice.IntN(2)]
	}
	c.leaving(s)
}

// leaving says how it ends.
func (c *chaos) leaving(s *program.Spec) {
	if s.ReloadSignal == 0 {
		s.ReloadSignal = USR1
	}
	s.Kill = []program.Kill{program.KillProcess, program.KillProcess, program.KillGroup, program.KillUnit}[c.dice.IntN(4)]
	if c.one(8) {
		s.StopCommand = []string{"/bin/quit"}
	}
}

// behaves adds to a behaviour what only some declarations bring out.
func (c *chaos) behaves(b *Behaviour) {
	b.Ready, b.Health, b.Stop, b.Pets = c.answer(5), c.answer(5), c.answer(4), c.span()
	if b.Pets > 0 {
		b.Pets = max(b.Pets, time.Second)
	}
	b.Decide = c.answer(4)
	if c.one(2) {
		b.Verdict = c.verdict()
	}
	if c.one(3) {
		b.Leaves = Others{Count: 1 + c.dice.IntN(3), Runs: c.span(), Ignore: c.one(2)}
	}
}

// verdict is what somebody may answer who is asked: some of it is not to be carried out.
func (c *chaos) verdict() policy.Verdict {
	v := policy.Verdict{
		Do: []policy.Do{policy.Default, policy.Restart, policy.Restart, policy.Stop, policy.Fail, "explode"}[c.dice.IntN(6)], Reason: "because",
		Delay: c.span(), Reset: c.one(4),
	}
	if c.one(4) {
		v.ExitCode = c.dice.IntN(300)
	}
	if !c.calm && c.one(8) {
		v.Do = policy.Shutdown
	}
	return v
}

// say has a program say something, or the clock be set.
func (c *chaos) say() {
	if c.one(4) {
		by := c.span()
		if c.one(2) {
			by = -by
		}
		c.w.SetClock(by)
		return
	}
	said := machine.Notified{
		Ready: c.one(2), Reloading: c.one(8), Stopping: c.one(8), Watchdog: c.one(2), Trigger: c.one(30), Status: []string{"", "busy", "\xff"}[c.dice.IntN(3)],
	}
	if c.one(8) {
		said.Extend = c.span()
	}
	if c.one(8) {
		c.w.pid++
		said.MainPID = c.w.pid
	}
	c.w.Notify(c.name(), said)
}
