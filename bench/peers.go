package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// supervisors are all that are compared, the limit first.
func (p *place) supervisors() []*supervisor {
	return []*supervisor{
		p.limit(), p.loop(), p.mwlua(),
		haproxy(),
		runit("runit", script), runit("runit without a shell", direct),
		s6("s6", script), s6("s6 without a shell", direct),
		p.processCompose(), p.goreman(), supervisord(), p.pebble(),
		{name: "dinit", find: func() (string, error) {
			return "", errors.New("it is not in Debian 12, and this harness has nothing for it")
		}},
	}
}

// debian finds commands of a package of Debian.
func debian(pkg string, commands ...string) func() (version string, err error) {
	return func() (string, error) {
		for _, name := range commands {
			if _, err := exec.LookPath(name); err != nil {
				return "", fmt.Errorf("%v: `apt-get install %s`", err, pkg)
			}
		}
		out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", pkg).Output()
		if err != nil {
			return "of unknown version", nil // it is not from Debian
		}
		return string(out), nil
	}
}

// peersModule names and pins the peers that are written in Go.
const peersModule = "bench/peers/go.mod"

// module builds a command of a module that peersModule requires.
func (p *place) module(binary, module, pkg string) func() (version string, err error) {
	return func() (string, error) {
		list := exec.Command("go", "list", "-modfile="+peersModule, "-m", "-f", "{{.Version}}", module)
		list.Dir = p.root
		out, err := list.Output()
		if err == nil {
			err = p.buildGo(binary, pkg, "-modfile="+peersModule)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", binary, err)
			return "", fmt.Errorf("it cannot be built: `go build -modfile=%s %s` says why", peersModule, pkg)
		}
		return strings.TrimSpace(string(out)), nil
	}
}

// script is a run file as users write it, direct one that is the program without a shell before it.
const (
	script = "#!/bin/sh\nexec %s\n"
	direct = "#!%s\n" // which gets the name of the file as one more word
)

// runFile is the run file of all services of w.
func (w work) runFile(format string) string {
	if format == direct { // there is room for a single word
		return fmt.Sprintf(format, strings.Join(w.program[:2], " "))
	}
	return fmt.Sprintf(format, w.line())
}

// services writes a directory for each program, with a file named run. What they are in is as old as a user's: runsvdir waits for the next
// second if it was changed in this one.
func (w work) services(format string) error {
	for i := range w.n {
		if err := w.write(fmt.Sprintf("services/p%d/run", i+1), w.runFile(format), 0o755); err != nil {
			return err
		}
	}
	old := time.Now().Add(-time.Hour)
	return os.Chtimes(w.path("services"), old, old)
}

// serviceDirs are these directories.
func (w work) serviceDirs() (dirs []string) {
	for i := range w.n {
		dirs = append(dirs, w.path(fmt.Sprintf("services/p%d", i+1)))
	}
	return dirs
}
