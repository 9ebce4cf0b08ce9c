package main

import "syscall"

// pebble reads a directory of layers.
func (p *place) pebble() *supervisor {
	return &supervisor{
		name: "pebble",
		note: "a service each in one layer; `pebble add --combine` and `pebble replan` replace what has changed; restarts with a `backoff-delay` " +
			"of 1 µs",
		rounds: 1,
		configure: func(w work) error {
			format := "  p%d:\n    override: replace\n    startup: enabled\n    command: %s\n    on-success: restart\n    on-failure: restart\n"
			if w.eager {
				format += "    backoff-delay: 1us\n    backoff-limit: 1us\n"
			}
			return w.write("layers/001-all.yaml", "services:\n"+w.each(format), 0o644)
		},
		command: func(w work) []string { return []string{p.path("pebble"), "run"} },
		replace: calls(func(w work) [][]string {
			return [][]string{
				{p.path("pebble"), "add", "--combine", "all", w.path("layers/001-all.yaml")},
				{p.path("pebble"), "replan", "--no-wait"},
			}
		}),
		end:  syscall.SIGTERM,
		find: p.module("pebble", "github.com/canonical/pebble", "github.com/canonical/pebble/cmd/pebble"),
	}
}
