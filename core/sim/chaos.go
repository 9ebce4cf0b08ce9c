package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/mwlua/mwlua/core/machine"
)

// Report is what came of a Chaos.
type Report struct {
	Seed    uint64
	Worlds  int // that were made, one after the other
	Steps   int // that the machine made in all of them
	Virtual time.Duration
	Err     error  // the first broken expectation, with the end of the trace and the command that repeats it
	Trace   string // of the last world; empty unless Err is set
}

// Chaos makes worlds by seed until their machines made that many steps: programs of every declaration there is, which crash,
// hang and ignore signals; reloads, broken configurations, hanging trials, failing hand-overs, answers that come twice or
// fit nothing; a stop at some moment, and the next world. A quarter of the machines is carried over now and then.
func Chaos(seed uint64, steps int) Report {
	r := Report{Seed: seed}
	dice := rand.New(rand.NewPCG(seed, 0))
	for r.Steps < steps && r.Err == nil {
		c := newChaos(dice.Uint64())
		if dice.IntN(4) == 0 {
			c.w.CarryAtRandom(dice.Uint64(), 1+dice.IntN(40))
		}
		c.live()
		r.Worlds++
		r.Steps += c.w.Steps()
		r.Virtual += c.w.Elapsed()
		if c.w.err != nil {
			r.Trace = c.w.trace.tail(60)
			r.Err = fmt.Errorf("seed %d, world %d: %w\n%s\nrepeat: go test ./core/sim -run TestChaos -seed %d -steps %d -v",
				seed, r.Worlds, c.w.err, r.Trace, seed, steps)
		}
	}
	return r
}

// chaos is one world and the dice that decide what happens in it.
type chaos struct {
	w    *World
	dice *rand.Rand
	calm bool // nothing stops this world before its end
}

func newChaos(seed uint64) *chaos {
	c := &chaos{dice: rand.New(rand.NewPCG(seed, 1))}
	c.w = New(c.dice.Uint64())
	c.calm = !c.one(3)
	c.w.HeldFirst = c.dice.IntN(2) == 0
	if c.dice.IntN(3) == 0 {
		c.w.WakeLate = c.span()
	}
	return c
}

// live is the whole life of a world.
func (c *chaos) live() {
	c.w.SetConfig(c.config())
	for range c.dice.IntN(4) {
		c.move()
	}
	c.w.Boot()
	for range 20 + c.dice.IntN(200) {
		c.move()
	}
	c.end()
}

// maxMove bounds the steps of one passage of time: programs that crash without a delay would fill an hour with millions.
const maxMove = 200

func (c *chaos) advance(d time.Duration) { c.w.run(c.w.now+machine.Instant(d), maxMove) }

func (c *chaos) reload() {
	by := []string{"SIGHUP", "SIGUSR2", ""}[c.dice.IntN(3)]
	if c.one(2) {
		c.w.Reload(by)
		return
	}
	c.w.Ask(by, c.one(4))
}

// move is one thing that happens.
func (c *chaos) move() {
	switch n := c.dice.IntN(100); {
	case n < 38:
		c.advance(c.span())
	case n < 40:
		c.advance(24 * c.span())
	case n < 41:
		c.advance(30 * 24 * longSpan)
	case n < 52:
		c.reload()
	case n < 56:
		verbs := []machine.Verb{machine.StartProgram, machine.StopProgram, machine.RestartProgram, machine.SignalProgram}
		c.w.Command(verbs[c.dice.IntN(4)], c.name(), []int{TERM, HUP, USR1}[c.dice.IntN(3)])
	case n < 61:
		c.w.SetConfig(c.config())
	case n < 63:
		c.w.BreakConfig("mwlua.lua:1: it is broken")
	case n < 66:
		c.outside()
	case n < 69:
		c.say()
	case n < 80:
		c.w.Program(c.name(), c.behaviour())
	case n < 88:
		c.exit()
	case n < 98:
		c.stray()
	case n < 99:
		c.w.settle(maxMove)
	case !c.calm:
		c.stop()
	}
}

// outside changes how trials, loads and hand-overs go.
func (c *chaos) outside() {
	w := c.w
	w.Trial, w.Load, w.Handover, w.Itself = c.answer(6), c.answer(12), c.answer(4), c.answer(6)
	w.Warnings, w.PidfileFails = nil, ""
	if c.dice.IntN(2) == 0 {
		w.Warnings, w.PidfileFails = []string{"mwlua.lua:2: odd"}, "permission denied"
	}
}

// exit ends a process, as somebody else's signal or the kernel would.
func (c *chaos) exit() {
	if ids := c.w.Alive(); len(ids) > 0 {
		c.w.ExitInstance(ids[c.dice.IntN(len(ids))], c.ending())
	}
}

func (c *chaos) stop() {
	switch c.dice.IntN(4) {
	case 0:
		c.w.Stop(machine.StopAll, TERM)
	case 1:
		c.w.Stop(machine.StopAll, INT)
	case 2:
		c.w.Stop(machine.StopAll, 0)
	default:
		c.w.Stop(machine.SoftStop, USR1)
	}
}

// end stops the world. What may live for ever is ended by hand, and everything else has to go by itself.
func (c *chaos) end() {
	w := c.w
	w.Stop(machine.StopAll, TERM)
	if c.one(4) {
		w.Advance(c.span())
		w.Stop(machine.StopAll, TERM)
	}
	w.Advance(c.longest() + 2*longSpan + w.WakeLate)
	for _, t := range w.order {
		for _, p := range t.live {
			w.check(w.quit || p.terms.forEver || w.waitsToStop(p), "%v is left long after the stop", p.id)
		}
	}
	for range len(w.order) + 1 { // then those go that waited for them
		for _, id := range w.Alive() {
			w.ExitInstance(id, c.ending())
		}
		c.empty()
		w.Advance(longSpan + w.WakeLate)
	}
	w.check(w.quit, "mwlua does not leave: %v is alive", w.Alive())
}

// empty ends whatever has outlived a process.
func (c *chaos) empty() {
	for _, t := range c.w.order {
		for _, p := range t.live {
			if p.remains {
				c.w.empties(p, 0)
			}
		}
	}
}

// longest is the longest time that the processes of this world may take to be killed and to die, one after the other.
func (c *chaos) longest() time.Duration {
	longest := time.Duration(0)
	for _, t := range c.w.order { // who waits for others has to wait for each of them
		for _, p := range t.live {
			longest += p.terms.longest + c.w.WakeLate + longSpan
		}
	}
	return longest
}
