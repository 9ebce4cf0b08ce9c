package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/policy"
	"github.com/mwlua/mwlua/core/program"
)

// TestShowIsDescribed: docs/reference/show.md names every field, and this is the only place where they are listed.
func TestShowIsDescribed(t *testing.T) {
	page := readFile(t, "docs/reference/show.md")
	for _, of := range []any{shown{}, shownProgram{}, shownUser{}, shownPolicy{}, shownSettings{}, shownLife{}, shownReady{}, shownHealth{},
		shownProbe{}, shownCode{}, shownDecider{}, shownHook{}, shownPlugin{}} {
		kind := reflect.TypeOf(of)
		for i := range kind.NumField() {
			if kind.Field(i).Anonymous {
				continue
			}
			name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			if !strings.Contains(page, "`"+name+"`") && !strings.Contains(page, "."+name+"`") {
				t.Errorf("%s.%s: %q is not in docs/reference/show.md", kind.Name(), kind.Field(i).Name, name)
			}
		}
	}
}

// TestShowHasEveryField: whatever field of a Spec is set, it shows.
func TestShowHasEveryField(t *testing.T) {
	hidden := map[string]string{"Slot": "it is made of Instances"}
	kinds := map[string]program.Kind{"Run": program.OneShot, "IgnoreFailure": program.OneShot, "CronOverlap": program.Cron}
	spec := reflect.TypeFor[program.Spec]()
	for i := range spec.NumField() {
		name := spec.Field(i).Name
		plain := program.Spec{Kind: kinds[name]}
		changed := plain
		at := reflect.ValueOf(&changed).Elem().Field(i)
		switch at.Kind() {
		case reflect.String:
			at.SetString("x")
		case reflect.Bool:
			at.SetBool(true)
		case reflect.Int, reflect.Int64:
			at.SetInt(7)
		case reflect.Slice:
			at.Set(reflect.MakeSlice(at.Type(), 1, 1))
		case reflect.Pointer:
			at.Set(reflect.New(at.Type().Elem()))
		case reflect.Struct:
			samples := map[string]any{"Place": program.Place{File: "f"}, "Ready": program.Ready{By: program.ReadyFD},
				"Exit": policy.Policy{Limit: 3}}
			at.Set(reflect.ValueOf(samples[name]))
		default:
			t.Fatalf("%s: no sample", name)
		}
		if _, ok := hidden[name]; ok != (showing(t, plain) == showing(t, changed)) {
			t.Errorf("%s does not show: %s", name, showing(t, changed))
		}
	}
}

func showing(t *testing.T, s program.Spec) string {
	t.Helper()
	text, err := json.Marshal(resolvedProgram(s))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestShowOfALife(t *testing.T) {
	probe := program.Probe{HTTP: "http://h/", Interval: time.Second}
	got := resolvedLife(program.Spec{
		Instances: 2, Ready: program.Ready{By: program.ReadyProbe, Probe: probe, Timeout: time.Minute}, Health: &program.Health{Probe: probe},
		Sockets: []program.Socket{{Name: "a", Address: "tcp://:80"}}, OnMasterDeath: 15, Group: program.NoGroup, Overlap: program.StartFirst,
		Capabilities: []string{},
	})
	shown := shownProbe{HTTP: "http://h/", Interval: "1s"}
	want := shownLife{
		Instances: 2, Ready: &shownReady{By: "probe", Probe: &shown, Timeout: "1m0s"},
		Health:  &shownHealth{Probe: shown, Failures: 1, Successes: 1, OnFail: "restart"},
		Sockets: map[string]string{"a": "tcp://:80"}, OnMasterDeath: "SIGTERM", ProcessGroup: "none", Kill: "process", Overlap: "start-first",
		Capabilities: []string{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	oneshot := resolvedLife(program.Spec{Kind: program.OneShot, Critical: true})
	if oneshot.Run != "boot" || oneshot.OnFail != "shutdown" || oneshot.Instances != 0 || oneshot.Overlap != "" {
		t.Errorf("%+v", oneshot)
	}
}
