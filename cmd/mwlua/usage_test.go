package main

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestFlagsOfHAProxy: every flag that `haproxy -h` lists is one of ours, or is said to concern workers.
func TestFlagsOfHAProxy(t *testing.T) {
	needHAProxy(t)
	help, _ := exec.Command(string(haproxyMaster), "-h").CombinedOutput() // which is a failure to haproxy
	flags := regexp.MustCompile(`(?m)(?:^ +|[;/\[] ?)(-[a-zA-Z]{1,2}\b)`).FindAllStringSubmatch(string(help), -1)
	seen := map[string]int{}
	for _, f := range flags {
		err := parseFlag(f[1])
		switch {
		case f[1] == "-cc" && err != nil && strings.Contains(err.Error(), "to evaluate a condition"):
			seen["cc"]++
		case err == nil:
			seen["ours"]++
		case strings.Contains(err.Error(), "it concerns HAProxy's workers"):
			seen["workers"]++
		case strings.Contains(err.Error(), "needs an argument"):
			seen["values"]++
		default:
			t.Errorf("%s: %v", f[1], err)
		}
	}
	t.Logf("%v", seen)
	if seen["cc"] != 1 || seen["ours"] < 8 || seen["values"] < 5 || seen["workers"] < 10 {
		t.Errorf("found %v in\n%s", seen, help)
	}
}

// parseFlag parses a command line of one word.
func parseFlag(word string) error {
	c := &cobra.Command{Use: "run", SilenceErrors: true, SilenceUsage: true, RunE: func(*cobra.Command, []string) error { return nil }}
	c.SetFlagErrorFunc(explain)
	new(sources).flags(c)
	c.SetArgs(doubleDashes([]string{word}))
	return c.Execute()
}

func TestUnknownFlags(t *testing.T) {
	for word, want := range map[string]string{
		"-n":         "unknown flag -n: it concerns HAProxy's workers: leave it out, or give it to an HAProxy of -with-haproxy by -haproxy-arg -n",
		"-n2000":     "unknown flag -n2000: it concerns HAProxy's workers: leave it out, or give it to an HAProxy of -with-haproxy by -haproxy-arg -n2000",
		"-dKhelp":    "unknown flag -dKhelp: it concerns HAProxy's workers: leave it out, or give it to an HAProxy of -with-haproxy by -haproxy-arg -dKhelp",
		"-nope":      "unknown flag --nope: leave it out, or see run --help",
		"-debug":     "unknown flag --debug: leave it out, or see run --help",
		"--n":        "unknown flag -n: it concerns HAProxy's workers: leave it out, or give it to an HAProxy of -with-haproxy by -haproxy-arg -n",
		"-y":         "unknown flag -y: leave it out, or see run --help",
		"-Wz":        "unknown flag --Wz: leave it out, or see run --help",
		"-p":         "flag needs an argument: 'p' in -p",
		"-log-file":  "flag needs an argument: --log-file",
		"-W=perhaps": `--master-worker: expected true or false, got "perhaps"`,
	} {
		if err := parseFlag(word); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", word, err, want)
		}
	}
}

func TestDoubleDashes(t *testing.T) {
	got := doubleDashes([]string{"run", "-f", "-Ws", "-dW", "-haproxy-version=2.6", "-n100", "-haproxy-arg", "-dM", "-haproxy-arg", "--", "--x", "-", "-C", "--", "-Ws"})
	want := []string{"run", "-f", "--Ws", "--dW", "--haproxy-version=2.6", "-n100", "--haproxy-arg=-dM", "--haproxy-arg=--", "--x", "-", "-C", "--", "-Ws"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestShellWord(t *testing.T) {
	for word, want := range map[string]string{
		"-f": "-f", "/etc/a_b.cfg": "/etc/a_b.cfg", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$HOME": "'$HOME'", "*": "'*'", "a\nb": "'a\nb'",
	} {
		if got := shellWord(word); got != want {
			t.Errorf("%q is %s, want %s", word, got, want)
		}
	}
}
