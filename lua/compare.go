package lua

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mwlua/mwlua/core/program"
)

// compare loads text and reports what is not as in config: what Lua cannot say.
func (w *writer) compare(config program.Config, text string) {
	const name = "written.lua"
	got, problems := Load(Options{
		Files: []string{name}, Env: w.options.Env, Lookup: w.options.Lookup, Timeout: time.Minute, Memory: 1 << 30,
		ReadFile: func(string) ([]byte, error) { return []byte(text), nil },
	})
	for _, p := range problems.Errors() {
		w.errorf(origins(config, p.Text), "cannot be said in Lua: %s", p.Text)
	}
	if w.errors > 0 {
		return
	}
	if names := differences(settings(got), settings(config)); names != nil {
		w.errorf(nowhere, "Lua has no words for a setting of mwlua: %s", strings.Join(names, ", "))
	}
	for i, spec := range config.Programs {
		names := differences(bare(got.Programs[i]), bare(spec))
		if !maps.Equal(wholeEnvironment(got, got.Programs[i]), wholeEnvironment(config, spec)) {
			names = append(names, "Env")
		}
		if names != nil {
			w.errorf(spec.Place, "program %s: Lua has no words for what is said of %s", quote(spec.Name), strings.Join(names, ", "))
		}
	}
}

// origins is the place of the program that a text of a problem names.
func origins(config program.Config, text string) program.Place {
	for _, s := range config.Programs {
		if strings.HasPrefix(text, kindWord(s.Kind)+" "+quote(s.Name)+":") {
			return s.Place
		}
	}
	return nowhere
}

// settings is config without what is compared program by program.
func settings(config program.Config) program.Config {
	config.Programs, config.Env = nil, nil
	return config
}

// bare is spec without its place and its environment.
func bare(spec program.Spec) program.Spec {
	spec.Place, spec.Env, spec.WholeEnv = nowhere, nil, false
	if spec.User != nil && len(spec.User.Groups) == 0 {
		spec.User = &program.Credential{UID: spec.User.UID, GID: spec.User.GID}
	}
	return spec
}

// differences names the fields in which two declarations differ.
func differences[T program.Spec | program.Config](a, b T) []string {
	of, other := fieldsOf(a), fieldsOf(b)
	all := maps.Clone(of)
	maps.Copy(all, other)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if string(of[name]) != string(other[name]) {
			names = append(names, name)
		}
	}
	return names
}

func fieldsOf(declaration any) map[string]json.RawMessage {
	data, err := json.Marshal(declaration)
	var found map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(data, &found)
	}
	if err != nil {
		panic("internal error: a declaration is no JSON object: " + err.Error())
	}
	return found
}
