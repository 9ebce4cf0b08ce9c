package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mwlua/mwlua/core/supervisor"
)

// TestMain makes this binary everything that the tests need: called by the name of the life-cycle program it is that, called by
// the name mwlua, or told so by MWLUA_TEST_MAIN, it is mwlua or what a daemon needs, and else it is the tests.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == lifecycleProgram {
		runLifecycleProgram(os.Args[1:])
		return
	}
	switch os.Getenv("MWLUA_TEST_MAIN") {
	case "mwlua":
		main()
	case "reaper":
		os.Unsetenv("MWLUA_TEST_MAIN")
		supervisor.ReleaseSignals()
		reap(os.Args[1], os.Args[2], os.Args[3:])
	}
	if filepath.Base(os.Args[0]) != "mwlua" {
		supervisor.ReleaseSignals() // the tests are to end by Ctrl-C
	}
	testscript.Main(m, map[string]func(){"mwlua": main})
}
