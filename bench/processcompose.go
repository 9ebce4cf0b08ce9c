package main

import "syscall"

// processCompose runs without its screen, and serves its own commands at a socket.
func (p *place) processCompose() *supervisor {
	at := func(w work, words ...string) []string {
		return append(append([]string{p.path("process-compose")}, words...), "-U", "-u", w.path("socket"), "-L", w.path("client.log"),
			"-f", w.path("process-compose.yaml"))
	}
	return &supervisor{
		name: "process-compose",
		note: "an entry of `processes` each, whose command it hands to bash; `process-compose project update` replaces what has changed; it waits " +
			"a second before a restart, the least that `backoff_seconds` can be. It is stopped without an update before, because after one of 1,000 " +
			"programs it leaves some of them behind",
		stopFresh: true,
		configure: func(w work) error {
			return w.write("process-compose.yaml", "version: \"0.5\"\nprocesses:\n"+
				w.each("  p%d:\n    command: %s\n    availability:\n      restart: always\n      backoff_seconds: 1\n"), 0o644)
		},
		command: func(w work) []string { return at(w, "up", "-t=false", "--keep-project") },
		replace: calls(func(w work) [][]string { return [][]string{at(w, "project", "update")} }),
		end:     syscall.SIGTERM,
		find:    p.module("process-compose", "github.com/f1bonacc1/process-compose", "github.com/f1bonacc1/process-compose"),
	}
}
