package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/mwlua/mwlua/core/program"
)

// readPluginConfig is the configuration of a plugin in a file.
func readPluginConfig(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", cause(err)
	case !info.Mode().IsRegular() || info.Size() > program.MaxPluginConfig:
		return "", fmt.Errorf("expected a file of at most %d bytes", program.MaxPluginConfig)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", cause(err)
	}
	return string(text), checkPluginConfig(string(text))
}

// checkPluginConfig says whether a text is a configuration.
func checkPluginConfig(text string) error {
	var object map[string]any
	switch err := json.Unmarshal([]byte(text), &object); {
	case err != nil:
		return fmt.Errorf("expected a JSON object such as {\"max_failures\": 3}: %w", err)
	case object == nil:
		return fmt.Errorf("expected a JSON object such as {\"max_failures\": 3}")
	}
	return nil
}
