// Package scaffold writes the files of a new plugin.
package scaffold

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed templates
var templates embed.FS

// Languages are those in which there is a beginning.
func Languages() []string { return []string{"go", "python", "node"} }

// name is what a file, a Go module and an npm package may all be called.
var name = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`) })

// New makes the directory dir with a plugin of that name, and returns what to do next, a command a line. Nothing that exists is
// touched.
func New(dir, plugin, language string) (next []string, err error) {
	switch {
	case !slices.Contains(Languages(), language):
		return nil, fmt.Errorf("unknown language %q: there is a beginning in %s", language, strings.Join(Languages(), ", "))
	case !name().MatchString(plugin):
		return nil, fmt.Errorf("the name %q cannot be used: write lower-case letters, digits and -, at most 64", plugin)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the plugin: %w", err)
	}
	from := "templates/" + language
	entries, err := templates.ReadDir(from)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		data, err := templates.ReadFile(from + "/" + e.Name())
		if err != nil {
			return nil, err
		}
		if err := write(dir, e.Name(), string(data), plugin); err != nil {
			return nil, fmt.Errorf("cannot make the plugin: %w", err)
		}
	}
	return append([]string{"cd " + dir}, steps(language, plugin)...), nil
}

// write writes a file of a template, with the plugin's name where it says NAME. What begins with #! is executable.
func write(dir, file, text, plugin string) error {
	file, isTemplate := strings.CutSuffix(file, ".tmpl")
	if isTemplate {
		file, text = strings.ReplaceAll(file, "NAME", plugin), strings.ReplaceAll(text, "NAME", plugin)
	}
	mode := os.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	return os.WriteFile(filepath.Join(dir, file), []byte(text), mode)
}

func steps(language, plugin string) []string {
	switch check := "mwlua plugin check ./" + plugin; language {
	case "go":
		return []string{"go mod tidy && go build", check + ` --config '{"max_failures":3}'`}
	case "node":
		return []string{"npm install", check}
	default:
		return []string{check}
	}
}
