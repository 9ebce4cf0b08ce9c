package shim

import (
	"strconv"
	"unsafe"
)

// prepared is a request as system calls take it. Its pointers lead into the text of the request.
type prepared struct {
	umask        int
	oomScoreAdj  []byte // as it is written; empty for none
	limits       []Limit
	nice         int
	niceSet      bool
	chroot       *byte // nil for none
	user         *User
	capabilities *capabilities // nil for none to set
	noNewPrivs   bool
	deathsig     int
	parent       int
	dir          *byte // nil for none
	path         *byte
	argv, env    []*byte
}

// read takes a request apart.
func read(text []byte) prepared {
	r := reader(text)
	p := prepared{umask: int(r.number()) - 1, oomScoreAdj: r.word(), limits: make([]Limit, r.number())}
	for i := range p.limits {
		p.limits[i] = Limit{Resource: int(r.number()), Soft: r.number(), Hard: r.number()}
	}
	p.nice, p.niceSet = r.optional()
	p.chroot = r.path()
	p.user = r.user()
	p.capabilities = r.capabilities()
	p.noNewPrivs = r.flag()
	p.deathsig, p.parent = int(r.number()), int(r.number())
	p.dir, p.path = r.path(), r.pointer()
	p.argv, p.env = r.list(), r.list()
	return p
}

// reader is the rest of the text of a request.
type reader []byte

// word is the next word, in the text: a NUL follows it.
func (r *reader) word() []byte {
	for i, b := range *r {
		if b == 0 {
			w := (*r)[: i : i+1]
			*r = (*r)[i+1:]
			return w
		}
	}
	panic("internal error: a request is too short")
}

func (r *reader) number() uint64 {
	n, err := strconv.ParseUint(string(r.word()), 10, 64)
	if err != nil {
		panic("internal error: a request has no number: " + err.Error())
	}
	return n
}

func (r *reader) flag() bool { return r.number() == 1 }

// optional is a number that may be negative, or missing.
func (r *reader) optional() (int, bool) {
	w := r.word()
	n, err := strconv.Atoi(string(w))
	if err != nil && len(w) > 0 {
		panic("internal error: a request has no number: " + err.Error())
	}
	return n, len(w) > 0
}

func (r *reader) pointer() *byte { return unsafe.SliceData(r.word()) }

// path is nil for an empty word.
func (r *reader) path() *byte {
	p := r.pointer()
	if *p == 0 {
		return nil
	}
	return p
}

// list has a nil at its end.
func (r *reader) list() []*byte {
	l := make([]*byte, r.number()+1)
	for i := range l[1:] {
		l[i] = r.pointer()
	}
	return l
}

func (r *reader) user() *User {
	if !r.flag() {
		return nil
	}
	u := &User{UID: uint32(r.number()), GID: uint32(r.number()), SetGroups: r.flag()}
	if u.SetGroups {
		u.Groups = make([]uint32, r.number())
		for i := range u.Groups {
			u.Groups[i] = uint32(r.number())
		}
	}
	return u
}

func (r *reader) capabilities() *capabilities {
	if !r.flag() {
		return nil
	}
	c := &capabilities{numbers: make([]uint, r.number())}
	for i := range c.numbers {
		c.numbers[i] = uint(r.number())
		c.set |= 1 << c.numbers[i]
	}
	return c
}
