package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// runtimeDir is where files live that are of no use after the next boot: systemd's directory for the unit, /run/mwlua for root, or
// the user's own. It is never /tmp, where others may put something in our way.
func runtimeDir() (string, error) {
	if given := os.Getenv("RUNTIME_DIRECTORY"); given != "" {
		first, _, _ := strings.Cut(given, ":")
		return filepath.Abs(first)
	}
	if os.Geteuid() == 0 {
		return "/run/mwlua", nil
	}
	if own := os.Getenv("XDG_RUNTIME_DIR"); own != "" {
		return filepath.Join(own, "mwlua"), nil
	}
	return "", errors.New("there is no runtime directory: set RUNTIME_DIRECTORY to a directory that is yours alone")
}
