package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mwlua/mwlua/compat/haproxycfg"
	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/core/supervisor"
)

// check runs `haproxy -c` on the copies in dir. What it says about one is said about its original. HAProxy takes a configuration
// in spite of what it says with the status 0, or 2: nothing listens, which it will say when it starts (H-1.19).
func (w *worker) check(path string, env []string, dir string, originals *strings.Replacer, run supervisor.Runner) program.Problems {
	argv := append(append([]string{path, "-W", "-c"}, w.args...), "-f", dir)
	output, status, err := run(argv, env)
	if err != nil {
		return program.Problems{{Text: fmt.Sprintf("-with-haproxy: cannot check the configuration by %s -c: %v", path, err)}}
	}
	taken := status == 0 || status == 2
	output = originals.Replace(output)
	problems := said(output, taken)
	if !taken && len(problems.Errors()) == 0 {
		text := fmt.Sprintf("HAProxy ended with status %d when it checked the configuration (%s -c): %s", status, path, lastLine(output))
		problems = append(problems, program.Problem{Text: text})
	}
	return problems
}

// original replaces the names of copies by those of the originals.
func original(names []string, copies []haproxycfg.Copy) *strings.Replacer {
	var pairs []string
	for i, name := range names {
		pairs = append(pairs, name, copies[i].Name)
	}
	return strings.NewReplacer(pairs...)
}

// unsaid is what of found is not a warning at a place that we have warned of: some are HAProxy's own, in our words.
func unsaid(before, found program.Problems) program.Problems {
	return slices.DeleteFunc(found, func(p program.Problem) bool {
		return p.Warning && p.Place.Line > 0 && slices.ContainsFunc(before, func(q program.Problem) bool { return q.Warning && q.Place == p.Place })
	})
}

var (
	saidLine = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\[(ALERT|WARNING)\]\s+\(\d+\) : (?:config : )?(.*)$`)
	})
	parsingOf = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?i:parsing )?\[(.*?):(\d+)\]\s*:?\s*(.*)$`) })
	summaryOf = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:Error\(s\) found in configuration file|Fatal errors found in configuration)`)
	})
)

// said reads the ALERT and WARNING lines of HAProxy, with the lines that continue them; its summaries are left out. What is taken in
// spite of them are warnings.
func said(output string, taken bool) program.Problems {
	var problems program.Problems
	continues := false
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if more, ok := strings.CutPrefix(line, "| "); ok && continues {
			problems[len(problems)-1].Text += " " + more
			continue
		}
		found := saidLine().FindStringSubmatch(line)
		continues = found != nil && !summaryOf().MatchString(found[2])
		if continues {
			p := placed(found[2])
			p.Warning = taken || found[1] == "WARNING"
			problems = append(problems, p)
		}
	}
	return problems
}

// placed reads the place that a text of HAProxy begins with. Some have it twice.
func placed(text string) program.Problem {
	var p program.Problem
	for {
		at := parsingOf().FindStringSubmatch(text)
		if at == nil {
			break
		}
		p.Place.File, text = at[1], at[3]
		p.Place.Line, _ = strconv.Atoi(at[2])
	}
	p.Text = "HAProxy: " + text
	return p
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
