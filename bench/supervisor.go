package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// supervisor is something that keeps programs running.
type supervisor struct {
	name      string
	note      string                             // how it is used, for those who read the table
	rounds    int                                // how many it takes part in at most, because it is slow; 0 means all
	givesUp   bool                               // it does not start again what has ended
	find      func() (version string, err error) // makes it ready to be run, once; no version for what is built from this repository
	stopFresh bool                               // it is stopped in a run without a reload, because it does not survive one of many programs
	configure func(w work) error
	command   func(w work) []string
	replace   func(r *run) error // asks for it, once configure has changed the programs; it need not wait
	end       syscall.Signal     // that has it stop its programs and leave
}

// work is what a supervisor is to do.
type work struct {
	dir     string // for its files
	n       int
	program []string // the words of each program
	eager   bool     // a program that has ended is started again at once and forever, as far as this can be had
}

func (w work) path(name string) string { return filepath.Join(w.dir, name) }

func (w work) line() string { return strings.Join(w.program, " ") }

// write makes a file of w's directory, and directories above it.
func (w work) write(name, text string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(w.path(name)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(w.path(name), []byte(text), mode)
}

// each is format for each program, in which it has its number and its line.
func (w work) each(format string) string {
	var b strings.Builder
	for i := range w.n {
		fmt.Fprintf(&b, format, i+1, w.line())
	}
	return b.String()
}

// sends is a replace that consists of a signal.
func sends(sig syscall.Signal) func(*run) error {
	return func(r *run) error { return syscall.Kill(r.pid, sig) }
}

// calls is a replace that consists of commands, one after the other.
func calls(commands func(w work) [][]string) func(*run) error {
	return func(r *run) error {
		for _, words := range commands(r.work) {
			if out, err := r.work.cmd(words).CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %s\n", r.name, lastOf(string(out)))
				return r.failure("%s: %v", filepath.Base(words[0]), err)
			}
		}
		return nil
	}
}

// cmd is a command in w's directory, with the environment that every supervisor gets.
func (w work) cmd(words []string) *exec.Cmd {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = w.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "RUNTIME_DIRECTORY=" + w.dir, "PEBBLE=" + w.dir,
		"GOREMAN_RPC_ADDR=127.0.0.1"}
	return cmd
}

// lastOf is the end of what a command has said.
func lastOf(text string) string {
	text = strings.TrimSpace(text)
	return text[max(0, len(text)-300):]
}
