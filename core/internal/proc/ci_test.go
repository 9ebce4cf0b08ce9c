package proc_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/mwlua/mwlua/core/internal/proc"
)

// TestCICanRunWhatNeedsMore: tests here and in other packages leave out what a machine is not able to do. The one of CI is able to.
func TestCICanRunWhatNeedsMore(t *testing.T) {
	if os.Getenv("CI") == "" {
		t.Skip("this is not CI")
	}
	if os.Getuid() != 0 {
		t.Error("we are not root")
	}
	if _, err := proc.CGroupRoot(); err != nil {
		t.Error(err)
	}
	namespace := exec.Command("/bin/true")
	ownPIDs(namespace)
	if err := namespace.Run(); err != nil {
		t.Errorf("no pid namespace can be made: %v", err)
	}
	for _, name := range []string{"getent", "ldd", "perl", "setpriv", "setsid"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Error(err)
		}
	}
}
