package main

import (
	"fmt"
	"syscall"
)

// supervisord is Supervisor's daemon, as it is run in a container.
func supervisord() *supervisor {
	head := func(w work) string {
		return "[unix_http_server]\nfile=" + w.path("socket") + "\n" +
			"[supervisord]\nnodaemon=true\nminfds=8192\nlogfile=" + w.path("supervisord.log") + "\npidfile=" + w.path("pid") + "\n" +
			"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n" +
			"[supervisorctl]\nserverurl=unix://" + w.path("socket") + "\n"
	}
	return &supervisor{
		name: "supervisor",
		note: "one `[program:x]` section with `numprocs`, because it stops sections one after the other, each for up to a second; output to a " +
			"pipe and no file; `supervisorctl update` replaces what has changed; restarts with `autorestart=true`, `startsecs=0`",
		rounds: 2,
		configure: func(w work) error {
			text := fmt.Sprintf("[program:p]\ncommand=%s\nprocess_name=%%(process_num)d\nnumprocs=%d\nautorestart=true\nredirect_stderr=true\n"+
				"stdout_logfile=NONE\n", w.line(), w.n)
			if w.eager {
				text += "startsecs=0\n"
			}
			return w.write("supervisord.conf", head(w)+text, 0o644)
		},
		command: func(w work) []string { return []string{"supervisord", "-n", "-c", w.path("supervisord.conf")} },
		replace: calls(func(w work) [][]string {
			return [][]string{{"supervisorctl", "-c", w.path("supervisord.conf"), "update"}}
		}),
		end:  syscall.SIGTERM,
		find: debian("supervisor", "supervisord", "supervisorctl"),
	}
}
