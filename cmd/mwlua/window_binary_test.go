package main

import (
	"os"
	"testing"
)

// badBinary is what the next image is turned to.
type badBinary struct {
	name string
	put  func(w *window, path string) // there is nothing at path
	says string                       // what the log says of it, as a regular expression
	slow bool                         // it takes the whole time of a trial
}

const (
	windowCannotExecute = `cannot execute .*/mwlua: `
	windowNoAnswer      = `the trial of .*/mwlua gave no answer.*`
	windowOutOfTime     = `no answer within 10s: .*`
)

func badBinaries(t *testing.T) []badBinary {
	real := testBinary(t)
	return []badBinary{
		{name: "missing", put: func(*window, string) {}, says: windowCannotExecute + `no such file or directory`},
		{name: "not executable", put: file("#!/bin/sh\n", 0o644), says: windowCannotExecute + `permission denied`},
		{name: "directory", put: directory, says: windowCannotExecute + `permission denied`},
		{name: "being written", put: beingWritten, says: windowCannotExecute + `text file busy`},
		{name: "missing interpreter", put: file("#!/missing\n", 0o755), says: windowCannotExecute + `no such file or directory`},
		{name: "empty", put: file("", 0o755), says: windowCannotExecute + `exec format error`},
		{name: "garbage", put: file("\x7fELF\x02\x01\x01 is not enough\n", 0o755), says: windowCannotExecute + `exec format error`},
		{name: "true", put: link("/bin/true"), says: windowNoAnswer},
		{name: "false", put: link("/bin/false"), says: windowNoAnswer},
		{name: "dies", put: script(`kill -SEGV $$`), says: windowNoAnswer},
		{name: "an older mwlua", put: script(`echo 'mwlua: error: unknown command "trial" for "mwlua"' >&2; exit 2`), says: windowNoAnswer},

		{name: "answers nonsense", put: script(`echo nonsense >&4`), says: `.*/mwlua gave no answer but "nonsense\\n"`},
		{name: "answers nonsense and stays", put: script(`echo nonsense >&4; exec sleep 1000`),
			says: `.*/mwlua gave no answer but "nonsense\\n"`},
		{name: "refuses and stays", put: script(`echo '{"OK":false,"Text":"not today"}' >&4; exec sleep 1000`),
			says: `not today`},
		{name: "leaves and stays", put: script(`exec 3>&- 4>&-; exec sleep 1000`), says: windowNoAnswer},
		{name: "hangs", put: script(`exec sleep 1000`), says: windowOutOfTime, slow: true},
		{name: "hangs below a shell", put: script(`sleep 1000; exit 0`), says: windowOutOfTime, slow: true},

		{name: "ends after its trial", put: script(`echo '{"OK":true}' >&4; exit 0`),
			says: `(the guard of the hand-over (has ended|does not answer: .*)|cannot reach the guard of the hand-over: .*)`},
		{name: "is no guard", put: script(`echo '{"OK":true}' >&4; read x <&4; exit 0`),
			says: `(the guard of the hand-over does not answer: EOF|cannot reach the guard of the hand-over: .*)`},
		{name: "is a bad guard", put: script(`echo '{"OK":true}' >&4; read x <&4; echo bad >&4; exec sleep 1000`),
			says: `the guard of the hand-over answered "bad\\n"`},
		{name: "is started by a shell", put: script(real + ` "$@"`),
			says: `the guard of the hand-over answered "the state is not that of the master\\n"`},
		{name: "vanishes after its trial", put: script(`rm "$0"; exec ` + real + ` "$@"`), says: `.*no such file or directory`},
		{name: "cannot be executed after its trial", put: script(`chmod 0 "$0"; exec ` + real + ` "$@"`), says: `.*permission denied`},
	}
}

func file(text string, mode os.FileMode) func(*window, string) {
	return func(w *window, path string) { w.must(writeExecutable(path, text, mode)) }
}

func script(text string) func(*window, string) { return file("#!/bin/sh\n"+text+"\n", 0o755) }

func link(target string) func(*window, string) {
	return func(w *window, path string) { w.must(os.Symlink(target, path)) }
}

func directory(w *window, path string) { w.must(os.Mkdir(path, 0o755)) }

func beingWritten(w *window, path string) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	w.must(err)
	w.t.Cleanup(func() { f.Close() })
}

// TestReloadWithoutAWorkingBinaryChangesNothing: H-6.16. HAProxy executes it, and then spins, or dies and leaves its programs.
func TestReloadWithoutAWorkingBinaryChangesNothing(t *testing.T) {
	for _, bad := range badBinaries(t) {
		t.Run(bad.name, func(t *testing.T) {
			w := newWindow(t, section("a"))
			a := w.started("a#1")
			w.logged(windowOK, 1)
			tries := 2 // as a user would
			if bad.slow {
				tries = 1
			}
			for range tries {
				w.must(os.RemoveAll(w.path("mwlua")))
				bad.put(w, w.path("mwlua"))
				w.reload(windowFailed)
				w.checkLog(`\[ALERT\].* : ` + bad.says)
				w.unchanged(a)
			}
			w.must(os.RemoveAll(w.path("mwlua")))
			w.link("mwlua")
			w.reload(windowOK)
			w.told(a, "USR1:dies")
			w.hasOnly(w.started("a#2"))
			w.stops()
		})
	}
}
