// Command mwlua runs programs and keeps them running. It is the only package that knows all others: flags, wiring, exit
// status.
package main

import (
	"fmt"
	"os"
	"regexp"

	"github.com/spf13/cobra"
)

// version is set by the build (-ldflags "-X main.version=1.2.3").
var version = "devel"

// The exit statuses of the command line. What a supervisor itself leaves with is chosen by policy.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(execute(os.Args[1:]))
}

// execute runs one command and returns the status to exit with.
func execute(args []string) int {
	status := exitDone
	root := &cobra.Command{
		Use:   "mwlua",
		Short: "Run programs and keep them running, HAProxy's `program` sections among them",
		// Errors are printed below, once, in our form.
		SilenceErrors: true, SilenceUsage: true,
		Version:           version,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.AddCommand(runCommand(&status), checkCommand(&status), trialCommand(&status))
	root.SetArgs(doubleDashes(args))
	if err := root.Execute(); err != nil {
		fmt.Fprintf(os.Stderr, "mwlua: error: %v\n", err)
		fmt.Fprintln(os.Stderr, "mwlua: hint: mwlua --help lists the commands, mwlua COMMAND --help its flags")
		return exitUsage
	}
	return status
}

var singleDash = regexp.MustCompile(`^-[a-zA-Z][a-zA-Z-]+(=|$)`)

// doubleDashes makes -name mean --name, as HAProxy's users and Go's write it. What follows -- is left alone.
func doubleDashes(args []string) []string {
	out := make([]string, 0, len(args))
	for i, a := range args {
		if a == "--" {
			return append(out, args[i:]...)
		}
		if singleDash.MatchString(a) {
			a = "-" + a
		}
		out = append(out, a)
	}
	return out
}
