package main

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// image says which one of a master this is. The one before says so to the next by --image, and the rest of the command line
// stays as the user wrote it.
type image string

const (
	firstImage  image = ""       // started by a user
	daemonImage image = "daemon" // started by the launcher of -D, in its directory, with its descriptors and one to report to it
	nextImage   image = "next"   // executed by a reload, or tried by one, in the directory and with the descriptors of a running master
)

// String is part of pflag.Value.
func (i *image) String() string { return string(*i) }

// Set is part of pflag.Value.
func (i *image) Set(text string) error {
	*i = image(text)
	if *i != daemonImage && *i != nextImage {
		return errors.New("it is for mwlua's own use, at a reload")
	}
	return nil
}

// Type is part of pflag.Value.
func (i *image) Type() string { return "name" }

// markImage puts into os.Args which image the next process with these arguments is. It comes last, but for the files after --.
func markImage(c *cobra.Command, next image) {
	at := lastFlag(c)
	const mark = "--image="
	if strings.HasPrefix(os.Args[at-1], mark) {
		at--
		os.Args = slices.Delete(os.Args, at, at+1)
	}
	os.Args = slices.Insert(os.Args, at, mark+string(next))
}

// lastFlag is where in os.Args a flag is the last one, and so wins: at the end, but for the files after --.
func lastFlag(c *cobra.Command) int {
	if c.ArgsLenAtDash() < 0 {
		return len(os.Args)
	}
	return len(os.Args) - len(c.Flags().Args()) - 1
}
