package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/control"
)

func shutdownCommand(status *int) *cobra.Command {
	r := new(remote)
	soft := false
	c := &cobra.Command{
		Use:     "shutdown",
		Short:   "Have mwlua stop all programs and leave",
		Long:    "Have the running mwlua stop all programs and leave, and wait until it has left.",
		Example: "  mwlua shutdown\n  mwlua shutdown --soft --timeout 1h",
		RunE: r.command(status, func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usage{fmt.Errorf("unexpected argument %q: mwlua itself is shut down; mwlua stop %s stops that one", args[0],
					shellWord(args[0]))}
			}
			return r.shutdown(ctx, soft)
		}),
	}
	r.flags(c)
	r.waitFlag(c)
	c.Flags().BoolVar(&soft, "soft", false, "ask the programs to finish, as SIGUSR1 does, and kill nobody")
	return c
}

func (r *remote) shutdown(ctx context.Context, soft bool) error {
	before, err := r.look(ctx)
	if err != nil {
		return err
	}
	if _, err := short(ctx, r, func(ctx context.Context) (struct{}, error) { return struct{}{}, r.Shutdown(ctx, soft) }); err != nil {
		return err
	}
	word := "stopping"
	if !r.noWait {
		word = "stopped"
		if err := r.left(ctx, before.Supervisor); err != nil {
			return err
		}
	}
	r.self(word)
	return nil
}

// self prints what came of a request to mwlua itself.
func (r *remote) self(word string) {
	t := table{}
	t.add(cell{text: "mwlua"}, cell{word, green})
	t.print(r.out)
}

// Between two looks at a mwlua that stops there is a pause of at least lookPause, and of lookShare times what the last one took.
const (
	lookPause = 50 * time.Millisecond
	lookShare = 5
)

// left waits until that mwlua is gone.
func (r *remote) left(ctx context.Context, before control.Supervisor) error {
	stop := r.whileWaiting(ctx, remaining)
	defer stop()
	var last control.Status
	for {
		begun := time.Now()
		now, err := r.look(ctx)
		var u *control.Unreachable
		switch {
		case errors.As(err, &u) && !isMwlua(before.PID):
			return nil
		case err == nil && (now.Supervisor.PID != before.PID || now.Supervisor.Uptime < before.Uptime): // it is another one
			return nil
		case err == nil:
			last = now
		}
		select {
		case <-ctx.Done():
			return r.late(ctx.Err(), few(remaining(last)))
		case <-time.After(max(lookPause, lookShare*time.Since(begun))):
		}
	}
}

// remaining describes the instances that are left, or mwlua itself when none is.
func remaining(s control.Status) []string {
	var texts []string
	for _, p := range s.Programs {
		if len(p.All()) > 0 {
			texts = append(texts, laggard(s, p)...)
		}
	}
	if len(texts) == 0 {
		return []string{"mwlua itself"}
	}
	return texts
}
