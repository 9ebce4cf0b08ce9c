package main

import (
	"github.com/spf13/cobra"

	"github.com/mwlua/mwlua/core/keeper"
)

// keeperCommand is below what mwlua test runs its processes. Its arguments are directories that are to go with it.
func keeperCommand(status *int) *cobra.Command {
	return &cobra.Command{
		Use:                keeperName + " DIRECTORY...",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			*status = keeper.Keep(args)
			return nil
		},
	}
}

const keeperName = "keeper"
