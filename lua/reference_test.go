package lua

import (
	"os"
	"slices"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestGeneratedFilesAreFresh compares the files made of the tables of fields with the tables.
func TestGeneratedFilesAreFresh(t *testing.T) {
	for name, want := range map[string]string{
		"../docs/reference/lua.md":    Reference(),
		"../docs/reference/mwlua.lua": Definitions(),
	} {
		if *update {
			if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(name)
		if err != nil || string(got) != want {
			t.Errorf("%s is stale: go test ./lua -update (%v)", name, err)
		}
	}
}

// TestDefinitionsAreLua: an editor parses them.
func TestDefinitionsAreLua(t *testing.T) {
	l := newLoader(Options{})
	if _, ok := l.parseFile("mwlua.lua", Definitions()); !ok {
		t.Error(l.problems)
	}
}

// TestEveryFunctionIsDocumented compares the documented functions with those of the sandbox.
func TestEveryFunctionIsDocumented(t *testing.T) {
	l := newLoader(Options{})
	l.bounds = newBounds(t.Context(), defaultTimeout, defaultMemory)
	defer l.bounds.end()
	L := l.newState()
	defer L.Close()
	ofLua := strings.Fields("_G _VERSION assert error getmetatable ipairs next pairs pcall print rawequal rawget rawset select " +
		"setmetatable string table math tonumber tostring type unpack xpcall log mwlua")
	var documented []string
	for _, f := range functionDocs() {
		name, _, _ := strings.Cut(f.name, ".")
		documented = append(documented, name)
		if !strings.HasPrefix(f.usage, f.name) {
			t.Errorf("%s is called as %s", f.name, f.usage)
		}
	}
	for _, name := range l.globals {
		if !slices.Contains(ofLua, name) && !slices.Contains(documented, name) {
			t.Errorf("%s is not documented", name)
		}
	}
	for _, name := range documented {
		if !l.isGlobal(name) {
			t.Errorf("%s is documented, and is not there", name)
		}
	}
	own := L.G.Global.RawGetString("mwlua").(*lua.LTable)
	own.ForEach(func(k, v lua.LValue) {
		if !slices.ContainsFunc(constantDocs(), func(c constant) bool { return c.name == k.String() }) {
			t.Errorf("mwlua.%v is not documented", k)
		}
	})
}

// TestFieldsAreComplete: what the reference needs is there, names are unique, and defaults are as the decoder takes them.
func TestFieldsAreComplete(t *testing.T) {
	var check func(prefix string, fields []field)
	check = func(prefix string, fields []field) {
		seen := make(map[string]bool)
		for _, f := range fields {
			if f.name == "" || f.kind == "" || f.doc == "" || !strings.HasSuffix(f.doc, ".") || f.set == nil || seen[f.name] ||
				f.get == nil && f.items == nil && f.keys == nil {
				t.Errorf("%s%s: incomplete or twice: %+v", prefix, f.name, f)
			}
			seen[f.name] = true
			for _, other := range f.also {
				if _, ok := find(fields, other); ok || other != fold(other) {
					t.Errorf("%s%s: %s cannot be another name of it", prefix, f.name, other)
				}
			}
			if luaType(f) == "any" {
				t.Errorf("%s%s: no kind for editors", prefix, f.name)
			}
			check(prefix+f.name+".", f.keys)
		}
	}
	all := newFieldSet()
	check("", all.program)
	check("oneshot.", all.oneshot)
	check("cron.", all.cron)
	check("defaults.", all.defaults)
	check("supervisor.", all.supervisor)
	check("plugin.", all.plugin)
	check("verdict.", all.verdict)
}

// TestDefaultsAreWhatTheReferenceSays writes every default out: that must change nothing.
func TestDefaultsAreWhatTheReferenceSays(t *testing.T) {
	var write func(fields []field) string
	write = func(fields []field) string {
		var b strings.Builder
		for _, f := range fields {
			switch {
			case f.name == "ready" || f.name == "health": // their figures need something to look at
			case f.keys != nil:
				b.WriteString(f.name + " = {" + write(f.keys) + "},")
			case f.value != "" && f.name != "success_codes": // { 0 } and none are the same, and not equal
				b.WriteString(f.name + " = " + f.value + ",")
			}
		}
		return b.String()
	}
	all := newFieldSet()
	program := "program 'a' { command = { '/bin/sh' }"
	plain, _ := load("supervisor {} " + program + "}")
	written, problems := load("supervisor {" + write(all.supervisor) + "} " + program + "," + write(all.program) + "}")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	// Said or not, these mean the same, and are not equal.
	written.ReloadTimeout, written.Settings.LuaLoadTimeout, written.Settings.LuaMemory = 0, 0, 0
	written.Settings.LuaHandlerTimeout = 0
	written.Settings.LogLevel, written.Settings.ControlMode = "", 0
	if got, want := asJSON(t, written), asJSON(t, plain); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
