package haproxycfg

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/program"
)

// recorded is one case of testdata/lexer.json and testdata/conditions.json, recorded from HAProxy 2.6.12.
type recorded struct {
	Name        string
	Config      string
	Env         map[string]string
	Accepted    bool
	Argv        []string
	Argvs       [][]string
	ExtraArgs   []string `json:"extra_args"`
	CrashSignal int      `json:"crash_signal"`
	Reports     []struct {
		Severity, Class string
		Line, Position  int
	}
}

// classes are the recorded kinds of errors, and how ours read. %d is the recorded position.
var classes = map[string]string{
	"bad-condition":                 `(at character %d: |is no version of)`,
	"bad-hex-escape":                `^bad \\x at column %d: `,
	"bad-variable-name":             `^bad variable name at column %d: `,
	"bad-word-expansion":            `^bad word expansion at column %d: `,
	"unmatched-brace":               `^unmatched brace at column %d: `,
	"unmatched-quote":               `^unmatched quote at column %d: `,
	"too-many-words":                `^more than 64 words`,
	"missing-final-newline":         `^(no line feed at the end, column %d: |NUL byte at column %d: )`,
	"stray-nul":                     `^NUL byte at column %d: `,
	"unknown-keyword":               `(unknown keyword|stands outside of any section|belongs to a global)`,
	"unknown-option":                `: unknown option `,
	"unknown-directive":             `^unknown directive`,
	"unknown-user":                  `: cannot find the user `,
	"unknown-group":                 `: cannot find the group `,
	"negation-not-supported":        `("no"|"default") cannot stand before|unknown keyword`,
	"too-many-arguments":            `unexpected word|cannot stand before`,
	"command-without-value":         `"command" without a command`,
	"program-without-command":       `has no command`,
	"section-without-id":            `needs a name`,
	"duplicate-section-id":          `is already declared at`,
	"setenv-missing-value":          `the value of .* is missing`,
	"setenv-bad-name":               `is no name of a variable`,
	"lone-elif":                     `^\.elif without \.if`,
	"lone-endif":                    `^\.endif without \.if`,
	"lone-else":                     `^\.else without \.if`,
	"else-after-else":               `^\.else after the \.else`,
	"elif-after-else":               `^\.elif after the \.else`,
	"unexpected-directive-argument": `^unexpected word .* after \.`,
	"unterminated-if":               `^this \.if has no \.endif`,
	"alert-directive":               `^\.alert `,
	"warning-directive":             `^\.warning `,
	"notice-directive":              `^\.notice `,
	"already-specified-nonfatal":    ` is already set to .* is ignored$`,
	"max-reloads-bad-value":         `^mworker-max-reloads .* is ignored`,
	"scope-bad-char":                `cannot be the name of a scope`,
	"warning-is-fatal":              `^zero-warning does not allow`,
}

// deviations are the cases in which we accept or refuse what 2.6.12 does not, on purpose.
var deviations = map[string]string{
	"words-64-then-comment":          "H-2.6",
	"long-default-in-first-big-line": "H-2.39: the retry bug",
	"short-default-with-long-rest":   "H-2.39",
	"grammar-no-master-worker":       "mwlua is always a master",
	"enabled-poll":                   "D-1: predicates of later releases",
	"enabled-epoll":                  "D-1",
	"enabled-foo":                    "D-1",
	"strstr-no":                      "D-1",
	"version_before-x":               "T-26: what is no version is an error",
	"version_before-2.x":             "T-26",
	"version_before-2.6.":            "T-26",
	"version_before-2.6_":            "T-26",
	"version_atleast-2.6.12.0.0":     "T-26",
	"version_before-2.6.12.0.0":      "T-26",
	"grammar-unknown-section-name":   "D-3: keywords of global are never judged",
	"warning-with-dW":                "H-1.19: -dW is for the caller, who gets the warning",
}

// unreported are errors of 2.6.12 that we do not report, in cases that are refused all the same.
var unreported = map[string]string{
	"else-with-arg:6 unterminated-if":           "H-3.4: reading stopped, so nobody knows whether the block ends",
	"else-if-same-line:6 unterminated-if":       "H-3.4",
	"unknown-directive-in-if:6 unterminated-if": "H-3.4",
	"grammar-unknown-section:4 unknown-keyword": "D-3: keywords of global are never judged",
}

