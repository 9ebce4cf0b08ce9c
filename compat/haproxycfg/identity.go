package haproxycfg

import (
	"slices"
	"strings"

	"github.com/moby/sys/user"

	"github.com/mwlua/mwlua/core/program"
)

// Lookup finds users and groups by their names. A number is a name like any other (H-1.11).
type Lookup interface {
	// User yields the user, its primary group, and the groups that initgroups(3) would give it.
	User(name string) (program.Credential, error)
	// Group yields the group as the GID of a Credential.
	Group(name string) (program.Credential, error)
}

// system is the database of the system: /etc/passwd and /etc/group. Other sources of nsswitch.conf are not asked.
type system struct{}

// System returns the database of the system, which a nil Options.Lookup means.
func System() Lookup { return system{} }

func (system) User(name string) (program.Credential, error) {
	u, err := user.LookupUser(name)
	if err != nil {
		return program.Credential{}, err
	}
	c := program.Credential{UID: uint32(u.Uid), GID: uint32(u.Gid), Groups: []uint32{uint32(u.Gid)}}
	path, err := user.GetGroupPath()
	if err != nil {
		return program.Credential{}, err
	}
	groups, err := user.ParseGroupFileFilter(path, func(g user.Group) bool { return slices.Contains(g.List, name) })
	for _, g := range groups {
		if gid := uint32(g.Gid); !slices.Contains(c.Groups, gid) {
			c.Groups = append(c.Groups, gid)
		}
	}
	return c, err
}

func (system) Group(name string) (program.Credential, error) {
	g, err := user.LookupGroup(name)
	return program.Credential{GID: uint32(g.Gid)}, err
}

// identity is a user or group as a section names it; the zero value names none.
type identity struct {
	name  string
	place program.Place
	found program.Credential
	err   error
}

// identity reads a `user` or `group` line. The first one of a section counts (H-1.12).
func (l *loader) identity(d *declared, to *identity, s statement, known map[string]identity,
	lookup func(string) (program.Credential, error)) {
	keyword, name := s.text(0), s.text(1)
	switch {
	case name == "":
		l.wrong(d, "%q without a name: write the name of a %s after it", keyword, keyword)
		return
	case s.text(2) != "":
		l.wrong(d, "unexpected word %s after the %s: remove it", quote(s.text(2)), keyword)
		return
	case to.name != "":
		l.lost(d, "%s is already set to %s at %v: %s is ignored", keyword, quote(to.name), to.place, quote(name))
		return
	}
	found, ok := known[name]
	if !ok {
		found = identity{name: name}
		found.found, found.err = lookup(name)
		known[name] = found
	}
	if found.err != nil {
		l.wrong(d, "cannot find the %s %s: %v%s", keyword, quote(name), found.err, onlyNames(name))
		return
	}
	found.place = l.place
	*to = found
}

func onlyNames(name string) string {
	if strings.Trim(name, "0123456789") == "" {
		return " (only names are looked up, not numbers)"
	}
	return ""
}
