// Flap makes a pause when a program ends too often within a while: a history of its ends is its state, which mwlua keeps.
package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/plugins"
)

type config struct {
	Ends          int     `json:"ends" jsonschema:"so many ends within the window are flapping"`
	WindowSeconds float64 `json:"window_seconds"`
	PauseSeconds  float64 `json:"pause_seconds" jsonschema:"the pause that they bring about"`
}

// Check is called once the configuration was read.
func (c *config) Check() error {
	if c.Ends < 2 || c.Ends > 1000 {
		return fmt.Errorf("ends: must be 2 to 1000")
	}
	if c.PauseSeconds < 0 || c.PauseSeconds > policy.MaxDelay.Seconds() {
		return fmt.Errorf("pause_seconds: must be 0 to %v", policy.MaxDelay.Seconds())
	}
	return nil
}

// history is what is remembered of a program.
type history struct {
	Ends []time.Duration `json:"ends"` // times, since 1970
}

func main() {
	plugins.ServeWithState(plugins.About{Name: "flap", Version: "1.0", Doc: "a pause for programs that end too often"}, decide)
}

func decide(_ context.Context, c *config, h *history, exit policy.Event) (policy.Verdict, error) {
	window := time.Duration(c.WindowSeconds * float64(time.Second))
	h.Ends = append(h.Ends, exit.Time)
	h.Ends = slices.DeleteFunc(h.Ends, func(end time.Duration) bool { return exit.Time-end > window })
	if len(h.Ends) < c.Ends {
		return policy.Verdict{Do: policy.Default}, nil
	}
	n := len(h.Ends)
	h.Ends = nil
	pause := time.Duration(c.PauseSeconds * float64(time.Second))
	return policy.Verdict{Do: policy.Restart, Delay: pause, Reason: fmt.Sprintf("%d ends within %v", n, window)}, nil
}