// additional are errors that we report and 2.6.12 does not, in cases that are refused all the same.
var additional = map[string]string{
	"empty-file": "HAProxy only finds that there is no listener (H-2.23)",
	"grammar-missing-command-and-other-error": "T-23: HAProxy looks for missing commands only when nothing else is wrong",
}

func TestRecordedCases(t *testing.T) {
	var cases []recorded
	for _, file := range []string{"testdata/lexer.json", "testdata/conditions.json"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var some []recorded
		if err := json.Unmarshal(data, &some); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, some...)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) { c.run(t) })
	}
	known := func(name string) bool {
		return slices.ContainsFunc(cases, func(c recorded) bool { return c.Name == name })
	}
	for _, table := range []map[string]string{deviations, unreported, additional} {
		for name := range table {
			if name, _, _ := strings.Cut(name, ":"); !known(name) {
				t.Errorf("a table names %q, which is no case", name)
			}
		}
	}
}

func (c recorded) run(t *testing.T) {
	config, problems := Load(Options{
		Files:     []string{"haproxy.cfg"},
		Env:       c.environment(),
		ReadFile:  oneFile("haproxy.cfg", c.Config),
		Version:   "2.6.12-1+deb12u4",
		LocalPeer: "vm",
	})
	accepted := len(problems.Errors()) == 0
	if reason, ok := deviations[c.Name]; ok {
		if accepted == c.Accepted {
			t.Errorf("does not deviate, although %s says so", reason)
		}
		return
	}
	if accepted != c.Accepted {
		t.Fatalf("accepted = %v, HAProxy %v; problems:\n%v\n%s", accepted, c.Accepted, problems, c.Config)
	}
	if c.Argv != nil {
		if diff := cmp.Diff(c.argvs(), commands(config)); diff != "" {
			t.Errorf("argv (-HAProxy +ours):\n%s", diff)
		}
	}
	if c.CrashSignal == 0 {
		c.compareReports(t, problems)
	}
}

func (c recorded) environment() []string {
	env := []string{"PATH=/usr/bin:/bin"}
	for name, value := range c.Env {
		env = append(env, name+"="+value)
	}
	return env
}

func (c recorded) argvs() [][]string {
	if c.Argvs != nil {
		return c.Argvs
	}
	return [][]string{c.Argv}
}

func commands(config program.Config) [][]string {
	var argvs [][]string
	for _, s := range config.Programs {
		argvs = append(argvs, s.Command)
	}
	return argvs
}

// compareReports checks that each error of HAProxy is one of ours, with its line and position, and the other way round.
func (c recorded) compareReports(t *testing.T, problems program.Problems) {
	explained := make([]bool, len(problems))
	for _, r := range c.Reports {
		if r.Severity == "diag" {
			continue
		}
		class, ok := classes[r.Class]
		if !ok {
			t.Errorf("no pattern for class %q", r.Class)
			continue
		}
		want := regexp.MustCompile(strings.ReplaceAll(class, "%d", fmt.Sprint(r.Position)))
		found := false
		for i, p := range problems {
			elsewhere := r.Line == 0 || r.Class == "unterminated-if" || r.Class == "warning-is-fatal"
			if want.MatchString(p.Text) && (elsewhere || p.Place.Line == r.Line) {
				found, explained[i] = true, true
			}
		}
		_, allowed := unreported[fmt.Sprintf("%s:%d %s", c.Name, r.Line, r.Class)]
		switch {
		case !found && !allowed:
			t.Errorf("HAProxy reports %+v, ours are:\n%v", r, problems)
		case found && allowed:
			t.Errorf("%s is reported, although unreported names it", r.Class)
		}
	}
	more := 0
	for i, p := range problems {
		if explained[i] || p.Warning {
			continue
		}
		more++
		if _, ok := additional[c.Name]; !ok {
			t.Errorf("HAProxy does not report %v", p)
		}
	}
	if _, ok := additional[c.Name]; ok && more == 0 {
		t.Errorf("nothing is reported beyond what HAProxy does, although additional says so")
	}
}

// oneFile is a file system with one file.
func oneFile(name, content string) func(string) ([]byte, error) {
	return func(asked string) ([]byte, error) {
		if asked != name {
			return nil, os.ErrNotExist
		}
		return []byte(content), nil
	}
}
