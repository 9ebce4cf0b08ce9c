package haproxycfg

import (
	"fmt"
	"os"
	"strings"
)

// search looks for commands as execvp(3) will, in order to warn early (T-36).
type search struct {
	path  string
	known map[string]string
}

// newSearch takes PATH from env. Without one the C library has a default (H-4.4).
func newSearch(env *environ) *search {
	path, ok := env.get("PATH")
	if !ok {
		path = "/bin:/usr/bin"
	}
	return &search{path: path, known: make(map[string]string)}
}

// missing says why name cannot be run, and "" if nothing speaks against it.
func (s *search) missing(name string) string {
	text, ok := s.known[name]
	if !ok {
		text = s.look(name)
		s.known[name] = text
	}
	return text
}

func (s *search) look(name string) string {
	if strings.Contains(name, "/") {
		if obstacle := runnable(name); obstacle != "" {
			return fmt.Sprintf("the command %s %s: install it, or correct the path", quote(name), obstacle)
		}
		return ""
	}
	for _, dir := range strings.Split(s.path, ":") {
		if dir == "" {
			dir = "."
		}
		if runnable(dir+"/"+name) == "" {
			return ""
		}
	}
	return fmt.Sprintf("the command %s is not found in PATH, %s: install it, or write its whole path", quote(name), quote(s.path))
}

// runnable says what is wrong with a file as a program. Whether the program's own user may run it is not asked.
func runnable(path string) string {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Sprintf("cannot be run, %v", cause(err))
	case info.IsDir():
		return "is a directory"
	case info.Mode()&0o111 == 0:
		return "is not executable"
	}
	return ""
}
