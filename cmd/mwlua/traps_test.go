package main

import (
	"strings"
	"testing"
)

// TestReturned143IsToldApart: T-13. HAProxy's line is the same for exit(143) and for a death by SIGTERM, and so is what
// follows; the next line says that nobody ended the program.
func TestReturned143IsToldApart(t *testing.T) {
	r := newRun(t, mwluaMaster, "program a\n\tcommand sh -c 'exit 143'\nprogram b\n\tcommand sh -c 'kill -TERM $$'\nprogram c\n\tcommand sleep 1000\n")
	r.loaded()
	r.logged("exited with code 143 (Terminated)", 2)
	r.logged("Program 'a' returned 143 by itself: no signal ended it", 1)
	r.signal("TERM")
	r.gone()
	if strings.Contains(r.read(stderrFile), "Program 'b' returned") {
		t.Errorf("a death by SIGTERM is taken for an exit%s", r.files())
	}
}

// TestJobControlIsNotPassedOn: T-18, H-6.13. HAProxy passes SIGTTOU and SIGTTIN on to programs, whom they may stop for ever.
func TestJobControlIsNotPassedOn(t *testing.T) {
	r := newRun(t, mwluaMaster, "program a\n\tcommand ./prog name=a\n")
	r.loaded()
	r.did("a#1 start")
	for _, signal := range []string{"TTOU", "TTIN"} {
		r.signal(signal) // stops the master itself, as it would any process
		r.until("the master to be stopped", func() bool { return isStopped(r.cmd.Process.Pid) })
		r.signal("CONT")
	}
	r.signal("TERM")
	r.gone()
	r.did("a#1 start TERM:dies")
}
