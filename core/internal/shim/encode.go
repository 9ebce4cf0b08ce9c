package shim

import "strconv"

// encode is r as words that a NUL byte ends, after their length. What is none, where that is not a number of its own, is an empty
// word, or no words after the number 0.
func (r Request) encode() []byte {
	var w words
	w.number(uint64(r.Umask + 1))
	w.optional(r.OOMScoreAdj)
	w.number(uint64(len(r.Limits)))
	for _, l := range r.Limits {
		w.number(uint64(l.Resource))
		w.number(l.Soft)
		w.number(l.Hard)
	}
	w.optional(r.Nice)
	w.add(r.Chroot)
	r.User.encode(&w)
	w.flag(r.Capabilities != nil)
	if r.Capabilities != nil {
		w.number(uint64(len(r.Capabilities)))
		for _, c := range r.Capabilities {
			w.number(uint64(c))
		}
	}
	w.flag(r.NoNewPrivs)
	w.number(uint64(r.Deathsig))
	w.number(uint64(r.Parent))
	w.add(r.Dir, r.Path)
	w.list(r.Argv)
	w.list(r.Env)
	data := make([]byte, sizeSize)
	for _, word := range w {
		data = append(append(data, word...), 0)
	}
	size := uint64(len(data) - sizeSize)
	for i := range sizeSize {
		data[i] = byte(size >> (8 * i))
	}
	return data
}

func (u *User) encode(w *words) {
	w.flag(u != nil)
	if u == nil {
		return
	}
	w.number(uint64(u.UID))
	w.number(uint64(u.GID))
	w.flag(u.SetGroups)
	if !u.SetGroups {
		return
	}
	w.number(uint64(len(u.Groups)))
	for _, g := range u.Groups {
		w.number(uint64(g))
	}
}

// words are what a request is made of.
type words []string

func (w *words) add(more ...string) { *w = append(*w, more...) }

func (w *words) number(n uint64) { w.add(strconv.FormatUint(n, 10)) }

func (w *words) flag(set bool) {
	if set {
		w.number(1)
	} else {
		w.number(0)
	}
}

// optional adds an empty word for nil.
func (w *words) optional(n *int) {
	if n == nil {
		w.add("")
	} else {
		w.add(strconv.Itoa(*n))
	}
}

func (w *words) list(l []string) {
	w.number(uint64(len(l)))
	w.add(l...)
}
