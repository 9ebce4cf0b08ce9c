package main

import (
	"reflect"
	"strings"
	"testing"
)

// TestShowIsDescribed: docs/reference/show.md names every field, and this is the only place where they are listed.
func TestShowIsDescribed(t *testing.T) {
	page := readFile(t, "docs/reference/show.md")
	for _, of := range []any{shown{}, shownProgram{}, shownUser{}, shownPolicy{}, shownSettings{}} {
		kind := reflect.TypeOf(of)
		for i := range kind.NumField() {
			name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			if !strings.Contains(page, "`"+name+"`") && !strings.Contains(page, "."+name+"`") {
				t.Errorf("%s.%s: %q is not in docs/reference/show.md", kind.Name(), kind.Field(i).Name, name)
			}
		}
	}
}
