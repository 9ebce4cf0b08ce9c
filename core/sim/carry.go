package sim

import "math/rand/v2"

// carrier says before which steps the machine is replaced by one made from the JSON of its state. Whether it is, and when,
// must not change the trace.
type carrier struct {
	every int
	dice  *rand.Rand // of its own, so that carrying changes no other choice
}

// CarryEvery carries the machine over before every n-th step; 0 means never.
func (w *World) CarryEvery(n int) { w.carry = carrier{every: n} }

// CarryAtRandom carries the machine over before one step in n, chosen by seed.
func (w *World) CarryAtRandom(seed uint64, n int) {
	w.carry = carrier{every: n, dice: rand.New(rand.NewPCG(seed, 0))}
}

func (w *World) carryOver() {
	c := &w.carry
	switch {
	case c.every == 0:
		return
	case c.dice != nil && c.dice.IntN(c.every) != 0:
		return
	case c.dice == nil && w.expect.steps%c.every != 0:
		return
	}
	w.restore(w.encode())
}
