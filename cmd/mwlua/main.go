// Command mwlua runs programs and keeps them running. It is the only package that knows all others: flags, wiring, exit
// status.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/spf13/cobra"
)

// version is set by the build (-ldflags "-X main.version=1.2.3").
var version = "devel"

// The exit statuses of the command line. What a supervisor itself leaves with is chosen by policy.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotRunning  = 3 // the program that is meant is not running
	exitUnknown     = 4 // there is no such program
	exitUnreachable = 5 // no supervisor answers
	exitInvalid     = 6 // a configuration cannot be used; to check and run one that is not in Lua, that is exitFailed
	exitTimeout     = 7
)

func main() {
	os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
}

// failed is an error that the command line is not to blame for.
type failed struct{ error }

// execute runs one command and returns the status to exit with. Data goes to out, talk to talk.
func execute(args []string, out, talk io.Writer) int {
	status := exitDone
	root := &cobra.Command{
		Use:   "mwlua",
		Short: "Run programs and keep them running, HAProxy's `program` sections among them",
		// Errors are printed below, once, in our form.
		SilenceErrors: true, SilenceUsage: true,
		Version:           version,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetFlagErrorFunc(explain)
	root.SetOut(out)
	root.SetErr(talk)
	root.AddCommand(runCommand(&status), checkCommand(&status), showCommand(&status), convertCommand(&status), lspCommand(&status),
		pluginCommand(&status), testCommand(&status), replayCommand(&status), keeperCommand(&status), trialCommand(&status))
	root.AddCommand(remoteCommands(&status)...)
	root.SetArgs(doubleDashes(args))
	hint, err := withoutCommand(args, root)
	if err == nil {
		hint, err = "mwlua --help lists the commands, mwlua COMMAND --help its flags", root.Execute()
	}
	switch {
	case err == nil:
		return status
	case errors.As(err, new(failed)):
		fmt.Fprintf(talk, "mwlua: error: %v\n", err)
		return exitFailed
	}
	fmt.Fprintf(talk, "mwlua: error: %v\nmwlua: hint: %s\n", err, hint)
	return exitUsage
}

var singleDash = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^-[a-zA-Z][a-zA-Z-]+(=|$)`) })

// doubleDashes makes -name mean --name, as HAProxy's users and Go's write it, and joins the one flag whose value may be left out
// with it. What follows -- is left alone, and a word for HAProxy as well.
func doubleDashes(args []string) []string {
	out := make([]string, 0, len(args))
	for i, a := range args {
		if n := len(out) - 1; a == "--" && (n < 0 || out[n] != "--haproxy-arg") {
			return append(out, args[i:]...)
		}
		if n := len(out) - 1; n >= 0 && out[n] == "--haproxy-arg" {
			out[n] += "=" + a
			continue
		}
		if singleDash().MatchString(a) {
			a = "-" + a
		}
		if n := len(out) - 1; n >= 0 && out[n] == "--with-haproxy" && !strings.HasPrefix(a, "-") {
			out[n] += "=" + a
			continue
		}
		out = append(out, a)
	}
	return out
}
