package lua

import (
	"context"
	"path/filepath"

	"github.com/mwlua/mwlua/core/program"
)

// Rebuild makes the Handlers of a configuration from its sources (program.Config.Sources), as Open has made them: the same bounds, the
// same names. The files on the disk do not count, but those that read_file and env_file read are read again. Of o, Env should be what
// it was, and Files what they were: without them, the first source is the main file. Base is not needed. What the sources declare was
// checked when they were loaded, and is not checked again.
func Rebuild(sources []program.Source, o Options) (*Handlers, error) {
	l, err := rebuild(context.Background(), sources, o, nil)
	if err != nil {
		return nil, err
	}
	return newHandlers(l), nil
}

// rebuild runs sources again, until ctx ends. kept has what other files held then.
func rebuild(ctx context.Context, sources []program.Source, o Options, kept *keptFiles) (*loader, error) {
	texts := make(map[string]string, len(sources))
	for _, s := range sources {
		texts[absolute(s.Path)] = s.Text
	}
	if len(o.Files) == 0 && len(sources) > 0 {
		o.Files = []string{sources[0].Path}
	}
	o.Glob = func(pattern string) ([]string, error) { return matching(texts, pattern) }
	log := o.Log
	o.Log = nil // all has been said
	l := newLoader(o)
	l.files.texts, l.files.kept, l.again = texts, kept, true
	l.load(ctx)
	l.options.Log = log
	if l.failed || len(l.options.Files) == 0 {
		l.close()
		return nil, l.asError()
	}
	for _, d := range l.drafts {
		if !d.left() {
			spec := d.spec
			l.finishHandlers(d, &spec)
		}
	}
	l.finishHooks()
	return l, nil
}

// matching are the paths of texts that pattern, an absolute one, matches.
func matching(texts map[string]string, pattern string) ([]string, error) {
	var found []string
	for path := range texts {
		ok, err := filepath.Match(pattern, path)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, path)
		}
	}
	return found, nil
}
