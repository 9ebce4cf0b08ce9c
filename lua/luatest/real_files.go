package luatest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	glua "github.com/yuin/gopher-lua"

	"github.com/mwlua/mwlua/lua"
)

// place is where a real mwlua reads a file of its configuration, below the directory of the test. What is read there can be another file
// at each reload, which the command line of a mwlua that runs cannot.
type place struct {
	path    string // below the directory of the test
	haproxy bool
	beside  bool   // what is beside the file is linked there, too: modules, and what it includes
	named   string // the file that the test has named; "" for a text
}

// lay makes the places of a configuration. number tells those of one run from those of the next.
func lay(dir, number string, source Source) (places []place, err error) {
	add := func(p place, text string) {
		if err == nil {
			err = p.put(dir, p.named, text)
		}
		places = append(places, p)
	}
	for _, list := range []struct {
		files   []string
		haproxy bool
	}{{source.HAProxy, true}, {source.Lua, false}} {
		for _, name := range list.files {
			own := "config" + number
			if n := len(places); n > 0 {
				own += fmt.Sprintf("-%d", n+1)
			}
			add(place{path: filepath.Join(own, filepath.Base(name)), haproxy: list.haproxy, beside: !list.haproxy, named: name}, "")
		}
	}
	if source.Text != "" {
		add(place{path: "mwlua" + number + ".lua"}, source.Text)
	}
	return places, err
}

// put has a file, or else a text, be read at p.
func (p *place) put(dir, file, text string) error {
	at := filepath.Join(dir, p.path)
	p.named = file
	if file == "" {
		return writeFile(at, text, 0o644)
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("%s: cannot be read: no such file or directory", p.named)
	}
	if filepath.Dir(p.path) != "." {
		if err := os.RemoveAll(filepath.Dir(at)); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	if p.beside {
		if err := linkAll(filepath.Dir(file), filepath.Dir(at), filepath.Base(at)); err != nil {
			return err
		}
	}
	return link(file, at)
}

// linkAll links all that is in one directory into another, but for one name.
func linkAll(from, to, but string) error {
	entries, err := os.ReadDir(from)
	for _, e := range entries {
		if e.Name() != but && err == nil {
			err = os.Symlink(filepath.Join(from, e.Name()), filepath.Join(to, e.Name()))
		}
	}
	return err
}

// link makes a link, in the place of whatever is there.
func link(file, at string) error {
	next := at + ".new"
	if err := os.Symlink(file, next); err != nil {
		return err
	}
	return os.Rename(next, at)
}

// wordsOf are the places on the command line of mwlua.
func wordsOf(places []place) (words []string) {
	for _, p := range places {
		if p.haproxy {
			words = append(words, "-haproxy")
		}
		words = append(words, p.path)
	}
	return words
}

// readable is a text of mwlua with files as the test has named them.
func (m *master) readable(text string) string {
	for _, p := range m.places {
		if p.named != "" {
			text = strings.ReplaceAll(text, p.path, p.named)
		}
	}
	return text
}

// change has m read another configuration at the next reload.
func (m *master) change(source Source) error {
	for _, haproxy := range []bool{true, false} {
		files := source.Lua
		if haproxy {
			files = source.HAProxy
		}
		files = slices.Clone(files)
		if !haproxy && source.Text != "" {
			files = append(files, "")
		}
		if len(files) == 0 {
			continue
		}
		var mine []*place
		for i := range m.places {
			if m.places[i].haproxy == haproxy {
				mine = append(mine, &m.places[i])
			}
		}
		if len(mine) != len(files) {
			return fmt.Errorf("mwlua was started with %s, and a reload cannot change that: give it as many", strings.Join(wordsOf(m.places), " "))
		}
		for i, p := range mine {
			if err := p.put(m.dir, files[i], source.Text); err != nil {
				return err
			}
		}
	}
	return nil
}

// longestRuntime is how long the name of a runtime directory can be: the sockets of plugins are some sixty bytes below it, and a socket's
// name has at most 107 (unix(7)).
const longestRuntime = 48

func runtimeDirectory(dir, number string) (string, error) {
	if path := filepath.Join(dir, "run"+number); len(path) <= longestRuntime {
		return path, os.Mkdir(path, 0o700)
	}
	return os.MkdirTemp("/tmp", "mwlua-test")
}

// environment is that of this process, without what its own supervisor means for it alone, and with others set or, if nil, removed.
func environment(others map[string]*string) []string {
	names := []string{
		"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "MWLUA_SOCKET", "MWLUA_INSTANCE",
	}
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		_, other := others[name]
		return other || slices.Contains(names, name)
	})
	for name, value := range others {
		if value != nil {
			env = append(env, name+"="+*value)
		}
	}
	slices.Sort(env)
	return env
}

