package lua

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/core/program"
)

// pairs calls found for each name of a table, in the order of the names.
func (v value) pairs(found func(name string, inner value)) {
	names, ok := v.entries("a table such as { NAME = \"value\" }")
	if !ok {
		return
	}
	for _, name := range names {
		inner := v.key(name)
		if name == "" || strings.ContainsAny(name, "=\x00") {
			inner.errorf("%s cannot be a name: it must not be empty or hold a =", quote(name))
			continue
		}
		found(name, inner)
	}
}

// variable is one entry of env: a text, or false, which removes it.
func (v value) variable(d *draft, name string) {
	if d.env == nil {
		d.env = make(map[string]*string)
	}
	if v.lv == lua.LFalse {
		d.env[name] = nil
		return
	}
	if v.lv == lua.LTrue {
		v.errorf("expected a string, or false, which removes the variable; got true")
		return
	}
	if text, ok := v.text(); ok && v.expandable(d, text) {
		d.env[name] = &text
	}
}

// expandable checks the ${…} in text, and notes that there are some.
func (v value) expandable(d *draft, text string) bool {
	if !strings.Contains(text, "${") {
		return true
	}
	_, err := program.Expand(text, func(name string) (string, bool) {
		variable, isEnv := strings.CutPrefix(name, "env:")
		return "", name == "name" || name == "instance" || isEnv && variable != ""
	})
	if err != nil {
		v.errorf("%v in %s: ${name}, ${instance} and ${env:NAME} are expanded, and $${ is written for ${", err, quote(text))
		return false
	}
	d.expands()
	return true
}

// command is the list of a command.
func (v value) command(d *draft) ([]string, bool) {
	if _, isText := v.lv.(lua.LString); isText {
		v.errorf("expected a list such as { \"/usr/bin/web\", \"-p\", 80 }, got %s (a line for the shell goes into shell)", describe(v.lv))
		return nil, false
	}
	items, ok := v.list("a list such as { \"/usr/bin/web\", \"-p\", 80 }")
	if !ok {
		return nil, false
	}
	if len(items) == 0 {
		v.errorf("is empty: name the program")
		return nil, false
	}
	words := make([]string, len(items))
	for i, item := range items {
		text, fine := item.text()
		if fine && i == 0 && text == "" {
			item.errorf("is empty: name the program")
			fine = false
		}
		fine = fine && item.expandable(d, text)
		words[i], ok = text, ok && fine
	}
	return words, ok
}

// filePath is a path, made absolute.
func (v value) filePath() (string, bool) {
	text, ok := v.word()
	if !ok {
		return "", false
	}
	if strings.HasPrefix(text, "~") {
		v.errorf("~ is not expanded: write the whole path")
		return "", false
	}
	return beside(v.l.directory, text), true
}

// expandablePath is a path that may hold ${…}, made absolute.
func (v value) expandablePath(d *draft) (string, bool) {
	text, ok := v.word()
	if !ok || !v.expandable(d, text) {
		return "", false
	}
	if strings.HasPrefix(text, "${") { // what it begins with is known when it is spawned
		return text, true
	}
	return v.filePath()
}

// stream is where a descriptor leads.
func (v value) stream(d *draft) (string, bool) {
	text, ok := v.lv.(lua.LString)
	path, isFile := strings.CutPrefix(string(text), "file:")
	switch {
	case ok && text == "inherit":
		return "", true
	case ok && text == "null":
		return "null", true
	case ok && isFile && path != "":
		inner := v
		inner.lv = lua.LString(path)
		path, ok = inner.expandablePath(d)
		if ok && !strings.HasPrefix(path, "/") {
			v.errorf("the path of a file cannot begin with ${…}: begin it with /")
			return "", false
		}
		return "file:" + path, ok
	}
	hint := ""
	if strings.HasPrefix(string(text), "/") {
		hint = fmt.Sprintf(": write \"file:%s\"", text)
	}
	v.errorf("expected \"inherit\", \"null\" or \"file:PATH\", got %s%s", describe(v.lv), hint)
	return "", false
}

// limit is one of limits: a number, "unlimited", a size, or { soft, hard }.
func (v value) limit() (soft, hard uint64, ok bool) {
	table, isTable := v.lv.(*lua.LTable)
	if !isTable {
		n, ok := v.limitValue()
		return n, n, ok
	}
	if table.MaxN() != 2 || len(keys(table)) != 2 {
		v.errorf("expected a number, \"unlimited\" or two of them: { soft, hard }")
		return 0, 0, false
	}
	soft, fine := v.item(1).limitValue()
	hard, ok = v.item(2).limitValue()
	if ok = ok && fine; ok && soft > hard {
		v.errorf("the soft limit is above the hard one: write { soft, hard }")
		return 0, 0, false
	}
	return soft, hard, ok
}

func (v value) limitValue() (uint64, bool) {
	if v.lv == lua.LString("unlimited") || v.lv == lua.LString("infinity") {
		return program.Unlimited, true
	}
	if n, ok := parseSize(lua.LVAsString(v.lv)); ok {
		return n, true
	}
	v.expected("a whole number, a size such as \"64MiB\", or \"unlimited\"")
	return 0, false
}

// codes is a list of exit codes.
func (v value) codes() ([]int, bool) {
	items, ok := v.list("a list such as { 0, 3 }")
	if ok && len(items) == 0 {
		v.errorf("is empty: every exit would be a failure; name at least one code")
		return nil, false
	}
	var codes []int
	for _, item := range items {
		code, fine := item.integer(0, 255)
		codes, ok = append(codes, code), ok && fine
	}
	return codes, ok
}

// names is a name or a list of names.
func (v value) names() ([]value, bool) {
	switch v.lv.(type) {
	case lua.LString, lua.LNumber:
		return []value{v}, true
	}
	return v.list("a name or a list of names")
}

// envFiles yields the NAME=VALUE of one or more files.
func (v value) envFiles() ([]string, bool) {
	items, ok := v.names()
	var env []string
	for _, item := range items {
		path, fine := item.filePath()
		if !fine {
			return nil, false
		}
		data, err := v.l.files.other(path)
		if err != nil {
			item.errorf("%s %v", quote(path), err)
			return nil, false
		}
		for i, text := range strings.Split(string(data), "\n") {
			kv, problem := envLine(text)
			if problem != "" {
				item.errorf("%s:%d: %s", path, i+1, problem)
				return nil, false
			}
			if kv != "" {
				env = append(env, kv)
			}
		}
	}
	return env, ok
}

// envLine reads one line of an env_file; kv is "" for one that says nothing.
func envLine(text string) (kv, problem string) {
	text = strings.TrimSpace(text)
	if text == "" || text[0] == '#' || text[0] == ';' {
		return "", ""
	}
	name, value, ok := strings.Cut(strings.TrimPrefix(text, "export "), "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok || !isName(name) {
		return "", "expected NAME=VALUE, got " + quote(text)
	}
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		value = value[1 : n-1]
	}
	if strings.IndexByte(value, 0) >= 0 {
		return "", "a NUL byte cannot be passed to a program: remove it"
	}
	return name + "=" + value, ""
}
