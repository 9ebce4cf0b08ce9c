package haproxycfg

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/mwlua/mwlua/core/program"
)

// maxFile is the size from which a file cannot be a configuration.
const maxFile = 16 << 20

// source is one file with its contents.
type source struct {
	name string // as given, or as expanded from a directory: what HAPROXY_CFGFILES and ${.FILE} say
	data []byte
}

// sources reads all files. HAProxy too reads nothing when one is missing (H-4.16): what the others say may depend on it.
func (l *loader) sources() []source {
	if len(l.options.Files) == 0 {
		l.errorf(program.Place{}, "no configuration file: name one")
	}
	var sources []source
	for _, given := range l.options.Files {
		for _, name := range l.expand(given) {
			sources = append(sources, source{name, l.readSource(name)})
		}
	}
	if l.errors == 0 {
		l.checkEmpty(sources)
	}
	return sources
}

func (l *loader) expand(name string) []string {
	if l.options.ReadFile != nil {
		return []string{name}
	}
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return []string{name}
	}
	names, err := inDirectory(name)
	l.listed(name, names, err)
	return names
}

// listed reports a directory that yields no file.
func (l *loader) listed(name string, names []string, err error) {
	place := program.Place{File: name}
	switch {
	case err != nil:
		l.errorf(place, "cannot read the directory: %v", cause(err))
	case len(names) == 0:
		l.errorf(place, "no .cfg file in this directory: put one there, or name a file")
	}
}

// inDirectory lists what HAProxy takes from a directory: regular files, not hidden, whose first ".cfg" ends the name, in
// byte order (H-4.16). The slash is always added: HAPROXY_CFGFILES says `d//a.cfg` for `d/`.
func inDirectory(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		base, rest, found := strings.Cut(e.Name(), ".cfg")
		if !found || rest != "" || strings.HasPrefix(base, ".") || base == "" {
			continue
		}
		name := dir + "/" + e.Name()
		if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
			continue
		}
		names = append(names, name)
	}
	return names, nil
}

func (l *loader) readSource(name string) []byte {
	read := l.options.ReadFile
	if read == nil {
		read = readFile
	}
	data, err := read(name)
	place := program.Place{File: name}
	switch {
	case err != nil:
		l.errorf(place, "cannot read the configuration: %v", cause(err))
	case len(data) > maxFile:
		l.errorf(place, "larger than %d MiB: this cannot be a configuration", maxFile>>20)
	}
	return data
}

// readFile reads one byte more than is allowed at most, because /dev/zero and the like have no end.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// cause is err without the name of the file, which the place says already.
func cause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// checkEmpty reports files without any content: alone such a file is a mistake; beside others HAProxy accepts it (H-2.23).
func (l *loader) checkEmpty(sources []source) {
	var empty []string
	for _, s := range sources {
		if len(bytes.Trim(s.data, blanks)) == 0 {
			empty = append(empty, s.name)
		}
	}
	report := l.warnf
	if len(empty) == len(sources) {
		report = l.errorf
	}
	for _, name := range empty {
		report(program.Place{File: name}, "is empty: write a program section, or name another file")
	}
}

// cfgfiles is HAPROXY_CFGFILES (H-12.2).
func cfgfiles(sources []source) string {
	names := make([]string, len(sources))
	for i, s := range sources {
		names[i] = s.name
	}
	return strings.Join(names, ";")
}
