package main

import (
	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/keeper"
)

// keeperCommand is below what mwlua test runs its processes.
func keeperCommand(status *int) *cobra.Command {
	return &cobra.Command{
		Use:    keeper.Name,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			*status = keeper.Keep()
			return nil
		},
	}
}