// list is a list of texts in a table.
func list(L *glua.LState, table *glua.LTable, verb, key string) (texts []string) {
	switch v := table.RawGetString(key).(type) {
	case *glua.LNilType:
	case *glua.LTable:
		for i := 1; i <= v.Len(); i++ {
			texts = append(texts, v.RawGetInt(i).String())
		}
	default:
		lua.Raise(L, "%s: %s: expected a list of texts, got %s", verb, key, lua.Describe(v))
	}
	return texts
}

// variables are those of env = { NAME = "value" }; false removes one.
func variables(L *glua.LState, table *glua.LTable) map[string]*string {
	env := make(map[string]*string)
	switch v := table.RawGetString("env").(type) {
	case *glua.LNilType:
	case *glua.LTable:
		for _, k := range keysOf(v) {
			if value := v.RawGet(k); value == glua.LFalse {
				env[k.String()] = nil
			} else {
				env[k.String()] = new(value.String())
			}
		}
	default:
		lua.Raise(L, "run: env: expected a table such as { NAME = \"value\" }, got %s", lua.Describe(v))
	}
	return env
}

// file is the argument that names a file in the directory of the test.
func (m *master) file(L *glua.LState, verb string) string {
	name := text(L, 2, verb, "the name of a file")
	if filepath.IsAbs(name) {
		if below, err := filepath.Rel(m.dir, name); err == nil {
			name = below
		}
	}
	if !filepath.IsLocal(name) {
		lua.Raise(L, "%s: %q is not in the directory of the test: name a file in there, as \"web.conf\"", verb, name)
	}
	return filepath.Join(m.dir, name)
}

// write is r:write("web.conf", "text"): a file in the directory of the test, which nobody sees half of.
func (m *master) write(L *glua.LState) int { return m.writeAs(L, "write", 0o644) }

// scriptFile is r:script("web.sh", "#!/bin/sh …"): the same, executable.
func (m *master) scriptFile(L *glua.LState) int { return m.writeAs(L, "script", 0o755) }

func (m *master) writeAs(L *glua.LState, verb string, mode os.FileMode) int {
	if err := writeFile(m.file(L, verb), text(L, 3, verb, "what is to be in it"), mode); err != nil {
		lua.Raise(L, "%s: %v", verb, err)
	}
	return 0
}

// writeFile writes a file in the place of whatever is there. Nobody forks meanwhile: a child that has it open for writing, until its
// execve, would keep others from executing it (ETXTBSY, execve(2)).
func writeFile(path, text string, mode os.FileMode) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", []byte(text), mode); err != nil {
		return err
	}
	if err := os.Chmod(path+".new", mode); err != nil { // whatever the umask
		return err
	}
	return os.Rename(path+".new", path)
}

// maxRead bounds what is read of a file, in bytes.
const maxRead = 4 << 20

// read is r:read("out"): what is in a file in the directory of the test; nil if there is none.
func (m *master) read(L *glua.LState) int {
	f, err := os.Open(m.file(L, "read"))
	if errors.Is(err, os.ErrNotExist) {
		L.Push(glua.LNil)
		return 1
	}
	var content []byte
	if err == nil {
		defer f.Close()
		content, err = io.ReadAll(io.LimitReader(f, maxRead))
	}
	if err != nil {
		lua.Raise(L, "read: %v", err)
	}
	L.Push(glua.LString(content))
	return 1
}
