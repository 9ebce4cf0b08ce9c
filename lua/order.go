package lua

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/program"
)

// wait is a name in after or needs, and where it stands.
type wait struct {
	name string
	at   value
}

// maxWaits bounds the names of one list.
const maxWaits = 1000

func orderFields() []field {
	waits := func(name, doc string, to func(*draft) *[]wait) field {
		return field{name: name, kind: aUnitList, doc: doc, set: func(d *draft, v value) {
			if waits, ok := v.waits(); ok {
				*to(d) = waits
			}
		}, get: func(d *draft) string {
			var names []string
			for _, w := range *to(d) {
				names = append(names, w.name)
			}
			if names == nil {
				return ""
			}
			return list(names, literal)
		}}
	}
	return []field{
		waits("after", "What must be ready before it is started, or, a oneshot, have succeeded. At a stop it goes before them. What "+
			"`enabled` or `instances` leave out does not count.", func(d *draft) *[]wait { return &d.after }).
			called("depends_on", "dependson", "wants", "start_after"),
		waits("needs", "The same, and it is stopped when one of them ends. What is left out cannot be needed.",
			func(d *draft) *[]wait { return &d.needs }).called("requires", "bindsto", "binds_to"),
	}
}

// waits is one handle or name, or a list of them.
func (v value) waits() ([]wait, bool) {
	items := []value{v}
	if _, isTable := v.lv.(*lua.LTable); isTable {
		var ok bool
		if items, ok = v.list("a list such as { web, \"db\" }"); !ok {
			return nil, false
		}
	}
	if len(items) > maxWaits {
		v.errorf("holds %d names, at most %d are taken", len(items), maxWaits)
		return nil, false
	}
	var waits []wait
	good := true
	for _, item := range items {
		name, ok := item.unit()
		good = good && ok
		if !slices.ContainsFunc(waits, func(w wait) bool { return w.name == name }) {
			waits = append(waits, wait{name: name, at: item})
		}
	}
	return waits, good
}

// unit is a handle or a name.
func (v value) unit() (string, bool) {
	switch lv := v.lv.(type) {
	case lua.LString:
		return string(lv), true
	case *lua.LUserData:
		if d, ok := lv.Value.(*draft); ok && d.plugin == nil {
			return d.spec.Name, true
		}
	}
	v.expected("what a declaration yields, or a name")
	return "", false
}

// errorf reports something about a wait of d, which may have it from defaults.
func (w wait) errorf(d *draft, format string, args ...any) {
	at := w.at
	at.what = d.what
	at.errorf(format, args...)
}

// resolve checks who waits for whom, once everything is declared.
func (l *loader) resolve() {
	if l.broken || l.bounds.cause() != "" {
		return // not everything is declared
	}
	before := l.errors
	for _, d := range l.drafts {
		if l.errors > maxErrors {
			return // the others would only be counted
		}
		for _, w := range d.after {
			l.resolveOne(d, w, false)
		}
		for _, w := range d.needs {
			l.resolveOne(d, w, true)
		}
	}
	if l.errors > before {
		return
	}
	var specs []program.Spec
	for _, d := range l.drafts {
		if !d.left() {
			specs = append(specs, program.Spec{Name: d.spec.Name, After: l.present(d.after), Needs: l.present(d.needs)})
		}
	}
	for _, cycle := range program.Cycles(specs) {
		d := l.names[cycle[0]]
		next := cycle[1]
		isNext := func(w wait) bool { return w.name == next }
		waits, key := d.after, "after"
		if !slices.ContainsFunc(waits, isNext) {
			waits, key = d.needs, "needs"
		}
		w := waits[slices.IndexFunc(waits, isNext)]
		w.at.path = key // it is the list as a whole that is wrong
		w.errorf(d, "%s", program.CycleText(cycle))
	}
}

// resolveOne checks one name.
func (l *loader) resolveOne(d *draft, w wait, needed bool) {
	other := l.names[w.name]
	switch {
	case other == nil:
		var known []string
		for _, k := range l.drafts {
			known = append(known, k.spec.Name)
		}
		slices.Sort(known)
		w.errorf(d, "nothing is called %s%s", quote(w.name), suggest(w.name, known))
	case other == d:
		w.errorf(d, "it cannot wait for itself")
	case other.spec.Kind == program.Cron:
		w.errorf(d, "%s is a cron: it is never ready", quote(w.name))
	case needed && other.left() && !d.left():
		w.errorf(d, "%s is left out (enabled is false, or instances is 0)", quote(w.name))
	}
}

// present are the names of waits that are not left out.
func (l *loader) present(waits []wait) []string {
	var names []string
	for _, w := range waits {
		if d := l.names[w.name]; d == nil || !d.left() {
			names = append(names, w.name)
		}
	}
	return names
}

// left says whether d is left out of the Config.
func (d *draft) left() bool { return d.disabled || d.none && d.spec.Kind == program.Service }

// waitsFor makes waits of names that were declared before, in another language or by somebody who wrote a Spec.
func waitsFor(l *loader, d *draft, names []string) []wait {
	var waits []wait
	for _, name := range names {
		waits = append(waits, wait{name: name, at: value{l: l, what: d.what, at: d.spec.Place}})
	}
	return waits
}
