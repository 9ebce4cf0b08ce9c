package supervisor

import (
	"os"
	"path/filepath"
	"strings"
)

// executable is the path that the next image is executed from: the one that we were called by, so that a link that is turned
// to a new version counts, if it still names this binary; else the binary itself.
func executable() string {
	called := os.Args[0]
	if !strings.Contains(called, "/") {
		called = inPath(called)
	}
	abs, err := filepath.Abs(called)
	if err == nil && isUs(abs) {
		return abs
	}
	self, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return self
}

// inPath is the first file of that name in PATH that is us; "" when there is none.
func inPath(name string) string {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if path := filepath.Join(dir, name); isUs(path) {
			return path
		}
	}
	return ""
}

func isUs(path string) bool {
	a, err := os.Stat(path)
	if err != nil {
		return false
	}
	b, err := os.Stat("/proc/self/exe")
	return err == nil && os.SameFile(a, b)
}
