package haproxycfg

import (
	"bytes"
	"path/filepath"
	"strings"

	"github.com/mwlua/mwlua/core/program"
)

// Copy is what an HAProxy that runs beside mwlua reads in the place of one file: the same lines under the same numbers, without
// what is mwlua's.
type Copy struct {
	Name string // of the file, as given or as expanded from a directory
	Data []byte
}

// LoadBeside is Load for a configuration that an HAProxy is to read too. The copies leave blank what concerns mwlua alone: the
// `program` sections, which HAProxy 3.3 refuses (H-1.21), `daemon`, and `pidfile`. A `default-path` that depends on where the file is says so
// with the directory instead; where it is in force for the next file too, the copy ends with one more `global` for that. Lines of blocks that do
// not count stay: HAProxy does not read them either, if its version is that of o. There are no copies if a problem is an error.
func LoadBeside(o Options) (program.Config, []Copy, program.Problems) {
	l := newLoader(o)
	l.edits = []changes{}
	l.load()
	var config program.Config
	if l.errors == 0 {
		config = l.convert()
	}
	l.problems.Sort()
	if len(l.problems.Errors()) > 0 {
		return program.Config{}, nil, l.problems
	}
	return config, l.copies(), l.problems
}

// changes are what the copy of one file has other than the file.
type changes struct {
	lines map[int]string // number → text
	end   string         // lines after the last one, where they shift nothing
}

// edit replaces the line that is being read, in the copy.
func (l *loader) edit(text string) {
	if n := len(l.edits); n > 0 {
		l.edits[n-1].lines[l.place.Line] = text
	}
}

// beginCopy gives the file name edits. HAProxy applies `default-path config` to every file anew, as it opens it, and begins where
// `origin` says: the copy before has to say it.
func (l *loader) beginCopy(name string) {
	if l.edits == nil {
		return
	}
	if n := len(l.edits); n > 0 && l.up != "" {
		l.edits[n-1].end = "global\n" + origin(name, l.up) + "\n"
	}
	l.edits = append(l.edits, changes{lines: make(map[int]string)})
}

// beside edits a line of a global section.
func (l *loader) beside(s statement) {
	switch s.text(0) {
	case "daemon", "pidfile":
		l.edit("")
	case "default-path":
		l.up = map[string]string{"config": "/.", "parent": "/.."}[s.text(1)]
		if l.up != "" {
			l.edit(origin(l.place.File, l.up))
		}
	}
}

// origin is the `default-path` that means up from the directory of the file name.
func origin(name, up string) string {
	dir := filepath.Dir(name)
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	return "default-path origin " + asWord(dir+up) // which follows symbolic links as HAProxy does
}

// asWord writes text so that HAProxy reads it as one word.
func asWord(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(text) + `"`
}

func (l *loader) copies() []Copy {
	copies := make([]Copy, len(l.files))
	for i, s := range l.files {
		copies[i] = Copy{Name: s.name, Data: edited(s.data, l.edits[i])}
	}
	return copies
}

func edited(data []byte, c changes) []byte {
	var out bytes.Buffer
	scan(data, func(raw rawLine) bool {
		text, ok := c.lines[raw.number]
		if !ok {
			text = raw.text
		}
		out.WriteString(text + "\n")
		return true
	})
	out.WriteString(c.end)
	return out.Bytes()
}

// Environ is env as an HAProxy beside mwlua gets it: without what was meant for mwlua alone, and with MWLUA, by which conditions in the
// configuration are answered alike (D-2).
func Environ(env []string) []string {
	e := newEnviron(env)
	for _, name := range dropped {
		e.unset(name)
	}
	e.set("MWLUA", "1")
	return e.list()
}
