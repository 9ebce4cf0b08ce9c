package haproxycfg

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// stopTimeout is how long a program may take to stop; HAProxy waits for ever (T-6).
const stopTimeout = 30 * time.Second

// dropped are variables that must not reach a program: what systemd told the master alone, and HAProxy's notes to itself
// (T-19, D-6).
var dropped = []string{
	"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
	"HAPROXY_PROCESSES", "HAPROXY_MWORKER_REEXEC", "HAPROXY_MWORKER_WAIT_ONLY", "HAPROXY_STARTUPLOGS_FD",
	"HAPROXY_LOAD_SUCCESS",
}

// convert makes a Config of what was read without an error.
func (l *loader) convert() program.Config {
	l.finishEnv()
	config := program.Config{Env: l.env.list(), Pidfile: l.absolute(l.global.pidfile), Quiet: l.global.quiet}
	search := newSearch(l.env)
	for _, d := range l.programs {
		if text := search.missing(d.command[0]); text != "" {
			l.warnf(d.run, "program %s: %s", quote(d.id), text)
		}
		config.Programs = append(config.Programs, l.spec(d))
	}
	if len(l.programs) == 0 && l.edits == nil { // else HAProxy runs
		l.warnf(program.Place{File: l.options.Files[0]}, "no program section: nothing to run")
	}
	l.problems = append(l.problems, config.Validate()...)
	return config
}

// finishEnv makes the environment of the programs of the one at the end of the load: a setenv after a section counts for
// its program too (H-4.1).
func (l *loader) finishEnv() {
	for _, name := range dropped {
		l.env.unset(name)
	}
	l.env.set("MWLUA", "1")
	l.env.set("HAPROXY_CFGFILES", l.cfgfiles)
	l.env.set("HAPROXY_MWORKER", "1")
	l.env.unset("HAPROXY_MASTER_CLI") // of a master that started us
	if l.options.MasterCLI != "" {
		l.env.set("HAPROXY_MASTER_CLI", l.options.MasterCLI)
	}
	if len(l.global.sockets) > 0 {
		l.env.set("HAPROXY_CLI", strings.Join(l.global.sockets, ";"))
	}
}

func (l *loader) absolute(path string) string {
	if path == "" {
		return ""
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		l.errorf(program.Place{File: l.options.Files[0]}, "cannot make the pidfile %s absolute: %v", quote(path), err)
	}
	return absolute
}

func (l *loader) spec(d *declared) program.Spec {
	s := program.Spec{
		Name:          d.id,
		Place:         d.place,
		Command:       d.command,
		User:          l.credential(d),
		StopTimeout:   stopTimeout,
		OnReload:      program.Replace,
		ReloadSignal:  int(syscall.SIGUSR1),
		MaxFormer:     l.global.maxReloads,
		FormerTimeout: l.global.hardStopAfter,
		Exit:          policy.Policy{Rule: policy.ExitOnFailure},
	}
	if d.keep {
		s.OnReload, s.NoStartOnReload = program.Keep, true
	}
	if l.global.keepOnFailure {
		s.Exit.Rule = policy.NoExitOnFailure
	}
	return s
}

// credential is the identity of d. A group is taken as HAProxy takes it, without supplementary groups (H-5.10); a user
// without a group gets its own ones, where HAProxy leaves those of root (T-21).
func (l *loader) credential(d *declared) *program.Credential {
	user, group := d.user.name != "", d.group.name != ""
	switch {
	case user && group:
		return &program.Credential{UID: d.user.found.UID, GID: d.group.found.GID}
	case user:
		l.warnf(d.user.place, "program %s: user without group: it runs with the groups of %s, where HAProxy keeps those of "+
			"the master: add a \"group\" line", quote(d.id), quote(d.user.name))
		return &d.user.found
	case group:
		return &program.Credential{UID: uint32(os.Getuid()), GID: d.group.found.GID}
	}
	return nil
}
