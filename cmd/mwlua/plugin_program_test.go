package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/plugins"
)

// pluginConfig is that of the plugin.
type pluginConfig struct {
	Most uint64 `json:"most"`
}

// runPlugin is a plugin that has a program started again so often, and knows some ways to fail, by exit codes.
func runPlugin() {
	plugins.Serve(plugins.About{Name: "prog", Version: "1"}, func(ctx context.Context, c *pluginConfig, exit policy.Event) (policy.Verdict, error) {
		switch {
		case exit.Code == 70:
			return policy.Verdict{}, errors.New("it does not like 70")
		case exit.Code == 71:
			<-ctx.Done()
			return policy.Verdict{}, ctx.Err()
		case exit.Code == 72:
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		case exit.TotalRestarts >= c.Most:
			return policy.Verdict{Do: policy.Fail, Reason: fmt.Sprintf("restarted %d times", exit.TotalRestarts)}, nil
		}
		return policy.Verdict{Do: policy.Restart, Reason: "there are restarts left"}, nil
	})
}
