package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/mwlua/mwlua/core/program"
)

// TestProgramThatReloadsItselfComesFirst: the others are replaced when it runs with its new configuration, and not at all when
// it refuses it or says nothing.
func TestProgramThatReloadsItselfComesFirst(t *testing.T) {
	itself := haproxy("proxy")
	itself.OnReload, itself.AnswerTimeout = program.Itself, 20*time.Second
	w := newWorld(t, haproxy("a"), itself)
	w.Program("a", Behaviour{Reactions: []Reaction{{Signal: USR1, Does: Exit}}})
	w.Boot()
	w.Settle()
	w.Itself = Answer{After: 5 * time.Second}
	w.Ask("the master CLI", false)
	w.Advance(4 * time.Second)
	want(t, "who runs while it reloads itself", fmt.Sprint(w.Alive()), "[a#1 proxy#1]")
	w.Settle()
	want(t, "who runs after it", fmt.Sprint(w.Alive()), "[a#2 proxy#1]")
	w.Itself = Answer{Fails: "cannot bind :80"}
	w.Ask("the master CLI", false)
	w.Settle()
	w.Itself = Answer{Never: true}
	w.Reload("SIGUSR2")
	w.Advance(15 * time.Second)
	want(t, "failed loads before the timeout", w.State().Failures, 1)
	w.Settle()
	want(t, "failed loads", w.State().Failures, 2)
	want(t, "who runs after them", fmt.Sprint(w.Alive()), "[a#2 proxy#1]")
	if err := w.Err(); err != nil {
		t.Error(err)
	}
}
