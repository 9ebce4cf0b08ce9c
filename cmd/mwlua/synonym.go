package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

// synonyms are what a user of supervisorctl types, where there is a command of ours that does it. Each says which.
func synonyms(status *int) []*cobra.Command {
	update, reread := reloadCommand(status), planCommand(status)
	update.Use, reread.Use = "update", "reread"
	return []*cobra.Command{synonym(update, "reload"), synonym(reread, "plan"), synonym(pidCommand(status), "status")}
}

func synonym(c *cobra.Command, native string) *cobra.Command {
	c.Hidden = true
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		fmt.Fprintf(c.ErrOrStderr(), "mwlua: hint: the native verb is mwlua %s\n", native)
		return run(c, args)
	}
	return c
}

// pidCommand prints pids and nothing else: that of mwlua, or those of programs.
func pidCommand(status *int) *cobra.Command {
	r := new(remote)
	c := &cobra.Command{Use: "pid [NAME...]", Short: "Print the pid of mwlua, or those of programs"}
	c.RunE = r.command(status, func(ctx context.Context, args []string) error {
		s, err := r.look(ctx)
		if err != nil {
			return err
		}
		if len(args) == 0 {
			fmt.Fprintln(r.out, s.Supervisor.PID)
			return nil
		}
		programs, err := targets(s, args)
		if err != nil {
			return err
		}
		var down several
		for _, p := range programs {
			if p.Instance == nil || p.PID == 0 {
				down = append(down, &told{exitNotRunning, fmt.Sprintf("%s is not running", slotName(p)), ""})
				continue
			}
			fmt.Fprintln(r.out, p.PID)
		}
		if len(down) > 0 {
			return down
		}
		return nil
	})
	r.flags(c)
	return c
}
