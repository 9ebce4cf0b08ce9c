package main

import (
	"strconv"
	"syscall"
)

// s6 supervises a directory of directories with run files of this format.
func s6(name, format string) *supervisor {
	return &supervisor{
		name:      name,
		note:      runNote(format) + "; `s6-svc -r` replaces one, called for each by a loop of /bin/sh",
		configure: func(w work) error { return w.services(format) },
		command: func(w work) []string {
			return []string{"s6-svscan", "-c", strconv.Itoa(max(4, w.n)), w.path("services")}
		},
		replace: calls(func(w work) [][]string {
			return [][]string{append([]string{"/bin/sh", "-c", `for dir do s6-svc -r "$dir"; done`, "sh"}, w.serviceDirs()...)}
		}),
		end:  syscall.SIGTERM,
		find: debian("s6", "s6-svscan", "s6-svc"),
	}
}
