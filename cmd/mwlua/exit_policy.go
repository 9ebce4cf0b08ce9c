package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mwlua/mwlua/core/program"
)

// exitPolicies are the plugins of the command line, and who asks them: an haproxy.cfg has no keywords for that.
type exitPolicies struct {
	plugins []string // -plugin, as given
	asked   []string // -exit-policy, as given

	declared []declaredPlugin
	deciders []deciderOf // in the order of the command line, which is the one in which a program asks several
}

type declaredPlugin struct {
	program.Plugin
	config string // a file; "" is none
}

type deciderOf struct{ program, plugin string }

func (e *exitPolicies) given() bool { return len(e.plugins)+len(e.asked) > 0 }

// read says what is wrong with the flags.
func (e *exitPolicies) read() error {
	for _, text := range e.plugins {
		p, err := readPlugin(text)
		if err != nil {
			return fmt.Errorf("-plugin %s: %w", text, err)
		}
		if slices.ContainsFunc(e.declared, func(other declaredPlugin) bool { return other.Name == p.Name }) {
			return fmt.Errorf("-plugin %s: there is a plugin %q already: give it another name", text, p.Name)
		}
		if len(e.declared) == program.MaxPlugins {
			return fmt.Errorf("-plugin %s: more than %d plugins", text, program.MaxPlugins)
		}
		e.declared = append(e.declared, p)
	}
	for _, text := range e.asked {
		asks, plugin, ok := strings.Cut(text, "=")
		if !ok || asks == "" || plugin == "" {
			return fmt.Errorf("-exit-policy %s: expected PROGRAM=NAME, with the NAME of a -plugin", text)
		}
		d := deciderOf{asks, plugin}
		switch {
		case !slices.ContainsFunc(e.declared, func(p declaredPlugin) bool { return p.Name == plugin }):
			return fmt.Errorf("-exit-policy %s: there is no plugin %q: add -plugin %s=PATH", text, plugin, plugin)
		case slices.Contains(e.deciders, d):
			return fmt.Errorf("-exit-policy %s: given twice: leave one out", text)
		}
		e.deciders = append(e.deciders, d)
	}
	for i, p := range e.declared {
		if !slices.ContainsFunc(e.deciders, func(d deciderOf) bool { return d.plugin == p.Name }) {
			return fmt.Errorf("-plugin %s: no program asks it: add -exit-policy PROGRAM=%s, or leave it out", e.plugins[i], p.Name)
		}
	}
	return nil
}

func readPlugin(text string) (declaredPlugin, error) {
	name, rest, _ := strings.Cut(text, "=")
	words := strings.Split(rest, ",")
	p := declaredPlugin{Plugin: program.Plugin{Name: name, Path: words[0], Required: true}}
	switch {
	case p.Path == "":
		return p, errors.New("expected NAME=PATH[,sha256=HEX][,config=FILE]")
	case !program.IsName(name):
		return p, fmt.Errorf("the name %q "+program.NameRule, name)
	}
	for _, word := range words[1:] {
		switch key, value, _ := strings.Cut(word, "="); {
		case value == "":
			return p, fmt.Errorf("expected KEY=VALUE after the comma, got %q (known are sha256 and config)", word)
		case key == "sha256" && program.IsSHA256(strings.ToLower(value)):
			p.SHA256 = strings.ToLower(value)
		case key == "sha256":
			return p, fmt.Errorf("sha256: expected 64 hexadecimal digits, got %q: mwlua plugin sha256 %s prints them", value, p.Path)
		case key == "config":
			p.config = value
		default:
			return p, fmt.Errorf("unknown key %q (known are sha256 and config)", key)
		}
	}
	return p, nil
}

// apply adds them to a configuration that was loaded.
func (e *exitPolicies) apply(config *program.Config) (problems program.Problems) {
	for _, d := range e.declared {
		p := d.Plugin
		p.Path, _ = filepath.Abs(p.Path) // it cannot fail: we are somewhere
		if d.config != "" {
			text, err := readPluginConfig(d.config)
			if err != nil {
				problems = append(problems, program.Problem{Text: fmt.Sprintf("-plugin %s: config %q: %v", p.Name, d.config, err)})
				continue
			}
			p.Config = text
		}
		config.Plugins = append(config.Plugins, p)
	}
	for _, d := range e.deciders {
		i := slices.IndexFunc(config.Programs, func(s program.Spec) bool { return s.Name == d.program })
		if i < 0 {
			// A reload may have removed it, and is not to fail for that.
			problems = append(problems, program.Problem{Warning: true, Text: fmt.Sprintf("-exit-policy %s=%s: there is no program %q (there are: %s)",
				d.program, d.plugin, d.program, names(config.Programs))})
			continue
		}
		s := &config.Programs[i]
		s.OnExit = append(s.OnExit, program.Decider{By: program.ByPlugin, Name: d.plugin})
	}
	return problems
}

func names(programs []program.Spec) string {
	var list []string
	for _, s := range programs {
		list = append(list, s.Name)
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}
