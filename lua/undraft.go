package lua

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/moby/sys/user"

	"github.com/mwlua/mwlua/core/program"
)

// undraft is the draft that spec of config would be made of.
func (w *writer) undraft(config program.Config, spec program.Spec) *draft {
	d := newDraft()
	d.spec, d.expand, d.groupName = spec, spec.Expand, w.options.groupName
	d.after, d.needs = waitsFor(nil, d, spec.After), waitsFor(nil, d, spec.Needs)
	d.undoReload()
	d.undoKind()
	w.undoIdentity(d)
	w.undoEnv(d, config)
	return d
}

func (d *draft) undoReload() {
	usual := int(syscall.SIGUSR1)
	switch {
	case d.spec.OnReload != program.Keep:
		d.onReload = string(d.spec.OnReload)
	case d.spec.ReloadSignal == 0:
		d.onReload, usual = "keep", 0
	default:
		d.onReload, usual = "signal", int(syscall.SIGHUP)
	}
	if d.spec.ReloadSignal != usual {
		d.reloadSignal = d.spec.ReloadSignal
	}
}

// undoIdentity finds the user by its number, and says of its groups only what is not as the user has it.
func (w *writer) undoIdentity(d *draft) {
	c := d.spec.User
	if c == nil {
		return
	}
	own := Account{UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	if c.UID != own.UID || len(c.Groups) > 0 {
		number := strconv.FormatUint(uint64(c.UID), 10)
		account, err := w.options.Lookup.User(number)
		if err != nil || account.UID != c.UID {
			account = Account{Name: number, UID: c.UID} // whoever loads this is told that there is none
		}
		d.account, own = &account, account
	}
	if c.GID != own.GID || d.account == nil {
		d.group = &c.GID
	}
	if !slices.Equal(c.Groups, own.Groups) {
		d.groups, d.groupsSet = c.Groups, true
	}
}

// undoEnv says what makes the environment of d, which spec.Env and config.Env are, of the one that programs would inherit.
func (w *writer) undoEnv(d *draft, config program.Config) {
	want := wholeEnvironment(config, d.spec)
	var kept, gone []string
	for _, name := range slices.Sorted(maps.Keys(w.inherited)) {
		if text, ok := want[name]; !ok {
			gone = append(gone, name)
		} else if text == w.inherited[name] {
			kept = append(kept, name)
		}
	}
	d.env = make(map[string]*string)
	if len(gone) > len(kept) { // the shorter list is said
		d.inherit, d.inheritOnly = false, kept
	} else {
		for _, name := range gone {
			d.env[name] = nil
		}
	}
	for name, text := range want {
		if from, ok := w.inherited[name]; !ok || from != text {
			d.env[name] = &text
		}
	}
	w.keepLogin(d, want)
}

// wholeEnvironment is that of spec.
func wholeEnvironment(config program.Config, spec program.Spec) map[string]string {
	whole := make(map[string]string)
	if !spec.WholeEnv {
		whole = environment(config.Env, false)
	}
	maps.Copy(whole, environment(spec.Env, spec.Expand))
	return whole
}

// environment is env as texts of `env`, by name.
func environment(env []string, expanded bool) map[string]string {
	texts := make(map[string]string, len(env))
	for _, kv := range env {
		name, text, _ := strings.Cut(kv, "=")
		if !expanded {
			text = escape(text)
		}
		texts[name] = text
	}
	return texts
}

// keepLogin undoes what `user` does to the environment.
func (w *writer) keepLogin(d *draft, want map[string]string) {
	if d.account == nil {
		return
	}
	for _, kv := range d.account.environ() {
		name, login, _ := strings.Cut(kv, "=")
		to, wanted := want[name]
		from, ours := w.inherited[name]
		switch {
		case !wanted && (ours || !d.inherit):
			d.env[name] = nil
		case wanted == ours && to == from && !strings.Contains(from, "${"): // env() yields that as it is
			d.asOurs = append(d.asOurs, name)
		case to == escape(login):
			delete(d.env, name)
		default:
			d.env[name] = &to
		}
	}
}

// variables are the items of env: those of HAProxy after the others, and in the end what is not said.
func (d *draft) variables() []entry {
	var items []entry
	names := slices.Sorted(maps.Keys(d.env))
	slices.SortStableFunc(names, func(a, b string) int { return haproxys(a) - haproxys(b) })
	for _, name := range names {
		text := "false"
		if d.env[name] != nil {
			text = literal(*d.env[name])
		}
		items = append(items, entry{key: name, text: text})
	}
	for _, name := range d.asOurs {
		items = append(items, entry{key: name, text: "env(" + literal(name) + ", false)", note: "`user` sets these, HAProxy does not: they stay as mwlua has them."})
	}
	return items
}

// haproxys is 1 for a variable by which HAProxy tells its programs something, else 0.
func haproxys(name string) int {
	if strings.HasPrefix(name, "HAPROXY_") {
		return 1
	}
	return 0
}

// groupNames is what a Lookup can have besides: the names of groups.
type groupNames interface {
	GroupName(gid uint32) (string, error)
}

// groupName is the name of a group, or its number as one.
func (o Options) groupName(gid uint32) string {
	if names, ok := o.Lookup.(groupNames); ok {
		if name, err := names.GroupName(gid); err == nil {
			return name
		}
	}
	return strconv.FormatUint(uint64(gid), 10)
}

// GroupName is the first name of that number.
func (system) GroupName(gid uint32) (string, error) {
	g, err := user.LookupGid(int(gid))
	return g.Name, err
}
