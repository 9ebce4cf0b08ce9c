package main

import "syscall"

// runit supervises a directory of directories with run files of this format.
func runit(name, format string) *supervisor {
	return &supervisor{
		name:      name,
		note:      runNote(format) + "; `sv restart` on all replaces them; runsvdir stops by SIGHUP",
		configure: func(w work) error { return w.services(format) },
		command:   func(w work) []string { return []string{"runsvdir", w.path("services")} },
		replace: calls(func(w work) [][]string {
			return [][]string{append([]string{"sv", "restart"}, w.serviceDirs()...)}
		}),
		end:  syscall.SIGHUP,
		find: debian("runit", "runsvdir", "sv"),
	}
}

// runNote says what the programs of this format are.
func runNote(format string) string {
	if format == direct {
		return "each `run` is the program itself, as the interpreter of a script without a line, and stays the same"
	}
	return "each `run` is a script of /bin/sh that ends in exec"
}
