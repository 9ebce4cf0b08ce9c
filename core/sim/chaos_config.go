package sim

import (
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// names are those that programs of chaos have: JSON, the log and the schedule must bear them.
var names = [...]string{"a", "b", "web server", "é#1", "\"q\"<&>", "f", "a\xff", "a\xfe"}

// spans are the delays and timeouts that matter: shorter and longer than each other, and than the machine's own ten seconds.
var spans = [...]time.Duration{
	0, time.Microsecond, time.Millisecond, 30 * time.Millisecond, time.Second, 5 * time.Second, patience,
	11 * time.Second, time.Minute, longSpan,
}

const longSpan = time.Hour

func (c *chaos) span() time.Duration { return spans[c.dice.IntN(len(spans))] }

// delay is that of an answer: mostly short, for else nothing would ever come to its end.
func (c *chaos) delay() time.Duration {
	if c.one(4) {
		return c.span()
	}
	return spans[c.dice.IntN(4)]
}

func (c *chaos) name() string { return names[c.dice.IntN(len(names))] }

// one says yes once in n times.
func (c *chaos) one(n int) bool { return c.dice.IntN(n) == 0 }

// config is a valid configuration, in which anything may be declared.
func (c *chaos) config() program.Config {
	var config program.Config
	for _, i := range c.dice.Perm(len(names))[:c.dice.IntN(len(names)+1)] {
		config.Programs = append(config.Programs, c.spec(names[i]))
	}
	if c.one(2) {
		c.lives(config.Programs)
	}
	if c.one(4) {
		config.Env, config.Pidfile, config.ReloadTimeout = []string{"A=1"}, "/run/mwlua.pid", c.span()
	}
	if !c.calm && c.one(3) {
		config.Settings.ExitWhen = []program.ExitWhen{program.ExitNever, program.ExitWhenDone}[c.dice.IntN(2)]
	}
	if c.one(3) {
		config.Settings.ShutdownTimeout = c.span()
	}
	for _, p := range config.Validate() {
		c.w.fail("chaos made a configuration that is not valid: %v", p)
	}
	return config
}

func (c *chaos) spec(name string) program.Spec {
	s := program.Spec{
		Name: name, Place: program.Place{File: "mwlua.lua", Line: 1 + c.dice.IntN(9)},
		Command:    []string{"/bin/" + name, []string{"", "x", "y"}[c.dice.IntN(3)]},
		StopSignal: []int{0, TERM, INT, HUP, KILL}[c.dice.IntN(5)], StopTimeout: c.span(),
		OnReload:     []program.Reload{program.Replace, program.IfChanged, program.Keep, program.Itself}[c.dice.IntN(4)],
		ReloadSignal: []int{USR1, HUP, TERM}[c.dice.IntN(3)],
		Exit:         c.policy(),
	}
	if s.OnReload == program.Keep && c.one(2) {
		s.ReloadSignal = 0
	}
	s.NoStartOnReload, s.NoAutostart, s.Critical = c.one(6), c.one(8), !c.calm && c.one(8)
	if s.OnReload == program.Itself && c.one(2) {
		s.AnswerTimeout = c.span()
	}
	if c.one(2) {
		s.FormerTimeout = c.span()
	}
	if c.one(3) {
		s.MaxFormer = 1 + c.dice.IntN(3)
	}
	if c.one(6) {
		s.Dir, s.Env, s.WholeEnv = "/tmp", []string{"B=2"}, c.one(2)
		s.User = &program.Credential{UID: 1, GID: uint32(c.dice.IntN(2)), Groups: []uint32{4}}
	}
	return s
}

func (c *chaos) policy() policy.Policy {
	rules := []policy.Rule{policy.ExitOnFailure, policy.AnyExit, policy.NoExitOnFailure, policy.RestartRule, policy.RestartRule, policy.RestartRule}
	limits := []policy.Do{policy.Shutdown, policy.Fail, policy.Retry, ""}
	if c.calm {
		rules, limits = rules[2:], limits[1:]
	}
	p := policy.Policy{
		Rule:    rules[c.dice.IntN(len(rules))],
		When:    []policy.When{policy.OnFailure, policy.Always, policy.Never}[c.dice.IntN(3)],
		Backoff: c.backoff(),
	}
	if c.one(3) {
		p.Limit, p.Window = 1+c.dice.IntN(4), c.span()
		p.OnLimit, p.RetryAfter = limits[c.dice.IntN(len(limits))], c.span()
	}
	if c.one(4) {
		p.MinInterval = c.span()
	}
	if c.one(4) {
		p.SuccessCodes = []int{0, 1, 143}
	}
	return p
}

func (c *chaos) backoff() policy.Backoff {
	return policy.Backoff{
		Base: c.span(), Max: c.span(), Factor: []float64{0, 1, 1.5, 2, 10}[c.dice.IntN(5)],
		Jitter: []float64{0, 0.1, 1}[c.dice.IntN(3)], ResetAfter: c.span(),
	}
}

// behaviour is what a program may do. One that crashes at once is as likely as one that never ends.
func (c *chaos) behaviour() Behaviour {
	b := Behaviour{Spawn: Answer{After: c.delay()}, Runs: c.span(), Ends: c.ending(), Dies: c.span()}
	c.behaves(&b)
	if c.one(8) {
		b.Spawn.Fails = "no such file or directory"
	}
	if c.one(4) {
		b.Runs, b.Reactions = 0, []Reaction{{Does: Ignore}}
		return b
	}
	for range c.dice.IntN(3) {
		b.Reactions = append(b.Reactions, Reaction{
			Signal: []int{0, TERM, INT, USR1, HUP}[c.dice.IntN(5)], Does: []Do{Die, Ignore, Exit, Refuse}[c.dice.IntN(4)],
			After: c.span(), Code: c.dice.IntN(3),
		})
	}
	return b
}

func (c *chaos) ending() Ending {
	return []Ending{{}, {}, {Code: 1}, {Code: 2}, {Code: 143}, {Signal: INT}, {Signal: KILL}, {Signal: USR1}, {Signal: TERM}}[c.dice.IntN(9)]
}

// answer fails, or never comes, once in n times each.
func (c *chaos) answer(n int) Answer {
	a := Answer{After: c.delay(), Never: c.one(n)}
	if c.one(n) {
		a.Fails = "out of memory"
	}
	return a
}
