package main

import (
	"fmt"
	"strconv"
	"syscall"
)

// limit is a loop that does nothing that a supervisor does but to start programs, in C, to which all are compared.
func (p *place) limit() *supervisor {
	return p.bare(&supervisor{
		name: limitName,
		note: "a loop of vfork and execve, which has neither configuration nor log; SIGHUP replaces all",
		find: func() (string, error) { return "", p.compile("limit") },
	}, "limit")
}

// loop is the same in Go.
func (p *place) loop() *supervisor {
	return p.bare(&supervisor{
		name: "loop in Go",
		note: "the same with syscall.ForkExec and wait4",
		find: func() (string, error) { return "", p.buildGo("loop", "./bench/testdata/loop") },
	}, "loop")
}

// bare completes a supervisor that takes its programs from its command line.
func (p *place) bare(s *supervisor, binary string) *supervisor {
	s.configure = func(work) error { return nil }
	s.command = func(w work) []string { return append([]string{p.path(binary), strconv.Itoa(w.n)}, w.program...) }
	s.replace, s.end = sends(syscall.SIGHUP), syscall.SIGTERM
	return s
}

// limitName is what the limit is called in tables.
const limitName = "limit in C"

// mwlua is built as users do, and declares programs in Lua.
func (p *place) mwlua() *supervisor {
	return &supervisor{
		name: "mwlua",
		note: "`program` in a loop of Lua; SIGUSR2 replaces what has changed, after a trial, by an exec of itself; " +
			"restarts with `delay` and `min_interval` of 0",
		configure: func(w work) error {
			restart := ""
			if w.eager {
				restart = `, restart = { policy = "always", delay = "0s", min_interval = "0s" }`
			}
			return w.write("mwlua.lua", fmt.Sprintf("for i = 1, %d do program(\"p\" .. i) { command = { %q, %q, %q }%s } end\n",
				w.n, w.program[0], w.program[1], w.program[2], restart), 0o644)
		},
		command: func(w work) []string { return []string{p.path("mwlua"), "run", w.path("mwlua.lua")} },
		replace: sends(syscall.SIGUSR2),
		end:     syscall.SIGTERM,
		find:    func() (string, error) { return "", p.buildGo("mwlua", "./cmd/mwlua") },
	}
}
