package luatest

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mwlua/mwlua/lua"
)

// TestDefinitionsAreComplete: editors and the manual know every function, and no others.
func TestDefinitionsAreComplete(t *testing.T) {
	manual, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, docs []doc, names []string, call string) {
		var documented []string
		for _, d := range docs {
			documented = append(documented, d.name)
			if !regexp.MustCompile(call + d.name + `\b`).Match(manual) {
				t.Errorf("docs/testing.md does not have the %s %s", what, d.name)
			}
		}
		slices.Sort(documented)
		slices.Sort(names)
		if !slices.Equal(documented, names) {
			t.Errorf("documented %ss %q, there are %q", what, documented, names)
		}
	}
	s := &state{options: &Options{}}
	s.script = lua.NewScript(lua.Options{Files: []string{"none"}}, s.globals, "")
	s.script.Run(t.Context()) // there is no such file, but the state is made
	defer s.close()
	check("function", scriptDocs(), s.names, "`")
	check("verb", simDocs(), slices.Collect(maps.Keys(simVerbs())), "`s:")
	check("verb", realDocs(), slices.Collect(maps.Keys(realVerbs())), "`r:")
}

// TestDefinitionsAreLua: an editor can read them.
func TestDefinitionsAreLua(t *testing.T) {
	file := t.TempDir() + "/definitions.lua"
	text := strings.ReplaceAll(Definitions(), "\nt = {}", "\nlocal t = {}")
	text = regexp.MustCompile(`(?m)^function (\w+)\(`).ReplaceAllString(text, "local function $1(")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s, problems := open(t.Context(), &Options{Timeout: time.Minute}, file)
	defer s.close()
	if len(problems) > 0 {
		t.Error(problems)
	}
}
