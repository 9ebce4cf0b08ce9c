package machine

import "container/heap"

// schedule is a heap of what is due when: earliest first, then by place and instance, so that its order never depends on the
// order in which entries were added. Entries are not removed when plans change; first drops those that no longer hold.
type schedule []entry

type entry struct {
	at    Instant
	place int
	seq   uint64
}

func (s *schedule) add(e entry) { heap.Push(s, e) }

func (s *schedule) drop() { heap.Pop(s) }

// first returns the earliest entry for which valid holds.
func (s *schedule) first(valid func(entry) bool) (entry, bool) {
	for len(*s) > 0 {
		if e := (*s)[0]; valid(e) {
			return e, true
		}
		s.drop()
	}
	return entry{}, false
}

func (s schedule) Len() int { return len(s) }

func (s schedule) Less(i, j int) bool {
	a, b := s[i], s[j]
	if a.at != b.at {
		return a.at < b.at
	}
	if a.place != b.place {
		return a.place < b.place
	}
	return a.seq < b.seq
}

func (s schedule) Swap(i, j int) { s[i], s[j] = s[j], s[i] }

// Push and Pop are for container/heap only.
func (s *schedule) Push(x any) { *s = append(*s, x.(entry)) }

func (s *schedule) Pop() any {
	old := *s
	e := old[len(old)-1]
	*s = old[:len(old)-1]
	return e
}
