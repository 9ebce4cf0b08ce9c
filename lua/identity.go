package lua

import (
	"slices"
	"strconv"

	"github.com/moby/sys/user"
)

// Account is a user of the system.
type Account struct {
	Name        string
	UID, GID    uint32
	Groups      []uint32 // all that initgroups(3) would give it, the primary one included
	Home, Shell string
}

// Lookup finds users and groups by their names, or by their numbers written as names.
type Lookup interface {
	// User yields the user called name.
	User(name string) (Account, error)
	// Group yields the number of the group called name.
	Group(name string) (uint32, error)
}

// system is the database of the system: /etc/passwd and /etc/group. Other sources of nsswitch.conf are not asked.
type system struct{}

func (system) User(name string) (Account, error) {
	u, err := user.LookupUser(name)
	if id, isNumber := strconv.ParseUint(name, 10, 31); err != nil && isNumber == nil {
		u, err = user.LookupUid(int(id))
	}
	if err != nil {
		return Account{}, err
	}
	a := Account{Name: u.Name, UID: uint32(u.Uid), GID: uint32(u.Gid), Groups: []uint32{uint32(u.Gid)}, Home: u.Home, Shell: u.Shell}
	path, err := user.GetGroupPath()
	if err != nil {
		return Account{}, err
	}
	groups, err := user.ParseGroupFileFilter(path, func(g user.Group) bool { return slices.Contains(g.List, u.Name) })
	for _, g := range groups {
		if gid := uint32(g.Gid); !slices.Contains(a.Groups, gid) {
			a.Groups = append(a.Groups, gid)
		}
	}
	return a, err
}

func (system) Group(name string) (uint32, error) {
	g, err := user.LookupGroup(name)
	if id, isNumber := strconv.ParseUint(name, 10, 31); err != nil && isNumber == nil {
		return uint32(id), nil // a group needs no entry
	}
	return uint32(g.Gid), err
}

// account is the user that a field names.
func (v value) account() (Account, bool) {
	name, ok := v.word()
	if !ok {
		return Account{}, false
	}
	account, known := v.l.accounts[name]
	if !known {
		var err error
		if account, err = v.l.options.Lookup.User(name); err != nil {
			v.errorf("cannot find the user %s: %v", quote(name), err)
			return Account{}, false
		}
		v.l.accounts[name] = account
	}
	return account, true
}

func (v value) groupID() (uint32, bool) {
	name, ok := v.word()
	if !ok {
		return 0, false
	}
	gid, known := v.l.groups[name]
	if !known {
		var err error
		if gid, err = v.l.options.Lookup.Group(name); err != nil {
			v.errorf("cannot find the group %s: %v", quote(name), err)
			return 0, false
		}
		v.l.groups[name] = gid
	}
	return gid, true
}

func (v value) groupIDs() ([]uint32, bool) {
	items, ok := v.names()
	var gids []uint32
	for _, item := range items {
		gid, fine := item.groupID()
		gids, ok = append(gids, gid), ok && fine
	}
	return gids, ok
}

// environ is what a login would set.
func (a Account) environ() []string {
	env := []string{"USER=" + a.Name, "LOGNAME=" + a.Name}
	if a.Home != "" {
		env = append(env, "HOME="+a.Home)
	}
	if a.Shell != "" {
		env = append(env, "SHELL="+a.Shell)
	}
	return env
}
