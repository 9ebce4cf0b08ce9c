package lua

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/program"
)

var update = flag.Bool("update", false, "write what the code says into testdata and docs")

// arrow begins an expected message.
const arrow = " --> "

// TestErrors loads each chunk of testdata/errors.lua and compares its problems with the comments on its lines.
func TestErrors(t *testing.T) {
	const name = "testdata/errors.lua"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	expected := 0
	for begin := 0; begin < len(lines); {
		end := begin + 1
		for end < len(lines) && lines[end] != "---" {
			end++
		}
		want := problemsAt(lines[begin:end], begin)
		got := loadChunk(t, lines[begin:end], begin)
		expected += len(want)
		if *update {
			rewriteChunk(lines, begin, end, got)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:%d (-want +got):\n%s", name, begin+1, diff)
		}
		begin = end
	}
	if *update {
		if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if expected < 80 {
		t.Errorf("only %d messages are expected: is the corpus read as a whole?", expected)
	}
}

// problemsAt are the messages that the comments of a chunk expect, as LINE: TEXT.
func problemsAt(chunk []string, before int) []string {
	var want []string
	for i, text := range chunk {
		parts := strings.Split(text, arrow)
		for _, part := range parts[1:] {
			want = append(want, fmt.Sprintf("%d: %s", before+i+1, part))
		}
	}
	return want
}

func loadChunk(t *testing.T, chunk []string, before int) []string {
	t.Helper()
	code := make([]string, len(chunk))
	for i, text := range chunk {
		code[i], _, _ = strings.Cut(text, arrow)
	}
	if before > 0 {
		code[0] = "" // the ---
	}
	files := map[string]string{
		"errors.lua": strings.Repeat("\n", before) + strings.Join(code, "\n"),
		"good.env":   "# nothing\nA=1\nexport B='2'\n",
		"bad.env":    "A=1\nB\n",
		"big.txt":    strings.Repeat("x", maxRead+1),
		"lib/ok.lua": "return 1",
	}
	_, problems := Load(virtual(files, "errors.lua"))
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range problems.Errors() {
		if p.Place.File != "errors.lua" {
			t.Errorf("chunk at line %d: problem in another file: %v", before+1, p)
		}
		got = append(got, fmt.Sprintf("%d: %s", p.Place.Line, strings.ReplaceAll(p.Text, wd+"/", "$PWD/")))
	}
	return got
}

func rewriteChunk(lines []string, begin, end int, got []string) {
	for i := begin; i < end; i++ {
		lines[i], _, _ = strings.Cut(lines[i], arrow)
		for _, text := range got {
			if rest, ok := strings.CutPrefix(text, fmt.Sprintf("%d: ", i+1)); ok {
				lines[i] += arrow + rest
			}
		}
	}
}

// virtual are options to load main of files that are nowhere on the disk.
func virtual(files map[string]string, main ...string) Options {
	return Options{
		Files: main,
		Env:   []string{"PATH=/bin:/usr/bin", "HOME=/root"},
		ReadFile: func(name string) ([]byte, error) {
			wd, _ := os.Getwd()
			name = strings.TrimPrefix(name, wd+"/")
			text, ok := files[name]
			if !ok {
				return nil, fmt.Errorf("no such file or directory")
			}
			return []byte(text), nil
		},
		Glob: func(pattern string) ([]string, error) {
			if strings.Contains(pattern, "[x") {
				return nil, fmt.Errorf("syntax error in pattern")
			}
			wd, _ := os.Getwd()
			prefix, _, _ := strings.Cut(strings.TrimPrefix(pattern, wd+"/"), "*")
			var found []string
			for name := range files {
				if strings.HasPrefix(name, prefix) {
					found = append(found, wd+"/"+name)
				}
			}
			slices.Sort(found)
			return found, nil
		},
		Lookup: accounts{},
	}
}

// accounts know root and the group adm.
type accounts struct{}

func (accounts) User(name string) (Account, error) {
	if name != "root" && name != "0" {
		return Account{}, fmt.Errorf("no matching entries in passwd file")
	}
	return Account{Name: "root", Groups: []uint32{0}, Home: "/root", Shell: "/bin/bash"}, nil
}

func (accounts) Group(name string) (uint32, error) {
	if name != "adm" && name != "4" {
		return 0, fmt.Errorf("no matching entries in group file")
	}
	return 4, nil
}

// load loads one file with this source.
func load(source string) (program.Config, program.Problems) {
	return Load(virtual(map[string]string{"c.lua": source}, "c.lua"))
}
