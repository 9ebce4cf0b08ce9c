package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// unknownFlag is what pflag's error about one can tell.
type unknownFlag interface {
	error
	GetSpecifiedName() string       // without dashes
	GetSpecifiedShortnames() string // the whole word, if it began with one dash
}

// workerFlags are those of haproxy, in any release, that concern how its workers do their work.
var workerFlags = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^-(?:[nNm]\d*|x|sf|st|d[aCDeFGIkLpRrSVvwz]?|d[CKMt].*)$`)
})

// wanted says what a flag takes whose value Go's texts would explain.
func wanted(kind string) string {
	switch kind {
	case "int", "uint64":
		return "a whole number, such as 5"
	case "duration":
		return "a duration with a unit, such as 5s or 1m30s"
	case "bool":
		return "true or false"
	}
	return ""
}

// explain says what to do about a flag that does not exist, or is given what it cannot take. It is given every error about flags.
func explain(c *cobra.Command, err error) error {
	if invalid := (*pflag.InvalidValueError)(nil); errors.As(err, &invalid) {
		if want := wanted(invalid.GetFlag().Value.Type()); want != "" {
			return fmt.Errorf("--%s: expected %s, got %q", invalid.GetFlag().Name, want, invalid.GetValue())
		}
		return err
	}
	var unknown unknownFlag
	if !errors.As(err, &unknown) || !strings.HasPrefix(err.Error(), "unknown ") { // one without its value tells the same
		return err
	}
	name := cmp.Or(unknown.GetSpecifiedShortnames(), unknown.GetSpecifiedName())
	concerns := workerFlags().MatchString("-"+name) && c.Flags().Lookup("haproxy") != nil
	switch {
	case concerns && slices.Contains(ownArgs, "-"+name):
		return fmt.Errorf("unknown flag -%s: it concerns HAProxy's workers, which are reloaded without it: leave it out", name)
	case concerns:
		return fmt.Errorf("unknown flag -%s: it concerns HAProxy's workers: leave it out, or give it to an HAProxy of -with-haproxy by -haproxy-arg -%s", name, name)
	case name == "cc":
		return errors.New("unknown flag -cc: to evaluate a condition, write it after .if in a file, a .notice below it, and check that")
	case unknown.GetSpecifiedShortnames() != "":
		return fmt.Errorf("unknown flag -%s: leave it out, or see %s --help", name, c.CommandPath())
	}
	return fmt.Errorf("unknown flag --%s: leave it out, or see %s --help", name, c.CommandPath())
}

// withoutCommand is for those who call mwlua as they called haproxy, or who write the command behind its flags. The error is nil if they
// do not.
func withoutCommand(args []string, root *cobra.Command) (hint string, err error) {
	own := []string{"-h", "-help", "--help", "-v", "-version", "--version"}
	if len(args) == 0 || !strings.HasPrefix(args[0], "-") || slices.Contains(own, args[0]) {
		return "", nil
	}
	words := []string{"mwlua", "run"}
	for _, a := range args {
		if words[1] == "run" && slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == a }) {
			words[1] = a
		} else {
			words = append(words, shellWord(a))
		}
	}
	return "write " + strings.Join(words, " "), fmt.Errorf("there is no command before %q", args[0])
}

var plainWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w@%+=:,./-]+$`) })

// shellWord writes a word so that a shell reads it as that word.
func shellWord(word string) string {
	if plainWord().MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
