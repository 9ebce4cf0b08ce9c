package haproxycfg

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestDifferentialKept compares what TestDifferential found once. A file of testdata/differential has the lines of one
// configuration as a failure shows them, and "with an empty E" if that is in its environment; # begins a comment.
func TestDifferentialKept(t *testing.T) {
	version := versionOrSkip(t)
	files, err := filepath.Glob("testdata/differential/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			c := readKept(t, file)
			r := newHAProxy(t, version, c.keeps).settle(t, []*trial{c})[0]
			if r.way != "" {
				t.Errorf("%s: %s\n%s", r.way, r.text, quoted(r.trial.text))
			}
		})
	}
}

// keptIndex is the number of the case in the ids of its programs.
var keptIndex = regexp.MustCompile(`\bc(\d+)-`)

func readKept(t *testing.T, file string) *trial {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &trial{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", strings.HasPrefix(line, "#"):
			continue
		case line == "with an empty E":
			c.keeps = true
			continue
		}
		text, err := strconv.Unquote(line)
		if err != nil {
			t.Fatalf("%s: %s: %v", file, line, err)
		}
		c.text += text
	}
	if m := keptIndex.FindStringSubmatch(c.text); m != nil {
		c.index, _ = strconv.Atoi(m[1])
	}
	return c
}
