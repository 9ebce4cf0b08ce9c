package sim

import (
	"container/heap"

	"github.com/mwlua/mwlua/core/machine"
)

// delivery is something that will reach the machine: an answer, or the end of a process.
type delivery struct {
	at   machine.Instant
	seq  uint64 // breaks ties: first sent, first delivered
	ev   machine.Event
	proc *process // whose end this is; nil for an answer
	end  Ending
	own  bool // it comes of itself and answers nothing, so Settle does not wait for it
	void bool // something else came first
}

// queue is what is under way, in the order of its arrival.
type queue struct {
	heap    []*delivery
	seq     uint64
	answers int // those that Settle waits for
}

func (q *queue) add(d *delivery) {
	q.seq++
	d.seq = q.seq
	if !d.own {
		q.answers++
	}
	heap.Push(q, d)
}

// cancel makes a delivery void. It stays in the heap until its time.
func (q *queue) cancel(d *delivery) {
	d.void = true
	if !d.own {
		q.answers--
	}
}

// first returns the next delivery, nil if there is none.
func (q *queue) first() *delivery {
	for len(q.heap) > 0 && q.heap[0].void {
		heap.Pop(q)
	}
	if len(q.heap) == 0 {
		return nil
	}
	return q.heap[0]
}

// nextAnswer returns when the next answer comes.
func (q *queue) nextAnswer() (at machine.Instant, ok bool) {
	if q.answers == 0 {
		return 0, false
	}
	for _, d := range q.heap {
		if !d.own && !d.void && (!ok || d.at < at) {
			at, ok = d.at, true
		}
	}
	return at, ok
}

func (q *queue) take() *delivery {
	d := heap.Pop(q).(*delivery)
	if !d.own {
		q.answers--
	}
	return d
}

// Len, Less, Swap, Push and Pop are for container/heap only.
func (q *queue) Len() int { return len(q.heap) }

func (q *queue) Less(i, j int) bool {
	a, b := q.heap[i], q.heap[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (q *queue) Swap(i, j int) { q.heap[i], q.heap[j] = q.heap[j], q.heap[i] }

func (q *queue) Push(x any) { q.heap = append(q.heap, x.(*delivery)) }

func (q *queue) Pop() any {
	d := q.heap[len(q.heap)-1]
	q.heap = q.heap[:len(q.heap)-1]
	return d
}
