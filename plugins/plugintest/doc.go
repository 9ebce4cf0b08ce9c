// Package plugintest finds out whether a plugin, in whatever language, does what mwlua expects of one. It starts the plugin several
// times, as mwlua would, and asks it about programs that do not exist. Run is for tests in Go; `mwlua plugin check` is the same.
package plugintest

import (
	"context"
	"testing"

	"github.com/mwlua/mwlua/core/program"
)

// Run checks the plugin at path, whose file must be executable and not writable by others, each point in a test of its own. config is a
// JSON object that it accepts, or ""; env is its whole environment, NAME=VALUE. Everything may
// take three times as long as for the command, because tests run on busy machines.
func Run(t *testing.T, path, config string, env ...string) {
	t.Helper()
	check := Check{Plugin: program.Plugin{Name: "plugin", Path: path, Config: config, Env: env}, Lenience: 3}
	for _, point := range Points() {
		t.Run(point.Name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			if err := check.Point(context.WithoutCancel(t.Context()), point); err != nil {
				t.Errorf("%v (%s)", err, point.Rule)
			}
		})
	}
}
