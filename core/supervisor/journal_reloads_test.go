package supervisor_test

import (
	"testing"

	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/sim"
)

// reloads are the stories of how instances are replaced.
func reloads(t *testing.T) []story {
	return []story{startFirst(t), startFirstNeverReady(t), scaling(t), stopFirst(t), rolling(t), removed(t)}
}

func startFirst(t *testing.T) story {
	web := replacedBy(notifier(t, "web"), program.StartFirst)
	return story{
		name: "start-first", ordered: true,
		specs:      []program.Spec{web},
		behaviours: map[string]sim.Behaviour{"web": mute},
		play: func(s stage) {
			s.until("web#1 started", 1)
			s.tell("web#1", "ready")
			s.until("configuration loaded", 1)
			s.reload(other(web))
			s.until("web#2 started", 1)
			s.tell("web#2", "ready")
			s.until("web#1 (pid N) was killed", 1)
			s.stop()
			s.until("all programs are gone", 1)
		},
	}
}

// startFirstNeverReady leaves the old one, and the next reload tries again.
func startFirstNeverReady(t *testing.T) story {
	web := replacedBy(notifier(t, "web"), program.StartFirst)
	return story{
		name: "start-first, never ready", ordered: true,
		specs:      []program.Spec{web},
		behaviours: map[string]sim.Behaviour{"web": mute},
		play: func(s stage) {
			s.until("web#1 started", 1)
			s.tell("web#1", "ready")
			s.until("configuration loaded", 1)
			s.reload(tardy(web))
			s.until("web#2 (pid N) was killed", 1)
			s.until("configuration loaded", 2)
			s.reload(other(web))
			s.until("web#3 started", 1)
			s.tell("web#3", "ready")
			s.until("web#1 (pid N) was killed", 1)
			s.stop()
			s.until("all programs are gone", 1)
		},
	}
}

func scaling(t *testing.T) story {
	web := actor(t, "web")
	return story{
		name:  "two, three, one",
		specs: []program.Spec{several(web, 2)},
		play: func(s stage) {
			s.until("configuration loaded", 1)
			s.reload(several(web, 3))
			s.until("configuration loaded", 2)
			s.reload(several(web, 1))
			s.until("web[1]#1 (pid N) was killed", 1)
			s.until("web[2]#1 (pid N) was killed", 1)
			s.stop()
			s.until("all programs are gone", 1)
		},
	}
}

func stopFirst(t *testing.T) story {
	db, worker := replacedBy(notifier(t, "db"), program.StopFirst), needs(actor(t, "worker"), "db")
	return story{
		name: "stop-first, and who needs it", ordered: true,
		specs:      []program.Spec{db, worker},
		behaviours: map[string]sim.Behaviour{"db": mute},
		play: func(s stage) {
			s.until("db#1 started", 1)
			s.tell("db#1", "ready")
			s.until("worker#1 started", 1)
			s.until("configuration loaded", 1)
			s.reload(other(db), worker)
			s.until("db#2 started", 1)
			s.tell("db#2", "ready")
			s.until("worker#2 started", 1)
			s.stop()
			s.until("all programs are gone", 1)
		},
	}
}

// rolling replaces two, of which the second one ends before it is ready.
func rolling(t *testing.T) story {
	web := several(replacedBy(notifier(t, "web"), program.StartFirst), 2)
	return story{
		name:       "one after the other",
		specs:      []program.Spec{web},
		behaviours: map[string]sim.Behaviour{"web": mute},
		play: func(s stage) {
			s.until("web#1 started", 1)
			s.until("web[1]#1 started", 1)
			s.tell("web#1", "ready")
			s.tell("web[1]#1", "ready")
			s.until("configuration loaded", 1)
			s.reload(other(web))
			s.until("web#2 started", 1)
			s.tell("web#2", "ready")
			s.until("web[1]#2 started", 1)
			s.tell("web[1]#2", "exit 1")
			s.until("configuration loaded", 2)
			s.until("web#1 (pid N) was killed", 1)
			s.stop()
			s.until("all programs are gone", 1)
		},
	}
}

// removed takes one away, and replaces another at once, as HAProxy does: the old one takes its time.
func removed(t *testing.T) story {
	changed := actor(t, "changed", "ignore")
	return story{
		name:       "removed, changed, kept",
		specs:      []program.Spec{actor(t, "gone"), changed, actor(t, "kept")},
		behaviours: map[string]sim.Behaviour{"changed": {Reactions: []sim.Reaction{{Signal: sim.TERM, Does: sim.Ignore}}}},
		play: func(s stage) {
			s.until("configuration loaded", 1)
			s.reload(other(changed), actor(t, "kept"), actor(t, "new"))
			s.until("configuration loaded", 2)
			s.until("gone#1 (pid N) was killed", 1)
			s.tell("changed#1", "exit 0")
			s.until("changed#1 (pid N) exited", 1)
			s.stop()
			s.until("stopping all programs", 1)
			s.tell("changed#2", "exit 0")
			s.until("all programs are gone", 1)
		},
	}
}
