package plugintest

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/mwlua/mwlua/core/program"
	"github.com/mwlua/mwlua/plugins/internal/faulty"
)

func TestMain(m *testing.M) {
	faulty.RunIfAsked()
	os.Exit(m.Run())
}

func check(t *testing.T, word string) Check {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Check{Plugin: program.Plugin{Name: "p", Path: self, Env: []string{faulty.Mode + "=" + word}}, Lenience: 3}
}

// all checks all points at once, which mostly wait, and returns what each found.
func all(t *testing.T, word string) map[string]error {
	var mu sync.Mutex
	found := map[string]error{}
	var running sync.WaitGroup
	for _, point := range Points() {
		running.Go(func() {
			err := check(t, word).Point(t.Context(), point)
			mu.Lock()
			defer mu.Unlock()
			found[point.Name] = err
		})
	}
	running.Wait()
	return found
}

// TestGoodPluginPasses, with the SDK and without.
func TestGoodPluginPasses(t *testing.T) {
	for _, word := range []string{"", "good"} {
		for name, err := range all(t, word) {
			if err != nil {
				t.Errorf("%q: %s: %v", word, name, err)
			}
		}
	}
}

// TestEachPointFindsItsFault: a plugin that does one thing wrong fails that point and no other.
func TestEachPointFindsItsFault(t *testing.T) {
	faults := map[string]string{
		"handshake":      "speaks-then-dies",
		"stdout":         "speaks-to-stdout",
		"by-hand":        "silent-by-hand",
		"describe":       "unstable",
		"bad-config":     "dies-of-config",
		"extremes":       "dies-of-extremes",
		"thousand":       "tires",
		"unknown-fields": "refuses-unknown",
		"cancelled":      "stuck-after-cancel",
		"stderr-closed":  "dies-of-epipe",
		"descriptors":    "leaks",
		"SIGINT":         "dies-of-sigint",
		"SIGTERM":        "dies-of-sigterm",
		"shutdown":       "ignores-shutdown",
		"orphan":         "outlives",
	}
	for _, point := range Points() {
		word, ok := faults[point.Name]
		if !ok {
			t.Errorf("%s: no plugin fails it", point.Name)
		}
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			for name, err := range all(t, word) {
				onlyOne := word != "speaks-then-dies" // which can do nothing right
				if (err != nil) != (name == point.Name) && (name == point.Name || onlyOne) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// TestOtherFaultsAreFound: those that no point of its own is for.
func TestOtherFaultsAreFound(t *testing.T) {
	for word, want := range map[string]string{
		"takes-any-config/bad-config": "it accepts",
		"no-path/bad-config":          "has a path",
		"unknown-enum/extremes":       "unknown action 99",
		"large-state/extremes":        "a state of 65537 bytes",
		"hangs/extremes":              "no verdict within 6s",
		"panics/thousand":             "panic: as told",
	} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			word, name, _ := strings.Cut(word, "/")
			for _, point := range Points() {
				if point.Name != name {
					continue
				}
				if err := check(t, word).Point(t.Context(), point); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q", err, want)
				}
			}
		})
	}
}

// TestRun is what an author writes.
func TestRun(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	wrapper := t.TempDir() + "/plugin"
	if err := os.WriteFile(wrapper, []byte("#!/bin/sh\n"+faulty.Mode+"= exec "+self+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	Run(t, wrapper, `{"limit":3}`)
}
