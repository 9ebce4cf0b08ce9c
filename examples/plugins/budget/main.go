// Budget gives each program a number of restarts, for as long as mwlua runs.
package main

import (
	"context"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/plugins"
)

type config struct {
	MaxRestarts uint64 `json:"max_restarts" jsonschema:"how often a program may be started again"`
}

func main() {
	plugins.Serve(plugins.About{Name: "budget", Version: "1.0", Doc: "a number of restarts for each program"}, decide)
}

func decide(_ context.Context, c *config, exit policy.Event) (policy.Verdict, error) {
	if exit.TotalRestarts < c.MaxRestarts {
		return policy.Verdict{Do: policy.Default}, nil
	}
	return policy.Verdict{Do: policy.Fail, Reason: "its restarts are used up"}, nil
}
