package lua

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/policy"
)

// call is one call of a handler, from posting to its answer.
type call struct {
	handler string
	on      string // what has happened, for a call whose answer means nothing; "" asks for a verdict
	event   policy.Event
	text    string

	ctx    context.Context // of who asks
	posted time.Time
	until  time.Time // the deadline of ctx
	begun  atomic.Bool
	answer chan answer // of one: whoever answers does not wait
}

// answer is what comes back.
type answer struct {
	verdict policy.Verdict
	store   []byte
	err     error
}

// inside is when the handler is interrupted: a little before its deadline, so that the answer, which knows the line, is there before
// who asks has given up.
func (c *call) inside() time.Time {
	return c.until.Add(-min(10*time.Millisecond, c.until.Sub(c.posted)/10))
}

// call runs c in the state of l, and reports what is wrong as its error.
func (l *loader) call(c *call) answer {
	l.report, l.lines = report{}, 0
	h, ok := l.handlers[c.handler]
	if !ok {
		return answer{err: fmt.Errorf("the configuration has no handler %s", quote(c.handler))}
	}
	l.vm.SetContext(l.bounds.ctx)
	var a answer
	if c.on == "" {
		a.verdict, a.store = l.decide(h, c.event)
	} else {
		l.tell(h, c)
	}
	if l.errors > 0 {
		return answer{err: l.asError()}
	}
	return a
}

// decide asks h. What is wrong is reported.
func (l *loader) decide(h handler, ev policy.Event) (policy.Verdict, []byte) {
	p := &pending{event: ev, when: forExit}
	table := l.eventTable(p)
	result, ok := l.runHandler(h, table)
	if !ok {
		return policy.Verdict{}, nil
	}
	verdict, _ := value{l: l, lv: result, what: h.what, path: h.path, at: h.at, call: h.at}.verdict()
	if !p.stored {
		return verdict, nil
	}
	kept := value{l: l, lv: table.RawGetString(storeKey), what: h.name(), path: storeKey, at: h.at, call: h.at}
	return verdict, kept.changed(ev.Store)
}

// changed is the text of a store, nil if it is as it was. Who has taken the store away wants an empty one.
func (v value) changed(was []byte) []byte {
	switch {
	case v.lv == lua.LNil && len(was) == 0:
		return nil
	case v.lv == lua.LNil:
		return []byte("{}")
	}
	table, ok := v.lv.(*lua.LTable)
	if !ok || isSequence(keys(table)) {
		v.expected("a table such as { NAME = value }")
		return nil
	}
	text, ok := v.json(policy.MaxStore)
	if !ok || string(text) == string(was) || len(was) == 0 && string(text) == "{}" {
		return nil
	}
	return text
}

// tell calls h without minding its answer.
func (l *loader) tell(h handler, c *call) {
	switch c.on {
	case OnStart:
		l.runHandler(h, l.eventTable(&pending{event: c.event, when: always}))
	case OnStop:
		l.runHandler(h, l.eventTable(&pending{event: c.event, when: afterEnd}))
	default:
		l.runHandler(h, hookEvent(l.vm, c.on, c.text, c.event.Time))
	}
}

// runHandler calls h with one table. It reports what is wrong, and is false then.
func (l *loader) runHandler(h handler, table *lua.LTable) (lua.LValue, bool) {
	result, failed := l.invoke(h.fn, table)
	if failed == nil {
		return result, true
	}
	at := failed.place
	if at == nowhere {
		at = h.at
	}
	if cause := l.bounds.cause(); cause != "" {
		l.errorf(at, "%s: %s", h.name(), cause)
	} else {
		l.errorf(at, "%s: %s%s", h.name(), translate(failed.text), via(at, failed.callers))
	}
	return lua.LNil, false
}

// name is how messages call h.
func (h handler) name() string { return h.what + ": " + h.path }

// asError is what was reported, in one line.
func (r *report) asError() error {
	var texts []string
	for _, p := range r.problems {
		texts = append(texts, p.String())
	}
	return errors.New(strings.Join(texts, "; "))
}
