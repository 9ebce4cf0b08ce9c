package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// luaBlock is a block of Lua in a page of the manual.
type luaBlock struct {
	name string // as its first line says, or a made-up one
	text string
}

// luaBlocks are the fenced blocks of Lua in a page.
func luaBlocks(page string) (blocks []luaBlock) {
	for i, found := range regexp.MustCompile("(?ms)^```lua\n(.*?)^```$").FindAllStringSubmatch(page, -1) {
		b := luaBlock{name: fmt.Sprintf("block%d.lua", i+1), text: found[1]}
		if name := regexp.MustCompile(`^-- ([\w-]+\.lua)\n`).FindStringSubmatch(b.text); name != nil {
			b.name = name[1]
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// TestManualIsRun runs every block of Lua of the manual: tests are run, and a configuration is started in virtual time.
func TestManualIsRun(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) < 5 {
		t.Fatal(pages, err)
	}
	count := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := luaBlocks(string(text))
		if count += len(blocks); len(blocks) == 0 {
			continue
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			dir := t.TempDir()
			for _, b := range blocks {
				writeFile(t, filepath.Join(dir, b.name), b.text)
				if !strings.HasSuffix(b.name, "_test.lua") {
					writeFile(t, filepath.Join(dir, "start_"+strings.TrimSuffix(b.name, ".lua")+"_test.lua"),
						fmt.Sprintf("test('it is started', function() local s = sim { config = %q } s:start() s:advance('1m') end)", b.name))
				}
			}
			testsPass(t, dir)
		})
	}
	if count < 4 {
		t.Errorf("found %d blocks", count)
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := writeExecutable(name, text, 0o755); err != nil {
		t.Fatal(err)
	}
}

// testsPass runs `mwlua test` with these arguments and checks that nothing failed.
func testsPass(t *testing.T, args ...string) {
	t.Helper()
	c := exec.Command(testBinary(t), append([]string{"test"}, args...)...)
	c.Env = append(os.Environ(), "MWLUA_TEST_MAIN=mwlua", "GORACE=atexit_sleep_ms=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("mwlua test %v: %v\n%s", args, err, out)
	}
}

// TestExamplesHaveTests: each example has one beside it, and they pass.
func TestExamplesHaveTests(t *testing.T) {
	for _, dir := range []string{"../../examples", "../../examples/modules", "../../examples/mistakes"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.lua"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			if _, err := os.Stat(strings.TrimSuffix(file, ".lua") + "_test.lua"); err != nil && !strings.HasSuffix(file, "_test.lua") {
				t.Error(err)
			}
		}
		testsPass(t, dir)
	}
}

// TestMistakeIsFoundAndReplayed: as docs/testing.md has it.
func TestMistakeIsFoundAndReplayed(t *testing.T) {
	t.Setenv("MISTAKE", "1")
	run := func(args ...string) []string {
		var out, talk bytes.Buffer
		status := execute(append([]string{"test", "-run", "shown", "../../examples/mistakes"}, args...), &out, &talk)
		found := regexp.MustCompile(`_test\.lua:\d+: (.*) \(try (\d+) of (\d+); -seed (\d+) tries it again\)\n(?s:.*)trace:(?s:.*)worker#\d`).FindStringSubmatch(out.String())
		if status != exitFailed || found == nil {
			t.Fatalf("status %d\n%s%s", status, out.String(), talk.String())
		}
		return found
	}
	first := run()
	again := run("-seed", first[4])
	if again[1] != first[1] || again[2] != "1" || again[3] != "1" || again[4] != first[4] {
		t.Errorf("first %q, again %q", first[1:], again[1:])
	}
}
