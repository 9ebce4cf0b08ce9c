package main

import "syscall"

// haproxy runs programs below its master, beside a worker with one frontend.
func haproxy() *supervisor {
	return &supervisor{
		name: "haproxy",
		note: "a `program` section each, and a frontend, without which it does not start: its memory has its worker in it; SIGUSR2 to " +
			"the master replaces all. It ends when a program does. It is stopped without a reload before, because after one of 1,000 programs its " +
			"master can neither execute itself (\"Argument list too long\") nor be stopped by SIGTERM",
		givesUp:   true,
		stopFresh: true,
		configure: func(w work) error {
			return w.write("haproxy.cfg", "defaults\n\tmode tcp\n\ttimeout connect 1s\n\ttimeout client 1m\n\ttimeout server 1m\n"+
				"frontend idle\n\tbind unix@"+w.path("socket")+"\n"+w.each("program p%d\n\tcommand %s\n"), 0o644)
		},
		command: func(w work) []string { return []string{"haproxy", "-W", "-f", w.path("haproxy.cfg")} },
		replace: sends(syscall.SIGUSR2),
		end:     syscall.SIGTERM,
		find:    debian("haproxy", "haproxy"),
	}
}
