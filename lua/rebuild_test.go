package lua

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// TestRebuild makes handlers again from their sources when the files have changed, with the same names and answers.
func TestRebuild(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("main.lua", `include "conf.d/*.lua"
		local lib = require "lib"
		log.info("said once")
		local text = read_file "note.txt"
		program "m" { command = { "sh" }, user = "root", env_file = "e.env", on_exit = { function() return lib.fail(text .. env("X")) end, print } }
		include("off/*.lua", { optional = true })
		on("ready", function() end)`)
	write("conf.d/a.lua", `program "a" { command = { "sh" }, on_exit = function() return { action = "stop", reason = "a" } end }`)
	write("conf.d/b.lua", `program "b" { command = { "sh" }, on_stop = function() end }`)
	write("lib.lua", `return { fail = function(why) return { action = "fail", reason = why } end }`)
	write("note.txt", "note")
	write("e.env", "A=1")
	logged := 0
	o := Options{Files: []string{dir + "/main.lua"}, Env: []string{"PATH=/bin", "X=1"}, Lookup: accounts{}, Log: func(_, _ string) { logged++ }}
	config, h, problems := Open(o)
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	defer h.Close()
	var paths []string
	for _, s := range config.Sources {
		paths = append(paths, strings.TrimPrefix(s.Path, dir+"/"))
	}
	if diff := cmp.Diff([]string{"main.lua", "conf.d/a.lua", "conf.d/b.lua", "lib.lua"}, paths); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"main.lua", "conf.d/a.lua", "lib.lua"} {
		write(name, "error('changed')")
	}
	write("conf.d/c.lua", "error('new')")
	write("off/x.lua", "error('new')")
	write("lib/init.lua", "error('new')")
	write("note.txt", "later")
	check := func(h *Handlers, note string) {
		t.Helper()
		for name, want := range map[string]policy.Verdict{
			"a.on_exit[1]": {Do: policy.Stop, Reason: "a"}, "m.on_exit[1]": {Do: policy.Fail, Reason: note + "1"}, "m.on_exit[2]": {Do: policy.Default},
		} {
			if got, _, err := decide(t, h, name, anExit(), patient); err != nil || got != want {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		for _, name := range []string{"b.on_stop", "on.ready[1]"} {
			if err := h.Call(t.Context(), name, OnStop, anExit(), ""); err != nil {
				t.Error(err)
			}
		}
	}
	check(h, "note")
	o.Lookup = nobody{} // what was checked is not checked again
	o.Files = nil
	again, err := Rebuild(config.Sources, o)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	check(again, "later")

	if err := os.Remove(filepath.Join(dir, "note.txt")); err != nil {
		t.Fatal(err)
	}
	if _, err := Rebuild(config.Sources, o); err == nil || !strings.Contains(err.Error(), "note.txt") {
		t.Error(err)
	}
	l, err := rebuild(t.Context(), h.sources, h.options, h.kept) // in the process itself, what was read is known
	if err != nil {
		t.Fatal(err)
	}
	other := newHandlers(l)
	defer other.Close()
	check(other, "note")
	if logged != 1+3 { // print of m.on_exit[2]
		t.Errorf("%d lines", logged)
	}
}

// nobody knows no user and no group.
type nobody struct{}

func (nobody) User(string) (Account, error) { return Account{}, errors.New("nobody") }
func (nobody) Group(string) (uint32, error) { return 0, errors.New("nobody") }

// TestRebuildFails with the line, and never hangs.
func TestRebuildFails(t *testing.T) {
	source := func(path, text string) program.Source { return program.Source{Path: path, Text: text} }
	tests := []struct {
		sources []program.Source
		want    string
	}{
		{nil, "no configuration file: name one"},
		{[]program.Source{source("a.lua", "local x =")}, "a.lua:1: syntax error at the end of the file"},
		{[]program.Source{source("a.lua", "\nerror('x')")}, "a.lua:2: x"},
		{[]program.Source{source("a.lua", "include 'b.lua'")}, `a.lua:1: include: "b.lua" was not there when the configuration was loaded`},
		{[]program.Source{source("a.lua", "include 'b.lua'"), source("b.lua", "\n\n}")}, `b.lua:3: syntax error near "}"`},
		{[]program.Source{source("a.lua", "read_file '/none'")}, `a.lua:1: read_file: "/none" cannot be read: file does not exist`},
		{[]program.Source{source("a.lua", "supervisor { lua = { load_timeout = '100ms' } } while true do end")}, "a.lua:1: the configuration is not loaded after 100ms"},
	}
	for _, test := range tests {
		h, err := Rebuild(test.sources, Options{ReadFile: func(string) ([]byte, error) { return nil, fs.ErrNotExist }})
		if h != nil || err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}
