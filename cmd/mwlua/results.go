package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
)

// results is where a command writes what it has found. A file has all of it or is what it was; a device or a pipe gets it at once.
type results struct {
	io.Writer
	pending *renameio.PendingFile // nil for what is no regular file
	direct  *os.File              // to be closed; nil for a pending one, and for standard output
	err     error                 // the first one
}

// resultsTo writes to the file at path, or to standard output, which is out, when path is "". The file must be none of inputs.
func resultsTo(path string, out io.Writer, inputs []string) (*results, error) {
	if path == "" {
		return &results{Writer: out}, nil
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		err = errors.New("it is a directory: name a file")
	case err == nil && slices.ContainsFunc(inputs, func(name string) bool { return sameAs(info, name) }):
		err = errors.New("it is one of the files that are read: name another one")
	case err == nil && (!info.Mode().IsRegular() || strings.HasPrefix(filepath.Clean(path), "/dev/")): // as /dev/stdout is a file that is open
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			return &results{Writer: f, direct: f}, nil
		}
		return nil, fmt.Errorf("cannot write to %s: %w", path, cause(err))
	default:
		if followed, err := filepath.EvalSymlinks(path); err == nil {
			path = followed
		}
		f, err2 := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o666), renameio.WithExistingPermissions())
		if err2 == nil {
			return &results{Writer: f, pending: f}, nil
		}
		err = cause(err2)
	}
	return nil, fmt.Errorf("cannot write to %s: %w", path, err)
}

func sameAs(info os.FileInfo, name string) bool {
	other, err := os.Stat(name)
	return err == nil && os.SameFile(info, other)
}

// Write implements io.Writer. After an error nothing is written.
func (r *results) Write(text []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.Writer.Write(text)
	r.err = err
	return n, err
}

// drop leaves a file as it was.
func (r *results) drop() {
	if r.pending != nil {
		_ = r.pending.Cleanup() // what is left is a file that nobody looks at
	}
	if r.direct != nil {
		r.direct.Close()
	}
}

// done puts the file where it belongs. The error is the first of all.
func (r *results) done() error {
	if r.err == nil && r.pending != nil {
		r.err = r.pending.CloseAtomicallyReplace()
	}
	r.drop()
	if r.err != nil {
		return fmt.Errorf("the results could not be written: %w", cause(r.err))
	}
	return nil
}
